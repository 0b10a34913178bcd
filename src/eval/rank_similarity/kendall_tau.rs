//! Kendall's rank correlation τ.

/// Returns Kendall's τ over the entities that two rankings share. `positions` are their positions
/// in the second ranking, in the order of the first. The result is `None` for fewer than two
/// entities.
pub(super) fn kendall_tau(positions: &[usize]) -> Option<f64> {
    let count = positions.len();
    if count < 2 {
        return None;
    }
    let mut swapped = 0;
    for (index, position) in positions.iter().enumerate() {
        let later = &positions[index + 1..];
        swapped += later.iter().filter(|&other| other < position).count();
    }
    let pairs = (count * (count - 1) / 2) as f64;
    Some(1.0 - 2.0 * swapped as f64 / pairs)
}
