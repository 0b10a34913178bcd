//! The network of MultiExpan: text encoder, vision and cross-modal encoders, heads, and the
//! momentum copy.

use tch::nn::{self, Module, Path};
use tch::{Kind, Tensor};

use crate::model::alignment_heads::Alignment;
use crate::model::bert::Bert;
use crate::model::heads::{ClusterHead, EntityHead, ProjectionHead};
use crate::model::layer::{TransformerLayer, attention_bias, layer_norm, linear};
use crate::model::network_config::{NetworkConfig, Pooling, TRAINED_BERT_LAYERS};
use crate::model::network_input::NetworkInput;
use crate::types::Mode;

/// The part of the network from the frozen layers of BERT to log p. The network may have two: the
/// trained one, and its momentum copy with the suffix `_m`.
#[derive(Debug)]
pub struct Tower {
    pub bert: Bert,
    visual_linear: nn::Linear,
    visual_norm: nn::LayerNorm,
    visual_position: Tensor,
    vision: Vec<TransformerLayer>,
    fusion: Vec<TransformerLayer>,
    pub head: EntityHead,
    pooling: Pooling,
    head_dropout: f64,
    compute: Kind,
}

impl Tower {
    /// Makes a tower whose parameter names have the `suffix` "" or "_m".
    fn new(path: &Path, suffix: &str, config: &NetworkConfig) -> Self {
        let named = |name: &str| path / format!("{name}{suffix}");
        let layers = |name: &str, count| {
            let layers = named(name) / "layers";
            (0..count)
                .map(|i| TransformerLayer::new(&layers / i, config.layer_config()))
                .collect()
        };
        let visual = named("visual_linear");
        Tower {
            bert: Bert::new(named("bert"), config),
            visual_linear: nn::linear(
                &visual / 0,
                config.patch_features,
                config.hidden,
                Default::default(),
            ),
            visual_norm: layer_norm(&visual / 2, config.hidden, config.layer_norm_eps),
            visual_position: path.var(
                &format!("visual_pos_embedding{suffix}"),
                &[1, config.patches, config.hidden],
                nn::Init::Randn {
                    mean: 0.0,
                    stdev: 0.02,
                },
            ),
            vision: layers("visual_transformer", config.vision_layers),
            fusion: layers("cross_transformer", config.fusion_layers),
            head: EntityHead::new(named("head"), config),
            pooling: config.pooling,
            head_dropout: config.head_dropout,
            compute: config.compute,
        }
    }

    /// Encodes patch features: `[B, P, F]` → `[B, P, D]`.
    pub fn encode_patches(&self, patches: &Tensor, train: bool) -> Tensor {
        let x =
            linear(&self.visual_linear, patches, self.compute).dropout(self.head_dropout, train);
        let x = self
            .visual_norm
            .forward(&x.to_kind(Kind::Float))
            .gelu("none")
            + &self.visual_position;
        let no_bias = Tensor::zeros([1, 1, 1, x.size()[1]], (Kind::Float, x.device()));
        self.vision
            .iter()
            .fold(x, |x, layer| layer.forward(&x, &no_bias, train))
    }

    /// Encodes texts and images separately: texts `[B, L, D]`, patches `[B, P, D]`.
    pub fn encode_separately(&self, input: &NetworkInput, train: bool) -> NetworkInput {
        NetworkInput {
            text: self.bert.upper(
                &input.text,
                &attention_bias(&input.text_keep),
                TRAINED_BERT_LAYERS,
                train,
            ),
            text_keep: input.text_keep.shallow_clone(),
            mask_position: input.mask_position.shallow_clone(),
            patches: input
                .patches
                .as_ref()
                .map(|patches| self.encode_patches(patches, train)),
            image_keep: input.image_keep.as_ref().map(Tensor::shallow_clone),
        }
    }

    /// Applies the cross-modal encoder to the result of [`Tower::encode_separately`]. Returns the
    /// text's part of the sequence, `[B, L, D]`.
    pub fn fuse(&self, encoded: &NetworkInput, train: bool) -> Tensor {
        let text = &encoded.text;
        let (sequence, bias) = match &encoded.patches {
            None => (text.shallow_clone(), attention_bias(&encoded.text_keep)),
            Some(patches) => {
                let keep = match &encoded.image_keep {
                    Some(rows) => rows
                        .unsqueeze(1)
                        .expand([patches.size()[0], patches.size()[1]], false),
                    None => Tensor::ones(
                        [patches.size()[0], patches.size()[1]],
                        (Kind::Bool, patches.device()),
                    ),
                };
                let keep = Tensor::cat(&[&encoded.text_keep, &keep], 1); // [B, L + P]
                (Tensor::cat(&[text, patches], 1), attention_bias(&keep))
            }
        };
        let fused = self
            .fusion
            .iter()
            .fold(sequence, |x, layer| layer.forward(&x, &bias, train));
        fused.narrow(1, 0, text.size()[1])
    }

    /// Returns the hidden state h of each pair, `[B, D]`.
    pub fn hidden(&self, input: &NetworkInput, train: bool) -> Tensor {
        let encoded = self.encode_separately(input, train);
        self.pool(&self.fuse(&encoded, train), &encoded)
    }

    /// Returns the input g of the entity head's last layer, `[B, D]`, without dropout and without
    /// gradient.
    pub fn pre_head(&self, input: &NetworkInput) -> Tensor {
        tch::no_grad(|| self.head.pre_head(&self.hidden(input, false), false))
    }

    /// Pools the text's part of the fused sequence: `[B, L, D]` → `[B, D]`.
    pub fn pool(&self, fused: &Tensor, input: &NetworkInput) -> Tensor {
        match self.pooling {
            Pooling::Mask => input.at_mask(fused),
            Pooling::Mean => input.mean_over_tokens(fused),
        }
    }
}

/// The network with all its heads.
#[derive(Debug)]
pub struct Network {
    pub config: NetworkConfig,
    pub student: Tower,
    /// The momentum copy, if a training task needs it.
    pub teacher: Option<Tower>,
    pub projection: ProjectionHead,
    pub cluster: ClusterHead,
    /// The alignment heads, if the sizes have them.
    pub alignment: Option<Alignment>,
}

impl Network {
    /// Makes a network, with a momentum copy if `with_teacher`.
    pub fn new(path: &Path, config: &NetworkConfig, with_teacher: bool) -> Self {
        Network {
            config: config.clone(),
            student: Tower::new(path, "", config),
            teacher: with_teacher.then(|| Tower::new(path, "_m", config)),
            projection: ProjectionHead::new(path / "projection_head", config),
            cluster: ClusterHead::new(path / "cluster_head", config),
            alignment: config
                .alignment
                .map(|sizes| Alignment::new(path, config, sizes, with_teacher)),
        }
    }

    /// Returns the representation of pairs by the alignment heads, without gradient: the text or
    /// the image in the common space, `[B, E]`; for both the fused hidden state, `[B, D]`. Returns
    /// `None` if the network has no such heads, or the input has no images.
    pub fn represent(&self, input: &NetworkInput, mode: Mode) -> Option<Tensor> {
        let heads = &self.alignment.as_ref()?.heads;
        tch::no_grad(|| {
            let encoded = self.student.encode_separately(input, false);
            match mode {
                Mode::Text => Some(heads.project_text(&encoded)),
                Mode::Image => encoded
                    .patches
                    .as_ref()
                    .map(|patches| heads.project_image(patches)),
                _ => Some(
                    self.student
                        .pool(&self.student.fuse(&encoded, false), &encoded),
                ),
            }
        })
    }

    /// Initialises the new layers so that the network starts from the encoders' output: the norms'
    /// gains are `gain` (close to 0, a layer is the identity), and the first layer of the entity
    /// head is the identity.
    pub fn start_from_encoders(&mut self, gain: f64) {
        let tower = &mut self.student;
        tower
            .vision
            .iter_mut()
            .chain(&mut tower.fusion)
            .for_each(|layer| layer.set_gain(gain));
        tower.head.start_as_identity();
    }
}
