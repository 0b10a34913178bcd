//! Rankings by Z alone.

use crate::expand::row_sums::Sums;
use crate::expand::top_k::by_score;
use crate::index::ModeIndex;
use crate::types::Row;

/// All candidates by ΣZ over the seeds, best first, but for the seeds and `excluded`: (entity, ΣZ).
/// Rows are of the view's index.
pub fn rank_by_seeds(view: &ModeIndex, seeds: &[Row], excluded: &[Row]) -> Vec<(Row, f64)> {
    let sums = Sums::over(view, seeds);
    let scores = sums.values();
    let mut out = vec![false; view.len()];
    seeds
        .iter()
        .chain(excluded)
        .for_each(|r| out[r.index()] = true);
    let mut rows: Vec<Row> = (0..view.len() as u32)
        .map(Row)
        .filter(|r| !out[r.index()])
        .collect();
    rows.sort_unstable_by(|a, b| by_score(scores, *a, *b));
    rows.into_iter().map(|r| (r, scores[r.index()])).collect()
}

/// The rank of each of these, from 1, as [`rank_by_seeds`] without any excluded has it. Costs less
/// than a whole ranking.
pub fn ranks_by_seeds(view: &ModeIndex, seeds: &[Row], wanted: &[Row]) -> Vec<usize> {
    let sums = Sums::over(view, seeds);
    let scores = sums.values();
    let mut sorted: Vec<usize> = (0..wanted.len()).collect();
    sorted.sort_unstable_by(|&a, &b| by_score(scores, wanted[a], wanted[b]));
    // how many entities come after so many of those that are wanted, and before the next
    let mut between = vec![0; wanted.len() + 1];
    for row in (0..view.len() as u32)
        .map(Row)
        .filter(|row| !seeds.contains(row))
    {
        between[sorted.partition_point(|&at| by_score(scores, wanted[at], row).is_le())] += 1;
    }
    let mut ranks = vec![0; wanted.len()];
    let mut rank = 1;
    for (&at, before) in sorted.iter().zip(between) {
        rank += before;
        ranks[at] = rank;
    }
    ranks
}

/// The `count` entities most alike by Z\[row\], best first, without itself: (entity, Z).
pub fn neighbours(view: &ModeIndex, row: Row, count: usize) -> Vec<(Row, f64)> {
    let sums = Sums::over(view, &[row]);
    let mut taken = vec![false; view.len()];
    taken[row.index()] = true;
    sums.best(&taken, count)
        .into_iter()
        .map(|r| (r, sums.of(r)))
        .collect()
}
