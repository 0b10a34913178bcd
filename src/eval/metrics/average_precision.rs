//! Average precision.

use std::collections::HashSet;

use crate::eval::metrics::hits::{divisor, hits};
use crate::types::{EntityId, EvaluationProtocol};

/// Returns AP@K = Σ over hits at rank i ≤ K of (hits up to i) / i, divided by min(|gold|, K); 0..1.
/// The result is NaN if there is no gold.
pub fn average_precision(
    ranking: &[EntityId],
    gold: &HashSet<EntityId>,
    k: usize,
    protocol: EvaluationProtocol,
) -> f64 {
    // `Iterator::sum` over no hits would be −0
    let mut sum = 0.0;
    for (hit, rank) in (1..).zip(hits(ranking, gold, k)) {
        sum += f64::from(hit) / rank as f64;
    }
    sum / divisor(ranking.len(), gold.len(), k, protocol)
}
