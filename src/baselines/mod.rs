//! Other systems for the same task, which rank the same candidates for the same queries.
//!
//! * `cosine` – cosines of the vectors of the frozen encoders, of one modality or both
//! * `clip_cosine` – cosines of the vectors of a pre-trained CLIP
//! * `probexpan` – ProbExpan, trained on sentences only
//! * `dual_encoder` – a dual encoder of the shape of CLIP, trained to align sentences with images
//! * `albef` – ALBEF, trained to align before fusing
//!
//! They share `entity_vectors` (rankings by the cosine to the seeds), `score_fusion` (the fusion of
//! two similarities), `trained_model` and `aligned_network`.

mod albef;
mod aligned_network;
mod baseline_sources;
mod clip_cosine;
mod cosine;
mod dual_encoder;
mod entity_vectors;
mod fitted_baseline;
mod mean_vectors;
mod probexpan;
mod score_fusion;
mod trained_model;

use strum::VariantNames;
use tch::Device;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::progress::{Observer, Progress};
use crate::types::Mode;

pub use baseline_sources::BaselineSources;
pub use fitted_baseline::{FittedBaseline, RankFn, ScoredRows, rows_by_entity};

/// A system to compare with.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, strum::VariantNames,
)]
#[strum(
    serialize_all = "kebab-case",
    parse_err_ty = Error,
    parse_err_fn = unknown_baseline
)]
pub enum Baseline {
    /// Cosines of the mean states of the frozen text encoder.
    TextCosine,
    /// Cosines of the mean patches of the frozen image encoder.
    ImageCosine,
    /// Both cosines, standardised and summed, with the weight of the image chosen per class.
    FusedCosine,
    /// Cosines of a pre-trained CLIP of Hugging Face.
    Clip,
    /// The predecessor of MultiExpan, without images.
    #[strum(serialize = "probexpan")]
    ProbExpan,
    /// A dual encoder of the shape of CLIP, trained on the data set's pairs.
    Dual,
    /// Align before fuse (Li et al. 2021), trained on the data set's pairs.
    Albef,
}

impl Baseline {
    /// Every baseline, those without training first.
    pub const ALL: [Baseline; 7] = [
        Baseline::TextCosine,
        Baseline::ImageCosine,
        Baseline::FusedCosine,
        Baseline::Clip,
        Baseline::ProbExpan,
        Baseline::Dual,
        Baseline::Albef,
    ];

    /// Returns the name on the command line, which is also the tag of the runs.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns whether the baseline has a model that is trained here.
    pub fn is_trained(self) -> bool {
        matches!(self, Baseline::ProbExpan | Baseline::Dual | Baseline::Albef)
    }

    /// Makes the baseline ready to rank: opens its encoders, or trains its model unless it exists.
    ///
    /// Errors: those of opening encoders, data sets and models, and of training; `Stopped`.
    pub fn fit(
        self,
        dataset: &Dataset,
        sources: &BaselineSources,
        device: Device,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<FittedBaseline> {
        match self {
            Baseline::TextCosine => cosine::fit(Mode::Text, dataset, sources, device, observer),
            Baseline::ImageCosine => cosine::fit(Mode::Image, dataset, sources, device, observer),
            Baseline::FusedCosine => cosine::fit(Mode::Both, dataset, sources, device, observer),
            Baseline::Clip => clip_cosine::fit(dataset, sources, device, observer),
            Baseline::ProbExpan => probexpan::fit(dataset, sources, device, observer),
            Baseline::Dual => dual_encoder::fit(dataset, sources, device, observer),
            Baseline::Albef => albef::fit(dataset, sources, device, observer),
        }
    }
}

fn unknown_baseline(name: &str) -> Error {
    Error::unknown_argument("baseline", name, Baseline::VARIANTS)
}
