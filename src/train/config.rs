//! Every setting of a training, and the two presets.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::index::Prototypes;
use crate::model::Pooling;
use crate::model::alignment_heads::AlignmentConfig;
use crate::train::loss::Nce;
use crate::train::task::{Task, Tasks};
use crate::types::Mode;

/// A named set of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// The paper's: BERT-base, ResNet-50, 3 + 3 layers, 50 epochs.
    Base,
    /// A small one that trains a small data set on a laptop: MiniLM, EfficientNet-Lite0.
    Mini,
}

impl std::str::FromStr for Preset {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self> {
        match s {
            "base" => Ok(Preset::Base),
            "mini" => Ok(Preset::Mini),
            _ => Err(Error::Argument(format!(
                "“{s}” is no preset; the presets are base and mini"
            ))),
        }
    }
}

/// How the new layers begin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Start {
    /// At random, as published.
    Random,
    /// From what the encoders know: norm gains at `gain`, the entity head as a similarity to the
    /// entities' mean states.
    Encoders {
        /// Gain of the new layers' norms; near 0 a layer is the identity.
        gain: f64,
        /// Scores of the head at the start: rows of length `scale` / mean distance from the centre.
        scale: f64,
    },
}

/// Which queries contrast and clustering take their positives from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MinedFrom {
    /// Each entity is a query of its own: no label is seen.
    Entities,
    /// The data set's queries, as published. Their seeds are members of one class by its gold, so a
    /// model trained so is not to be measured on other queries of the same classes.
    Queries,
}

/// How positives and hard negatives are found: every query is expanded by the model so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mining {
    pub from: MinedFrom,
    /// Epochs of masked entity prediction before it.
    pub after: usize,
    /// The seeds and so many of the best are positives. Paper: 5.
    pub positives: usize,
    /// Length of the list. Paper: 200.
    pub size: usize,
    /// So many at the list's end are hard negatives. Paper: 30.
    pub negatives: usize,
}

impl Default for Mining {
    fn default() -> Self {
        Mining {
            from: MinedFrom::Queries,
            after: 50,
            positives: 5,
            size: 200,
            negatives: 30,
        }
    }
}

/// What the smoothed part of the target is spread over (ours): `share` of it by likeness to the
/// entity, as the frozen encoders see it, softmax of the z-scored cosines / `temperature`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Neighbours {
    /// Of the whole target.
    pub share: f64,
    pub temperature: f64,
    /// What a sentence's z-score counts.
    pub text_weight: f64,
    /// What a picture's counts.
    pub image_weight: f64,
}

impl Default for Neighbours {
    fn default() -> Self {
        Neighbours {
            share: 0.4,
            temperature: 0.5,
            text_weight: 1.0,
            image_weight: 0.25,
        }
    }
}

/// Numbers that the products of the layers are computed in; parameters and norms are f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrainPrecision {
    /// bf16 where the machine multiplies it faster, else f32.
    Auto,
    F32,
    Bf16,
}

/// Settings of a training. `Default` is the paper's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// A folder, a name under `encoders/`, or a hub's name.
    pub text_encoder: String,
    pub image_encoder: String,
    /// Paper: 3.
    pub vision_layers: i64,
    /// Paper: 3.
    pub fusion_layers: i64,
    pub state: Pooling,
    /// Patches are pooled to `grid × grid`; none: the encoder's own.
    pub grid: Option<i64>,
    /// Pixels normalised by the encoder's mean and deviation. The published code does not.
    pub normalize: bool,
    pub start: Start,
    /// Of all tasks; those before mining come on top.
    pub epochs: usize,
    /// Pairs of an entity in one epoch; none: each of its sentences once. Paper: 64.
    pub pairs_per_entity: Option<usize>,
    /// Pairs in one step.
    pub batch: usize,
    /// Of the new layers. Paper: 1e-5.
    pub learning_rate: f64,
    /// Of BERT's last layer. Paper: 1e-5.
    pub encoder_learning_rate: f64,
    /// Of the entity head.
    pub head_learning_rate: f64,
    /// Falls linearly to 0 over the training; else constant, as published.
    pub linear_decay: bool,
    /// Share of all steps over which the learning rate rises from 0.
    pub warm_up: f64,
    /// On matrices only; none on biases and norms. Paper: .01.
    pub weight_decay: f64,
    /// The gradient's norm is cut to this; none: not cut, as published.
    pub gradient_norm: Option<f64>,
    /// Probability mass that the target spreads over all other entities. Paper: .075.
    pub label_smoothing: f64,
    /// Share of pairs shown without their text.
    pub drop_text: f64,
    /// Share of pairs shown without their picture.
    pub drop_image: f64,
    /// A sentence goes with any picture of its entity, drawn anew each epoch; else with its own, as
    /// published.
    pub redraw_pictures: bool,
    /// Dropout of the layers. Paper: .1.
    pub dropout: f64,
    /// Dropout in the entity head's first part. Paper: .2.
    pub head_dropout: f64,
    /// Dropout of the entity head's scores before the softmax. Paper: .2.
    pub score_dropout: f64,
    pub seed: u64,
    pub tasks: Tasks,
    pub nce: Nce,
    /// Of a training with image–text contrast.
    pub alignment: AlignmentConfig,
    /// α, what distillation counts beside the targets that it softens, which count 1 − α. Paper:
    /// .02 (ALBEF: .4).
    pub distillation_share: f64,
    /// Of the teacher's parameters, kept at each step. Paper: .995.
    pub momentum: f64,
    /// Passes of contrast in one epoch. Paper: 2.
    pub contrastive_passes: usize,
    /// Passes of clustering in one epoch. Paper: 2.
    pub clustering_passes: usize,
    pub mining: Mining,
    /// How an index of the model draws the head's rows to the states; none: the head as it was
    /// trained, as published.
    pub prototypes: Option<Prototypes>,
    /// None: label smoothing is even, as published.
    pub neighbours: Option<Neighbours>,
    pub precision: TrainPrecision,
    /// A step of masked entity prediction is computed so many pairs at a time, to fit into memory;
    /// none: all at once. The other tasks compare every pair of a batch with every other, so theirs
    /// is not taken apart.
    pub pairs_at_once: Option<usize>,
    /// After each epoch the model is measured on the data set's queries of 5 seeds, and the one
    /// with the best MAP@10 is kept; else the last, and none is measured.
    pub keep_best: bool,
}

impl Default for TrainConfig {
    fn default() -> Self {
        TrainConfig {
            text_encoder: "bert-base-uncased".into(),
            image_encoder: "resnet50".into(),
            vision_layers: 3,
            fusion_layers: 3,
            state: Pooling::Mask,
            grid: None,
            normalize: true,
            start: Start::Random,
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
            redraw_pictures: true,
            dropout: 0.1,
            head_dropout: 0.2,
            score_dropout: 0.2,
            seed: 1,
            tasks: Tasks::new(Task::PAPER),
            nce: Nce::default(),
            alignment: AlignmentConfig::default(),
            distillation_share: 0.02,
            momentum: 0.995,
            contrastive_passes: 2,
            clustering_passes: 2,
            mining: Mining::default(),
            prototypes: None,
            neighbours: None,
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
                text_encoder: "all-minilm-l6-v2".into(),
                image_encoder: "efficientnet-lite0".into(),
                vision_layers: 1,
                fusion_layers: 2,
                state: Pooling::Mean,
                grid: Some(4),
                start: Start::Encoders {
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
                // text gone more often than pictures: a picture alone must learn to carry meaning
                drop_text: 0.3,
                drop_image: 0.05,
                tasks: Tasks::new([Task::Mep]),
                mining: Mining {
                    from: MinedFrom::Entities,
                    after: 2,
                    ..Mining::default()
                },
                prototypes: Some(Prototypes::default()),
                neighbours: Some(Neighbours::default()),
                ..TrainConfig::default()
            },
        }
    }

    /// Epochs of both stages together.
    pub fn epochs_in_all(&self) -> usize {
        self.epochs
            + if self.tasks.compare_views() {
                self.mining.after
            } else {
                0
            }
    }

    /// The mode in which every pair is shown where one modality is always left out; else both.
    pub fn shown(&self) -> Mode {
        match (self.drop_text >= 1.0, self.drop_image >= 1.0) {
            (true, _) => Mode::Image,
            (_, true) => Mode::Text,
            _ => Mode::Both,
        }
    }

    /// The mode whose states tell classes best: sentences, where they are shown.
    pub fn tells_best(&self) -> Mode {
        if self.shown() == Mode::Image {
            Mode::Image
        } else {
            Mode::Text
        }
    }

    /// 1: masked entity prediction alone, before mining; 2: all tasks. `epoch` from 0.
    pub fn stage(&self, epoch: usize) -> usize {
        if self.tasks.compare_views() && epoch >= self.mining.after {
            2
        } else {
            1
        }
    }

    /// Refuses image–text contrast where there is no pair of a sentence and a picture, or no space
    /// to compare them in.
    fn validate_alignment(&self) -> Result<()> {
        if !self.tasks.has(Task::Itc) {
            return Ok(());
        }
        if self.drop_text > 0.0 || self.drop_image > 0.0 {
            return Err(Error::Argument(
                "itc compares sentences with pictures: drop_text and drop_image must be 0".into(),
            ));
        }
        let AlignmentConfig { width, queue } = self.alignment;
        if width < 1 || queue < 0 {
            return Err(Error::Argument(format!(
                "an alignment of width {width} with a queue of {queue} cannot be"
            )));
        }
        Ok(())
    }

    /// Refuses what cannot be trained with.
    pub fn validate(&self) -> Result<()> {
        check_share("label_smoothing", self.label_smoothing)?;
        self.validate_drops()?;
        check_share("dropout", self.dropout)?;
        check_share("head_dropout", self.head_dropout)?;
        check_share("score_dropout", self.score_dropout)?;
        check_share("warm_up", self.warm_up)?;
        check_share("distillation_share", self.distillation_share)?;
        check_share("momentum", self.momentum)?;
        check_share("neighbours.share", self.neighbours.map_or(0.0, |n| n.share))?;
        check_share("nce.class_prior", self.nce.class_prior)?;
        self.tasks.validate()?;
        self.validate_alignment()?;
        self.prototypes
            .map_or(Ok(()), |prototypes| prototypes.check())?;
        self.validate_temperatures()?;
        self.validate_counts()
    }

    /// Refuses shares of pairs without text or picture that are not in 0..=1, or more than 1
    /// together.
    fn validate_drops(&self) -> Result<()> {
        for (name, x) in [
            ("drop_text", self.drop_text),
            ("drop_image", self.drop_image),
        ] {
            if !(0.0..=1.0).contains(&x) {
                return Err(Error::Argument(format!(
                    "{name} is {x}; it must be in 0..=1"
                )));
            }
        }
        if self.drop_text + self.drop_image > 1.0 {
            return Err(Error::Argument(
                "drop_text and drop_image are more than 1 together".into(),
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
                self.neighbours.map_or(1.0, |n| n.temperature),
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

/// Refuses a share that is not in 0..1.
fn check_share(name: &str, share: f64) -> Result<()> {
    if (0.0..1.0).contains(&share) {
        return Ok(());
    }
    Err(Error::Argument(format!(
        "{name} is {share}; it must be in 0..1"
    )))
}
