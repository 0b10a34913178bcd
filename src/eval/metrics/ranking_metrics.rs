//! All metrics of one ranking.

use std::collections::HashSet;

use crate::eval::metrics::average_precision::average_precision;
use crate::eval::metrics::precision::precision;
use crate::types::{CUTOFFS, EntityId, EvaluationProtocol, MetricValues};

/// Returns AP, P and ceiling at every cutoff. `reachable` is the number of gold entities that could
/// be ranked, that is, that are in the index; ceiling@K = min(reachable, K) / min(|gold|, K). All
/// values are NaN if there is no gold.
pub fn ranking_metrics(
    ranking: &[EntityId],
    gold: &HashSet<EntityId>,
    reachable: usize,
    protocol: EvaluationProtocol,
) -> MetricValues {
    let reachable = reachable.min(gold.len());
    MetricValues {
        ap: CUTOFFS.map(|k| average_precision(ranking, gold, k, protocol)),
        p: CUTOFFS.map(|k| precision(ranking, gold, k, protocol)),
        ceiling: CUTOFFS.map(|k| reachable.min(k) as f64 / gold.len().min(k) as f64),
    }
}
