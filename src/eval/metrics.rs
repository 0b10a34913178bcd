//! Metrics of one ranked list against one gold set (`docs/ALGORITHM.md`, section 6).
//!
//! An entity counts once: a second appearance in the list holds a rank and is no hit.

use std::collections::HashSet;
use std::ops::Range;

use crate::data::Class;
use crate::types::{CUTOFFS, EntityId, EvaluationProtocol, MetricValues};

/// List lengths at which the published code divides by the list's own length in place of K.
const DIVIDED_BY_OWN_LENGTH: Range<usize> = 51..100;

/// What a query is to find: the class's members less the seeds.
pub fn gold(class: &Class, seeds: &[EntityId]) -> HashSet<EntityId> {
    class
        .members
        .iter()
        .filter(|member| !seeds.contains(member))
        .copied()
        .collect()
}

/// AP@K = Σ over hits at rank i ≤ K of (hits up to i)/i, divided by min(|gold|, K); 0..1. NaN where
/// there is no gold.
pub fn average_precision(
    list: &[EntityId],
    gold: &HashSet<EntityId>,
    k: usize,
    protocol: EvaluationProtocol,
) -> f64 {
    // not `sum`: that of nothing is −0
    let sum = (1..)
        .zip(hits(list, gold, k))
        .fold(0.0, |sum, (hit, rank)| sum + f64::from(hit) / rank as f64);
    sum / divisor(list.len(), gold.len(), k, protocol)
}

/// The published P@K = hits among the first K / min(|gold|, K); 0..1. NaN where there is no gold.
pub fn precision(
    list: &[EntityId],
    gold: &HashSet<EntityId>,
    k: usize,
    protocol: EvaluationProtocol,
) -> f64 {
    hits(list, gold, k).count() as f64 / divisor(list.len(), gold.len(), k, protocol)
}

/// AP, P and ceiling at every cutoff. `reachable`: how many of the gold could have been ranked,
/// that is, are in the index; ceiling@K = min(reachable, K) / min(|gold|, K). All NaN where there
/// is no gold: ask first, [`gold`] tells.
pub fn ranking_metrics(
    list: &[EntityId],
    gold: &HashSet<EntityId>,
    reachable: usize,
    protocol: EvaluationProtocol,
) -> MetricValues {
    let reachable = reachable.min(gold.len());
    MetricValues {
        ap: CUTOFFS.map(|k| average_precision(list, gold, k, protocol)),
        p: CUTOFFS.map(|k| precision(list, gold, k, protocol)),
        ceiling: CUTOFFS.map(|k| reachable.min(k) as f64 / gold.len().min(k) as f64),
    }
}

/// The ranks, from 1, of the hits among the first k.
fn hits<'a>(
    list: &'a [EntityId],
    gold: &'a HashSet<EntityId>,
    k: usize,
) -> impl Iterator<Item = usize> + 'a {
    let mut found = HashSet::new();
    let first = list.iter().take(k).enumerate();
    first
        .filter(move |(_, entity)| gold.contains(entity) && found.insert(**entity))
        .map(|(at, _)| at + 1)
}

/// min(|gold|, K), where for a published list of 51–99 its own length takes the place of a greater
/// K.
fn divisor(length: usize, gold: usize, k: usize, protocol: EvaluationProtocol) -> f64 {
    let own_length =
        protocol == EvaluationProtocol::Published && DIVIDED_BY_OWN_LENGTH.contains(&length);
    let k = if own_length { k.min(length) } else { k };
    gold.min(k) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: impl IntoIterator<Item = u32>) -> Vec<EntityId> {
        numbers.into_iter().map(EntityId).collect()
    }

    fn set(numbers: impl IntoIterator<Item = u32>) -> HashSet<EntityId> {
        numbers.into_iter().map(EntityId).collect()
    }

    #[test]
    fn average_precision_by_hand() {
        // hits at ranks 1, 3, 4 of 4 gold: (1/1 + 2/3 + 3/4) / 4
        let (list, gold) = (ids([1, 9, 2, 3, 8]), set([1, 2, 3, 4]));
        let ap = average_precision(&list, &gold, 10, EvaluationProtocol::Standard);
        assert!((ap - (1.0 + 2.0 / 3.0 + 0.75) / 4.0).abs() < 1e-12);
        assert_eq!(
            precision(&list, &gold, 10, EvaluationProtocol::Standard),
            0.75
        );
        // at K = 2 only the first hit is seen, and two could have been
        assert_eq!(
            average_precision(&list, &gold, 2, EvaluationProtocol::Standard),
            0.5
        );
        assert_eq!(
            precision(&list, &gold, 2, EvaluationProtocol::Standard),
            0.5
        );
    }

    #[test]
    fn a_list_without_a_hit_has_an_average_precision_of_plain_0() {
        let ap = average_precision(&ids([7, 8]), &set([1]), 10, EvaluationProtocol::Standard);
        assert!(ap == 0.0 && ap.is_sign_positive(), "{ap:?}");
    }

    #[test]
    fn a_perfect_list_is_1_at_every_cutoff() {
        for size in [4, 10, 15, 60, 200] {
            let m = ranking_metrics(
                &ids(0..300),
                &set(0..size),
                size as usize,
                EvaluationProtocol::Standard,
            );
            assert_eq!(
                (m.ap, m.p, m.ceiling),
                ([1.0; 4], [1.0; 4], [1.0; 4]),
                "{size} gold"
            );
        }
    }

    #[test]
    fn a_repeated_entity_is_one_hit() {
        assert_eq!(
            average_precision(
                &ids([1, 1, 1]),
                &set([1, 2]),
                10,
                EvaluationProtocol::Standard
            ),
            0.5
        );
        assert_eq!(
            precision(
                &ids([1, 1, 1]),
                &set([1, 2]),
                10,
                EvaluationProtocol::Standard
            ),
            0.5
        );
    }

    #[test]
    fn published_lists_of_51_to_99_are_divided_by_their_length() {
        let gold = set(0..200);
        for (length, published) in [(50, 0.5), (51, 1.0), (99, 1.0), (100, 1.0)] {
            let list = ids(0..length);
            assert_eq!(
                precision(&list, &gold, 100, EvaluationProtocol::Published),
                published,
                "{length}"
            );
            assert!(
                (average_precision(&list, &gold, 100, EvaluationProtocol::Published) - published)
                    .abs()
                    < 1e-12
            );
            assert_eq!(
                precision(&list, &gold, 100, EvaluationProtocol::Standard),
                f64::from(length) / 100.0
            );
            // cutoffs that the list reaches are as ever
            assert_eq!(
                precision(&list, &gold, 50, EvaluationProtocol::Published),
                1.0
            );
        }
        // a small gold set is the divisor whatever the length
        assert_eq!(
            precision(&ids(0..80), &set(0..40), 100, EvaluationProtocol::Published),
            1.0
        );
    }

    #[test]
    fn the_ceiling_is_what_the_index_holds() {
        let m = ranking_metrics(&[], &set(0..40), 15, EvaluationProtocol::Standard);
        assert_eq!(m.ceiling, [1.0, 0.75, 15.0 / 40.0, 15.0 / 40.0]);
        assert_eq!((m.ap, m.p), ([0.0; 4], [0.0; 4]));
    }

    #[test]
    fn gold_has_no_seeds() {
        let class = Class {
            members: ids([1, 2, 3, 4]),
            negatives: ids([9]),
            ..Class::default()
        };
        assert_eq!(gold(&class, &ids([2, 4, 7])), set([1, 3]));
    }

    #[test]
    fn no_gold_is_no_number() {
        let m = ranking_metrics(&ids([1]), &set([]), 0, EvaluationProtocol::Standard);
        assert!(
            m.ap.iter()
                .chain(&m.p)
                .chain(&m.ceiling)
                .all(|v| v.is_nan())
        );
    }
}
