//! The whole of MultiExpan: text encoder, vision and cross-modal encoders, heads, and the momentum copy.

use tch::nn::{self, Module, Path};
use tch::{Kind, Tensor};

use super::bert::Bert;
use super::config::{Config, State};
use super::heads::{ClusterHead, EntityHead, ProjectionHead};
use super::layer::{Layer, LayerConfig, attention_bias, layer_norm, linear};

/// How many of BERT's last layers are trained. Paper: 1.
pub const TRAINED_BERT_LAYERS: usize = 1;

/// A batch of pairs as the trained part takes it.
#[derive(Debug)]
pub struct Input {
    /// States after BERT's frozen layers, `[B, L, D]`.
    pub text: Tensor,
    /// True at tokens, false at padding, `[B, L]`.
    pub text_keep: Tensor,
    /// Where `[MASK]` stands, `[B]`.
    pub mask_at: Tensor,
    /// Patch features `[B, P, F]`; none where no row has a picture.
    pub patches: Option<Tensor>,
    /// Rows that are shown their picture, `[B]` bool; none: all.
    pub image_keep: Option<Tensor>,
}

/// Everything between the frozen BERT and log p; the published code has it twice, plain and `_m`.
#[derive(Debug)]
pub struct Tower {
    pub bert: Bert,
    visual_linear: nn::Linear,
    visual_norm: nn::LayerNorm,
    visual_position: Tensor,
    vision: Vec<Layer>,
    fusion: Vec<Layer>,
    pub head: EntityHead,
    state: State,
    head_dropout: f64,
    compute: Kind,
}

impl Tower {
    /// `suffix` is "" or "_m".
    fn new(path: &Path, suffix: &str, config: &Config) -> Self {
        let named = |name: &str| path / format!("{name}{suffix}");
        let layers = |name: &str, count| {
            let at = named(name) / "layers";
            (0..count).map(|i| Layer::new(&at / i, LayerConfig::of(config))).collect()
        };
        let visual = named("visual_linear");
        Tower {
            bert: Bert::new(named("bert"), config),
            visual_linear: nn::linear(&visual / 0, config.patch_features, config.hidden, Default::default()),
            visual_norm: layer_norm(&visual / 2, config.hidden, config.layer_norm_eps),
            visual_position: path.var(
                &format!("visual_pos_embedding{suffix}"),
                &[1, config.patches, config.hidden],
                nn::Init::Randn { mean: 0.0, stdev: 0.02 },
            ),
            vision: layers("visual_transformer", config.vision_layers),
            fusion: layers("cross_transformer", config.fusion_layers),
            head: EntityHead::new(named("head"), config),
            state: config.state,
            head_dropout: config.head_dropout,
            compute: config.compute,
        }
    }

    /// Patch features `[B, P, F]` → patch states `[B, P, D]`.
    pub fn see(&self, patches: &Tensor, train: bool) -> Tensor {
        let x = linear(&self.visual_linear, patches, self.compute).dropout(self.head_dropout, train);
        let x = self.visual_norm.forward(&x.to_kind(Kind::Float)).gelu("none") + &self.visual_position;
        let all = Tensor::zeros([1, 1, 1, x.size()[1]], (Kind::Float, x.device()));
        self.vision.iter().fold(x, |x, layer| layer.forward(&x, &all, train))
    }

    /// The pair's state h, `[B, D]`.
    pub fn state(&self, input: &Input, train: bool) -> Tensor {
        let text_bias = attention_bias(&input.text_keep);
        let text = self.bert.upper(&input.text, &text_bias, TRAINED_BERT_LAYERS, train);
        let length = text.size()[1];
        let (sequence, bias) = match &input.patches {
            None => (text, text_bias),
            Some(patches) => {
                let seen = self.see(patches, train);
                let keep = match &input.image_keep {
                    Some(rows) => rows.unsqueeze(1).expand([seen.size()[0], seen.size()[1]], false),
                    None => Tensor::ones([seen.size()[0], seen.size()[1]], (Kind::Bool, seen.device())),
                };
                let keep = Tensor::cat(&[&input.text_keep, &keep], 1); // [B, L + P]
                (Tensor::cat(&[text, seen], 1), attention_bias(&keep))
            }
        };
        let fused = self.fusion.iter().fold(sequence, |x, layer| layer.forward(&x, &bias, train));
        self.pool(&fused.narrow(1, 0, length), input)
    }

    /// The input of the entity head's last layer, g, `[B, D]`, without dropout and without gradient.
    pub fn seen(&self, input: &Input) -> Tensor {
        tch::no_grad(|| self.head.pre_head(&self.state(input, false), false))
    }

    /// From the text's part of the fused sequence `[B, L, D]` to `[B, D]`.
    fn pool(&self, fused: &Tensor, input: &Input) -> Tensor {
        match self.state {
            State::Mask => {
                let at = input.mask_at.view([-1, 1, 1]).expand([-1, 1, fused.size()[2]], false);
                fused.gather(1, &at, false).squeeze_dim(1)
            }
            State::Mean => {
                let keep = input.text_keep.to_kind(Kind::Float).unsqueeze(-1); // [B, L, 1]
                (fused * &keep).sum_dim_intlist([1i64].as_slice(), false, Kind::Float)
                    / keep.sum_dim_intlist([1i64].as_slice(), false, Kind::Float)
            }
        }
    }
}

/// The network with all its heads.
#[derive(Debug)]
pub struct Network {
    pub config: Config,
    pub student: Tower,
    /// The momentum copy, where the tasks need it.
    pub teacher: Option<Tower>,
    pub projection: ProjectionHead,
    pub cluster: ClusterHead,
}

impl Network {
    pub fn new(path: &Path, config: &Config, with_teacher: bool) -> Self {
        Network {
            config: config.clone(),
            student: Tower::new(path, "", config),
            teacher: with_teacher.then(|| Tower::new(path, "_m", config)),
            projection: ProjectionHead::new(path / "projection_head", config),
            cluster: ClusterHead::new(path / "cluster_head", config),
        }
    }

    /// Starts the new layers from what the encoders know: norm gains at `gain` (near 0 a layer is the identity),
    /// the entity head's first layer as the identity.
    pub fn start_from_encoders(&mut self, gain: f64) {
        let tower = &mut self.student;
        tower.vision.iter_mut().chain(&mut tower.fusion).for_each(|layer| layer.set_gain(gain));
        tower.head.start_as_identity();
    }
}
