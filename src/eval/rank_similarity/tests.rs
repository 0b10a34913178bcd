//! Values computed by hand.

use crate::eval::rank_similarity::rank_similarity;
use crate::types::EntityId;

fn list(ids: &[u32]) -> Vec<EntityId> {
    ids.iter().map(|&id| EntityId(id)).collect()
}

#[test]
fn equal_rankings_have_similarity_1_and_disjoint_ones_0() {
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
fn similarities_match_values_by_hand() {
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
        "only the first `depth` entities count"
    );
    // one of 3 pairs is swapped
    assert!(
        (rank_similarity(&list(&[1, 2, 3]), &list(&[2, 1, 3]), 10)
            .tau
            .unwrap()
            - 1.0 / 3.0)
            .abs()
            < 1e-12
    );
}
