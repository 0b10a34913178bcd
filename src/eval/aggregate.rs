//! Means of metrics over queries: per class, and overall.

use std::collections::BTreeMap;

use crate::types::{ClassId, MetricValues};

/// The mean metrics of an evaluation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluation {
    /// The mean over all scored queries. Each has the same weight, so that a class with more
    /// queries has a greater one. All values are 0 if `queries` is 0.
    pub overall: MetricValues,
    /// The mean of each class that has a scored query, by id, with the number of its queries.
    pub classes: Vec<(ClassId, MetricValues, usize)>,
    /// The number of scored queries.
    pub queries: usize,
    /// The number of queries that were left out because they have no gold.
    pub left_out: usize,
}

/// Averages the metrics of queries. A query without gold, whose metrics are NaN
/// ([`super::ranking_metrics`]), is left out and counted. A class without other queries is left
/// out.
pub fn aggregate(per_query: impl Iterator<Item = (ClassId, MetricValues)>) -> Evaluation {
    let mut by_class: BTreeMap<ClassId, Mean> = BTreeMap::new();
    let mut all = Mean::default();
    let mut left_out = 0;
    for (class, metrics) in per_query {
        if is_scored(&metrics) {
            by_class.entry(class).or_default().add(&metrics);
            all.add(&metrics);
        } else {
            left_out += 1;
        }
    }
    let classes = by_class
        .into_iter()
        .map(|(class, mean)| (class, mean.value(), mean.count))
        .collect();
    Evaluation {
        overall: all.value(),
        classes,
        queries: all.count,
        left_out,
    }
}

fn is_scored(metrics: &MetricValues) -> bool {
    let MetricValues { ap, p, ceiling } = metrics;
    ap.iter().chain(p).chain(ceiling).all(|v| v.is_finite())
}

#[derive(Default)]
struct Mean {
    sum: MetricValues,
    count: usize,
}

impl Mean {
    fn add(&mut self, metrics: &MetricValues) {
        let MetricValues { ap, p, ceiling } = &mut self.sum;
        for (sums, values) in [
            (ap, &metrics.ap),
            (p, &metrics.p),
            (ceiling, &metrics.ceiling),
        ] {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += value;
            }
        }
        self.count += 1;
    }

    fn value(&self) -> MetricValues {
        let mean = |sums: [f64; 4]| sums.map(|sum| sum / self.count.max(1) as f64);
        MetricValues {
            ap: mean(self.sum.ap),
            p: mean(self.sum.p),
            ceiling: mean(self.sum.ceiling),
        }
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
    fn overall_is_the_mean_over_queries() {
        let (a, b) = (ClassId(1), ClassId(0));
        let evaluation = aggregate([(a, all(0.2)), (b, all(1.0)), (a, all(0.6))].into_iter());
        assert_eq!(evaluation.queries, 3);
        assert!((evaluation.overall.ap[0] - 0.6).abs() < 1e-12);
        let classes: Vec<_> = evaluation
            .classes
            .iter()
            .map(|(c, m, n)| (c.0, (m.p[3] * 1e9).round() / 1e9, *n))
            .collect();
        assert_eq!(classes, [(0, 1.0, 1), (1, 0.4, 2)]);
        assert_eq!(evaluation.overall.ceiling, [1.0; 4]);
    }

    #[test]
    fn queries_without_gold_are_left_out_and_counted() {
        let evaluation =
            aggregate([(ClassId(0), all(0.5)), (ClassId(1), all(f64::NAN))].into_iter());
        assert_eq!(
            (
                evaluation.queries,
                evaluation.left_out,
                evaluation.classes.len()
            ),
            (1, 1, 1)
        );
        assert_eq!(evaluation.overall.ap, [0.5; 4]);
        assert_eq!(aggregate(std::iter::empty()), Evaluation::default());
    }
}
