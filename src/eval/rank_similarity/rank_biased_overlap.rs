//! Rank-biased overlap (Webber et al. 2010).

use std::collections::HashSet;

use crate::types::EntityId;

/// The parameter p of RBO; with .9 the first 10 ranks have 86 % of the weight.
const PERSISTENCE: f64 = 0.9;

/// Returns the extrapolated rank-biased overlap (Webber et al. 2010, equation 32, for rankings of
/// one length; a shorter ranking contributes nothing after its end). It is 1 for equal rankings.
pub(super) fn rank_biased_overlap(a: &[EntityId], b: &[EntityId]) -> f64 {
    let depth = a.len().max(b.len());
    if depth == 0 {
        return 1.0;
    }
    let mut seen_a = HashSet::new();
    let mut seen_b = HashSet::new();
    let mut shared = 0usize;
    let (mut sum, mut weight, mut agreement) = (0.0, 1.0, 0.0);
    for position in 0..depth {
        if let Some(&entity) = a.get(position) {
            shared += usize::from(seen_b.contains(&entity));
            seen_a.insert(entity);
        }
        if let Some(&entity) = b.get(position) {
            shared += usize::from(seen_a.contains(&entity));
            seen_b.insert(entity);
        }
        agreement = shared as f64 / (position + 1) as f64;
        sum += weight * agreement;
        weight *= PERSISTENCE;
    }
    // the agreement of all ranks is assumed to continue
    (1.0 - PERSISTENCE) * sum + weight * agreement
}
