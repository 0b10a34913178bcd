//! Which queries can be asked of a system, and what its lists are worth: the same for every system.

use crate::data::Dataset;
use crate::eval::metrics::{gold, ranking_metrics};
use crate::types::{EntityId, EvaluationProtocol, MetricValues, Query};

/// Splits off queries of which the system knows no seed, or whose class has no other member; gives
/// those to ask, and why how many were left out.
pub fn answerable_queries(
    dataset: &Dataset,
    queries: Vec<Query>,
    knows: impl Fn(EntityId) -> bool,
) -> (Vec<Query>, Vec<(String, usize)>) {
    let before = queries.len();
    let seeded: Vec<Query> = queries
        .into_iter()
        .filter(|q| q.seeds.iter().any(|&seed| knows(seed)))
        .collect();
    let seedless = before - seeded.len();
    let has_gold = |q: &Query| !gold(&dataset.classes[q.class.index()], &q.seeds).is_empty();
    let (asked, goldless): (Vec<Query>, Vec<Query>) = seeded.into_iter().partition(has_gold);
    let left_out = [
        ("queries of which no seed is known", seedless),
        ("queries without gold", goldless.len()),
    ];
    (
        asked,
        left_out
            .into_iter()
            .filter(|(_, n)| *n > 0)
            .map(|(what, n)| (what.to_owned(), n))
            .collect(),
    )
}

/// A query's list, best first, against its class less the seeds; what the system does not know
/// could not be reached.
pub fn evaluate_query(
    dataset: &Dataset,
    query: &Query,
    list: &[EntityId],
    protocol: EvaluationProtocol,
    knows: impl Fn(EntityId) -> bool,
) -> MetricValues {
    let gold = gold(&dataset.classes[query.class.index()], &query.seeds);
    let reachable = gold.iter().filter(|&&entity| knows(entity)).count();
    ranking_metrics(list, &gold, reachable, protocol)
}
