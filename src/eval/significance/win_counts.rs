//! The numbers of classes in which a run wins, ties and loses.

use crate::eval::bootstrap::Clusters;

/// Absolute differences up to this value are ties.
pub(super) const TIE: f64 = 1e-9;

/// Returns the numbers of classes in which the first run is better, equal and worse.
pub(in crate::eval) fn wins_ties_losses(clusters: &Clusters<1>) -> [usize; 3] {
    let mut counts = [0; 3];
    for cluster in clusters.iter() {
        let mean = cluster.sums[0] / cluster.queries;
        let outcome = if mean > TIE {
            0
        } else if mean < -TIE {
            2
        } else {
            1
        };
        counts[outcome] += 1;
    }
    counts
}
