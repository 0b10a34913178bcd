//! Precision as the published code computes it.

use std::collections::HashSet;

use crate::eval::metrics::hits::{divisor, hits};
use crate::types::{EntityId, EvaluationProtocol};

/// Returns the published P@K = hits among the first K / min(|gold|, K); 0..1. The result is NaN if
/// there is no gold.
pub fn precision(
    ranking: &[EntityId],
    gold: &HashSet<EntityId>,
    k: usize,
    protocol: EvaluationProtocol,
) -> f64 {
    hits(ranking, gold, k).count() as f64 / divisor(ranking.len(), gold.len(), k, protocol)
}
