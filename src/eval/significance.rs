//! Two systems over the same queries: is the one better, and could that be chance?

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use statrs::function::beta::beta_reg;

use crate::eval::bootstrap::Clusters;
use crate::types::{ClassId, PairedTest};

/// Sign flips of one test, where trying all would be more.
const FLIPS: usize = 100_000;
const SEED: u64 = 1;
/// Differences up to this are a tie.
const TIE: f64 = 1e-9;

/// What the paired differences (first less second), each of one query, come to. The queries of a
/// class share its gold and are not independent, so the tests and the interval take classes as
/// wholes. None of fewer than two classes.
///
/// * The two-sided randomisation test: the share of sign flips of whole classes whose mean is at
///   least as far from 0 (all of them up to 16 classes, else 100,000 at random, the observed one
///   among them).
/// * The two-sided paired t-test over classes. Where these have unequal numbers of queries it is
///   the t-test of the mean over queries with the cluster-robust standard error (Liang & Zeger
///   1986).
pub fn paired_test(differences: &[(ClassId, f64)]) -> Option<PairedTest> {
    let classes = Clusters::of(
        differences
            .iter()
            .map(|&(class, difference)| (class, [difference])),
    );
    let ([low], [high]) = classes.interval()?;
    let [difference] = classes.mean();
    let [wins, ties, losses] = wins_ties_losses(&classes);
    Some(PairedTest {
        difference,
        low,
        high,
        p: randomisation(&classes),
        p_t: t_test(&classes),
        wins,
        losses,
        ties,
    })
}

/// In how many classes the first is better, neither, and worse.
pub(super) fn wins_ties_losses(classes: &Clusters<1>) -> [usize; 3] {
    let means = || {
        classes
            .classes()
            .iter()
            .map(|([sum], queries)| sum / queries)
    };
    [
        means().filter(|&d| d > TIE).count(),
        means().filter(|d| d.abs() <= TIE).count(),
        means().filter(|&d| d < -TIE).count(),
    ]
}

fn randomisation(classes: &Clusters<1>) -> f64 {
    let sums: Vec<f64> = classes.classes().iter().map(|([sum], _)| *sum).collect();
    // sums over different orders of one set differ in the last bits
    let observed = sums.iter().sum::<f64>().abs() - TIE;
    let all = 1u64
        .checked_shl(sums.len() as u32)
        .filter(|&all| all <= FLIPS as u64);
    if let Some(all) = all {
        return (0..all)
            .filter(|&signs| flipped(&sums, signs).abs() >= observed)
            .count() as f64
            / all as f64;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut at_random = || {
        sums.chunks(64)
            .map(|part| flipped(part, rng.random()))
            .sum::<f64>()
    };
    let far = (0..FLIPS).filter(|_| at_random().abs() >= observed).count();
    (far + 1) as f64 / (FLIPS + 1) as f64
}

/// The sum of up to 64 values, those with a set bit taken negative.
fn flipped(values: &[f64], signs: u64) -> f64 {
    values
        .iter()
        .enumerate()
        .map(|(at, value)| if signs >> at & 1 == 1 { -value } else { *value })
        .sum()
}

/// t = mean / √(C/(C−1) · Σ (sum of a class − mean · its queries)²) · queries, of C − 1 degrees of
/// freedom. Equal differences are no chance, unless they are 0.
fn t_test(classes: &Clusters<1>) -> f64 {
    let [mean] = classes.mean();
    let count = classes.len() as f64;
    let queries: f64 = classes.classes().iter().map(|(_, queries)| queries).sum();
    let squares: f64 = classes
        .classes()
        .iter()
        .map(|([sum], queries)| (sum - mean * queries).powi(2))
        .sum();
    let error = (count / (count - 1.0) * squares).sqrt() / queries;
    if mean.abs() <= TIE && error <= TIE {
        return 1.0;
    }
    let (freedom, t) = (count - 1.0, mean / error);
    // P(|T| ≥ t) by the regularised incomplete beta function (Abramowitz & Stegun 26.7.1, 26.5.27)
    beta_reg(freedom / 2.0, 0.5, freedom / (freedom + t * t))
}

/// p-values corrected for being many (Holm 1979), in their order: the chance that any of the
/// family's true null hypotheses is rejected stays below what each is compared with, however the
/// tests depend on each other.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let (mut corrected, mut least) = (vec![0.0; p.len()], 0.0f64);
    for (rank, at) in order.into_iter().enumerate() {
        least = least.max((p[at] * (p.len() - rank) as f64).min(1.0));
        corrected[at] = least;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(differences: &[f64]) -> Vec<(ClassId, f64)> {
        differences
            .iter()
            .enumerate()
            .map(|(class, &d)| (ClassId(class as u16), d))
            .collect()
    }

    #[test]
    fn few_classes_are_tested_exactly() {
        // of the 8 sign flips only none and all are as far from 0
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
    fn many_classes_are_tested_by_chance() {
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
        assert_eq!(paired_test(&classes(&mixed)), Some(found), "the same again");
    }

    #[test]
    fn a_class_is_flipped_as_a_whole() {
        let one: Vec<(ClassId, f64)> = [0.1, 0.3, f64::NAN].map(|d| (ClassId(0), d)).into();
        let found = paired_test(&[one, vec![(ClassId(1), 0.5)]].concat()).unwrap();
        assert!(
            (found.difference - 0.3).abs() < 1e-12,
            "the mean over queries, as the overall value is"
        );
        assert_eq!((found.wins, found.p), (2, 0.5));
        assert_eq!(
            paired_test(&[(ClassId(0), 0.1), (ClassId(0), 0.3)]),
            None,
            "one class"
        );
    }

    #[test]
    fn what_is_equal_is_no_finding() {
        let found = paired_test(&classes(&[0.0; 20])).unwrap();
        assert_eq!(
            (found.p, found.p_t, found.ties, found.low, found.high),
            (1.0, 1.0, 20, 0.0, 0.0)
        );
    }
}
