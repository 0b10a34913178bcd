//! The best of ΣZ without rows of Z: the neighbor list of each member of the set gives upper bounds
//! of Z, whose sum bounds the score of a candidate. Only candidates whose bound is among the best
//! are summed exactly, which takes a few numbers where a row has the full_batches vocabulary.

use std::collections::HashMap;

use crate::expand::shortlist::Shortlist;
use crate::index::{ColumnBatch, ModeIndex, NeighborList};
use crate::types::Row;

/// The number of candidates that are summed besides the requested ones.
const EXTRA_CANDIDATES: usize = 4;
/// The number of candidates from which full_batches rows are cheaper than exact sums.
const MAX_CANDIDATES: usize = 512;
/// An upper limit of the difference between sums that are taken in different orders.
const ROUNDING: f64 = 1e-6;

/// Upper bounds of ΣZ over a growing set.
pub(super) struct ScoreBounds {
    /// Upper bounds of ΣZ minus `rest`.
    upper: Shortlist,
    /// The sum of the bounds for candidates that are in no list.
    rest: f64,
    /// The set in the order in which it grew; all batches but the last are full.
    members: Vec<ColumnBatch>,
    /// The exact sums that have been computed.
    sums: HashMap<Row, PartialSum>,
}

/// A candidate's sum over the first members: this number of full batches, and this number of
/// members of the next one.
#[derive(Clone, Copy, Default)]
struct PartialSum {
    full_batches: usize,
    rest_members: usize,
    z: f64,
}

impl ScoreBounds {
    /// Creates bounds for an empty set; `None` if the index has no neighbor lists.
    pub fn new(index: &ModeIndex) -> Option<Self> {
        index.has_lists().then(|| ScoreBounds {
            upper: Shortlist::new(index.len()),
            rest: 0.0,
            members: Vec::new(),
            sums: HashMap::new(),
        })
    }

    /// Adds a member; `None` if its list is damaged.
    pub fn add(&mut self, index: &ModeIndex, row: Row) -> Option<()> {
        let NeighborList { rows, upper, rest } = index.neighbor_list(row)?;
        self.rest += rest as f64;
        for (&candidate, z) in rows.iter().zip(upper) {
            self.upper.add(Row(candidate as u32), (z - rest) as f64);
        }
        if self.members.last().is_none_or(ColumnBatch::is_full) {
            self.members.push(index.column_batch());
        }
        index.add_column(self.members.last_mut()?, row);
        Some(())
    }

    /// Returns the `count` best candidates that are not taken, best first, with ΣZ; among equals
    /// the lower row. `None` if too many would have to be summed.
    pub fn best(
        &mut self,
        index: &ModeIndex,
        taken: &[bool],
        count: usize,
    ) -> Option<Vec<(Row, f64)>> {
        let mut candidate_count = count + EXTRA_CANDIDATES;
        loop {
            let rows = self.upper.best(taken, candidate_count);
            // no other candidate has a larger sum
            let best_other = match rows.last() {
                Some(last) if rows.len() == candidate_count => {
                    self.upper.get(*last) + self.rest + ROUNDING
                }
                _ => f64::NEG_INFINITY,
            };
            let sums = self.sums(index, &rows);
            rows.iter()
                .zip(&sums)
                .for_each(|(&row, sum)| self.upper.set(row, sum - self.rest));
            let mut order: Vec<usize> = (0..rows.len()).collect();
            order
                .sort_unstable_by(|&a, &b| sums[b].total_cmp(&sums[a]).then(rows[a].cmp(&rows[b])));
            order.truncate(count);
            if order.last().is_none_or(|&last| sums[last] > best_other) {
                return Some(order.into_iter().map(|i| (rows[i], sums[i])).collect());
            }
            if candidate_count >= MAX_CANDIDATES {
                return None;
            }
            candidate_count = (2 * candidate_count).min(MAX_CANDIDATES);
        }
    }

    /// Returns ΣZ of these candidates, each summed in the order in which the set grew.
    fn sums(&mut self, index: &ModeIndex, rows: &[Row]) -> Vec<f64> {
        let mut sums: Vec<PartialSum> = rows
            .iter()
            .map(|r| self.sums.get(r).copied().unwrap_or_default())
            .collect();
        for (number, batch) in self.members.iter().enumerate() {
            let outdated: Vec<usize> = (0..rows.len())
                .filter(|&i| sums[i].full_batches == number && sums[i].rest_members < batch.count())
                .collect();
            let candidates: Vec<Row> = outdated.iter().map(|&i| rows[i]).collect();
            for (i, z) in outdated
                .into_iter()
                .zip(index.z_columns(batch, &candidates))
            {
                let sum = &mut sums[i];
                z[sum.rest_members..batch.count()]
                    .iter()
                    .for_each(|&z| sum.z += z as f64);
                (sum.full_batches, sum.rest_members) = if batch.is_full() {
                    (number + 1, 0)
                } else {
                    (number, batch.count())
                };
                self.sums.insert(rows[i], *sum);
            }
        }
        sums.into_iter().map(|sum| sum.z).collect()
    }
}
