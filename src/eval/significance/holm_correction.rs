//! The correction of p-values for multiple tests.

/// Returns the p-values corrected for multiple tests by the step-down method of Holm (1979), in
/// their order. Rejecting the null hypotheses with a corrected p-value below α keeps the
/// probability of rejecting any true one below α, however the tests depend on each other.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut corrected = vec![0.0; p_values.len()];
    let mut largest = 0.0f64;
    for (rank, index) in order.into_iter().enumerate() {
        let remaining = (p_values.len() - rank) as f64;
        largest = largest.max((p_values[index] * remaining).min(1.0));
        corrected[index] = largest;
    }
    corrected
}
