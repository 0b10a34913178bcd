//! Other systems for the same task: what they rank for the same queries, from the same pairs.
//!
//! * `similarity` – a ranking by the mean likeness of entity vectors to the seeds'
//! * `fusion` – two of them as one
//! * `cosine` – the frozen encoders' own vectors, one modality or both
//! * `clip` – a dual encoder that was trained elsewhere
//! * `probexpan` – trained here, on sentences alone
//! * `aligned` – trained here to align sentences with pictures, fused shallowly or deeply

mod clip;
mod cosine;
mod dual_encoder;
mod entity_vectors;
mod probexpan;
mod score_fusion;

use std::collections::HashMap;
use std::path::PathBuf;
use std::str::FromStr;

use serde_json::{Map, Value};
use tch::Device;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::features::load_pairs::Encoders;
use crate::files::load_with_defaults;
use crate::progress::{Observer, Progress};
use crate::train;
use crate::train::{Preset, TrainConfig, paths};
use crate::types::{ClassId, EntityId, Mode, Row};

/// A system to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Baseline {
    /// The frozen text encoder's mean states.
    TextCosine,
    /// The frozen image encoder's mean patches.
    ImageCosine,
    /// Both, z-scored and summed, the picture's share chosen for each class.
    FusedCosine,
    /// A dual encoder of Hugging Face's.
    Clip,
    /// MultiExpan's ancestor without pictures.
    ProbExpan,
    /// A dual encoder of CLIP's shape, trained on the data set's pairs.
    Dual,
    /// Aligned before fused (Li et al. 2021), trained on the data set's pairs.
    Albef,
}

impl Baseline {
    /// Every system, those that nothing is trained for first.
    pub const ALL: [Baseline; 7] = [
        Baseline::TextCosine,
        Baseline::ImageCosine,
        Baseline::FusedCosine,
        Baseline::Clip,
        Baseline::ProbExpan,
        Baseline::Dual,
        Baseline::Albef,
    ];

    /// As the command line calls it, and the tag of its runs.
    pub fn name(self) -> &'static str {
        match self {
            Baseline::TextCosine => "text-cosine",
            Baseline::ImageCosine => "image-cosine",
            Baseline::FusedCosine => "fused-cosine",
            Baseline::Clip => "clip",
            Baseline::ProbExpan => "probexpan",
            Baseline::Dual => "dual",
            Baseline::Albef => "albef",
        }
    }

    /// Whether it has a model that is trained here, with settings.
    pub fn is_trained(self) -> bool {
        matches!(self, Baseline::ProbExpan | Baseline::Dual | Baseline::Albef)
    }

    /// Makes the system ready: brings its encoders or trains it, and gives every entity what it is
    /// ranked by.
    ///
    /// Errors: those of opening encoders, data sets and models, and of training; `Stopped`.
    pub fn fit(
        self,
        dataset: &Dataset,
        places: &BaselineSources,
        device: Device,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<FittedBaseline> {
        match self {
            Baseline::TextCosine => cosine::prepare(Mode::Text, dataset, places, device, observe),
            Baseline::ImageCosine => cosine::prepare(Mode::Image, dataset, places, device, observe),
            Baseline::FusedCosine => cosine::prepare(Mode::Both, dataset, places, device, observe),
            Baseline::Clip => clip::prepare(dataset, places, device, observe),
            Baseline::ProbExpan => probexpan::prepare(dataset, places, device, observe),
            Baseline::Dual => dual_encoder::dual(dataset, places, device, observe),
            Baseline::Albef => dual_encoder::albef(dataset, places, device, observe),
        }
    }
}

impl FromStr for Baseline {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self> {
        let names = Baseline::ALL.map(Baseline::name).join(", ");
        let unknown = || Error::Argument(format!("“{s}” is no baseline; they are {names}"));
        Baseline::ALL
            .into_iter()
            .find(|rival| rival.name() == s)
            .ok_or_else(unknown)
    }
}

/// What a system is made from, and where.
#[derive(Debug, Clone)]
pub struct BaselineSources {
    /// A folder, a name under `encoders/`, or a hub's name; none: the settings', which are the mini
    /// preset's where no file says so.
    pub text_encoder: Option<String>,
    pub image_encoder: Option<String>,
    /// A folder of Hugging Face's `CLIPModel`.
    pub clip: Option<PathBuf>,
    /// The model of a system that is trained: taken where it is there, gone on with where its
    /// training was stopped.
    pub model: PathBuf,
    /// A TOML file of settings that go over the system's own.
    pub config: Option<PathBuf>,
    /// Features of frozen encoders are kept here.
    pub cache: PathBuf,
}

impl BaselineSources {
    /// The encoders of a system that is not trained.
    fn encoders(&self, device: Device) -> Result<Encoders> {
        let TrainConfig {
            text_encoder,
            image_encoder,
            ..
        } = TrainConfig::preset(Preset::Mini);
        let text = self.text_encoder.as_ref().unwrap_or(&text_encoder);
        Encoders::open(
            text,
            self.image_encoder.as_ref().unwrap_or(&image_encoder),
            true,
            device,
        )
    }
}

/// Rows, best first, with their scores.
pub type ScoredRows = Vec<(Row, f64)>;

/// A query's candidates, best first, at most 100 and none of them a seed, with their scores. What
/// was fitted on queries may depend on the query's class, so that no class is ranked by a setting
/// that its own gold chose.
pub type RankFn = Box<dyn Fn(ClassId, &[Row]) -> Result<ScoredRows>>;

/// A system that can be asked.
pub struct FittedBaseline {
    /// The entities in row order: the candidates of every query, less its seeds.
    pub entities: Vec<EntityId>,
    pub rank: RankFn,
    /// Everything that its rankings depend on.
    pub settings: Map<String, Value>,
    /// What was left out of the data set, and how many.
    pub left_out: Vec<(String, usize)>,
}

/// The row of each entity.
pub fn rows_by_entity(entities: &[EntityId]) -> HashMap<EntityId, Row> {
    (0..)
        .map(Row)
        .zip(entities)
        .map(|(row, &entity)| (entity, row))
        .collect()
}

/// Trains a model for these pairs unless it is there: by a system's own settings, with the encoders
/// and settings that were asked for in their place. Gives what it is trained with.
///
/// Errors: `Format` for a folder that holds a model of other settings; those of training.
fn train_if_missing(
    own: TrainConfig,
    dataset: &Dataset,
    places: &BaselineSources,
    device: Device,
    observe: &mut dyn Observer<Progress>,
) -> Result<TrainConfig> {
    let BaselineSources {
        text_encoder,
        image_encoder,
        model,
        config,
        cache,
        ..
    } = places.clone();
    let mut settings =
        config.map_or_else(|| Ok(own.clone()), |file| load_with_defaults(&own, &file))?;
    settings.text_encoder = text_encoder.unwrap_or(settings.text_encoder);
    settings.image_encoder = image_encoder.unwrap_or(settings.image_encoder);
    let places = paths::TrainPaths {
        dataset: dataset.root.clone(),
        out: model,
        cache,
    };
    train::train_to_completion(&places, &settings, device, observe)?;
    Ok(settings)
}
