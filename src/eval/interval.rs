//! How far a mean over queries can be trusted: bootstrap intervals, clustered by class.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

use crate::types::{ClassId, Measures};

/// Resamples of one interval.
const RESAMPLES: usize = 1000;
/// Of its distribution this much is left out at each end: a 95 % interval.
const TAIL: f64 = 0.025;
/// The same queries give the same interval.
const SEED: u64 = 1;

/// The 95 % percentile intervals (low, high) of the means over all queries. Classes are drawn with replacement, each with all
/// its queries: the queries of a class share its gold and are not independent. Queries without gold (NaN) are left out;
/// none where fewer than two classes are left.
pub fn intervals(per_query: &[(ClassId, Measures)]) -> Option<(Measures, Measures)> {
    let mut classes: BTreeMap<ClassId, (Vec<f64>, f64)> = BTreeMap::new();
    for (class, measures) in per_query {
        let values = values(measures);
        if values.iter().all(|v| v.is_finite()) {
            let (sums, count) = classes.entry(*class).or_insert_with(|| (vec![0.0; values.len()], 0.0));
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            *count += 1.0;
        }
    }
    let classes: Vec<(Vec<f64>, f64)> = classes.into_values().collect();
    if classes.len() < 2 {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut means: Vec<Vec<f64>> = vec![Vec::with_capacity(RESAMPLES); classes[0].0.len()];
    for _ in 0..RESAMPLES {
        let (mut sums, mut count) = (vec![0.0; means.len()], 0.0);
        for _ in 0..classes.len() {
            let (class, queries) = &classes[rng.random_range(0..classes.len())];
            sums.iter_mut().zip(class).for_each(|(sum, value)| *sum += value);
            count += queries;
        }
        means.iter_mut().zip(sums).for_each(|(means, sum)| means.push(sum / count));
    }
    means.iter_mut().for_each(|means| means.sort_unstable_by(f64::total_cmp));
    let at = |share: f64| {
        of_values(&means.iter().map(|m| m[(share * (m.len() - 1) as f64).round() as usize]).collect::<Vec<_>>())
    };
    Some((at(TAIL), at(1.0 - TAIL)))
}

fn values(measures: &Measures) -> Vec<f64> {
    [measures.ap, measures.p, measures.ceiling].concat()
}

fn of_values(values: &[f64]) -> Measures {
    let part = |from: usize| std::array::from_fn(|i| values[from + i]);
    Measures { ap: part(0), p: part(4), ceiling: part(8) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(value: f64) -> Measures {
        Measures { ap: [value; 4], p: [value; 4], ceiling: [1.0; 4] }
    }

    #[test]
    fn an_interval_holds_the_mean_and_is_as_wide_as_classes_differ() {
        let queries = |values: &[f64]| -> Vec<(ClassId, Measures)> {
            let of_class = |(class, &value): (usize, &f64)| [(ClassId(class as u16), all(value)); 5];
            values.iter().enumerate().flat_map(of_class).collect()
        };
        let alike = intervals(&queries(&[0.7; 20])).unwrap();
        assert_eq!((alike.0.ap[0], alike.1.ceiling[3]), (0.7, 1.0));
        let spread: Vec<f64> = (0..40).map(|i| (i % 2) as f64).collect();
        let (low, high) = intervals(&queries(&spread)).unwrap();
        // a mean of 40 coins: .5 ± 1.96 · .5 / √40
        assert!((low.ap[0] - 0.345).abs() < 0.04 && (high.ap[0] - 0.655).abs() < 0.04, "{low:?} {high:?}");
        assert_eq!(intervals(&queries(&spread)), Some((low, high)), "the same again");
    }

    #[test]
    fn one_class_has_no_interval() {
        assert_eq!(intervals(&[(ClassId(1), all(0.5)), (ClassId(1), all(0.1)), (ClassId(2), all(f64::NAN))]), None);
    }
}
