//! The order of candidates by score.

use std::cmp::Ordering;

use crate::types::Row;

/// Returns the `count` best of these entities, best first; among equals the lower row. Each entity
/// must occur once.
pub fn best_of(scores: &[f64], rows: impl Iterator<Item = Row>, count: usize) -> Vec<Row> {
    let order = |a: &Row, b: &Row| compare_by_score(scores, *a, *b);
    let mut rows: Vec<Row> = rows.collect();
    if rows.len() > count {
        rows.select_nth_unstable_by(count.saturating_sub(1), order);
        rows.truncate(count);
    }
    rows.sort_unstable_by(order);
    rows
}

/// Compares two entities: the better score first, among equals the lower row.
pub fn compare_by_score(scores: &[f64], a: Row, b: Row) -> Ordering {
    scores[b.index()]
        .total_cmp(&scores[a.index()])
        .then(a.cmp(&b))
}
