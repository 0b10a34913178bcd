//! Words shared by every room.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// An entity as the data set numbers it (`entity2id.txt`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntityId(pub u32);

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An entity's row in the model's head and in the index: 0..V.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Row(pub u32);

impl Row {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A fine class: its place in the data set's list of classes, which is sorted by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClassId(pub u16);

impl ClassId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What the model is shown of a pair (`docs/ALGORITHM.md`, modes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The sentence and the picture.
    Both,
    /// The sentence; every patch is masked out.
    Text,
    /// `[CLS] [MASK] [SEP]` and the picture.
    Image,
    /// `[CLS] [MASK] [SEP]` and no picture: the prior.
    None,
}

impl Mode {
    pub const ALL: [Mode; 4] = [Mode::Both, Mode::Text, Mode::Image, Mode::None];

    pub fn name(self) -> &'static str {
        match self {
            Mode::Both => "both",
            Mode::Text => "text",
            Mode::Image => "image",
            Mode::None => "none",
        }
    }

    pub fn sees_text(self) -> bool {
        matches!(self, Mode::Both | Mode::Text)
    }

    pub fn sees_image(self) -> bool {
        matches!(self, Mode::Both | Mode::Image)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Mode {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        Mode::ALL
            .into_iter()
            .find(|m| m.name() == s)
            .ok_or_else(|| {
                Error::Argument(format!(
                    "“{s}” is no mode; the modes are both, text, image, none"
                ))
            })
    }
}

/// How many seeds the data set's queries have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SeedCount {
    #[serde(rename = "3")]
    Three,
    #[serde(rename = "5")]
    Five,
}

impl SeedCount {
    pub fn other(self) -> SeedCount {
        match self {
            SeedCount::Three => SeedCount::Five,
            SeedCount::Five => SeedCount::Three,
        }
    }

    pub fn as_usize(self) -> usize {
        match self {
            SeedCount::Three => 3,
            SeedCount::Five => 5,
        }
    }
}

impl FromStr for SeedCount {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        match s {
            "3" => Ok(SeedCount::Three),
            "5" => Ok(SeedCount::Five),
            _ => Err(Error::Argument(format!("{s} seeds: queries have 3 or 5"))),
        }
    }
}

/// One query of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    pub class: ClassId,
    pub seed_count: SeedCount,
    /// Which query of its file, from 0 (blank lines not counted).
    pub number: usize,
    /// The seeds as the file gives them. As a rule 3 or 5, but files hold surprises.
    pub seeds: Vec<EntityId>,
}

/// Which of the rankings is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RankingKind {
    /// Window search and re-ranking, each query alone.
    Expanded,
    /// The same, all classes of a query number from one pool.
    Joint,
    /// Candidates by ΣZ over the seeds alone.
    #[serde(rename = "seeds")]
    SeedSimilarity,
}

/// What 1/i and 1/j count in the published re-ranking: i is the place when picked, j that by
/// divergence.
pub const PUBLISHED_WEIGHTS: [u32; 2] = [9, 1];

/// Where a search departs from the published settings; none: as published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchSettings {
    /// So many of the best compete for every pick; 1: the best is picked.
    pub window: Option<u32>,
    /// The re-ranking's, in the place of [`PUBLISHED_WEIGHTS`]. Without the second there is no
    /// re-ranking.
    pub weights: Option<[u32; 2]>,
}

impl SearchSettings {
    pub fn weights(self) -> [u32; 2] {
        self.weights.unwrap_or(PUBLISHED_WEIGHTS)
    }
}

/// Which evaluation protocol (`docs/ALGORITHM.md`, metrics).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EvaluationProtocol {
    /// Each query alone; all seeds dropped.
    Standard,
    /// The published code's: one shared pool for all classes of a query number.
    Published,
}

/// A seed's or candidate's score as a sum over the modalities: `prior + text + image`.
/// Exact Shapley values over the four modes; in a single-modality mode the absent one's share is 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ModalityParts {
    pub prior: f64,
    pub text: f64,
    pub image: f64,
}

impl ModalityParts {
    pub fn sum(&self) -> f64 {
        self.prior + self.text + self.image
    }
}

/// The cutoffs K that every table of metrics has.
pub const CUTOFFS: [usize; 4] = [10, 20, 50, 100];

/// Metrics of one ranking, or their mean over many; each array goes with [`CUTOFFS`].
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct MetricValues {
    /// AP@K (a mean of them: MAP@K), 0..1.
    pub ap: [f64; 4],
    /// hits@K / min(|gold|, K), the published code's P@K, 0..1.
    pub p: [f64; 4],
    /// The best P@K that these candidates allow: below 1 where gold members are not in the index.
    pub ceiling: [f64; 4],
}

/// One number of [`MetricValues`]; written "map@10", "p@100".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// MAP at this place of [`CUTOFFS`].
    Map(usize),
    /// P at this place of [`CUTOFFS`].
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

    pub fn value(self, measures: &MetricValues) -> f64 {
        match self {
            Metric::Map(at) => measures.ap[at],
            Metric::Precision(at) => measures.p[at],
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Metric::Map(at) => f.pad(&format!("map@{}", CUTOFFS[*at])),
            Metric::Precision(at) => f.pad(&format!("p@{}", CUTOFFS[*at])),
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
            let names = Metric::ALL.map(|metric| metric.to_string()).join(", ");
            Error::Argument(format!("“{s}” is no metric; the metrics are {names}"))
        })
    }
}

impl Serialize for Metric {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What comparing two systems over the same queries comes to; differences are the first's less the
/// second's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedTest {
    /// Mean over queries: of the overall values.
    pub difference: f64,
    /// 95 % bootstrap interval over classes.
    pub low: f64,
    pub high: f64,
    /// Of the two-sided paired randomisation test over classes.
    pub p: f64,
    /// Of the two-sided paired t-test over classes.
    pub p_t: f64,
    /// Classes in which the first is better, worse, and neither.
    pub wins: usize,
    pub losses: usize,
    pub ties: usize,
}

/// How alike two rankings are.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct RankSimilarity {
    /// Shared entities over the length of the longer one, 0..1.
    pub overlap: f64,
    /// Rank-biased overlap, 0..1, p = .9.
    pub rbo: f64,
    /// Kendall's τ over the shared ones, −1..1; none of fewer than 2.
    pub tau: Option<f64>,
}

/// Where tensors live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DeviceChoice {
    /// The first GPU where there is one, else the CPU.
    #[default]
    Auto,
    Cpu,
    Cuda(usize),
}

impl FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        match s {
            "auto" => Ok(DeviceChoice::Auto),
            "cpu" => Ok(DeviceChoice::Cpu),
            "cuda" => Ok(DeviceChoice::Cuda(0)),
            _ => s
                .strip_prefix("cuda:")
                .and_then(|n| n.parse().ok())
                .map(DeviceChoice::Cuda)
                .ok_or_else(|| {
                    Error::Argument(format!(
                        "“{s}” is no device; devices are auto, cpu, cuda and cuda:N"
                    ))
                }),
        }
    }
}
