//! What aligns sentences with pictures: projections of both towers into one space (CLIP, Radford et
//! al. 2021), and for the network that fuses them afterwards the heads and the queue of ALBEF (Li
//! et al. 2021), under its parameter names.

use serde::{Deserialize, Serialize};
use tch::nn::{self, Init, Module, Path};
use tch::{Kind, Tensor};

use crate::model::layer::{layer_norm, unit_rows};
use crate::model::network::NetworkInput;
use crate::model::network_config::NetworkConfig;

/// Sizes of the common space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlignmentConfig {
    /// E: its width. ALBEF: 256.
    pub width: i64,
    /// K: so many pairs of the steps before are told apart from those of a step, too. ALBEF: 65536.
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

/// Sentences and pictures of the same pairs in the common space: unit rows, `[B, E]` each.
#[derive(Debug)]
pub struct PairEmbeddings {
    pub text: Tensor,
    pub image: Tensor,
}

impl PairEmbeddings {
    /// The rows of both, one after the other.
    pub fn concat(&self, other: &PairEmbeddings) -> PairEmbeddings {
        let both = |a: &Tensor, b: &Tensor| Tensor::cat(&[a, b], 0);
        PairEmbeddings {
            text: both(&self.text, &other.text),
            image: both(&self.image, &other.image),
        }
    }
}

/// The heads that the momentum copy has too.
#[derive(Debug)]
pub struct AlignmentHeads {
    text: nn::Linear,
    image: nn::Linear,
    word_dense: nn::Linear,
    word_norm: nn::LayerNorm,
    word_bias: Tensor,
}

impl AlignmentHeads {
    fn new(path: &Path, suffix: &str, config: &NetworkConfig, width: i64) -> Self {
        let named = |name: &str| path / format!("{name}{suffix}");
        let d = config.hidden;
        let words = named("mlm_head");
        AlignmentHeads {
            text: nn::linear(named("text_proj"), d, width, Default::default()),
            image: nn::linear(named("vision_proj"), d, width, Default::default()),
            word_dense: nn::linear(&words / "dense", d, d, Default::default()),
            word_norm: layer_norm(&words / "norm", d, config.layer_norm_eps_bert),
            word_bias: words.zeros("bias", &[config.token_vocabulary]),
        }
    }

    /// What both towers give (`Tower::towers`) in the common space; none for a batch without
    /// pictures.
    pub fn project(&self, towers: &NetworkInput) -> Option<PairEmbeddings> {
        let image = self.project_image(towers.patches.as_ref()?);
        Some(PairEmbeddings {
            text: self.project_text(towers),
            image,
        })
    }

    /// The mean over each text's tokens, projected: unit rows `[B, E]`.
    pub fn project_text(&self, towers: &NetworkInput) -> Tensor {
        unit_rows(&self.text.forward(&towers.mean_over_tokens(&towers.text)))
    }

    /// The mean over each picture's patch states `[B, P, D]`, projected: unit rows `[B, E]`.
    pub fn project_image(&self, patches: &Tensor) -> Tensor {
        unit_rows(
            &self
                .image
                .forward(&patches.mean_dim([1i64].as_slice(), false, Kind::Float)),
        )
    }

    /// log p over the text encoder's tokens from states `[B, D]`, by its word embeddings `[W, D]`:
    /// `[B, W]`.
    pub fn word_log_prob(&self, state: &Tensor, words: &Tensor) -> Tensor {
        let x = self
            .word_norm
            .forward(&self.word_dense.forward(state).gelu("none"));
        x.linear(words, Some(&self.word_bias))
            .log_softmax(-1, Kind::Float)
    }
}

/// All heads of alignment, and the pairs of the last steps.
#[derive(Debug)]
pub struct Alignment {
    pub heads: AlignmentHeads,
    /// Of the momentum copy, where there is one.
    pub teacher: Option<AlignmentHeads>,
    /// Whether a sentence and a picture belong together, from the fused state.
    pub matching: nn::Linear,
    log_temperature: Tensor,
    queue: Queue,
}

impl Alignment {
    /// By what similarities are divided at first (both papers), and at least (CLIP).
    const TEMPERATURE: (f64, f64) = (0.07, 0.01);

    pub fn new(
        path: &Path,
        config: &NetworkConfig,
        sizes: AlignmentConfig,
        with_teacher: bool,
    ) -> Self {
        let heads = |suffix| AlignmentHeads::new(path, suffix, config, sizes.width);
        Alignment {
            heads: heads(""),
            teacher: with_teacher.then(|| heads("_m")),
            matching: nn::linear(path / "itm_head", config.hidden, 2, Default::default()),
            log_temperature: path.var("temp", &[1], Init::Const(Self::TEMPERATURE.0.ln())),
            queue: Queue::new(path, sizes),
        }
    }

    /// `[1]`; learned as its logarithm, as in CLIP.
    pub fn temperature(&self) -> Tensor {
        self.log_temperature
            .clamp_min(Self::TEMPERATURE.1.ln())
            .exp()
    }

    /// The pairs of the last steps and their entities' rows `[K]`, −1 where none was yet.
    pub fn queued(&self) -> (PairEmbeddings, Tensor) {
        let Queue {
            text,
            image,
            labels,
        } = &self.queue;
        (
            PairEmbeddings {
                text: text.shallow_clone(),
                image: image.shallow_clone(),
            },
            labels.to_kind(Kind::Int64),
        )
    }

    /// Puts a step's pairs before the queue, whose oldest fall off.
    pub fn enqueue(&self, views: &PairEmbeddings, labels: &Tensor) {
        let Queue {
            text,
            image,
            labels: queued,
        } = &self.queue;
        tch::no_grad(|| {
            for (queue, new) in [
                (text, &views.text),
                (image, &views.image),
                (queued, &labels.to_kind(Kind::Float)),
            ] {
                let all = Tensor::cat(&[new, queue], 0);
                queue
                    .shallow_clone()
                    .copy_(&all.narrow(0, 0, queue.size()[0]));
            }
        });
    }
}

/// The newest first, as parameters that are not trained: so a stopped training goes on with them.
#[derive(Debug)]
struct Queue {
    text: Tensor,
    image: Tensor,
    labels: Tensor,
}

impl Queue {
    fn new(path: &Path, AlignmentConfig { width, queue }: AlignmentConfig) -> Self {
        let mut labels = path.zeros_no_train("idx_queue", &[queue]);
        let _ = labels.fill_(-1.0);
        let views = |name| path.zeros_no_train(name, &[queue, width]);
        Queue {
            text: views("text_queue"),
            image: views("image_queue"),
            labels,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn the_queue_holds_the_newest_pairs_first() {
        let store = nn::VarStore::new(Device::Cpu);
        let sizes = AlignmentConfig { width: 2, queue: 3 };
        let config = NetworkConfig {
            hidden: 4,
            token_vocabulary: 5,
            ..NetworkConfig::default()
        };
        let alignment = Alignment::new(&store.root(), &config, sizes, false);
        assert_eq!(alignment.queued().1, Tensor::from_slice(&[-1i64, -1, -1]));
        let step = |x: f32, labels: &[i64]| {
            let rows = Tensor::full(
                [labels.len() as i64, 2],
                f64::from(x),
                (Kind::Float, Device::Cpu),
            );
            alignment.enqueue(
                &PairEmbeddings {
                    text: rows.copy(),
                    image: -rows,
                },
                &Tensor::from_slice(labels),
            );
        };
        step(0.5, &[7, 8]);
        step(0.25, &[9, 7]);
        let (views, labels) = alignment.queued();
        assert_eq!(labels, Tensor::from_slice(&[9i64, 7, 7]));
        assert_eq!(
            views.text.select(1, 0),
            Tensor::from_slice(&[0.25f32, 0.25, 0.5])
        );
        assert_eq!(views.image, -views.text);
    }
}
