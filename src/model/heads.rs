//! The heads on the hidden state of a pair: entity head, projection head and cluster head.

use tch::nn::{self, Module, ModuleT, Path};
use tch::{Kind, Tensor};

use crate::model::layer::{layer_norm, unit_rows};
use crate::model::network_config::NetworkConfig;

/// The entity head: `Linear·Dropout·LayerNorm·GELU·Linear(V)·Dropout·LogSoftmax`.
#[derive(Debug)]
pub struct EntityHead {
    first: nn::Linear,
    norm: nn::LayerNorm,
    last: nn::Linear,
    dropout: f64,
}

impl EntityHead {
    pub fn new(path: Path, config: &NetworkConfig) -> Self {
        EntityHead {
            first: nn::linear(&path / 0, config.hidden, config.hidden, Default::default()),
            norm: layer_norm(&path / 2, config.hidden, config.layer_norm_eps),
            last: nn::linear(
                &path / 4,
                config.hidden,
                config.entities,
                Default::default(),
            ),
            dropout: config.head_dropout,
        }
    }

    /// Returns the input g of the last linear layer: `[B, D]` → `[B, D]`.
    pub fn pre_head(&self, hidden: &Tensor, train: bool) -> Tensor {
        self.norm
            .forward(&self.first.forward(hidden).dropout(self.dropout, train))
            .gelu("none")
    }

    /// Returns log p over the vocabulary from g: `[B, D]` → `[B, V]`.
    ///
    /// `logit_dropout` is the rate of the dropout before the softmax, which the published head has
    /// and the default recipe turns off.
    pub fn log_prob(&self, pre_head: &Tensor, train: bool, logit_dropout: f64) -> Tensor {
        self.last
            .forward(pre_head)
            .dropout(logit_dropout, train)
            .log_softmax(-1, Kind::Float)
    }

    /// Returns the weight `[V, D]` and the bias `[V]` of the last layer, which the index stores.
    pub fn last_layer(&self) -> (Tensor, Tensor) {
        let bias = self.last.bs.as_ref().map_or_else(
            || {
                Tensor::zeros(
                    [self.last.ws.size()[0]],
                    (Kind::Float, self.last.ws.device()),
                )
            },
            Tensor::shallow_clone,
        );
        (self.last.ws.detach(), bias.detach())
    }

    /// Initialises the first layer as the identity, so that g starts as the normed hidden state of
    /// the encoder.
    pub fn start_as_identity(&mut self) {
        let width = self.first.ws.size()[0];
        let eye = Tensor::eye(width, (Kind::Float, self.first.ws.device()));
        tch::no_grad(|| {
            self.first.ws.copy_(&eye);
            if let Some(bias) = &mut self.first.bs {
                let _ = bias.zero_();
            }
        });
    }

    /// Initialises the last layer as a similarity to each entity's mean g, `means [V, D]`: rows are
    /// centred, scaled to unit length and multiplied by `scale` / mean norm. The bias gives the
    /// centre the score 0.
    pub fn start_as_similarity(&mut self, means: &Tensor, scale: f64) {
        let centre = means.mean_dim(0, true, Kind::Float);
        let centred = means - &centre;
        let norms = centred.norm_scalaropt_dim(2.0, [1i64].as_slice(), true);
        let rows = &centred / norms.clamp_min(1e-6)
            * (scale / norms.mean(Kind::Float).double_value(&[]).max(1e-6));
        tch::no_grad(|| {
            self.last.ws.copy_(&rows);
            if let Some(bias) = &mut self.last.bs {
                bias.copy_(&-rows.matmul(&centre.squeeze_dim(0)));
            }
        });
    }
}

/// The projection head of the contrastive task: `Linear(256, no bias)·BatchNorm·ReLU·Linear(128)`,
/// L2-normalised.
#[derive(Debug)]
pub struct ProjectionHead {
    first: nn::Linear,
    norm: nn::BatchNorm,
    last: nn::Linear,
}

impl ProjectionHead {
    /// The inner and the outer width. Paper: 256 and 128.
    const WIDTHS: (i64, i64) = (256, 128);

    pub fn new(path: Path, config: &NetworkConfig) -> Self {
        let (inner, outer) = Self::WIDTHS;
        ProjectionHead {
            first: nn::linear(
                &path / 0,
                config.hidden,
                inner,
                nn::LinearConfig {
                    bias: false,
                    ..Default::default()
                },
            ),
            norm: nn::batch_norm1d(&path / 1, inner, Default::default()),
            last: nn::linear(&path / 3, inner, outer, Default::default()),
        }
    }

    /// Projects hidden states to unit rows: `[B, D]` → `[B, 128]`.
    pub fn forward(&self, hidden: &Tensor, train: bool) -> Tensor {
        let x = self.last.forward(
            &self
                .norm
                .forward_t(&self.first.forward(hidden), train)
                .relu(),
        );
        unit_rows(&x)
    }
}

/// The cluster head of the clustering task:
/// `BatchNorm·ReLU·Linear·BatchNorm·ReLU·Linear(C)·Softmax`.
#[derive(Debug)]
pub struct ClusterHead {
    first_norm: nn::BatchNorm,
    first: nn::Linear,
    last_norm: nn::BatchNorm,
    last: nn::Linear,
}

impl ClusterHead {
    pub fn new(path: Path, config: &NetworkConfig) -> Self {
        let d = config.hidden;
        ClusterHead {
            first_norm: nn::batch_norm1d(&path / 0, d, Default::default()),
            first: nn::linear(&path / 2, d, d, Default::default()),
            last_norm: nn::batch_norm1d(&path / 3, d, Default::default()),
            last: nn::linear(&path / 5, d, config.clusters, Default::default()),
        }
    }

    /// Returns the class probabilities of hidden states: `[B, D]` → `[B, C]`, rows that sum to 1.
    pub fn forward(&self, hidden: &Tensor, train: bool) -> Tensor {
        let x = self
            .first
            .forward(&self.first_norm.forward_t(hidden, train).relu());
        self.last
            .forward(&self.last_norm.forward_t(&x, train).relu())
            .softmax(-1, Kind::Float)
    }
}
