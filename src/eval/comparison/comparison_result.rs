//! The result of a comparison, as the command line prints it in JSON (`docs/FORMATS.md`).

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::eval::comparison::pair_outcome::PairOutcome;
use crate::types::{EntityId, Metric, PairedTest, SeedCount};

/// A difference with a corrected p-value below this level is significant.
const SIGNIFICANCE_LEVEL: f64 = 0.05;

/// The result of comparing runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    pub dataset: PathBuf,
    /// The value of [`Dataset::hash`](crate::data::Dataset::hash).
    pub dataset_hash: String,
    pub seeds: SeedCount,
    /// The number of queries with this number of seeds that have gold.
    pub queries: usize,
    pub metrics: Vec<Metric>,
    pub depth: usize,
    /// The number of tests of each kind, that is, of compared pairs times metrics.
    /// [`TestedDifference::p_holm`] is corrected over all of them.
    pub family: usize,
    /// The runs in the order in which they were given.
    pub runs: Vec<RunResult>,
    pub pairs: Vec<RunPair>,
}

/// The result of one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunResult {
    pub name: String,
    pub path: PathBuf,
    /// Every setting that made the run; empty for a run without settings.
    pub settings: Map<String, Value>,
    /// The kinds of warnings about the run with their counts, for people.
    #[serde(rename = "odd")]
    pub warnings: Vec<String>,
    pub scores: PairOutcome<RunScores>,
}

/// The scores of a run over the queries that it has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunScores {
    /// The number of these queries, at most [`Comparison::queries`].
    pub queries: usize,
    pub overall: BTreeMap<Metric, Estimate>,
    /// The classes, then the levels above them. Groups of which the run has no query are left out.
    #[serde(rename = "parts")]
    pub groups: Vec<GroupScores>,
}

/// A mean over queries, 0..1, with its 95 % bootstrap interval (low, high) over classes; without
/// an interval if there are fewer than two classes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    pub mean: f64,
    pub interval: Option<[f64; 2]>,
}

/// A level of the class hierarchy; the levels above classes are those of `classes.tsv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum RollupLevel {
    Class,
    Middle,
    Coarse,
}

impl RollupLevel {
    /// Returns the name that is also used in JSON.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The mean scores of a run over the queries of a group of classes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupScores {
    pub level: RollupLevel,
    /// The name of the group; that of a class is its file name.
    pub name: String,
    pub queries: usize,
    pub metrics: BTreeMap<Metric, f64>,
}

/// A run compared with a reference run. Differences are those of the run minus the reference:
/// above 0 the run is better.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunPair {
    /// The indices of the run and the reference in [`Comparison::runs`].
    #[serde(rename = "places")]
    pub indices: [usize; 2],
    pub run: String,
    pub reference: String,
    pub result: PairOutcome<PairComparison>,
}

/// Two runs compared over the queries that both have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairComparison {
    pub queries: usize,
    /// The numbers of queries that only the run and only the reference has. They are not compared.
    #[serde(rename = "alone")]
    pub unshared: [usize; 2],
    pub metrics: BTreeMap<Metric, TestedDifference>,
    /// The classes in the data set's order, then the levels above them. These are not tested,
    /// since each has too few classes.
    #[serde(rename = "parts")]
    pub groups: Vec<GroupComparison>,
    /// The queries for which an entity was gained or lost, in the data set's order.
    #[serde(rename = "exchanges")]
    pub ranking_changes: Vec<RankingChange>,
}

/// A difference with its significance tests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TestedDifference {
    /// The means of the run and of the reference over the queries that both have.
    pub means: [f64; 2],
    #[serde(flatten)]
    pub test: PairedTest,
    /// The p-values of the randomisation test and of the t-test, corrected over the whole family.
    pub p_holm: f64,
    pub p_t_holm: f64,
}

impl TestedDifference {
    /// Returns whether the difference could not be significant even in the most extreme case: all
    /// classes that differ do so in one direction, and among so few classes this happens by chance
    /// too often.
    pub fn is_underpowered(&self) -> bool {
        let PairedTest {
            wins, losses, p, ..
        } = self.test;
        let differing = (wins + losses) as i32;
        self.p_holm >= SIGNIFICANCE_LEVEL
            && differing > 0
            && wins.min(losses) == 0
            && p <= 2f64.powi(1 - differing) * (1.0 + 1e-9)
    }

    /// Returns `Greater` if the run is significantly better, `Less` if it is significantly worse,
    /// and `Equal` if the difference is not significant.
    pub fn direction(&self) -> Ordering {
        if self.p_holm >= SIGNIFICANCE_LEVEL {
            Ordering::Equal
        } else if self.test.difference > 0.0 {
            Ordering::Greater
        } else {
            Ordering::Less
        }
    }
}

/// Two runs compared on a group of classes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupComparison {
    pub level: RollupLevel,
    pub name: String,
    pub result: PairOutcome<GroupDifferences>,
}

/// The differences of two runs over the queries of a group that both have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupDifferences {
    pub queries: usize,
    /// The numbers of queries that only the run and only the reference has.
    #[serde(rename = "alone")]
    pub unshared: [usize; 2],
    pub metrics: BTreeMap<Metric, UntestedDifference>,
}

/// A difference without a significance test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct UntestedDifference {
    /// The means of the run and of the reference.
    pub means: [f64; 2],
    pub difference: f64,
    /// The 95 % bootstrap interval (low, high) over classes, if there are enough classes.
    pub interval: Option<[f64; 2]>,
    /// The numbers of classes in which the run is better, equal and worse.
    pub wins: usize,
    pub ties: usize,
    pub losses: usize,
}

/// The entities that entered and left the first candidates of a query.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RankingChange {
    /// `<class>/<3|5>/<number from 1>`.
    pub query: String,
    /// The entities among the first of the run but not of the reference, by rank.
    pub gained: Vec<ChangedEntity>,
    /// The entities among the first of the reference but not of the run, by rank.
    pub lost: Vec<ChangedEntity>,
}

/// An entity that was gained or lost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangedEntity {
    pub id: EntityId,
    /// The name in the vocabulary, or else in the run.
    pub name: Option<String>,
    /// Whether the entity is gold for the query.
    pub gold: bool,
    /// The rank, from 1, in the ranking that has the entity among its first.
    pub rank: usize,
    /// The rank in the other ranking, if the entity is in it.
    pub other_rank: Option<usize>,
}
