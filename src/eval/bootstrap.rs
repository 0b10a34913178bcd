//! Bootstrap confidence intervals of means over queries, clustered by class.
//!
//! The queries of a class share its gold and are not independent. Intervals and significance tests
//! therefore treat classes as clusters: they draw, flip or count whole classes.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::types::{ClassId, MetricValues};

/// The number of resamples for one interval.
const RESAMPLES: usize = 2_000;
/// The fraction of the distribution that is cut off at each end: a 95 % interval.
const TAIL: f64 = 0.025;
/// The seed of the random numbers; fixed, so that the same queries give the same interval.
const SEED: u64 = 1;

/// The least number of classes for a useful interval: the bootstrap of fewer returns little more
/// than their own values.
pub(super) const MIN_CLASSES: usize = 5;

/// The sums of N values over the queries of one class.
#[derive(Clone, Copy)]
pub(super) struct Cluster<const N: usize> {
    pub(super) sums: [f64; N],
    /// The number of queries.
    pub(super) queries: f64,
}

impl<const N: usize> Cluster<N> {
    const EMPTY: Cluster<N> = Cluster {
        sums: [0.0; N],
        queries: 0.0,
    };

    fn add(&mut self, other: &Cluster<N>) {
        for (sum, value) in self.sums.iter_mut().zip(other.sums) {
            *sum += value;
        }
        self.queries += other.queries;
    }
}

/// N values of each query, summed by class.
pub(super) struct Clusters<const N: usize>(Vec<Cluster<N>>);

impl<const N: usize> Clusters<N> {
    /// Sums the values by class. A query with a value that is not finite, as one without gold has,
    /// is left out.
    pub(super) fn new(queries: impl IntoIterator<Item = (ClassId, [f64; N])>) -> Self {
        let mut clusters: BTreeMap<ClassId, Cluster<N>> = BTreeMap::new();
        for (class, sums) in queries {
            if sums.iter().all(|value| value.is_finite()) {
                let cluster = clusters.entry(class).or_insert(Cluster::EMPTY);
                cluster.add(&Cluster { sums, queries: 1.0 });
            }
        }
        Clusters(clusters.into_values().collect())
    }

    /// Returns the number of classes that have a query.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the cluster of each class.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Cluster<N>> {
        self.0.iter()
    }

    /// Returns the means over all queries; NaN if there are none.
    pub(super) fn mean(&self) -> [f64; N] {
        mean(self.iter())
    }

    /// Returns [`Clusters::interval`], or `None` if there are fewer than [`MIN_CLASSES`] classes.
    pub(super) fn interval_if_enough_classes(&self) -> Option<([f64; N], [f64; N])> {
        if self.len() < MIN_CLASSES {
            return None;
        }
        self.interval()
    }

    /// Returns the 95 % percentile intervals (low, high) of the means over all queries. Classes are
    /// drawn with replacement, each with all its queries (the cluster bootstrap, Field & Welsh
    /// 2007). The result is `None` if there are fewer than two classes.
    pub(super) fn interval(&self) -> Option<([f64; N], [f64; N])> {
        let count = self.len();
        if count < 2 {
            return None;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let mut samples: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(RESAMPLES));
        for _ in 0..RESAMPLES {
            let means = mean((0..count).map(|_| &self.0[rng.random_range(0..count)]));
            for (values, mean) in samples.iter_mut().zip(means) {
                values.push(mean);
            }
        }
        for values in &mut samples {
            values.sort_unstable_by(f64::total_cmp);
        }
        let quantile = |fraction: f64| {
            let index = (fraction * (RESAMPLES - 1) as f64).round() as usize;
            samples.each_ref().map(|values| values[index])
        };
        Some((quantile(TAIL), quantile(1.0 - TAIL)))
    }
}

/// Returns the means over the queries of these classes.
fn mean<'a, const N: usize>(clusters: impl Iterator<Item = &'a Cluster<N>>) -> [f64; N] {
    let mut total = Cluster::EMPTY;
    for cluster in clusters {
        total.add(cluster);
    }
    total.sums.map(|sum| sum / total.queries)
}

/// Returns the 95 % bootstrap intervals (low, high) of the mean metrics over all queries, with
/// classes as clusters. Queries without gold (NaN) are left out. The result is `None` if fewer than
/// two classes remain.
pub fn bootstrap_intervals(
    per_query: &[(ClassId, MetricValues)],
) -> Option<(MetricValues, MetricValues)> {
    let values = per_query
        .iter()
        .map(|(class, metrics)| (*class, to_array(metrics)));
    let (low, high) = Clusters::new(values).interval()?;
    Some((from_array(&low), from_array(&high)))
}

fn to_array(metrics: &MetricValues) -> [f64; 12] {
    let MetricValues { ap, p, ceiling } = metrics;
    std::array::from_fn(|i| [ap, p, ceiling][i / 4][i % 4])
}

fn from_array(values: &[f64; 12]) -> MetricValues {
    let four_from = |start: usize| std::array::from_fn(|i| values[start + i]);
    MetricValues {
        ap: four_from(0),
        p: four_from(4),
        ceiling: four_from(8),
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
    fn intervals_contain_the_mean_and_widen_with_the_spread_of_classes() {
        let queries = |values: &[f64]| -> Vec<(ClassId, MetricValues)> {
            let of_class =
                |(class, &value): (usize, &f64)| [(ClassId(class as u16), all(value)); 5];
            values.iter().enumerate().flat_map(of_class).collect()
        };
        let alike = bootstrap_intervals(&queries(&[0.7; 20])).unwrap();
        assert_eq!((alike.0.ap[0], alike.1.ceiling[3]), (0.7, 1.0));
        let spread: Vec<f64> = (0..40).map(|i| (i % 2) as f64).collect();
        let (low, high) = bootstrap_intervals(&queries(&spread)).unwrap();
        // the mean of 40 coin flips: .5 ± 1.96 · .5 / √40
        assert!(
            (low.ap[0] - 0.345).abs() < 0.04 && (high.ap[0] - 0.655).abs() < 0.04,
            "{low:?} {high:?}"
        );
        assert_eq!(
            bootstrap_intervals(&queries(&spread)),
            Some((low, high)),
            "the result is deterministic"
        );
    }

    #[test]
    fn fewer_than_two_classes_have_no_interval() {
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
