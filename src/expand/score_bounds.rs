//! The best of ΣZ without rows of Z: each member of the set has a list of the candidates that it
//! speaks for most and a bound for all others, so a candidate's sum is known to be no more than
//! what the lists say. Those that may be among the best are summed exactly, which is a few numbers
//! where the rows would be the whole vocabulary.

use std::collections::HashMap;

use crate::expand::shortlist::Shortlist;
use crate::index::{ColumnBatch, ModeIndex, NeighborList};
use crate::types::Row;

/// Candidates that are summed at once beyond those wanted.
const SPARE: usize = 4;
/// Where more than so many would have to be summed, whole rows are cheaper.
const MOST: usize = 512;
/// By how much sums that are taken in another order may differ, and more.
const ROUNDING: f64 = 1e-6;

/// ΣZ over a set that grows, bounded from above.
pub(super) struct Bounds {
    /// No less than ΣZ less `rest`.
    upper: Shortlist,
    /// What every candidate has that is in no list.
    rest: f64,
    /// The set, in the order it grew; all but the last few are full.
    members: Vec<ColumnBatch>,
    /// Exact sums, as far as they were asked for.
    sums: HashMap<Row, Sum>,
}

/// A candidate's sum over the first members: over so many whole few, and so many of the next.
#[derive(Clone, Copy, Default)]
struct Sum {
    whole: usize,
    more: usize,
    z: f64,
}

impl Bounds {
    /// An empty set; none where the view has no lists.
    pub fn new(view: &ModeIndex) -> Option<Self> {
        view.has_lists().then(|| Bounds {
            upper: Shortlist::new(view.len()),
            rest: 0.0,
            members: Vec::new(),
            sums: HashMap::new(),
        })
    }

    /// Adds a member; none where its list is damaged.
    pub fn add(&mut self, view: &ModeIndex, row: Row) -> Option<()> {
        let NeighborList { rows, upper, rest } = view.neighbor_list(row)?;
        self.rest += rest as f64;
        for (&candidate, z) in rows.iter().zip(upper) {
            self.upper.raise(Row(candidate as u32), (z - rest) as f64);
        }
        if self.members.last().is_none_or(ColumnBatch::is_full) {
            self.members.push(view.column_batch());
        }
        view.add_column(self.members.last_mut()?, row);
        Some(())
    }

    /// Of those that are not taken the `count` best, best first, with ΣZ; among equals the lower
    /// row. None where the bounds leave too many to be summed.
    pub fn best(
        &mut self,
        view: &ModeIndex,
        taken: &[bool],
        count: usize,
    ) -> Option<Vec<(Row, f64)>> {
        let mut looked = count + SPARE;
        loop {
            let rows = self.upper.best(taken, looked);
            // all others are no better
            let others = match rows.last() {
                Some(last) if rows.len() == looked => self.upper.of(*last) + self.rest + ROUNDING,
                _ => f64::NEG_INFINITY,
            };
            let sums = self.sums(view, &rows);
            rows.iter()
                .zip(&sums)
                .for_each(|(&row, sum)| self.upper.set(row, sum - self.rest));
            let mut order: Vec<usize> = (0..rows.len()).collect();
            order
                .sort_unstable_by(|&a, &b| sums[b].total_cmp(&sums[a]).then(rows[a].cmp(&rows[b])));
            order.truncate(count);
            if order.last().is_none_or(|&last| sums[last] > others) {
                return Some(order.into_iter().map(|i| (rows[i], sums[i])).collect());
            }
            if looked >= MOST {
                return None;
            }
            looked = (2 * looked).min(MOST);
        }
    }

    /// ΣZ at these candidates, each summed in the order in which the set grew.
    fn sums(&mut self, view: &ModeIndex, rows: &[Row]) -> Vec<f64> {
        let mut sums: Vec<Sum> = rows
            .iter()
            .map(|r| self.sums.get(r).copied().unwrap_or_default())
            .collect();
        for (at, few) in self.members.iter().enumerate() {
            let behind: Vec<usize> = (0..rows.len())
                .filter(|&i| sums[i].whole == at && sums[i].more < few.count())
                .collect();
            let candidates: Vec<Row> = behind.iter().map(|&i| rows[i]).collect();
            for (i, z) in behind.into_iter().zip(view.z_columns(few, &candidates)) {
                let sum = &mut sums[i];
                z[sum.more..few.count()]
                    .iter()
                    .for_each(|&z| sum.z += z as f64);
                (sum.whole, sum.more) = if few.is_full() {
                    (at + 1, 0)
                } else {
                    (at, few.count())
                };
                self.sums.insert(rows[i], *sum);
            }
        }
        sums.into_iter().map(|sum| sum.z).collect()
    }
}
