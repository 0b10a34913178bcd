//! The paired comparison of two runs: difference, interval and p-values.

use crate::eval::bootstrap::Clusters;
use crate::eval::significance::randomization_test::randomization_test;
use crate::eval::significance::t_test::t_test;
use crate::eval::significance::win_counts::wins_ties_losses;
use crate::types::{ClassId, PairedTest};

/// Tests whether the mean of paired differences (first run minus second, one per query) is zero,
/// with classes as clusters. Returns `None` if there are fewer than two classes.
///
/// The p-values are those of `randomization_test` and of `t_test`.
pub fn paired_test(differences: &[(ClassId, f64)]) -> Option<PairedTest> {
    let clusters = Clusters::new(differences.iter().map(|&(class, d)| (class, [d])));
    let ([low], [high]) = clusters.interval()?;
    let [difference] = clusters.mean();
    let [wins, ties, losses] = wins_ties_losses(&clusters);
    Some(PairedTest {
        difference,
        low,
        high,
        p: randomization_test(&clusters),
        p_t: t_test(&clusters),
        wins,
        losses,
        ties,
    })
}
