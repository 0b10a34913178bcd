//! All settings of a training, and the two presets.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::index::Prototypes;
use crate::model::Pooling;
use crate::model::network_config::AlignmentConfig;
use crate::train::loss::NceConfig;
use crate::train::task::{Task, TaskSet};
use crate::types::Mode;

/// The text encoder and the image encoder of the preset `mini`, which `make encoders` installs.
pub const MINI_ENCODERS: [&str; 2] = ["all-minilm-l6-v2", "efficientnet-lite0"];

/// A named set of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// The settings of the paper: BERT-base, ResNet-50, 3 + 3 layers, 50 epochs.
    Base,
    /// Settings that train a small data set on a laptop: MiniLM, EfficientNet-Lite0.
    Mini,
}

impl std::str::FromStr for Preset {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self> {
        match s {
            "base" => Ok(Preset::Base),
            "mini" => Ok(Preset::Mini),
            _ => Err(Error::Argument(format!(
                "unknown preset `{s}` (expected one of: base, mini)"
            ))),
        }
    }
}

/// The initialization of the new layers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Initialization {
    /// Random, as published.
    Random,
    /// Based on the encoders: the norms of the new layers have the gain `gain`, and the entity head
    /// is a similarity to the entities' mean states.
    Encoders {
        /// The gain of the new layers' norms; with a gain near 0 a layer is the identity.
        gain: f64,
        /// The scale of the head's initial scores: rows have the length `scale` / mean distance
        /// from the centre.
        scale: f64,
    },
}

/// The queries that give the positives for contrast and clustering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuerySource {
    /// Each entity is a query of its own. No label is used.
    Entities,
    /// The data set's queries, as published. Their seeds are members of one class according to
    /// gold, so such a model must not be evaluated on other queries of the same classes.
    Queries,
}

/// The ranking by which positives and hard negatives are mined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MiningRanking {
    Window,
    Feedback,
}

/// The settings of mining: the current model expands every query, and the rankings give positives
/// and hard negatives.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MiningConfig {
    #[serde(rename = "from")]
    pub query_source: QuerySource,
    /// The ranking that expands the queries. Paper: window search.
    pub ranking: MiningRanking,
    /// The number of epochs of masked entity prediction before mining.
    #[serde(rename = "after")]
    pub after_epochs: usize,
    /// The number of best candidates that are positives, besides the seeds. Paper: 5.
    pub positives: usize,
    /// The length of the ranking. Paper: 200.
    #[serde(rename = "size")]
    pub ranking_size: usize,
    /// The number of candidates at the end of the ranking that are hard negatives. Paper: 30.
    pub negatives: usize,
}

impl Default for MiningConfig {
    fn default() -> Self {
        MiningConfig {
            query_source: QuerySource::Queries,
            ranking: MiningRanking::Window,
            after_epochs: 50,
            positives: 5,
            ranking_size: 200,
            negatives: 30,
        }
    }
}

/// The settings of soft targets (ours): a fraction of the target goes to similar entities, by a
/// softmax of z-scored cosines / `temperature` of what the frozen encoders see.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SoftTargetConfig {
    /// The fraction of the whole target.
    #[serde(rename = "share")]
    pub fraction: f64,
    pub temperature: f64,
    /// The weight of a sentence's z-score.
    pub text_weight: f64,
    /// The weight of an image's z-score.
    pub image_weight: f64,
}

impl Default for SoftTargetConfig {
    fn default() -> Self {
        SoftTargetConfig {
            fraction: 0.4,
            temperature: 0.5,
            text_weight: 1.0,
            image_weight: 0.25,
        }
    }
}

/// The number format of the layers' matrix products. Parameters and norms are f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrainPrecision {
    /// bf16 if this machine multiplies it faster, otherwise f32.
    Auto,
    F32,
    Bf16,
}

/// The settings of a training. `Default` has those of the paper. The names in TOML files are
/// public: a field with another name has a serde name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// A folder, a name under `encoders/`, or a name on the Hugging Face hub.
    pub text_encoder: String,
    pub image_encoder: String,
    /// The number of layers over the image. Paper: 3.
    pub vision_layers: i64,
    /// The number of layers over text and image. Paper: 3.
    pub fusion_layers: i64,
    /// The state that stands for a pair.
    #[serde(rename = "state")]
    pub pooling: Pooling,
    /// The size to which patches are pooled, `grid × grid`; `None` keeps the encoder's.
    pub grid: Option<i64>,
    /// Whether pixels are normalised by the encoder's mean and deviation. The published code does
    /// not.
    pub normalize: bool,
    #[serde(rename = "start")]
    pub initialization: Initialization,
    /// The number of epochs of all tasks. Those before mining are added to it.
    pub epochs: usize,
    /// The number of pairs of an entity in one epoch; `None` takes each of its sentences once.
    /// Paper: 64.
    pub pairs_per_entity: Option<usize>,
    /// The number of pairs in one step.
    pub batch: usize,
    /// The learning rate of the new layers. Paper: 1e-5.
    pub learning_rate: f64,
    /// The learning rate of BERT's last layer. Paper: 1e-5.
    pub encoder_learning_rate: f64,
    /// The learning rate of the entity head.
    pub head_learning_rate: f64,
    /// Whether learning rates fall linearly to 0; otherwise they are constant, as published.
    pub linear_decay: bool,
    /// The fraction of all steps over which the learning rates rise from 0.
    pub warm_up: f64,
    /// The weight decay of matrices; biases and norms have none. Paper: .01.
    pub weight_decay: f64,
    /// The maximal norm of the gradient; `None` does not clip, as published.
    pub gradient_norm: Option<f64>,
    /// The probability mass that the target spreads over all other entities. Paper: .075.
    pub label_smoothing: f64,
    /// The fraction of pairs that are given without their text.
    pub drop_text: f64,
    /// The fraction of pairs that are given without their image.
    pub drop_image: f64,
    /// Whether a sentence is paired with a random image of its entity in each epoch; otherwise it
    /// has its own, as published.
    #[serde(rename = "redraw_pictures")]
    pub redraw_images: bool,
    /// The dropout of the layers. Paper: .1.
    pub dropout: f64,
    /// The dropout in the first part of the entity head. Paper: .2.
    pub head_dropout: f64,
    /// The dropout of the entity head's scores before the softmax. Paper: .2.
    pub score_dropout: f64,
    pub seed: u64,
    pub tasks: TaskSet,
    pub nce: NceConfig,
    /// The settings of the tasks that align sentences with images.
    pub alignment: AlignmentConfig,
    /// α, the weight of distillation; the other targets have 1 − α. Paper: .02 (ALBEF: .4).
    #[serde(rename = "distillation_share")]
    pub distillation_weight: f64,
    /// The momentum of the teacher's parameters at each step. Paper: .995.
    pub momentum: f64,
    /// The passes of contrast in one epoch. Paper: 2.
    pub contrastive_passes: usize,
    /// The passes of clustering in one epoch. Paper: 2.
    pub clustering_passes: usize,
    pub mining: MiningConfig,
    /// The refinement of the head's rows in an index of the model; `None` keeps the trained rows,
    /// as published.
    pub prototypes: Option<Prototypes>,
    /// The soft targets; with `None` label smoothing is uniform, as published.
    #[serde(rename = "neighbours")]
    pub soft_targets: Option<SoftTargetConfig>,
    pub precision: TrainPrecision,
    /// The number of pairs of a step of masked entity prediction that are computed at once, to
    /// limit memory; `None` computes the whole step. Steps of the other tasks are never split,
    /// since their losses compare all pairs of a batch.
    pub pairs_at_once: Option<usize>,
    /// Whether the model is evaluated on the data set's queries of 5 seeds after each epoch and the
    /// epoch with the best MAP@10 is saved; otherwise the last epoch is saved, without evaluation.
    pub keep_best: bool,
}

impl Default for TrainConfig {
    fn default() -> Self {
        TrainConfig {
            text_encoder: "bert-base-uncased".into(),
            image_encoder: "resnet50".into(),
            vision_layers: 3,
            fusion_layers: 3,
            pooling: Pooling::Mask,
            grid: None,
            normalize: true,
            initialization: Initialization::Random,
            epochs: 50,
            pairs_per_entity: Some(64),
            batch: 64,
            learning_rate: 1e-5,
            encoder_learning_rate: 1e-5,
            head_learning_rate: 1e-5,
            linear_decay: false,
            warm_up: 0.0,
            weight_decay: 0.01,
            gradient_norm: None,
            label_smoothing: 0.075,
            drop_text: 0.15,
            drop_image: 0.15,
            redraw_images: true,
            dropout: 0.1,
            head_dropout: 0.2,
            score_dropout: 0.2,
            seed: 1,
            tasks: TaskSet::new(Task::PAPER),
            nce: NceConfig::default(),
            alignment: AlignmentConfig::default(),
            distillation_weight: 0.02,
            momentum: 0.995,
            contrastive_passes: 2,
            clustering_passes: 2,
            mining: MiningConfig::default(),
            prototypes: None,
            soft_targets: None,
            precision: TrainPrecision::Auto,
            pairs_at_once: None,
            keep_best: true,
        }
    }
}

impl TrainConfig {
    pub fn preset(preset: Preset) -> Self {
        match preset {
            Preset::Base => TrainConfig::default(),
            Preset::Mini => TrainConfig {
                text_encoder: MINI_ENCODERS[0].into(),
                image_encoder: MINI_ENCODERS[1].into(),
                vision_layers: 1,
                fusion_layers: 2,
                pooling: Pooling::Mean,
                grid: Some(4),
                initialization: Initialization::Encoders {
                    gain: 0.2,
                    scale: 10.0,
                },
                epochs: 8,
                pairs_per_entity: None,
                learning_rate: 8e-4,
                encoder_learning_rate: 8e-5,
                head_learning_rate: 8e-5,
                linear_decay: true,
                weight_decay: 0.05,
                gradient_norm: Some(1.0),
                // text is dropped more often than images, so that an image alone must carry meaning
                drop_text: 0.3,
                drop_image: 0.05,
                tasks: TaskSet::new([Task::Mep]),
                mining: MiningConfig {
                    query_source: QuerySource::Entities,
                    after_epochs: 2,
                    ..MiningConfig::default()
                },
                prototypes: Some(Prototypes::default()),
                soft_targets: Some(SoftTargetConfig::default()),
                ..TrainConfig::default()
            },
        }
    }

    /// Returns the number of epochs of both stages.
    pub fn total_epochs(&self) -> usize {
        self.epochs
            + if self.tasks.compare_views() {
                self.mining.after_epochs
            } else {
                0
            }
    }

    /// Returns the mode in which all pairs are given if one modality is always dropped, otherwise
    /// `both`.
    pub fn input_mode(&self) -> Mode {
        match (self.drop_text >= 1.0, self.drop_image >= 1.0) {
            (true, _) => Mode::Image,
            (_, true) => Mode::Text,
            _ => Mode::Both,
        }
    }

    /// Returns the mode whose states separate classes best: text, unless text is never given.
    pub fn most_discriminative_mode(&self) -> Mode {
        if self.input_mode() == Mode::Image {
            Mode::Image
        } else {
            Mode::Text
        }
    }

    /// Returns the stage of an epoch (from 0): 1 is masked entity prediction alone, before mining;
    /// 2 is all tasks.
    pub fn stage(&self, epoch: usize) -> usize {
        if self.tasks.compare_views() && epoch >= self.mining.after_epochs {
            2
        } else {
            1
        }
    }

    /// Refuses image–text contrast with pairs that lack a modality, or without a space to compare
    /// them in.
    fn validate_alignment(&self) -> Result<()> {
        if !self.tasks.contains(Task::Itc) {
            return Ok(());
        }
        if self.drop_text > 0.0 || self.drop_image > 0.0 {
            return Err(Error::Argument(
                "itc compares sentences with images: drop_text and drop_image must be 0".into(),
            ));
        }
        let AlignmentConfig { width, queue } = self.alignment;
        if width < 1 || queue < 0 {
            return Err(Error::Argument(format!(
                "invalid alignment: width is {width} (at least 1), queue is {queue} (at least 0)"
            )));
        }
        Ok(())
    }

    /// Refuses settings that cannot be trained with.
    pub fn validate(&self) -> Result<()> {
        check_fraction("label_smoothing", self.label_smoothing)?;
        self.validate_drops()?;
        check_fraction("dropout", self.dropout)?;
        check_fraction("head_dropout", self.head_dropout)?;
        check_fraction("score_dropout", self.score_dropout)?;
        check_fraction("warm_up", self.warm_up)?;
        check_fraction("distillation_share", self.distillation_weight)?;
        check_fraction("momentum", self.momentum)?;
        check_fraction(
            "neighbours.share",
            self.soft_targets.map_or(0.0, |t| t.fraction),
        )?;
        check_fraction("nce.class_prior", self.nce.class_prior)?;
        self.tasks.validate()?;
        self.validate_alignment()?;
        self.prototypes
            .map_or(Ok(()), |prototypes| prototypes.validate())?;
        self.validate_temperatures()?;
        self.validate_counts()
    }

    /// Refuses drop rates that are not in 0..=1, or more than 1 together.
    fn validate_drops(&self) -> Result<()> {
        for (name, x) in [
            ("drop_text", self.drop_text),
            ("drop_image", self.drop_image),
        ] {
            if !(0.0..=1.0).contains(&x) {
                return Err(Error::Argument(format!(
                    "{name} is {x}; it must be between 0 and 1"
                )));
            }
        }
        if self.drop_text + self.drop_image > 1.0 {
            return Err(Error::Argument(
                "drop_text + drop_image is more than 1".into(),
            ));
        }
        Ok(())
    }

    /// Refuses temperatures that are not above 0.
    fn validate_temperatures(&self) -> Result<()> {
        let temperatures = [
            ("nce.temperature", self.nce.temperature),
            (
                "neighbours.temperature",
                self.soft_targets.map_or(1.0, |t| t.temperature),
            ),
        ];
        if let Some((name, value)) = temperatures.into_iter().find(|(_, t)| *t <= 0.0) {
            return Err(Error::Argument(format!(
                "{name} is {value}; it must be above 0"
            )));
        }
        Ok(())
    }

    /// Refuses counts of 0.
    fn validate_counts(&self) -> Result<()> {
        for (name, value) in [
            ("epochs", self.epochs),
            ("batch", self.batch),
            ("pairs_per_entity", self.pairs_per_entity.unwrap_or(1)),
            ("pairs_at_once", self.pairs_at_once.unwrap_or(1)),
        ] {
            if value == 0 {
                return Err(Error::Argument(format!(
                    "{name} is 0; it must be at least 1"
                )));
            }
        }
        Ok(())
    }
}

/// Refuses a fraction that is not in 0..1.
fn check_fraction(name: &str, fraction: f64) -> Result<()> {
    if (0.0..1.0).contains(&fraction) {
        return Ok(());
    }
    Err(Error::Argument(format!(
        "{name} is {fraction}; it must be at least 0 and below 1"
    )))
}
