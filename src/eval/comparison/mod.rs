//! Any number of runs held against each other over a data set's queries. Plain data, as the command
//! line prints it and reports are drawn from it.
//!
//! Nothing is skipped in silence: what a run did not do is [`PairOutcome::NotRun`], what cannot be put
//! side by side [`PairOutcome::NotComparable`], each with its reason.

mod class_group;
mod evaluated_run;
mod paired;
mod ranking_changes;
mod table;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Map, Value};

pub use evaluated_run::{score_run, seed_count_of};

use crate::data::{Dataset, Diagnostics};
use crate::error::Result;
use crate::eval::bootstrap::bootstrap_intervals;
use crate::eval::comparison::evaluated_run::{EvaluatedRun, QueryMetrics};
use crate::eval::run::Run;
use crate::eval::significance::holm;
use crate::types::{EntityId, Metric, PairedTest, SeedCount};

/// A run to be compared.
#[derive(Debug, Clone, Default)]
pub struct ComparisonInput {
    /// As tables call it; no other run's.
    pub name: String,
    pub path: PathBuf,
    pub run: Run,
    /// What is odd about it.
    pub warnings: Diagnostics,
}

/// Which runs are held against which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairSelection {
    /// Every other one against the first.
    WithReference,
    /// Every one against each before it.
    AllPairs,
}

/// How runs are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonSettings {
    /// What is tested, and so the family that p-values are corrected over.
    pub metrics: Vec<Metric>,
    pub pair_selection: PairSelection,
    /// Entities are gained and lost among the first so many.
    pub depth: usize,
}

/// What comparing came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    pub dataset: PathBuf,
    /// As [`Dataset::hash`].
    pub dataset_hash: String,
    pub seeds: SeedCount,
    /// Queries of so many seeds, with gold.
    pub queries: usize,
    pub metrics: Vec<Metric>,
    pub depth: usize,
    /// How many tests there are of each kind: pairs that could be compared, times metrics.
    /// [`TestedDifference::p_holm`] is corrected over them all.
    pub family: usize,
    /// As they were given.
    pub runs: Vec<RunResult>,
    pub pairs: Vec<RunPair>,
}

/// A verdict, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PairOutcome<T> {
    Done(T),
    /// A run has nothing here.
    NotRun(String),
    /// Both are there, and cannot be put side by side.
    NotComparable(String),
}

impl<T> PairOutcome<T> {
    /// Why there is no verdict, for people; none where there is one.
    pub fn failure_reason(&self) -> Option<String> {
        match self {
            PairOutcome::Done(_) => None,
            PairOutcome::NotRun(why) => Some(format!("not run: {why}")),
            PairOutcome::NotComparable(why) => Some(format!("not comparable: {why}")),
        }
    }

    /// What came of it, where something did.
    pub fn done(&self) -> Option<&T> {
        if let PairOutcome::Done(done) = self {
            Some(done)
        } else {
            None
        }
    }

    fn done_mut(&mut self) -> Option<&mut T> {
        if let PairOutcome::Done(done) = self {
            Some(done)
        } else {
            None
        }
    }
}

/// One run alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunResult {
    pub name: String,
    pub path: PathBuf,
    /// Every setting that made it; empty where it brings none.
    pub settings: Map<String, Value>,
    /// What was left out of it or is missing, for people.
    #[serde(rename = "odd")]
    pub warnings: Vec<String>,
    pub scores: PairOutcome<RunScores>,
}

/// How good a run is over the queries that it has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunScores {
    /// How many these are; of [`Comparison::queries`].
    pub queries: usize,
    pub overall: BTreeMap<Metric, Estimate>,
    /// Its classes, then the levels above them. Those of which it has no query are not here.
    #[serde(rename = "parts")]
    pub groups: Vec<GroupScores>,
}

/// A mean over queries, 0..1, with its 95 % bootstrap interval (low, high) over classes; none of
/// fewer than two classes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    pub mean: f64,
    pub interval: Option<[f64; 2]>,
}

/// Which level of the hierarchy; above classes, what `classes.tsv` gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RollupLevel {
    Class,
    Middle,
    Coarse,
}

impl RollupLevel {
    /// As the JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            RollupLevel::Class => "class",
            RollupLevel::Middle => "middle",
            RollupLevel::Coarse => "coarse",
        }
    }
}

/// Means over a part's queries.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupScores {
    pub level: RollupLevel,
    /// A class is called as its file is.
    pub name: String,
    pub queries: usize,
    pub metrics: BTreeMap<Metric, f64>,
}

/// One run held against another. Differences are the run's less the reference's: above 0 the run is
/// better.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunPair {
    /// Places in [`Comparison::runs`], and their names.
    #[serde(rename = "places")]
    pub indices: [usize; 2],
    pub run: String,
    pub reference: String,
    pub result: PairOutcome<PairComparison>,
}

/// Two runs over the queries that both have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairComparison {
    pub queries: usize,
    /// Queries that only the run, and only the reference has: these count in neither.
    #[serde(rename = "alone")]
    pub unshared: [usize; 2],
    pub metrics: BTreeMap<Metric, TestedDifference>,
    /// Classes in the data set's order, then the levels above them. Not tested: there are too few
    /// classes in each.
    #[serde(rename = "parts")]
    pub groups: Vec<GroupComparison>,
    /// Queries of which an entity was gained or lost, in the data set's order.
    #[serde(rename = "exchanges")]
    pub ranking_changes: Vec<RankingChange>,
}

/// A tested difference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TestedDifference {
    /// Of the run and of the reference, over the queries that both have.
    pub means: [f64; 2],
    #[serde(flatten)]
    pub test: PairedTest,
    /// The randomisation test's p, and the t-test's, corrected over the whole family.
    pub p_holm: f64,
    pub p_t_holm: f64,
}

/// Why runs that were expanded jointly are not held against others.
pub const DIFFERENT_POOLS: &str =
    "one gives an entity to one class of a query number alone, the other asks each query by itself";

/// A corrected p-value below this is a verdict.
const LEVEL: f64 = 0.05;

impl TestedDifference {
    /// Whether no difference can be found whatever the runs are: all classes that differ do so in
    /// one direction, and even that happens by chance too often among so few.
    pub fn is_underpowered(&self) -> bool {
        let PairedTest {
            wins, losses, p, ..
        } = self.test;
        let differing = (wins + losses) as i32;
        self.p_holm >= LEVEL
            && differing > 0
            && wins.min(losses) == 0
            && p <= 2f64.powi(1 - differing) * (1.0 + 1e-9)
    }

    /// Greater: the run is better; less: worse; equal: no difference was found.
    pub fn direction(&self) -> Ordering {
        match self.p_holm < LEVEL {
            true if self.test.difference > 0.0 => Ordering::Greater,
            true => Ordering::Less,
            false => Ordering::Equal,
        }
    }
}

/// A part of two runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupComparison {
    pub level: RollupLevel,
    pub name: String,
    pub result: PairOutcome<GroupDifferences>,
}

/// Two runs over the queries of a part that both have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupDifferences {
    /// As in [`PairComparison`].
    pub queries: usize,
    #[serde(rename = "alone")]
    pub unshared: [usize; 2],
    pub metrics: BTreeMap<Metric, UntestedDifference>,
}

/// A difference as it is seen, untested.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct UntestedDifference {
    /// Of the run and of the reference.
    pub means: [f64; 2],
    pub difference: f64,
    /// As in [`Estimate`].
    pub interval: Option<[f64; 2]>,
    /// Classes in which the run is better, neither, and worse.
    pub wins: usize,
    pub ties: usize,
    pub losses: usize,
}

/// What of a query's first candidates changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RankingChange {
    /// `<class>/<3|5>/<number from 1>`.
    pub query: String,
    /// Among the run's first and not among the reference's, by rank.
    pub gained: Vec<ChangedEntity>,
    /// The other way round.
    pub lost: Vec<ChangedEntity>,
}

/// An entity that was gained or lost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangedEntity {
    pub id: EntityId,
    /// As the vocabulary has it, else as the run calls it.
    pub name: Option<String>,
    /// Whether the query is to find it.
    pub gold: bool,
    /// Its place, from 1, in the list that has it among its first, and in the other where it is in
    /// that at all.
    pub rank: usize,
    pub other_rank: Option<usize>,
}

/// Compares runs over a data set's queries of so many seeds. Errors: those of [`Dataset::hash`].
pub fn compare(
    entries: &[ComparisonInput],
    dataset: &Dataset,
    seeds: SeedCount,
    settings: &ComparisonSettings,
) -> Result<Comparison> {
    let hash = dataset.hash()?;
    let held: Vec<EvaluatedRun> = entries
        .iter()
        .map(|entry| EvaluatedRun::of(entry, dataset, &hash, seeds))
        .collect();
    let mut pairs: Vec<RunPair> = pairs_of(entries.len(), settings.pair_selection)
        .map(|[run, reference]| RunPair {
            indices: [run, reference],
            run: entries[run].name.clone(),
            reference: entries[reference].name.clone(),
            result: paired::paired([&held[run], &held[reference]], dataset, seeds, settings),
        })
        .collect();
    let family = correct(&mut pairs);
    let entrant = |(entry, held): (&ComparisonInput, EvaluatedRun)| RunResult {
        name: entry.name.clone(),
        path: entry.path.clone(),
        settings: entry.run.settings.clone(),
        warnings: entry
            .warnings
            .summary()
            .into_iter()
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect(),
        scores: match held.measured {
            PairOutcome::Done(measured) => {
                PairOutcome::Done(scores(&measured, dataset, &settings.metrics))
            }
            PairOutcome::NotRun(why) => PairOutcome::NotRun(why),
            PairOutcome::NotComparable(why) => PairOutcome::NotComparable(why),
        },
    };
    Ok(Comparison {
        dataset: dataset.root.clone(),
        dataset_hash: hash,
        seeds,
        queries: class_group::asked(dataset, seeds)
            .filter(|(_, has_gold)| *has_gold)
            .count(),
        metrics: settings.metrics.clone(),
        depth: settings.depth,
        family,
        runs: entries.iter().zip(held).map(entrant).collect(),
        pairs,
    })
}

/// (run, reference), by places.
fn pairs_of(runs: usize, against: PairSelection) -> impl Iterator<Item = [usize; 2]> {
    let references = move |run| {
        if against == PairSelection::AllPairs {
            run
        } else {
            1
        }
    };
    (1..runs).flat_map(move |run| (0..references(run)).map(move |reference| [run, reference]))
}

/// Fills in the corrected p-values. One may pick the best cell of the whole table, so every cell is
/// of one family.
fn correct(pairs: &mut [RunPair]) -> usize {
    let tested = pairs.iter_mut().filter_map(|pair| pair.result.done_mut());
    let mut tested: Vec<&mut TestedDifference> = tested
        .flat_map(|paired| paired.metrics.values_mut())
        .collect();
    let corrected =
        |of: fn(&PairedTest) -> f64| holm(&tested.iter().map(|t| of(&t.test)).collect::<Vec<_>>());
    let (p, p_t) = (corrected(|v| v.p), corrected(|v| v.p_t));
    for (tested, (p, p_t)) in tested.iter_mut().zip(p.into_iter().zip(p_t)) {
        (tested.p_holm, tested.p_t_holm) = (p, p_t);
    }
    tested.len()
}

fn scores(measured: &QueryMetrics, dataset: &Dataset, metrics: &[Metric]) -> RunScores {
    let of_class: Vec<_> = measured
        .iter()
        .map(|((class, ..), measures)| (*class, *measures))
        .collect();
    let overall = crate::eval::aggregate(of_class.iter().copied()).overall;
    let interval = bootstrap_intervals(&of_class);
    let estimate = |metric: &Metric| {
        let interval = interval
            .as_ref()
            .map(|(low, high)| [metric.value(low), metric.value(high)]);
        (
            *metric,
            Estimate {
                mean: metric.value(&overall),
                interval,
            },
        )
    };
    let part = |part: &class_group::ClassGroup| {
        let own: Vec<_> = of_class
            .iter()
            .filter(|(class, _)| part.classes.contains(class))
            .copied()
            .collect();
        let evaluation = crate::eval::aggregate(own.into_iter());
        let metrics = metrics
            .iter()
            .map(|metric| (*metric, metric.value(&evaluation.overall)))
            .collect();
        GroupScores {
            level: part.level,
            name: part.name.clone(),
            queries: evaluation.queries,
            metrics,
        }
    };
    let parts = class_group::parts(dataset)
        .iter()
        .map(part)
        .filter(|part| part.queries > 0)
        .collect();
    RunScores {
        queries: measured.len(),
        overall: metrics.iter().map(estimate).collect(),
        groups: parts,
    }
}
