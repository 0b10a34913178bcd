//! Means over queries: of one class, and overall.

use std::collections::BTreeMap;

use crate::types::{ClassId, MetricValues};

/// What an evaluation comes to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluation {
    /// The mean over all scored queries, each with the same weight: a class with more queries
    /// weighs more. All 0 where `queries` is 0.
    pub overall: MetricValues,
    /// Each class that has a scored query, by id: the mean over its queries, and how many they are.
    pub classes: Vec<(ClassId, MetricValues, usize)>,
    /// How many queries were scored.
    pub queries: usize,
    /// How many were left out because they have no gold, and so no score.
    pub left_out: usize,
}

/// Gathers the queries' measures. A query without gold (its measures are NaN, see
/// [`super::measure`]) is left out and counted; a class of which nothing is left does not appear.
pub fn aggregate(per_query: impl Iterator<Item = (ClassId, MetricValues)>) -> Evaluation {
    let mut by_class: BTreeMap<ClassId, Mean> = BTreeMap::new();
    let (mut all, mut left_out) = (Mean::default(), 0);
    for (class, measures) in per_query {
        if is_scored(&measures) {
            by_class.entry(class).or_default().add(&measures);
            all.add(&measures);
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

fn is_scored(measures: &MetricValues) -> bool {
    let MetricValues { ap, p, ceiling } = measures;
    ap.iter().chain(p).chain(ceiling).all(|v| v.is_finite())
}

#[derive(Default)]
struct Mean {
    sum: MetricValues,
    count: usize,
}

impl Mean {
    fn add(&mut self, one: &MetricValues) {
        let MetricValues { ap, p, ceiling } = &mut self.sum;
        for (sums, values) in [(ap, &one.ap), (p, &one.p), (ceiling, &one.ceiling)] {
            sums.iter_mut()
                .zip(values)
                .for_each(|(sum, value)| *sum += value);
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
    fn what_has_no_gold_is_left_out_and_counted() {
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
