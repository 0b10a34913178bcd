//! Other systems for the same task, which rank the same candidates for the same queries.
//!
//! * `cosine` – cosines of the vectors of the frozen encoders, of one modality or both
//! * `clip_cosine` – cosines of the vectors of a pre-trained CLIP
//! * `probexpan` – ProbExpan, trained on sentences only
//! * `dual_encoder` – a dual encoder of the shape of CLIP, trained to align sentences with images
//! * `albef` – ALBEF, trained to align before fusing
//!
//! Each of them ranks in its own way or by feedback (`baseline_ranking`). They share
//! `entity_vectors` (rankings by one vector of an entity), `fused_vectors` (by two), `score_fusion`
//! (the weight of the image), `vector_index` (the feedback ranking of vectors), `trained_model` and
//! `aligned_network`.

mod albef;
mod aligned_network;
mod baseline_ranking;
mod baseline_sources;
mod clip_cosine;
mod cosine;
mod dual_encoder;
mod entity_vectors;
mod fitted_baseline;
mod fused_vectors;
mod mean_vectors;
mod probexpan;
mod score_fusion;
mod trained_model;
mod vector_index;

use strum::VariantNames;
use tch::Device;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::progress::{Observer, Progress};
use crate::types::Mode;

pub use baseline_ranking::{BaselineRanking, ScoredRows};
pub use baseline_sources::BaselineSources;
pub use fitted_baseline::{FittedBaseline, RankFn, rows_by_entity};

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

    /// Returns the name on the command line, which is also the tag of the runs in the system's own
    /// ranking.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the name of a ranking of this system, as in the settings of a run.
    pub fn ranking_name(self, ranking: BaselineRanking) -> &'static str {
        match (ranking, self) {
            (BaselineRanking::Feedback, _) => "feedback",
            (BaselineRanking::Own, Baseline::ProbExpan) => "window",
            (BaselineRanking::Own, _) => "cosine",
        }
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
        ranking: BaselineRanking,
        dataset: &Dataset,
        sources: &BaselineSources,
        device: Device,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<FittedBaseline> {
        match self {
            Baseline::TextCosine => {
                cosine::fit(Mode::Text, ranking, dataset, sources, device, observer)
            }
            Baseline::ImageCosine => {
                cosine::fit(Mode::Image, ranking, dataset, sources, device, observer)
            }
            Baseline::FusedCosine => {
                cosine::fit(Mode::Both, ranking, dataset, sources, device, observer)
            }
            Baseline::Clip => clip_cosine::fit(ranking, dataset, sources, device, observer),
            Baseline::ProbExpan => probexpan::fit(ranking, dataset, sources, device, observer),
            Baseline::Dual => dual_encoder::fit(ranking, dataset, sources, device, observer),
            Baseline::Albef => albef::fit(ranking, dataset, sources, device, observer),
        }
    }
}

fn unknown_baseline(name: &str) -> Error {
    Error::unknown_argument("baseline", name, Baseline::VARIANTS)
}
