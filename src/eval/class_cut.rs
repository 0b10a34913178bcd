//! How good a cut of a ranking is: precision, recall and F1 of the candidates before it, and the
//! calibration of the membership probabilities.

use serde::{Deserialize, Serialize};

/// The number of bins of the calibration error.
const BINS: usize = 10;

/// The candidates of one query with their probabilities of membership, best first.
#[derive(Debug, Clone, PartialEq)]
pub struct CutQuery {
    /// Whether each candidate is a member, and its probability.
    pub candidates: Vec<(bool, f64)>,
    /// The number of candidates before the cut.
    pub cut: usize,
    /// The number of members that a ranking can find.
    pub members: usize,
}

/// Means over queries.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct CutMetrics {
    pub queries: usize,
    /// The mean of 2 · hits / (cut + members).
    pub f1: f64,
    /// The mean of hits / cut.
    pub precision: f64,
    /// The mean of hits / members.
    pub recall: f64,
    /// The mean difference, over all candidates, between the mean probability and the fraction of
    /// members among the candidates with a similar probability (10 bins of equal width), 0..1.
    pub calibration_error: f64,
}

impl CutMetrics {
    /// Returns the means over these queries; zeros without queries.
    pub fn of_queries(queries: &[CutQuery]) -> CutMetrics {
        let mean = |value: fn(&CutQuery) -> f64| {
            let sum: f64 = queries.iter().map(value).sum();
            sum / queries.len().max(1) as f64
        };
        CutMetrics {
            queries: queries.len(),
            f1: mean(CutQuery::f1),
            precision: mean(|query| query.hits() / query.cut.max(1) as f64),
            recall: mean(|query| query.hits() / query.members.max(1) as f64),
            calibration_error: calibration_error(queries.iter().flat_map(|q| &q.candidates)),
        }
    }
}

impl CutQuery {
    /// Returns the number of members before the cut.
    fn hits(&self) -> f64 {
        let before = self.candidates.iter().take(self.cut);
        before.filter(|(is_member, _)| *is_member).count() as f64
    }

    fn f1(&self) -> f64 {
        2.0 * self.hits() / (self.cut + self.members).max(1) as f64
    }
}

/// Returns the expected calibration error of probabilities of membership.
fn calibration_error<'a>(candidates: impl Iterator<Item = &'a (bool, f64)>) -> f64 {
    // of each bin: the number of candidates, of members, and the sum of the probabilities
    let mut bins = [(0.0, 0.0, 0.0); BINS];
    let mut count = 0.0;
    for (is_member, probability) in candidates {
        let bin = ((probability * BINS as f64) as usize).min(BINS - 1);
        bins[bin].0 += 1.0;
        bins[bin].1 += f64::from(u8::from(*is_member));
        bins[bin].2 += probability;
        count += 1.0;
    }
    let differences = bins.iter().map(|(_, members, sum)| (members - sum).abs());
    differences.sum::<f64>() / f64::max(count, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(members: &[bool], cut: usize, all: usize) -> CutQuery {
        CutQuery {
            candidates: members.iter().map(|&m| (m, 0.5)).collect(),
            cut,
            members: all,
        }
    }

    #[test]
    fn the_cut_is_measured_like_a_set() {
        let queries = [query(&[true, true, false, true], 3, 4)];
        let metrics = CutMetrics::of_queries(&queries);
        assert!((metrics.precision - 2.0 / 3.0).abs() < 1e-12);
        assert!((metrics.recall - 0.5).abs() < 1e-12);
        assert!((metrics.f1 - 4.0 / 7.0).abs() < 1e-12);
        assert_eq!(CutMetrics::of_queries(&[]), CutMetrics::default());
    }

    #[test]
    fn the_calibration_error_is_the_mean_difference_of_bins() {
        // half of the candidates with probability .5 are members
        let calibrated = query(&[true, false, true, false], 2, 2);
        assert!(CutMetrics::of_queries(&[calibrated]).calibration_error < 1e-12);
        let never = CutQuery {
            candidates: vec![(false, 0.9), (false, 0.9), (false, 0.1), (true, 0.1)],
            cut: 1,
            members: 1,
        };
        // bin of .9: |0 − 1.8|, bin of .1: |1 − .2|, over 4 candidates
        let error = CutMetrics::of_queries(&[never]).calibration_error;
        assert!((error - (1.8 + 0.8) / 4.0).abs() < 1e-12, "{error}");
    }
}
