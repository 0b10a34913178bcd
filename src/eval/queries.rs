//! The selection of queries for an evaluation and the metrics of one query, the same for every
//! system.

use crate::data::Dataset;
use crate::eval::metrics::{gold, ranking_metrics};
use crate::types::{EntityId, EvaluationProtocol, MetricValues, Query};

/// Returns the queries that have gold and at least one seed that the system knows, and the reasons
/// why others were left out, with their counts.
pub fn answerable_queries(
    dataset: &Dataset,
    queries: Vec<Query>,
    is_known: impl Fn(EntityId) -> bool,
) -> (Vec<Query>, Vec<(String, usize)>) {
    let mut answerable = Vec::new();
    let mut without_seed = 0;
    let mut without_gold = 0;
    for query in queries {
        if !query.seeds.iter().any(|&seed| is_known(seed)) {
            without_seed += 1;
        } else if gold(&dataset.classes[query.class.index()], &query.seeds).is_empty() {
            without_gold += 1;
        } else {
            answerable.push(query);
        }
    }
    let mut left_out = Vec::new();
    for (reason, count) in [
        ("queries of which no seed is known", without_seed),
        ("queries without gold", without_gold),
    ] {
        if count > 0 {
            left_out.push((reason.to_owned(), count));
        }
    }
    (answerable, left_out)
}

/// Returns the metrics of a query's ranking, best first. Gold entities that the system does not
/// know count as unreachable.
pub fn evaluate_query(
    dataset: &Dataset,
    query: &Query,
    ranking: &[EntityId],
    protocol: EvaluationProtocol,
    is_known: impl Fn(EntityId) -> bool,
) -> MetricValues {
    let gold = gold(&dataset.classes[query.class.index()], &query.seeds);
    let reachable = gold.iter().filter(|&&entity| is_known(entity)).count();
    ranking_metrics(ranking, &gold, reachable, protocol)
}
