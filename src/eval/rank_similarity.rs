//! How alike two rankings of one query are.

use std::collections::{HashMap, HashSet};

use crate::types::{EntityId, RankSimilarity};

/// RBO's p: of the weight, 86 % lies on the first 10 ranks. (Webber et al. 2010.)
const PERSISTENCE: f64 = 0.9;

/// Compares the first `depth` of two rankings, each without repetition.
pub fn rank_similarity(a: &[EntityId], b: &[EntityId], depth: usize) -> RankSimilarity {
    let (a, b) = (&a[..a.len().min(depth)], &b[..b.len().min(depth)]);
    let in_b: HashMap<EntityId, usize> = b.iter().enumerate().map(|(at, &e)| (e, at)).collect();
    let shared: Vec<usize> = a.iter().filter_map(|e| in_b.get(e).copied()).collect();
    let longest = a.len().max(b.len());
    RankSimilarity {
        overlap: if longest == 0 {
            1.0
        } else {
            shared.len() as f64 / longest as f64
        },
        rbo: rbo(a, b),
        tau: tau(&shared),
    }
}

/// Rank-biased overlap, extrapolated (Webber et al. 2010, equation 32, for lists of one length; a
/// shorter one is taken as it is to the end of the longer). 1 for equal lists.
fn rbo(a: &[EntityId], b: &[EntityId]) -> f64 {
    let depth = a.len().max(b.len());
    if depth == 0 {
        return 1.0;
    }
    let (mut seen_a, mut seen_b, mut shared) = (HashSet::new(), HashSet::new(), 0usize);
    let (mut sum, mut weight, mut agreement) = (0.0, 1.0, 0.0);
    for d in 0..depth {
        if let Some(&entity) = a.get(d) {
            shared += usize::from(seen_b.contains(&entity));
            seen_a.insert(entity);
        }
        if let Some(&entity) = b.get(d) {
            shared += usize::from(seen_a.contains(&entity));
            seen_b.insert(entity);
        }
        agreement = shared as f64 / (d + 1) as f64;
        sum += weight * agreement;
        weight *= PERSISTENCE;
    }
    // what comes after agrees as the whole does
    (1.0 - PERSISTENCE) * sum + weight * agreement
}

/// Kendall's τ over the shared entities: their places in the other list, in this one's order. None
/// of fewer than 2.
fn tau(places: &[usize]) -> Option<f64> {
    let n = places.len();
    let pairs = (n * n.saturating_sub(1) / 2) as f64;
    let swapped = (0..n)
        .map(|i| {
            places[i + 1..]
                .iter()
                .filter(|&&later| later < places[i])
                .count()
        })
        .sum::<usize>();
    (n > 1).then(|| 1.0 - 2.0 * swapped as f64 / pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(ids: &[u32]) -> Vec<EntityId> {
        ids.iter().map(|&id| EntityId(id)).collect()
    }

    #[test]
    fn equal_lists_are_alike_and_others_are_not() {
        let a = list(&[1, 2, 3, 4]);
        let same = rank_similarity(&a, &a, 10);
        assert!((same.rbo - 1.0).abs() < 1e-12);
        assert_eq!((same.overlap, same.tau), (1.0, Some(1.0)));
        let other = rank_similarity(&a, &list(&[5, 6, 7, 8]), 10);
        assert_eq!((other.overlap, other.rbo, other.tau), (0.0, 0.0, None));
        assert_eq!(
            rank_similarity(&a, &list(&[4, 3, 2, 1]), 10).tau,
            Some(-1.0)
        );
        assert_eq!(rank_similarity(&[], &[], 10).overlap, 1.0);
    }

    #[test]
    fn values_by_hand() {
        // agreements 0, 1 at depths 1, 2: .1 · (0 + .9 · 1) + .81 · 1
        let found = rank_similarity(&list(&[1, 2]), &list(&[2, 1]), 10);
        assert!((found.rbo - 0.9).abs() < 1e-12, "{found:?}");
        // agreements 1, 1/2, 2/3
        let found = rank_similarity(&list(&[1, 2, 3]), &list(&[1, 3, 4]), 10);
        let expected = 0.1 * (1.0 + 0.9 * 0.5 + 0.81 * 2.0 / 3.0) + 0.729 * 2.0 / 3.0;
        assert!((found.rbo - expected).abs() < 1e-12);
        assert!((found.overlap - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(
            rank_similarity(&list(&[1, 2, 3]), &list(&[1, 3, 4]), 1).overlap,
            1.0,
            "only so deep"
        );
        // of 3 pairs one is swapped
        assert!(
            (rank_similarity(&list(&[1, 2, 3]), &list(&[2, 1, 3]), 10)
                .tau
                .unwrap()
                - 1.0 / 3.0)
                .abs()
                < 1e-12
        );
    }
}
