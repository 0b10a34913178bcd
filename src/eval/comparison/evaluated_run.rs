//! A run held against the data set that the comparison is of.

use crate::data::Dataset;
use crate::eval::comparison::{ComparisonInput, PairOutcome};
use crate::eval::run::Run;
use crate::eval::scored_run::{QueryKey, ScoredRun, query_key};
use crate::types::{EntityId, EvaluationProtocol, MetricValues, Query, SeedCount};

/// The queries that a run has and that have gold, in the data set's order.
pub(super) type QueryMetrics = Vec<(QueryKey, MetricValues)>;

pub(super) struct EvaluatedRun<'a> {
    pub(super) entry: &'a ComparisonInput,
    pub(super) judged: ScoredRun,
    pub(super) measured: PairOutcome<QueryMetrics>,
}

impl<'a> EvaluatedRun<'a> {
    pub(super) fn of(
        entry: &'a ComparisonInput,
        dataset: &Dataset,
        hash: &str,
        seeds: SeedCount,
    ) -> Self {
        let judged = ScoredRun::from_run(&entry.run, dataset);
        let measured = measured(entry, &judged, dataset, hash, seeds);
        EvaluatedRun {
            entry,
            judged,
            measured,
        }
    }

    /// The query's list, best first; empty where the run has none.
    pub(super) fn list(&self, query: &Query) -> &[EntityId] {
        self.judged
            .rankings
            .get(&query_key(query))
            .map_or(&[], Vec::as_slice)
    }
}

/// A run as it is scored on a data set, whose [`Dataset::hash`] this is, over queries of so many
/// seeds; else why it is not.
pub fn score_run(
    entry: &ComparisonInput,
    dataset: &Dataset,
    hash: &str,
    seeds: SeedCount,
) -> PairOutcome<ScoredRun> {
    let EvaluatedRun {
        judged, measured, ..
    } = EvaluatedRun::of(entry, dataset, hash, seeds);
    match measured {
        PairOutcome::Done(_) => PairOutcome::Done(judged),
        PairOutcome::NotRun(why) => PairOutcome::NotRun(why),
        PairOutcome::NotComparable(why) => PairOutcome::NotComparable(why),
    }
}

fn measured(
    entry: &ComparisonInput,
    judged: &ScoredRun,
    dataset: &Dataset,
    hash: &str,
    seeds: SeedCount,
) -> PairOutcome<QueryMetrics> {
    if let Some(why) = entry.run.mismatch(dataset, hash) {
        return PairOutcome::NotComparable(why);
    }
    // read for so many seeds, a run of others is empty
    if entry.run.rankings.is_empty() {
        return PairOutcome::NotRun(format!("it has no query of {} seeds", seeds.as_usize()));
    }
    if judged.rankings.is_empty() {
        return PairOutcome::NotComparable("it has no query of this data set".into());
    }
    if !judged.rankings.keys().any(|(_, count, _)| *count == seeds) {
        return PairOutcome::NotRun(format!("it has no query of {} seeds", seeds.as_usize()));
    }
    let measured = judged.metric_values(dataset, seeds, EvaluationProtocol::Standard);
    if measured.is_empty() {
        return PairOutcome::NotComparable("none of its queries has gold".into());
    }
    PairOutcome::Done(measured)
}

/// With how many seeds a run has queries; 3 where it has both, or none.
pub fn seed_count_of(run: &Run, dataset: &Dataset) -> SeedCount {
    let lists = ScoredRun::from_run(run, dataset).rankings;
    let has = |count: SeedCount| lists.keys().any(|(_, seeds, _)| *seeds == count);
    if has(SeedCount::Five) && !has(SeedCount::Three) {
        SeedCount::Five
    } else {
        SeedCount::Three
    }
}
