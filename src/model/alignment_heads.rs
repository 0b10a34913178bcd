//! The heads that align sentences with images: projections of both encoders into one space (CLIP,
//! Radford et al. 2021), and the heads and the queue of ALBEF (Li et al. 2021) for a network that
//! fuses them. Parameter names are those of ALBEF.

use tch::nn::{self, Init, Module, Path};
use tch::{Kind, Tensor};

use crate::model::layer::{layer_norm, unit_rows};
use crate::model::network_config::{AlignmentConfig, NetworkConfig};
use crate::model::network_input::NetworkInput;

/// The sentences and images of the same pairs in the common space: unit rows, `[B, E]` each.
#[derive(Debug)]
pub struct PairEmbeddings {
    pub text: Tensor,
    pub image: Tensor,
}

impl PairEmbeddings {
    /// Returns the rows of `self`, then those of `other`.
    pub fn concat(&self, other: &PairEmbeddings) -> PairEmbeddings {
        let both = |a: &Tensor, b: &Tensor| Tensor::cat(&[a, b], 0);
        PairEmbeddings {
            text: both(&self.text, &other.text),
            image: both(&self.image, &other.image),
        }
    }
}

/// The heads that also have a momentum copy.
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

    /// Projects the encoded sentences and images (`Tower::encode_separately`) into the common
    /// space. Returns `None` for a batch without images.
    pub fn project(&self, encoded: &NetworkInput) -> Option<PairEmbeddings> {
        let image = self.project_image(encoded.patches.as_ref()?);
        Some(PairEmbeddings {
            text: self.project_text(encoded),
            image,
        })
    }

    /// Projects the mean over the tokens of each text: unit rows `[B, E]`.
    pub fn project_text(&self, encoded: &NetworkInput) -> Tensor {
        unit_rows(&self.text.forward(&encoded.mean_over_tokens(&encoded.text)))
    }

    /// Projects the mean over the patch states `[B, P, D]` of each image: unit rows `[B, E]`.
    pub fn project_image(&self, patches: &Tensor) -> Tensor {
        unit_rows(
            &self
                .image
                .forward(&patches.mean_dim([1i64].as_slice(), false, Kind::Float)),
        )
    }

    /// Returns log p over the text encoder's tokens from hidden states `[B, D]` and its word
    /// embeddings `[W, D]`: `[B, W]`.
    pub fn word_log_prob(&self, hidden: &Tensor, words: &Tensor) -> Tensor {
        let x = self
            .word_norm
            .forward(&self.word_dense.forward(hidden).gelu("none"));
        x.linear(words, Some(&self.word_bias))
            .log_softmax(-1, Kind::Float)
    }
}

/// All alignment heads, and the pairs of the last steps.
#[derive(Debug)]
pub struct Alignment {
    pub heads: AlignmentHeads,
    /// The momentum copy, if there is one.
    pub teacher: Option<AlignmentHeads>,
    /// Classifies from the fused hidden state whether a sentence and an image belong together.
    pub matching: nn::Linear,
    log_temperature: Tensor,
    queue: Queue,
}

impl Alignment {
    /// The initial temperature. Source: both papers.
    const INITIAL_TEMPERATURE: f64 = 0.07;
    /// The minimum temperature. Source: CLIP.
    const MIN_TEMPERATURE: f64 = 0.01;

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
            log_temperature: path.var("temp", &[1], Init::Const(Self::INITIAL_TEMPERATURE.ln())),
            queue: Queue::new(path, sizes),
        }
    }

    /// Returns the temperature, `[1]`. Its logarithm is the parameter, as in CLIP.
    pub fn temperature(&self) -> Tensor {
        self.log_temperature
            .clamp_min(Self::MIN_TEMPERATURE.ln())
            .exp()
    }

    /// Returns the pairs of the last steps and the rows of their entities `[K]`; −1 means no pair.
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

    /// Adds the pairs of a step to the front of the queue, and drops the oldest ones.
    pub fn enqueue(&self, pairs: &PairEmbeddings, labels: &Tensor) {
        let Queue {
            text,
            image,
            labels: queued,
        } = &self.queue;
        tch::no_grad(|| {
            for (queue, new) in [
                (text, &pairs.text),
                (image, &pairs.image),
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

/// The queued pairs, newest first. They are untrained parameters, so that they are saved with a
/// training.
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
        let rows = |name| path.zeros_no_train(name, &[queue, width]);
        Queue {
            text: rows("text_queue"),
            image: rows("image_queue"),
            labels,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn the_queue_has_the_newest_pairs_first() {
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
        let (pairs, labels) = alignment.queued();
        assert_eq!(labels, Tensor::from_slice(&[9i64, 7, 7]));
        assert_eq!(
            pairs.text.select(1, 0),
            Tensor::from_slice(&[0.25f32, 0.25, 0.5])
        );
        assert_eq!(pairs.image, -pairs.text);
    }
}
