//! All similarities of two rankings.

use std::collections::HashMap;

use crate::eval::rank_similarity::kendall_tau::kendall_tau;
use crate::eval::rank_similarity::rank_biased_overlap::rank_biased_overlap;
use crate::types::{EntityId, RankSimilarity};

/// Compares the first `depth` entities of two rankings without duplicates.
pub fn rank_similarity(a: &[EntityId], b: &[EntityId], depth: usize) -> RankSimilarity {
    let a = &a[..a.len().min(depth)];
    let b = &b[..b.len().min(depth)];
    let in_b: HashMap<EntityId, usize> = b.iter().copied().zip(0..).collect();
    let shared: Vec<usize> = a.iter().filter_map(|e| in_b.get(e).copied()).collect();
    let longest = a.len().max(b.len());
    let overlap = if longest == 0 {
        1.0
    } else {
        shared.len() as f64 / longest as f64
    };
    RankSimilarity {
        overlap,
        rbo: rank_biased_overlap(a, b),
        tau: kendall_tau(&shared),
    }
}
