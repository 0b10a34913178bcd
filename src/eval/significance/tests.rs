//! Tests of the significance tests.

use crate::eval::significance::*;
use crate::types::ClassId;

fn classes(differences: &[f64]) -> Vec<(ClassId, f64)> {
    differences
        .iter()
        .enumerate()
        .map(|(class, &d)| (ClassId(class as u16), d))
        .collect()
}

#[test]
fn up_to_16_classes_are_tested_exactly() {
    // of the 8 assignments of signs only two have a sum as far from 0
    let found = paired_test(&classes(&[0.1, 0.2, 0.3])).unwrap();
    assert_eq!(
        (found.p, found.wins, found.ties, found.losses),
        (0.25, 3, 0, 0)
    );
    assert!(
        (found.difference - 0.2).abs() < 1e-12 && found.low >= 0.1 && found.high <= 0.3 + 1e-12
    );
    assert_eq!(paired_test(&classes(&[0.5, -0.5])).unwrap().p, 1.0);
    assert_eq!(paired_test(&[]), None);
}

#[test]
fn more_classes_are_tested_with_random_flips() {
    let better: Vec<f64> = (0..40).map(|i| 0.05 + 0.01 * (i % 5) as f64).collect();
    assert!(paired_test(&classes(&better)).unwrap().p < 0.001);
    let mixed: Vec<f64> = (0..40)
        .map(|i| if i % 2 == 0 { 0.1 } else { -0.1 })
        .collect();
    let found = paired_test(&classes(&mixed)).unwrap();
    assert!(
        found.p > 0.9 && found.low < 0.0 && found.high > 0.0,
        "{found:?}"
    );
    assert_eq!(
        paired_test(&classes(&mixed)),
        Some(found),
        "the result is deterministic"
    );
}

#[test]
fn the_queries_of_a_class_are_flipped_together() {
    let one: Vec<(ClassId, f64)> = [0.1, 0.3, f64::NAN].map(|d| (ClassId(0), d)).into();
    let found = paired_test(&[one, vec![(ClassId(1), 0.5)]].concat()).unwrap();
    assert!(
        (found.difference - 0.3).abs() < 1e-12,
        "the mean over queries, like the overall value"
    );
    assert_eq!((found.wins, found.p), (2, 0.5));
    assert_eq!(
        paired_test(&[(ClassId(0), 0.1), (ClassId(0), 0.3)]),
        None,
        "one class"
    );
}

#[test]
fn equal_runs_have_a_p_value_of_1() {
    let found = paired_test(&classes(&[0.0; 20])).unwrap();
    assert_eq!(
        (found.p, found.p_t, found.ties, found.low, found.high),
        (1.0, 1.0, 20, 0.0, 0.0)
    );
}
