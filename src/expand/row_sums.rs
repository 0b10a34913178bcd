//! ΣZ of every entity by whole rows of Z, and the best of it.

use crate::expand::top_k::best_of;
use crate::index::ModeIndex;
use crate::types::Row;

/// Rows of Z of one product where a whole set's are wanted: a large set's in a large vocabulary
/// would take gigabytes.
const ROWS_AT_ONCE: usize = 32;

/// Sums of which the greatest is kept beside them, so that most need not be looked at for the best.
const STRIDE: usize = 64;
/// Sums that go on side by side.
const LANES: usize = 8;
/// Up to this many, one pass with insertion beats a selection.
const FEW: usize = 64;
/// Sums that are worth a thread.
const THREAD: usize = 1 << 18;

/// Sums of rows, `[V]`.
pub(super) struct Sums {
    values: Vec<f64>,
    /// The greatest of each stride, `[V / STRIDE]`.
    tops: Vec<f64>,
}

impl Sums {
    /// All 0.
    pub fn new(count: usize) -> Self {
        Sums {
            values: vec![0.0; count],
            tops: vec![0.0; count.div_ceil(STRIDE)],
        }
    }

    /// ΣZ over this set.
    pub fn over(view: &ModeIndex, set: &[Row]) -> Self {
        let mut sums = Sums::new(view.len());
        for few in set.chunks(ROWS_AT_ONCE) {
            view.z_rows(few).iter().for_each(|row| sums.add(row));
        }
        sums
    }

    pub fn values(&self) -> &[f64] {
        &self.values
    }

    pub fn of(&self, row: Row) -> f64 {
        self.values[row.index()]
    }

    /// Adds a row `[V]`, in f64.
    pub fn add(&mut self, row: &[f32]) {
        let threads = (self.values.len() / THREAD)
            .min(tch::get_num_threads().max(1) as usize)
            .max(1);
        let part = self
            .values
            .len()
            .div_ceil(threads)
            .next_multiple_of(STRIDE)
            .max(STRIDE);
        let parts = self
            .values
            .chunks_mut(part)
            .zip(self.tops.chunks_mut(part / STRIDE))
            .zip(row.chunks(part));
        std::thread::scope(|scope| {
            let mut parts = parts.peekable();
            while let Some(((values, tops), row)) = parts.next() {
                match parts.peek() {
                    Some(_) => drop(scope.spawn(|| add(values, tops, row))),
                    None => add(values, tops, row),
                }
            }
        });
    }

    /// Of the entities that are not taken the `count` best, best first; among equals the lower row.
    pub fn best(&self, taken: &[bool], count: usize) -> Vec<Row> {
        if count > FEW {
            return self.best_many(taken, count);
        }
        let mut rows: Vec<Row> = Vec::with_capacity(count + 1);
        let mut least = f64::NEG_INFINITY;
        for (stride, (&top, values)) in self.tops.iter().zip(self.values.chunks(STRIDE)).enumerate()
        {
            if rows.len() == count && top <= least {
                continue;
            }
            for (i, &value) in (stride * STRIDE..).zip(values) {
                if (value > least || rows.len() < count) && !taken[i] {
                    let place = rows.partition_point(|&r| self.of(r) >= value);
                    rows.insert(place, Row(i as u32));
                    rows.truncate(count);
                    if rows.len() == count {
                        least = rows.last().map_or(least, |&r| self.of(r));
                    }
                }
            }
        }
        rows
    }

    /// The same by a selection.
    fn best_many(&self, taken: &[bool], count: usize) -> Vec<Row> {
        // so many strides have one of these or better, if it is not taken
        let enough = 2 * count;
        let floor = match self.tops.len() > enough {
            true => {
                *self
                    .tops
                    .clone()
                    .select_nth_unstable_by(enough, |a, b| b.total_cmp(a))
                    .1
            }
            false => f64::NEG_INFINITY,
        };
        let good = self
            .tops
            .iter()
            .enumerate()
            .filter(|(_, top)| **top >= floor);
        let rows = good
            .flat_map(|(stride, _)| stride * STRIDE..self.values.len().min((stride + 1) * STRIDE));
        let rows: Vec<Row> = rows
            .filter(|&i| self.values[i] >= floor && !taken[i])
            .map(|i| Row(i as u32))
            .collect();
        if rows.len() < count && floor > f64::NEG_INFINITY {
            return best_of(
                &self.values,
                (0..self.values.len() as u32)
                    .map(Row)
                    .filter(|r| !taken[r.index()]),
                count,
            );
        }
        best_of(&self.values, rows.into_iter(), count)
    }
}

fn add(values: &mut [f64], tops: &mut [f64], row: &[f32]) {
    let greater = |a: f64, b: f64| if a > b { a } else { b };
    for ((values, top), row) in values.chunks_mut(STRIDE).zip(tops).zip(row.chunks(STRIDE)) {
        let mut lanes = [f64::NEG_INFINITY; LANES];
        let (whole, rest) = values.as_chunks_mut::<LANES>();
        let (row, row_rest) = row.as_chunks::<LANES>();
        for (values, row) in whole.iter_mut().zip(row) {
            for lane in 0..LANES {
                values[lane] += row[lane] as f64;
                lanes[lane] = greater(values[lane], lanes[lane]);
            }
        }
        for ((value, &z), lane) in rest.iter_mut().zip(row_rest).zip(&mut lanes) {
            *value += z as f64;
            *lane = greater(*value, *lane);
        }
        *top = lanes.into_iter().fold(f64::NEG_INFINITY, greater);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_in_the_stable_order() {
        let count = 203;
        let mut sums = Sums::new(count);
        let row = |salt: usize| {
            (0..count)
                .map(|i| ((i * salt) % 23) as f32 - 11.0)
                .collect::<Vec<_>>()
        };
        sums.add(&row(37));
        sums.add(&row(41));
        let expected: Vec<f64> = row(37)
            .iter()
            .zip(row(41))
            .map(|(a, b)| *a as f64 + b as f64)
            .collect();
        assert_eq!(sums.values(), expected);
        let taken: Vec<bool> = (0..count).map(|i| i % 7 == 0).collect();
        let mut sorted: Vec<Row> = (0..count as u32)
            .map(Row)
            .filter(|r| !taken[r.index()])
            .collect();
        sorted.sort_by(|a, b| expected[b.index()].total_cmp(&expected[a.index()]));
        for count in [1, 2, 7, FEW, FEW + 1, 90, 170, 300] {
            assert_eq!(
                sums.best(&taken, count),
                sorted[..count.min(sorted.len())],
                "{count}"
            );
        }
    }

    #[test]
    fn many_are_added_by_threads_to_the_same_sums() {
        let count = 2 * THREAD + 77;
        let row: Vec<f32> = (0..count).map(|i| ((i * 7_919) % 10_007) as f32).collect();
        let mut sums = Sums::new(count);
        (0..3).for_each(|_| sums.add(&row));
        assert!(
            sums.values()
                .iter()
                .zip(&row)
                .all(|(sum, &z)| *sum == 3.0 * z as f64)
        );
        let taken = vec![false; count];
        assert_eq!(
            sums.best(&taken, 5),
            best_of(sums.values(), (0..count as u32).map(Row), 5)
        );
    }
}
