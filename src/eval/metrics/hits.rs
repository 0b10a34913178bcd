//! Hits of a ranking, and the number that they are divided by.

use std::collections::HashSet;
use std::ops::Range;

use crate::types::{EntityId, EvaluationProtocol};

/// The lengths of rankings for which the published code divides by the length instead of K.
const DIVIDED_BY_OWN_LENGTH: Range<usize> = 51..100;

/// Returns the ranks, from 1, of the hits among the first `k` entities.
pub(super) fn hits<'a>(
    ranking: &'a [EntityId],
    gold: &'a HashSet<EntityId>,
    k: usize,
) -> impl Iterator<Item = usize> + 'a {
    let mut found = HashSet::new();
    let first = (1..).zip(ranking.iter().take(k));
    first
        .filter(move |(_, entity)| gold.contains(entity) && found.insert(**entity))
        .map(|(rank, _)| rank)
}

/// Returns min(|gold|, K). For a ranking of 51 to 99 entities the published protocol replaces a
/// greater K by the length of the ranking.
pub(super) fn divisor(length: usize, gold: usize, k: usize, protocol: EvaluationProtocol) -> f64 {
    let uses_length =
        protocol == EvaluationProtocol::Published && DIVIDED_BY_OWN_LENGTH.contains(&length);
    let k = if uses_length { k.min(length) } else { k };
    gold.min(k) as f64
}
