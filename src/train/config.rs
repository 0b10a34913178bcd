//! Every setting of a training, and the two presets.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::model::State;

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
            _ => Err(Error::Argument(format!("“{s}” is no preset; the presets are base and mini"))),
        }
    }
}

/// How the new layers begin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Start {
    /// At random, as published.
    Random,
    /// From what the encoders know: norm gains at `gain`, the entity head as a similarity to the entities' mean states.
    Encoders {
        /// Gain of the new layers' norms; near 0 a layer is the identity.
        gain: f64,
        /// Scores of the head at the start: rows of length `scale` / mean distance from the centre.
        scale: f64,
    },
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
    pub state: State,
    /// Patches are pooled to `grid × grid`; none: the encoder's own.
    pub grid: Option<i64>,
    /// Pixels normalised by the encoder's mean and deviation. The published code does not.
    pub normalize: bool,
    pub start: Start,
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
    /// A sentence goes with any picture of its entity, drawn anew each epoch; else with its own, as published.
    pub redraw_pictures: bool,
    /// Dropout of the layers. Paper: .1.
    pub dropout: f64,
    /// Dropout in the entity head's first part. Paper: .2.
    pub head_dropout: f64,
    /// Dropout of the entity head's scores before the softmax. Paper: .2.
    pub score_dropout: f64,
    pub seed: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        TrainConfig {
            text_encoder: "bert-base-uncased".into(),
            image_encoder: "resnet50".into(),
            vision_layers: 3,
            fusion_layers: 3,
            state: State::Mask,
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
                state: State::Mean,
                grid: Some(4),
                start: Start::Encoders { gain: 0.2, scale: 10.0 },
                epochs: 5,
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
                ..TrainConfig::default()
            },
        }
    }

    /// Refuses what cannot be trained with.
    pub fn validate(&self) -> Result<()> {
        let share = |name: &str, x: f64| {
            if (0.0..1.0).contains(&x) {
                Ok(())
            } else {
                Err(Error::Argument(format!("{name} is {x}; it must be in 0..1")))
            }
        };
        share("label_smoothing", self.label_smoothing)?;
        share("drop_text + drop_image", self.drop_text + self.drop_image)?;
        share("dropout", self.dropout)?;
        share("head_dropout", self.head_dropout)?;
        share("score_dropout", self.score_dropout)?;
        share("warm_up", self.warm_up)?;
        for (name, value) in
            [("epochs", self.epochs), ("batch", self.batch), ("pairs_per_entity", self.pairs_per_entity.unwrap_or(1))]
        {
            if value == 0 {
                return Err(Error::Argument(format!("{name} is 0; it must be at least 1")));
            }
        }
        Ok(())
    }
}
