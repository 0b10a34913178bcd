//! Two systems over the same queries: is the one better, and could that be chance?

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

use crate::types::{ClassId, Verdict};

/// Sign flips of one test, where trying all would be more.
const FLIPS: usize = 10_000;
/// Resamples of one interval.
const RESAMPLES: usize = 2_000;
const SEED: u64 = 1;
/// Differences up to this are a tie.
const TIE: f64 = 1e-9;

/// What the paired differences (first less second), each of one query, come to. The queries of a class share its gold and are
/// not independent, so the test and the interval take classes as they are, each with the mean of its queries. None without a
/// difference.
///
/// The test is the two-sided randomisation test: the share of sign flips of the classes' differences whose mean is at
/// least as far from 0 (all of them up to 13 classes, else 10,000 at random, the observed one among them).
pub fn verdict(differences: &[(ClassId, f64)]) -> Option<Verdict> {
    let mut classes: BTreeMap<ClassId, (f64, f64)> = BTreeMap::new();
    for (class, difference) in differences.iter().filter(|(_, d)| d.is_finite()) {
        let (sum, count) = classes.entry(*class).or_default();
        (*sum, *count) = (*sum + difference, *count + 1.0);
    }
    let means: Vec<f64> = classes.into_values().map(|(sum, count)| sum / count).collect();
    if means.is_empty() {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let n = means.len() as f64;
    let mut resampled: Vec<f64> = (0..RESAMPLES)
        .map(|_| (0..means.len()).map(|_| means[rng.random_range(0..means.len())]).sum::<f64>() / n)
        .collect();
    resampled.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| resampled[(share * (RESAMPLES - 1) as f64).round() as usize];
    Some(Verdict {
        difference: means.iter().sum::<f64>() / n,
        low: at(0.025),
        high: at(0.975),
        p: randomisation(&means, &mut rng),
        wins: means.iter().filter(|&&d| d > TIE).count(),
        losses: means.iter().filter(|&&d| d < -TIE).count(),
        ties: means.iter().filter(|&&d| d.abs() <= TIE).count(),
    })
}

fn randomisation(differences: &[f64], rng: &mut ChaCha8Rng) -> f64 {
    // sums over different orders of one set differ in the last bits
    let observed = differences.iter().sum::<f64>().abs() - TIE;
    let flipped = |sign: &mut dyn FnMut(usize) -> bool| -> bool {
        let sum: f64 = differences.iter().enumerate().map(|(i, d)| if sign(i) { -d } else { *d }).sum();
        sum.abs() >= observed
    };
    let all = 1usize.checked_shl(differences.len() as u32).filter(|&all| all <= FLIPS);
    match all {
        Some(all) => (0..all).filter(|flips| flipped(&mut |i| flips >> i & 1 == 1)).count() as f64 / all as f64,
        None => {
            let far = (0..FLIPS).filter(|_| flipped(&mut |_| rng.random::<bool>())).count();
            (far + 1) as f64 / (FLIPS + 1) as f64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(differences: &[f64]) -> Vec<(ClassId, f64)> {
        differences.iter().enumerate().map(|(class, &d)| (ClassId(class as u16), d)).collect()
    }

    #[test]
    fn few_classes_are_tested_exactly() {
        // of the 8 sign flips only none and all are as far from 0
        let found = verdict(&classes(&[0.1, 0.2, 0.3])).unwrap();
        assert_eq!((found.p, found.wins, found.ties, found.losses), (0.25, 3, 0, 0));
        assert!((found.difference - 0.2).abs() < 1e-12 && found.low >= 0.1 && found.high <= 0.3 + 1e-12);
        assert_eq!(verdict(&classes(&[0.5, -0.5])).unwrap().p, 1.0);
        assert_eq!(verdict(&[]), None);
    }

    #[test]
    fn many_classes_are_tested_by_chance() {
        let better: Vec<f64> = (0..40).map(|i| 0.05 + 0.01 * (i % 5) as f64).collect();
        assert!(verdict(&classes(&better)).unwrap().p < 0.001);
        let mixed: Vec<f64> = (0..40).map(|i| if i % 2 == 0 { 0.1 } else { -0.1 }).collect();
        let found = verdict(&classes(&mixed)).unwrap();
        assert!(found.p > 0.9 && found.low < 0.0 && found.high > 0.0, "{found:?}");
        assert_eq!(verdict(&classes(&mixed)), Some(found), "the same again");
    }

    #[test]
    fn the_queries_of_a_class_count_once() {
        let one: Vec<(ClassId, f64)> = [0.1, 0.3, f64::NAN].map(|d| (ClassId(0), d)).into();
        let found = verdict(&[one, vec![(ClassId(1), 0.4)]].concat()).unwrap();
        assert!((found.difference - 0.3).abs() < 1e-12);
        assert_eq!((found.wins, found.p), (2, 0.5));
    }
}
