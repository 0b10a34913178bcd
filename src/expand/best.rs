//! The best of all scores, and the order that says which those are.

use std::cmp::Ordering;

use crate::types::Row;

/// Of the entities that are not taken the `count` best, best first; among equals the lower row.
pub fn best(scores: &[f64], taken: &[bool], count: usize) -> Vec<Row> {
    if count <= SMALL {
        return best_few(scores, taken, count);
    }
    best_of(scores, (0..scores.len() as u32).map(Row).filter(|r| !taken[r.at()]), count)
}

/// The same of these entities, each once.
pub fn best_of(scores: &[f64], rows: impl Iterator<Item = Row>, count: usize) -> Vec<Row> {
    let order = |a: &Row, b: &Row| by_score(scores, *a, *b);
    let mut rows: Vec<Row> = rows.collect();
    if rows.len() > count {
        rows.select_nth_unstable_by(count.saturating_sub(1), order);
        rows.truncate(count);
    }
    rows.sort_unstable_by(order);
    rows
}

/// Up to this many, one pass with insertion beats a selection.
const SMALL: usize = 64;
/// Scores that are passed over at once where none of them is good enough.
const STRIDE: usize = 64;

fn best_few(scores: &[f64], taken: &[bool], count: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::with_capacity(count + 1);
    let mut least = f64::NEG_INFINITY;
    for (stride, scores_here) in scores.chunks(STRIDE).enumerate() {
        if rows.len() == count && !scores_here.iter().fold(false, |any, &score| any | (score > least)) {
            continue;
        }
        for (i, &score) in (stride * STRIDE..).zip(scores_here) {
            if (score > least || rows.len() < count) && !taken[i] {
                let place = rows.partition_point(|r| scores[r.at()] >= score);
                rows.insert(place, Row(i as u32));
                rows.truncate(count);
                if rows.len() == count {
                    least = rows.last().map_or(least, |r| scores[r.at()]);
                }
            }
        }
    }
    rows
}

/// Better first; among equals the lower row.
pub fn by_score(scores: &[f64], a: Row, b: Row) -> Ordering {
    scores[b.at()].total_cmp(&scores[a.at()]).then(a.cmp(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_give_the_stable_order() {
        let scores: Vec<f64> = (0..200).map(|i| ((i * 37) % 23) as f64).collect();
        let taken: Vec<bool> = (0..200).map(|i| i % 7 == 0).collect();
        let mut sorted: Vec<Row> = (0..200).map(Row).filter(|r| !taken[r.at()]).collect();
        sorted.sort_by(|a, b| scores[b.at()].total_cmp(&scores[a.at()]));
        for count in [1, 2, 7, SMALL, SMALL + 1, 90, 170, 300] {
            assert_eq!(best(&scores, &taken, count), sorted[..count.min(sorted.len())], "{count}");
        }
    }
}
