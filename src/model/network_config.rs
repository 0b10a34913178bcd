//! Sizes and constants of the network, as `config.json` writes them.

use serde::{Deserialize, Serialize};
use tch::Kind;

use crate::error::{Error, Result};
use crate::model::alignment_heads::AlignmentConfig;

/// Which state of the fused sequence stands for the pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The state at `[MASK]`, as published.
    #[default]
    Mask,
    /// The mean over the text's tokens: better where the text encoder was trained for mean pooling.
    Mean,
}

/// Sizes of the network. `Default` is the paper's (BERT-base, ResNet-50 patches).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkConfig {
    /// V: rows of the entity head.
    pub entities: i64,
    /// C: columns of the cluster head, classes + 1.
    pub clusters: i64,
    /// P: patches of a picture. Paper: 36.
    pub patches: i64,
    /// F: features of a patch. Paper: 2048 (ResNet-50).
    pub patch_features: i64,
    /// D: width. Paper: 768.
    pub hidden: i64,
    /// Paper: 12.
    pub bert_layers: i64,
    /// Paper: 3.
    pub vision_layers: i64,
    /// Paper: 3.
    pub fusion_layers: i64,
    /// Attention heads of every layer. Paper: 12.
    pub heads: i64,
    /// Inner width of every feed-forward block. Paper: 3072.
    pub feed_forward: i64,
    pub token_vocabulary: i64,
    /// The longest text in tokens that BERT's positions allow.
    pub max_positions: i64,
    pub layer_norm_eps_bert: f64,
    pub layer_norm_eps: f64,
    #[serde(default, rename = "state")]
    pub pooling: Pooling,
    /// Of a network that aligns sentences with pictures; none: it has no heads for that, as
    /// published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alignment: Option<AlignmentConfig>,
    /// On attention weights and in feed-forward blocks. Paper: .1.
    #[serde(default = "dropout")]
    pub dropout: f64,
    /// In the entity head and after the picture's first linear. Paper: .2.
    #[serde(default = "head_dropout")]
    pub head_dropout: f64,
    /// What the layers' products are computed in; parameters, norms and heads stay f32. Of the run,
    /// not of the model.
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
    /// Refuses sizes that no network can have.
    pub fn validate(&self) -> Result<()> {
        self.validate_sizes()?;
        self.validate_epsilons()?;
        if self.hidden % self.heads != 0 {
            return Err(Error::Mismatch(format!(
                "a width of {} does not divide into {} heads",
                self.hidden, self.heads
            )));
        }
        Ok(())
    }

    /// Refuses a size below the least that it can have.
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
                "the model's {name} is {value}; it must be at least {least}"
            )));
        }
        Ok(())
    }

    /// Refuses a constant of the layer norms that is not in 0..1.
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
                "the model's {name} is {value}; it must be at least 0 and below 1"
            )));
        }
        Ok(())
    }
}
