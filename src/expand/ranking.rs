//! Rankings by Z alone.

use crate::expand::row_sums::RowSums;
use crate::expand::top_k::compare_by_score;
use crate::index::ModeIndex;
use crate::types::Row;

/// Returns the seed ranking: all candidates but the seeds and `excluded` by ΣZ over the seeds, best
/// first, with ΣZ. All rows must be of this index.
pub fn rank_by_seeds(index: &ModeIndex, seeds: &[Row], excluded: &[Row]) -> Vec<(Row, f64)> {
    let sums = RowSums::over_set(index, seeds);
    let scores = sums.values();
    let mut taken = vec![false; index.len()];
    seeds
        .iter()
        .chain(excluded)
        .for_each(|r| taken[r.index()] = true);
    let mut rows: Vec<Row> = (0..index.len() as u32)
        .map(Row)
        .filter(|r| !taken[r.index()])
        .collect();
    rows.sort_unstable_by(|a, b| compare_by_score(scores, *a, *b));
    rows.into_iter().map(|r| (r, scores[r.index()])).collect()
}

/// Returns the rank of each of these rows, from 1, in [`rank_by_seeds`] without excluded rows. It
/// costs less than the whole ranking.
pub fn ranks_by_seeds(index: &ModeIndex, seeds: &[Row], rows: &[Row]) -> Vec<usize> {
    let sums = RowSums::over_set(index, seeds);
    let scores = sums.values();
    let mut sorted: Vec<usize> = (0..rows.len()).collect();
    sorted.sort_unstable_by(|&a, &b| compare_by_score(scores, rows[a], rows[b]));
    // the number of entities after each sorted row and before the next one
    let mut between = vec![0; rows.len() + 1];
    for row in (0..index.len() as u32)
        .map(Row)
        .filter(|row| !seeds.contains(row))
    {
        between[sorted.partition_point(|&i| compare_by_score(scores, rows[i], row).is_le())] += 1;
    }
    let mut ranks = vec![0; rows.len()];
    let mut rank = 1;
    for (&i, before) in sorted.iter().zip(between) {
        rank += before;
        ranks[i] = rank;
    }
    ranks
}

/// Returns the `count` entities with the best Z\[row\], best first, without the entity itself, with
/// Z.
pub fn nearest_entities(index: &ModeIndex, row: Row, count: usize) -> Vec<(Row, f64)> {
    let sums = RowSums::over_set(index, &[row]);
    let mut taken = vec![false; index.len()];
    taken[row.index()] = true;
    sums.best(&taken, count)
        .into_iter()
        .map(|r| (r, sums.get(r)))
        .collect()
}
