//! The paired t-test with cluster-robust standard errors.

use statrs::function::beta::beta_reg;

use crate::eval::bootstrap::Clusters;
use crate::eval::significance::win_counts::TIE;

/// Returns the two-sided p-value of the paired t-test over classes.
///
/// Null hypothesis: the expected difference is 0. With C classes and the mean m over all queries,
///
/// t = m · queries / √(C / (C − 1) · Σ (sum of a class − m · its queries)²)
///
/// has C − 1 degrees of freedom. For classes of equal size this is the t-test of the class means;
/// otherwise that of the mean over queries with the cluster-robust standard error (Liang & Zeger
/// 1986). Equal differences other than 0 have a p-value of 0.
pub(super) fn t_test(clusters: &Clusters<1>) -> f64 {
    let [mean] = clusters.mean();
    let count = clusters.len() as f64;
    let queries: f64 = clusters.iter().map(|cluster| cluster.queries).sum();
    let squares: f64 = clusters
        .iter()
        .map(|cluster| (cluster.sums[0] - mean * cluster.queries).powi(2))
        .sum();
    let error = (count / (count - 1.0) * squares).sqrt() / queries;
    if mean.abs() <= TIE && error <= TIE {
        return 1.0;
    }
    let (freedom, t) = (count - 1.0, mean / error);
    // P(|T| ≥ t) by the regularised incomplete beta function (Abramowitz & Stegun 26.7.1, 26.5.27)
    beta_reg(freedom / 2.0, 0.5, freedom / (freedom + t * t))
}
