//! How far a mean over queries can be trusted: bootstrap intervals, clustered by class.

use super::cluster::Clusters;
use crate::types::{ClassId, Measures};

/// The 95 % percentile intervals (low, high) of the means over all queries. Classes are drawn with
/// replacement, each with all its queries: the queries of a class share its gold and are not
/// independent. Queries without gold (NaN) are left out; none where fewer than two classes are
/// left.
pub fn intervals(per_query: &[(ClassId, Measures)]) -> Option<(Measures, Measures)> {
    let (low, high) = Clusters::of(
        per_query
            .iter()
            .map(|(class, measures)| (*class, values(measures))),
    )
    .interval()?;
    Some((of_values(&low), of_values(&high)))
}

fn values(measures: &Measures) -> [f64; 12] {
    let Measures { ap, p, ceiling } = measures;
    std::array::from_fn(|i| [ap, p, ceiling][i / 4][i % 4])
}

fn of_values(values: &[f64; 12]) -> Measures {
    let part = |from: usize| std::array::from_fn(|i| values[from + i]);
    Measures {
        ap: part(0),
        p: part(4),
        ceiling: part(8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(value: f64) -> Measures {
        Measures {
            ap: [value; 4],
            p: [value; 4],
            ceiling: [1.0; 4],
        }
    }

    #[test]
    fn an_interval_holds_the_mean_and_is_as_wide_as_classes_differ() {
        let queries = |values: &[f64]| -> Vec<(ClassId, Measures)> {
            let of_class =
                |(class, &value): (usize, &f64)| [(ClassId(class as u16), all(value)); 5];
            values.iter().enumerate().flat_map(of_class).collect()
        };
        let alike = intervals(&queries(&[0.7; 20])).unwrap();
        assert_eq!((alike.0.ap[0], alike.1.ceiling[3]), (0.7, 1.0));
        let spread: Vec<f64> = (0..40).map(|i| (i % 2) as f64).collect();
        let (low, high) = intervals(&queries(&spread)).unwrap();
        // a mean of 40 coins: .5 ± 1.96 · .5 / √40
        assert!(
            (low.ap[0] - 0.345).abs() < 0.04 && (high.ap[0] - 0.655).abs() < 0.04,
            "{low:?} {high:?}"
        );
        assert_eq!(
            intervals(&queries(&spread)),
            Some((low, high)),
            "the same again"
        );
    }

    #[test]
    fn one_class_has_no_interval() {
        assert_eq!(
            intervals(&[
                (ClassId(1), all(0.5)),
                (ClassId(1), all(0.1)),
                (ClassId(2), all(f64::NAN))
            ]),
            None
        );
    }
}
