//! The whole of MultiExpan: text encoder, vision and cross-modal encoders, heads, and the momentum
//! copy.

use tch::nn::{self, Module, Path};
use tch::{Kind, Tensor};

use crate::model::alignment_heads::Alignment;
use crate::model::bert::Bert;
use crate::model::heads::{ClusterHead, EntityHead, ProjectionHead};
use crate::model::layer::{LayerConfig, TransformerLayer, attention_bias, layer_norm, linear};
use crate::model::network_config::{NetworkConfig, Pooling};
use crate::types::Mode;

/// How many of BERT's last layers are trained. Paper: 1.
pub const TRAINED_BERT_LAYERS: usize = 1;

/// A batch of pairs as the trained part takes it.
#[derive(Debug)]
pub struct NetworkInput {
    /// States after BERT's frozen layers, `[B, L, D]`.
    pub text: Tensor,
    /// True at tokens, false at padding, `[B, L]`.
    pub text_keep: Tensor,
    /// Where `[MASK]` stands, `[B]`.
    pub mask_position: Tensor,
    /// Patch features `[B, P, F]`; none where no row has a picture.
    pub patches: Option<Tensor>,
    /// Rows that are shown their picture, `[B]` bool; none: all.
    pub image_keep: Option<Tensor>,
}

impl NetworkInput {
    /// Each text's mean over its tokens: `[B, L, D]` → `[B, D]`.
    pub fn mean_over_tokens(&self, texts: &Tensor) -> Tensor {
        let keep = self.text_keep.to_kind(Kind::Float).unsqueeze(-1); // [B, L, 1]
        (texts * &keep).sum_dim_intlist([1i64].as_slice(), false, Kind::Float)
            / keep.sum_dim_intlist([1i64].as_slice(), false, Kind::Float)
    }

    /// Each text's state where `[MASK]` stands: `[B, L, D]` → `[B, D]`.
    pub fn at_mask(&self, texts: &Tensor) -> Tensor {
        let at = self
            .mask_position
            .view([-1, 1, 1])
            .expand([-1, 1, texts.size()[2]], false);
        texts.gather(1, &at, false).squeeze_dim(1)
    }

    /// Other pairs out of the same sentences and pictures: row i has text `texts[i]` and picture
    /// `images[i]`.
    pub fn recombined(&self, texts: &Tensor, images: &Tensor) -> NetworkInput {
        let of = |x: &Tensor, rows: &Tensor| x.index_select(0, rows);
        NetworkInput {
            text: of(&self.text, texts),
            text_keep: of(&self.text_keep, texts),
            mask_position: of(&self.mask_position, texts),
            patches: self.patches.as_ref().map(|x| of(x, images)),
            image_keep: self.image_keep.as_ref().map(|x| of(x, images)),
        }
    }
}

/// Everything between the frozen BERT and log p; the published code has it twice, plain and `_m`.
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
    /// `suffix` is "" or "_m".
    fn new(path: &Path, suffix: &str, config: &NetworkConfig) -> Self {
        let named = |name: &str| path / format!("{name}{suffix}");
        let layers = |name: &str, count| {
            let at = named(name) / "layers";
            (0..count)
                .map(|i| TransformerLayer::new(&at / i, LayerConfig::of(config)))
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

    /// Patch features `[B, P, F]` → patch states `[B, P, D]`.
    pub fn encode_patches(&self, patches: &Tensor, train: bool) -> Tensor {
        let x =
            linear(&self.visual_linear, patches, self.compute).dropout(self.head_dropout, train);
        let x = self
            .visual_norm
            .forward(&x.to_kind(Kind::Float))
            .gelu("none")
            + &self.visual_position;
        let all = Tensor::zeros([1, 1, 1, x.size()[1]], (Kind::Float, x.device()));
        self.vision
            .iter()
            .fold(x, |x, layer| layer.forward(&x, &all, train))
    }

    /// The same batch behind the text and the vision encoder, which have not met yet: texts `[B, L,
    /// D]`, patches `[B, P, D]`.
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

    /// What [`Tower::towers`] gave through the cross-modal encoder; the text's part of it, `[B, L,
    /// D]`.
    pub fn fuse(&self, towers: &NetworkInput, train: bool) -> Tensor {
        let text = &towers.text;
        let (sequence, bias) = match &towers.patches {
            None => (text.shallow_clone(), attention_bias(&towers.text_keep)),
            Some(seen) => {
                let keep = match &towers.image_keep {
                    Some(rows) => rows
                        .unsqueeze(1)
                        .expand([seen.size()[0], seen.size()[1]], false),
                    None => Tensor::ones(
                        [seen.size()[0], seen.size()[1]],
                        (Kind::Bool, seen.device()),
                    ),
                };
                let keep = Tensor::cat(&[&towers.text_keep, &keep], 1); // [B, L + P]
                (Tensor::cat(&[text, seen], 1), attention_bias(&keep))
            }
        };
        let fused = self
            .fusion
            .iter()
            .fold(sequence, |x, layer| layer.forward(&x, &bias, train));
        fused.narrow(1, 0, text.size()[1])
    }

    /// The pair's state h, `[B, D]`.
    pub fn hidden(&self, input: &NetworkInput, train: bool) -> Tensor {
        let towers = self.encode_separately(input, train);
        self.pool(&self.fuse(&towers, train), &towers)
    }

    /// The input of the entity head's last layer, g, `[B, D]`, without dropout and without
    /// gradient.
    pub fn pre_head(&self, input: &NetworkInput) -> Tensor {
        tch::no_grad(|| self.head.pre_head(&self.hidden(input, false), false))
    }

    /// From the text's part of the fused sequence `[B, L, D]` to `[B, D]`.
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
    /// The momentum copy, where the tasks need it.
    pub teacher: Option<Tower>,
    pub projection: ProjectionHead,
    pub cluster: ClusterHead,
    /// Where the sizes have it.
    pub alignment: Option<Alignment>,
}

impl Network {
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

    /// Pairs as a network that aligns represents them, without gradient: what the text or the image
    /// tower gives in the common space, `[B, E]`; for both the fused state, `[B, D]`. None where it
    /// has no such heads, or the input no picture.
    pub fn represent(&self, input: &NetworkInput, mode: Mode) -> Option<Tensor> {
        let heads = &self.alignment.as_ref()?.heads;
        tch::no_grad(|| {
            let towers = self.student.encode_separately(input, false);
            match mode {
                Mode::Text => Some(heads.project_text(&towers)),
                Mode::Image => towers
                    .patches
                    .as_ref()
                    .map(|patches| heads.project_image(patches)),
                _ => Some(
                    self.student
                        .pool(&self.student.fuse(&towers, false), &towers),
                ),
            }
        })
    }

    /// Starts the new layers from what the encoders know: norm gains at `gain` (near 0 a layer is
    /// the identity), the entity head's first layer as the identity.
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
