//! The sizes and constants of the network in `config.json`.

use serde::{Deserialize, Serialize};
use tch::Kind;

use crate::error::{Error, Result};
use crate::model::layer::LayerConfig;

/// The number of BERT's last layers that are trained. Paper: 1.
pub const TRAINED_BERT_LAYERS: usize = 1;

/// The sizes of the common space of sentences and images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlignmentConfig {
    /// E, the width of the common space. ALBEF: 256.
    pub width: i64,
    /// K, the number of pairs of previous steps that are negatives too. ALBEF: 65536.
    pub queue: i64,
}

impl Default for AlignmentConfig {
    fn default() -> Self {
        AlignmentConfig {
            width: 256,
            queue: 65536,
        }
    }
}

/// The pooling of the fused sequence to one hidden state per pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The hidden state at `[MASK]`, as published.
    #[default]
    Mask,
    /// The mean over the text's tokens, for text encoders that were trained with mean pooling.
    Mean,
}

/// The sizes of the network. `Default` has those of the paper (BERT-base, ResNet-50 patches).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkConfig {
    /// V, the number of rows of the entity head.
    pub entities: i64,
    /// C, the number of columns of the cluster head: classes + 1.
    pub clusters: i64,
    /// P, the number of patches of an image. Paper: 36.
    pub patches: i64,
    /// F, the number of features of a patch. Paper: 2048 (ResNet-50).
    pub patch_features: i64,
    /// D, the width of the hidden states. Paper: 768.
    pub hidden: i64,
    /// The number of layers of BERT. Paper: 12.
    pub bert_layers: i64,
    /// The number of layers of the vision Transformer. Paper: 3.
    pub vision_layers: i64,
    /// The number of layers of the cross-modal Transformer. Paper: 3.
    pub fusion_layers: i64,
    /// The number of attention heads of every layer. Paper: 12.
    pub heads: i64,
    /// The inner width of every feed-forward block. Paper: 3072.
    pub feed_forward: i64,
    /// W, the number of BERT's tokens.
    pub token_vocabulary: i64,
    /// The number of BERT's positions: the maximum length of a text in tokens.
    pub max_positions: i64,
    /// The epsilon of BERT's layer norms.
    pub layer_norm_eps_bert: f64,
    /// The epsilon of the other layer norms.
    pub layer_norm_eps: f64,
    #[serde(default, rename = "state")]
    pub pooling: Pooling,
    /// The sizes of the heads that align sentences with images. `None` if there are none, as
    /// published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alignment: Option<AlignmentConfig>,
    /// The dropout rate of attention weights and feed-forward blocks. Paper: .1.
    #[serde(default = "dropout")]
    pub dropout: f64,
    /// The dropout rate of the entity head and after the first linear layer of images. Paper: .2.
    #[serde(default = "head_dropout")]
    pub head_dropout: f64,
    /// The kind in which the layers' matrix products are computed. Parameters, norms and heads are
    /// always f32. It is a setting of the run, not of the model.
    #[serde(skip, default = "float")]
    pub compute: Kind,
}

fn dropout() -> f64 {
    0.1
}

fn float() -> Kind {
    Kind::Float
}

fn head_dropout() -> f64 {
    0.2
}

impl Default for NetworkConfig {
    fn default() -> Self {
        NetworkConfig {
            entities: 0,
            clusters: 1,
            patches: 36,
            patch_features: 2048,
            hidden: 768,
            bert_layers: 12,
            vision_layers: 3,
            fusion_layers: 3,
            heads: 12,
            feed_forward: 3072,
            token_vocabulary: 30522,
            max_positions: 512,
            layer_norm_eps_bert: 1e-12,
            layer_norm_eps: 1e-5,
            pooling: Pooling::Mask,
            alignment: None,
            dropout: dropout(),
            head_dropout: head_dropout(),
            compute: float(),
        }
    }
}

impl NetworkConfig {
    /// Returns the sizes of the vision and cross-modal layers.
    pub fn layer_config(&self) -> LayerConfig {
        LayerConfig {
            width: self.hidden,
            heads: self.heads,
            feed_forward: self.feed_forward,
            dropout: self.dropout,
            eps: self.layer_norm_eps,
            compute: self.compute,
        }
    }

    /// Checks the sizes.
    ///
    /// Errors: `Mismatch` for invalid sizes.
    pub fn validate(&self) -> Result<()> {
        self.validate_sizes()?;
        self.validate_epsilons()?;
        if self.hidden % self.heads != 0 {
            return Err(Error::Mismatch(format!(
                "the width {} is not divisible by the {} heads",
                self.hidden, self.heads
            )));
        }
        Ok(())
    }

    /// Checks that no size is below its minimum.
    fn validate_sizes(&self) -> Result<()> {
        let sizes = [
            ("entities", self.entities, 1),
            ("clusters", self.clusters, 1),
            ("patches", self.patches, 1),
            ("patch_features", self.patch_features, 1),
            ("hidden", self.hidden, 1),
            ("bert_layers", self.bert_layers, 1),
            ("vision_layers", self.vision_layers, 0),
            ("fusion_layers", self.fusion_layers, 0),
            ("heads", self.heads, 1),
            ("feed_forward", self.feed_forward, 1),
            ("token_vocabulary", self.token_vocabulary, 1),
            ("max_positions", self.max_positions, 1),
            (
                "alignment.width",
                self.alignment.map_or(1, |sizes| sizes.width),
                1,
            ),
            (
                "alignment.queue",
                self.alignment.map_or(0, |sizes| sizes.queue),
                0,
            ),
        ];
        if let Some((name, value, least)) =
            sizes.into_iter().find(|(_, value, least)| value < least)
        {
            return Err(Error::Mismatch(format!(
                "{name} is {value} (expected at least {least})"
            )));
        }
        Ok(())
    }

    /// Checks that the epsilons of the layer norms are in 0..1.
    fn validate_epsilons(&self) -> Result<()> {
        let small = [
            ("layer_norm_eps_bert", self.layer_norm_eps_bert),
            ("layer_norm_eps", self.layer_norm_eps),
        ];
        if let Some((name, value)) = small
            .into_iter()
            .find(|(_, value)| !(0.0..1.0).contains(value))
        {
            return Err(Error::Mismatch(format!(
                "{name} is {value} (expected at least 0 and below 1)"
            )));
        }
        Ok(())
    }
}
