//! Look-ahead: the next picks nearly always come from the present top of the score, so what they need is computed
//! for all of it in one product. Answers do not depend on it.

use std::cmp::Ordering;
use std::rc::Rc;

use crate::index::View;
use crate::types::Row;

/// Of the entities that are not taken the `count` best, best first; among equals the lower row.
pub fn best(scores: &[f64], taken: &[bool], count: usize) -> Vec<Row> {
    let order = |a: &Row, b: &Row| by_score(scores, *a, *b);
    if count <= SMALL {
        return best_few(scores, taken, count);
    }
    let mut rows: Vec<Row> = (0..scores.len() as u32).map(Row).filter(|r| !taken[r.at()]).collect();
    if rows.len() > count {
        rows.select_nth_unstable_by(count - 1, order);
        rows.truncate(count);
    }
    rows.sort_unstable_by(order);
    rows
}

/// Up to this many, one pass with insertion beats a selection.
const SMALL: usize = 16;

fn best_few(scores: &[f64], taken: &[bool], count: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::with_capacity(count + 1);
    let mut least = f64::NEG_INFINITY;
    for (i, &score) in scores.iter().enumerate() {
        let room = rows.len() < count;
        if (score > least || room) && !taken[i] {
            let place = rows.partition_point(|r| scores[r.at()] >= score);
            rows.insert(place, Row(i as u32));
            rows.truncate(count);
            if rows.len() == count {
                least = rows.last().map_or(least, |r| scores[r.at()]);
            }
        }
    }
    rows
}

/// Better first; among equals the lower row.
pub fn by_score(scores: &[f64], a: Row, b: Row) -> Ordering {
    scores[b.at()].total_cmp(&scores[a.at()]).then(a.cmp(&b))
}

/// Z\[row\]; on a miss together with the rows of `next`.
pub fn row(view: &View, row: Row, next: impl FnOnce() -> Vec<Row>) -> Rc<[f32]> {
    let mut rows = vec![row];
    if !view.has_row(row) {
        rows.extend(next().into_iter().filter(|&r| r != row && !view.has_row(r)));
    }
    view.z_rows(&rows).swap_remove(0)
}

/// Has P\[c\]\[j\] at hand for these candidates, the members of the set after the first `seen(c)`, and c itself; on a
/// miss for those of `next` too, which are candidates and members to come.
pub fn load_probabilities(
    view: &View,
    candidates: &[Row],
    set: &[Row],
    seen: impl Fn(Row) -> usize,
    next: impl FnOnce() -> Vec<Row>,
) {
    let known = |c: Row, j: Row| view.known_probability(c, j).is_some();
    let ready = |c: Row| known(c, c) && set[seen(c)..].iter().rev().all(|&j| known(c, j));
    if candidates.iter().all(|&c| ready(c)) {
        return;
    }
    let next = next();
    let entities: Vec<Row> = next.iter().copied().filter(|&c| !ready(c)).collect();
    let wanted = |j: &Row| entities.iter().any(|&c| !known(c, *j));
    let mut targets: Vec<Row> = set.iter().chain(&next).copied().filter(wanted).collect();
    targets.sort_unstable();
    targets.dedup();
    view.load_probabilities(&entities, &targets);
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
        for count in [1, 2, 7, 16, 17, 60, 170, 300] {
            assert_eq!(best(&scores, &taken, count), sorted[..count.min(sorted.len())], "{count}");
        }
    }
}
