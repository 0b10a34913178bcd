//! The paired randomisation test.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::eval::bootstrap::Clusters;
use crate::eval::significance::win_counts::TIE;

/// The number of random assignments of signs, and the largest number that is enumerated instead.
const FLIPS: usize = 100_000;
/// The seed of the random numbers; fixed, so that the same differences give the same p-value.
const SEED: u64 = 1;

/// Returns the two-sided p-value of the paired randomisation test over classes.
///
/// Null hypothesis: the two runs are exchangeable within each class, so that the sum of the
/// differences of a class has either sign with the same probability. The p-value is the fraction of
/// assignments of signs to classes whose sum is at least as far from 0 as the observed one: all
/// assignments for up to 16 classes, else 100,000 random ones and the observed one.
pub(super) fn randomization_test(clusters: &Clusters<1>) -> f64 {
    let sums: Vec<f64> = clusters.iter().map(|cluster| cluster.sums[0]).collect();
    // sums of the same values in another order differ in the last bits
    let observed = sums.iter().sum::<f64>().abs() - TIE;
    match 1usize.checked_shl(sums.len() as u32) {
        Some(assignments) if assignments <= FLIPS => exact_p_value(&sums, observed, assignments),
        _ => sampled_p_value(&sums, observed),
    }
}

fn exact_p_value(sums: &[f64], observed: f64, assignments: usize) -> f64 {
    let is_extreme = |signs: &usize| flipped_sum(sums, *signs as u64).abs() >= observed;
    let extreme = (0..assignments).filter(is_extreme).count();
    extreme as f64 / assignments as f64
}

fn sampled_p_value(sums: &[f64], observed: f64) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut extreme = 0;
    for _ in 0..FLIPS {
        let chunks = sums.chunks(64);
        let sum: f64 = chunks.map(|chunk| flipped_sum(chunk, rng.random())).sum();
        extreme += usize::from(sum.abs() >= observed);
    }
    (extreme + 1) as f64 / (FLIPS + 1) as f64
}

/// Returns the sum of up to 64 values, of which those with a set bit in `signs` are negated.
fn flipped_sum(values: &[f64], signs: u64) -> f64 {
    let flip = |(index, value): (usize, &f64)| {
        if signs >> index & 1 == 1 {
            -value
        } else {
            *value
        }
    };
    values.iter().enumerate().map(flip).sum()
}
