//! Values computed by hand.

use std::collections::HashSet;

use crate::data::Class;
use crate::eval::metrics::*;
use crate::types::{EntityId, EvaluationProtocol};

fn ids(numbers: impl IntoIterator<Item = u32>) -> Vec<EntityId> {
    numbers.into_iter().map(EntityId).collect()
}

fn set(numbers: impl IntoIterator<Item = u32>) -> HashSet<EntityId> {
    numbers.into_iter().map(EntityId).collect()
}

#[test]
fn average_precision_matches_values_by_hand() {
    // hits at ranks 1, 3, 4 of 4 gold: (1/1 + 2/3 + 3/4) / 4
    let (list, gold) = (ids([1, 9, 2, 3, 8]), set([1, 2, 3, 4]));
    let ap = average_precision(&list, &gold, 10, EvaluationProtocol::Standard);
    assert!((ap - (1.0 + 2.0 / 3.0 + 0.75) / 4.0).abs() < 1e-12);
    assert_eq!(
        precision(&list, &gold, 10, EvaluationProtocol::Standard),
        0.75
    );
    // at K = 2 there is one hit of two possible ones
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
fn average_precision_without_a_hit_is_positive_zero() {
    let ap = average_precision(&ids([7, 8]), &set([1]), 10, EvaluationProtocol::Standard);
    assert!(ap == 0.0 && ap.is_sign_positive(), "{ap:?}");
}

#[test]
fn a_perfect_ranking_scores_1_at_every_cutoff() {
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
fn published_metrics_of_51_to_99_entities_divide_by_the_length() {
    let gold = set(0..200);
    for (length, published) in [(50, 0.5), (51, 1.0), (99, 1.0), (100, 1.0)] {
        let list = ids(0..length);
        assert_eq!(
            precision(&list, &gold, 100, EvaluationProtocol::Published),
            published,
            "{length}"
        );
        assert!(
            (average_precision(&list, &gold, 100, EvaluationProtocol::Published) - published).abs()
                < 1e-12
        );
        assert_eq!(
            precision(&list, &gold, 100, EvaluationProtocol::Standard),
            f64::from(length) / 100.0
        );
        // smaller cutoffs are not affected
        assert_eq!(
            precision(&list, &gold, 50, EvaluationProtocol::Published),
            1.0
        );
    }
    // the size of a small gold set is the divisor for any length
    assert_eq!(
        precision(&ids(0..80), &set(0..40), 100, EvaluationProtocol::Published),
        1.0
    );
}

#[test]
fn the_ceiling_depends_on_the_reachable_gold() {
    let m = ranking_metrics(&[], &set(0..40), 15, EvaluationProtocol::Standard);
    assert_eq!(m.ceiling, [1.0, 0.75, 15.0 / 40.0, 15.0 / 40.0]);
    assert_eq!((m.ap, m.p), ([0.0; 4], [0.0; 4]));
}

#[test]
fn gold_excludes_seeds() {
    let class = Class {
        members: ids([1, 2, 3, 4]),
        negatives: ids([9]),
        ..Class::default()
    };
    assert_eq!(gold(&class, &ids([2, 4, 7])), set([1, 3]));
}

#[test]
fn metrics_without_gold_are_nan() {
    let m = ranking_metrics(&ids([1]), &set([]), 0, EvaluationProtocol::Standard);
    assert!(
        m.ap.iter()
            .chain(&m.p)
            .chain(&m.ceiling)
            .all(|v| v.is_nan())
    );
}
