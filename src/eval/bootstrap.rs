//! Queries gathered by class. Those of a class share its gold and are not independent, so whatever
//! tells how far a mean can be trusted takes classes as wholes: it draws them, flips their signs or
//! counts them.
//!
//! How far a mean over queries can be trusted: bootstrap intervals, clustered by class.

use crate::types::{ClassId, MetricValues};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// Resamples of one interval.
const RESAMPLES: usize = 2_000;
/// Of their distribution this much is left out at each end: a 95 % interval.
const TAIL: f64 = 0.025;
/// The same queries give the same interval.
const SEED: u64 = 1;

/// The bootstrap of fewer classes gives little more than their own values.
pub(super) const FEW_CLASSES: usize = 5;

/// N values of each query, summed by class.
pub(super) struct Clusters<const N: usize> {
    /// By class: the sums over its queries, and how many these are.
    classes: Vec<([f64; N], f64)>,
}

impl<const N: usize> Clusters<N> {
    /// A query with a value that is no number, as one without gold has, is left out.
    pub(super) fn of(queries: impl IntoIterator<Item = (ClassId, [f64; N])>) -> Self {
        let mut classes: BTreeMap<ClassId, ([f64; N], f64)> = BTreeMap::new();
        for (class, values) in queries
            .into_iter()
            .filter(|(_, values)| values.iter().all(|v| v.is_finite()))
        {
            add(
                classes.entry(class).or_insert(([0.0; N], 0.0)),
                &(values, 1.0),
            );
        }
        Clusters {
            classes: classes.into_values().collect(),
        }
    }

    /// How many classes have a query.
    pub(super) fn len(&self) -> usize {
        self.classes.len()
    }

    /// Each class's sums over its queries, and how many these are.
    pub(super) fn classes(&self) -> &[([f64; N], f64)] {
        &self.classes
    }

    /// The means over all queries; not a number where there are none.
    pub(super) fn mean(&self) -> [f64; N] {
        mean(&self.classes)
    }

    /// Of a part of all classes: as [`Clusters::interval`], none of fewer than [`FEW_CLASSES`].
    pub(super) fn interval_of_enough(&self) -> Option<([f64; N], [f64; N])> {
        (self.len() >= FEW_CLASSES)
            .then(|| self.interval())
            .flatten()
    }

    /// The 95 % percentile intervals (low, high) of the means over all queries: classes are drawn
    /// with replacement, each with all its queries (Field & Welsh 2007, the cluster bootstrap).
    /// None of fewer than two classes.
    pub(super) fn interval(&self) -> Option<([f64; N], [f64; N])> {
        let count = self.len();
        if count < 2 {
            return None;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let resample = |_| mean((0..count).map(|_| &self.classes[rng.random_range(0..count)]));
        let means: Vec<[f64; N]> = (0..RESAMPLES).map(resample).collect();
        let sorted: [Vec<f64>; N] = std::array::from_fn(|value| {
            let mut of_value: Vec<f64> = means.iter().map(|mean| mean[value]).collect();
            of_value.sort_unstable_by(f64::total_cmp);
            of_value
        });
        let at = |share: f64| {
            sorted
                .each_ref()
                .map(|means| means[(share * (RESAMPLES - 1) as f64).round() as usize])
        };
        Some((at(TAIL), at(1.0 - TAIL)))
    }
}

fn add<const N: usize>(to: &mut ([f64; N], f64), class: &([f64; N], f64)) {
    to.0.iter_mut()
        .zip(class.0)
        .for_each(|(sum, value)| *sum += value);
    to.1 += class.1;
}

/// Over the queries of these classes.
fn mean<'a, const N: usize>(classes: impl IntoIterator<Item = &'a ([f64; N], f64)>) -> [f64; N] {
    let mut all = ([0.0; N], 0.0);
    classes.into_iter().for_each(|class| add(&mut all, class));
    all.0.map(|sum| sum / all.1)
}

/// The 95 % percentile intervals (low, high) of the means over all queries. Classes are drawn with
/// replacement, each with all its queries: the queries of a class share its gold and are not
/// independent. Queries without gold (NaN) are left out; none where fewer than two classes are
/// left.
pub fn bootstrap_intervals(
    per_query: &[(ClassId, MetricValues)],
) -> Option<(MetricValues, MetricValues)> {
    let (low, high) = Clusters::of(
        per_query
            .iter()
            .map(|(class, measures)| (*class, values(measures))),
    )
    .interval()?;
    Some((of_values(&low), of_values(&high)))
}

fn values(measures: &MetricValues) -> [f64; 12] {
    let MetricValues { ap, p, ceiling } = measures;
    std::array::from_fn(|i| [ap, p, ceiling][i / 4][i % 4])
}

fn of_values(values: &[f64; 12]) -> MetricValues {
    let part = |from: usize| std::array::from_fn(|i| values[from + i]);
    MetricValues {
        ap: part(0),
        p: part(4),
        ceiling: part(8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(value: f64) -> MetricValues {
        MetricValues {
            ap: [value; 4],
            p: [value; 4],
            ceiling: [1.0; 4],
        }
    }

    #[test]
    fn an_interval_holds_the_mean_and_is_as_wide_as_classes_differ() {
        let queries = |values: &[f64]| -> Vec<(ClassId, MetricValues)> {
            let of_class =
                |(class, &value): (usize, &f64)| [(ClassId(class as u16), all(value)); 5];
            values.iter().enumerate().flat_map(of_class).collect()
        };
        let alike = bootstrap_intervals(&queries(&[0.7; 20])).unwrap();
        assert_eq!((alike.0.ap[0], alike.1.ceiling[3]), (0.7, 1.0));
        let spread: Vec<f64> = (0..40).map(|i| (i % 2) as f64).collect();
        let (low, high) = bootstrap_intervals(&queries(&spread)).unwrap();
        // a mean of 40 coins: .5 ± 1.96 · .5 / √40
        assert!(
            (low.ap[0] - 0.345).abs() < 0.04 && (high.ap[0] - 0.655).abs() < 0.04,
            "{low:?} {high:?}"
        );
        assert_eq!(
            bootstrap_intervals(&queries(&spread)),
            Some((low, high)),
            "the same again"
        );
    }

    #[test]
    fn one_class_has_no_interval() {
        assert_eq!(
            bootstrap_intervals(&[
                (ClassId(1), all(0.5)),
                (ClassId(1), all(0.1)),
                (ClassId(2), all(f64::NAN))
            ]),
            None
        );
    }
}
