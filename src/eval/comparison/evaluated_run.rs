//! A run evaluated on the data set of a comparison.

use crate::data::Dataset;
use crate::eval::comparison::inputs::ComparisonInput;
use crate::eval::comparison::pair_outcome::PairOutcome;
use crate::eval::query_key::{QueryKey, query_key};
use crate::eval::run::Run;
use crate::eval::scored_run::ScoredRun;
use crate::types::{EntityId, EvaluationProtocol, MetricValues, Query, SeedCount};

/// The metrics of the queries that a run has and that have gold, in the data set's order.
pub(super) type QueryMetrics = Vec<(QueryKey, MetricValues)>;

/// A run with its rankings and metrics on a data set.
pub(super) struct EvaluatedRun<'a> {
    pub(super) input: &'a ComparisonInput,
    pub(super) scored: ScoredRun,
    pub(super) metrics: PairOutcome<QueryMetrics>,
}

impl<'a> EvaluatedRun<'a> {
    /// Evaluates a run on the queries with this number of seeds; `hash` is the [`Dataset::hash`].
    pub(super) fn new(
        input: &'a ComparisonInput,
        dataset: &Dataset,
        hash: &str,
        seeds: SeedCount,
    ) -> Self {
        let scored = ScoredRun::from_run(&input.run, dataset);
        let metrics = evaluate(input, &scored, dataset, hash, seeds);
        EvaluatedRun {
            input,
            scored,
            metrics,
        }
    }

    /// Returns the ranking of a query, best first; empty if the run does not have the query.
    pub(super) fn ranking(&self, query: &Query) -> &[EntityId] {
        let ranking = self.scored.rankings.get(&query_key(query));
        ranking.map_or(&[], Vec::as_slice)
    }
}

/// Returns the rankings of a run if they can be scored on the queries with this number of seeds of
/// a data set, whose [`Dataset::hash`] is `hash`.
pub fn score_run(
    input: &ComparisonInput,
    dataset: &Dataset,
    hash: &str,
    seeds: SeedCount,
) -> PairOutcome<ScoredRun> {
    let run = EvaluatedRun::new(input, dataset, hash, seeds);
    let scored = run.scored;
    run.metrics.map(|_| scored)
}

fn evaluate(
    input: &ComparisonInput,
    scored: &ScoredRun,
    dataset: &Dataset,
    hash: &str,
    seeds: SeedCount,
) -> PairOutcome<QueryMetrics> {
    if let Some(why) = input.run.mismatch(dataset, hash) {
        return PairOutcome::NotComparable(why);
    }
    let no_query = || PairOutcome::NotRun(format!("it has no query of {} seeds", seeds.as_usize()));
    // a run that was read for another number of seeds is empty
    if input.run.rankings.is_empty() {
        return no_query();
    }
    if scored.rankings.is_empty() {
        return PairOutcome::NotComparable("it has no query of this data set".into());
    }
    if !scored.rankings.keys().any(|(_, count, _)| *count == seeds) {
        return no_query();
    }
    let metrics = scored.metric_values(dataset, seeds, EvaluationProtocol::Standard);
    if metrics.is_empty() {
        return PairOutcome::NotComparable("none of its queries has gold".into());
    }
    PairOutcome::Done(metrics)
}

/// Returns the number of seeds of the queries that a run has; 3 if it has queries of both numbers,
/// or none.
pub fn seed_count_of(run: &Run, dataset: &Dataset) -> SeedCount {
    let rankings = ScoredRun::from_run(run, dataset).rankings;
    let has = |count: SeedCount| rankings.keys().any(|(_, seeds, _)| *seeds == count);
    if has(SeedCount::Five) && !has(SeedCount::Three) {
        SeedCount::Five
    } else {
        SeedCount::Three
    }
}
