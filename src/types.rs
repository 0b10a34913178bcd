//! Identifiers, modes and result types that every folder uses.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use strum::VariantNames;

use crate::error::Error;

/// The number of an entity in the data set (`entity2id.txt`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntityId(pub u32);

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The row of an entity in the model's head and in the index, 0..V.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Row(pub u32);

impl Row {
    /// Returns the row as an array index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The index of a fine class in the data set's list of classes, which is sorted by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClassId(pub u16);

impl ClassId {
    /// Returns the class as an array index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The parts of the data that a ranking uses (`docs/ALGORITHM.md`, modes).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(
    serialize_all = "kebab-case",
    parse_err_ty = Error,
    parse_err_fn = unknown_mode
)]
pub enum Mode {
    /// The sentence and the image.
    Both,
    /// The sentence; every patch is masked out.
    Text,
    /// `[CLS] [MASK] [SEP]` and the image.
    Image,
    /// `[CLS] [MASK] [SEP]` without an image: the prior.
    None,
    /// The sentences as the frozen text encoder sees them, without training.
    FrozenText,
    /// The images as the frozen image encoder sees them, without training.
    FrozenImage,
    /// The words of the sentences, without an encoder.
    Words,
}

impl Mode {
    /// The modes of a trained model.
    pub const TRAINED: [Mode; 4] = [Mode::Both, Mode::Text, Mode::Image, Mode::None];

    /// Returns the name that options and files use: "both", "frozen-text".
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns whether the model sees the sentence.
    pub fn sees_text(self) -> bool {
        matches!(
            self,
            Mode::Both | Mode::Text | Mode::FrozenText | Mode::Words
        )
    }

    /// Returns whether a model that is trained on the data set is not involved.
    pub fn is_frozen(self) -> bool {
        matches!(self, Mode::FrozenText | Mode::FrozenImage | Mode::Words)
    }

    /// Returns whether the model sees the image.
    pub fn sees_image(self) -> bool {
        matches!(self, Mode::Both | Mode::Image | Mode::FrozenImage)
    }
}

fn unknown_mode(name: &str) -> Error {
    Error::unknown_argument("mode", name, Mode::VARIANTS)
}

/// The number of seeds in a query of the data set.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::VariantNames,
)]
#[strum(parse_err_ty = Error, parse_err_fn = unknown_seed_count)]
pub enum SeedCount {
    #[serde(rename = "3")]
    #[strum(serialize = "3")]
    Three,
    #[serde(rename = "5")]
    #[strum(serialize = "5")]
    Five,
}

impl SeedCount {
    /// Returns the other number of seeds.
    pub fn other(self) -> SeedCount {
        match self {
            SeedCount::Three => SeedCount::Five,
            SeedCount::Five => SeedCount::Three,
        }
    }

    /// Returns 3 or 5.
    pub fn as_usize(self) -> usize {
        match self {
            SeedCount::Three => 3,
            SeedCount::Five => 5,
        }
    }
}

fn unknown_seed_count(name: &str) -> Error {
    Error::unknown_argument("number of seeds", name, SeedCount::VARIANTS)
}

/// One query of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    pub class: ClassId,
    pub seed_count: SeedCount,
    /// The position of the query in its file, from 0; blank lines do not count.
    pub number: usize,
    /// The seeds as the file gives them, usually 3 or 5. A file may have fewer or more.
    pub seeds: Vec<EntityId>,
}

/// The method that ranks the candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RankingKind {
    /// The affinity to the seeds and to the best candidates.
    #[default]
    Feedback,
    /// The published window search and re-ranking, each query alone.
    #[serde(alias = "expanded")]
    Window,
    /// Window search and re-ranking, all classes of a query number from one pool.
    Joint,
    /// The candidates sorted by the sum of Z over the seeds.
    #[serde(rename = "seeds")]
    SeedSimilarity,
}

/// The published weights of 1/i and 1/j in the re-ranking: i is the rank in the window search, j
/// the rank by divergence.
pub const PUBLISHED_WEIGHTS: [u32; 2] = [9, 1];

/// Changes to the published settings of the search. `None` keeps the published value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchSettings {
    /// The number of best candidates that compete for every pick. With 1, the best is picked.
    pub window: Option<u32>,
    /// The weights of the re-ranking, instead of [`PUBLISHED_WEIGHTS`]. If the second is 0, there
    /// is no re-ranking.
    pub weights: Option<[u32; 2]>,
}

impl SearchSettings {
    /// Returns the weights of the re-ranking.
    pub fn weights(self) -> [u32; 2] {
        self.weights.unwrap_or(PUBLISHED_WEIGHTS)
    }
}

/// The evaluation protocol (`docs/ALGORITHM.md`, metrics).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EvaluationProtocol {
    /// Each query alone; all seeds are dropped from the ranking.
    Standard,
    /// The protocol of the published code: one shared pool for all classes of a query number.
    Published,
}

/// The score of a seed or candidate as a sum over the modalities: `prior + text + image`.
///
/// The parts are exact Shapley values over the four modes. In a mode with a single modality, the
/// contribution of the absent one is 0.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ModalityParts {
    pub prior: f64,
    pub text: f64,
    pub image: f64,
    /// What the feedback ranking subtracts for hubness, at most 0 as a rule.
    #[serde(default)]
    pub hubness: f64,
    /// What rejected candidates subtract in the feedback ranking, at most 0.
    #[serde(default)]
    pub rejected: f64,
}

impl ModalityParts {
    /// Returns the score.
    pub fn sum(&self) -> f64 {
        self.prior + self.text + self.image + self.hubness + self.rejected
    }
}

/// The cutoffs K of every table of metrics.
pub const CUTOFFS: [usize; 4] = [10, 20, 50, 100];

/// The metrics of one ranking, or their mean over many. Each array has one value per cutoff
/// ([`CUTOFFS`]).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct MetricValues {
    /// AP@K, 0..1. The mean over queries is MAP@K.
    pub ap: [f64; 4],
    /// hits@K / min(|gold|, K), 0..1: P@K as in the published code.
    pub p: [f64; 4],
    /// The best P@K that these candidates allow. It is below 1 if the index does not have every
    /// gold member.
    pub ceiling: [f64; 4],
}

/// One metric of [`MetricValues`], written "map@10" or "p@100".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// MAP at the cutoff with this index in [`CUTOFFS`].
    Map(usize),
    /// P at the cutoff with this index in [`CUTOFFS`].
    Precision(usize),
}

impl Metric {
    /// MAP, then P, each by cutoff.
    pub const ALL: [Metric; 8] = {
        use Metric::{Map, Precision};
        [
            Map(0),
            Map(1),
            Map(2),
            Map(3),
            Precision(0),
            Precision(1),
            Precision(2),
            Precision(3),
        ]
    };

    /// Returns the value of this metric.
    pub fn value(self, values: &MetricValues) -> f64 {
        match self {
            Metric::Map(cutoff) => values.ap[cutoff],
            Metric::Precision(cutoff) => values.p[cutoff],
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Metric::Map(cutoff) => f.pad(&format!("map@{}", CUTOFFS[*cutoff])),
            Metric::Precision(cutoff) => f.pad(&format!("p@{}", CUTOFFS[*cutoff])),
        }
    }
}

impl FromStr for Metric {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        let known = Metric::ALL
            .into_iter()
            .find(|metric| metric.to_string() == s);
        known.ok_or_else(|| {
            let names = Metric::ALL.map(|metric| metric.to_string());
            Error::unknown_argument("metric", s, &names)
        })
    }
}

impl Serialize for Metric {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The comparison of two systems over the same queries. A difference is the value of the first
/// system minus that of the second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedTest {
    /// The mean difference over queries.
    pub difference: f64,
    /// The lower end of the 95 % bootstrap interval over classes.
    pub low: f64,
    /// The upper end of the 95 % bootstrap interval over classes.
    pub high: f64,
    /// The p-value of the two-sided paired randomisation test over classes.
    pub p: f64,
    /// The p-value of the two-sided paired t-test over classes.
    pub p_t: f64,
    /// The number of classes in which the first system is better.
    pub wins: usize,
    /// The number of classes in which the first system is worse.
    pub losses: usize,
    /// The number of classes in which neither is better.
    pub ties: usize,
}

/// The similarity of two rankings.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct RankSimilarity {
    /// The number of shared entities over the length of the longer ranking, 0..1.
    pub overlap: f64,
    /// Rank-biased overlap with p = .9, 0..1.
    pub rbo: f64,
    /// Kendall's τ over the shared entities, −1..1. `None` if there are fewer than 2.
    pub tau: Option<f64>,
}

/// The device that tensors are computed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DeviceChoice {
    /// The first GPU if there is one, else the CPU.
    #[default]
    Auto,
    Cpu,
    Cuda(usize),
}

impl FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        let gpu = |number: &str| number.parse().ok().map(DeviceChoice::Cuda);
        let choice = match s {
            "auto" => Some(DeviceChoice::Auto),
            "cpu" => Some(DeviceChoice::Cpu),
            "cuda" => Some(DeviceChoice::Cuda(0)),
            _ => s.strip_prefix("cuda:").and_then(gpu),
        };
        choice
            .ok_or_else(|| Error::unknown_argument("device", s, &["auto", "cpu", "cuda", "cuda:N"]))
    }
}
