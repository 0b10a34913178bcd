//! ΣZ of every entity from whole rows of Z, and the entities with the best sums.

use crate::expand::top_k::best_of;
use crate::index::ModeIndex;
use crate::types::Row;

/// The number of rows of Z in one product when the rows of a whole set are needed. All rows of a
/// large set in a large vocabulary would take gigabytes.
const ROWS_PER_PRODUCT: usize = 32;

/// The number of sums in a block whose maximum is kept, so that most blocks can be skipped in the
/// search for the best.
const BLOCK: usize = 64;
/// The number of sums that are updated at once.
const LANES: usize = 8;
/// The number of results up to which one pass with insertion is faster than a selection.
const INSERTION_LIMIT: usize = 64;
/// The number of sums that are worth a thread.
const THREAD_SUMS: usize = 1 << 18;

/// RowSums of rows, `[V]`.
pub(super) struct RowSums {
    values: Vec<f64>,
    /// The maximum of each block, `[V / BLOCK]`.
    block_maxima: Vec<f64>,
}

impl RowSums {
    /// Creates sums of 0.
    pub fn new(count: usize) -> Self {
        RowSums {
            values: vec![0.0; count],
            block_maxima: vec![0.0; count.div_ceil(BLOCK)],
        }
    }

    /// Returns ΣZ over a set.
    pub fn over_set(index: &ModeIndex, set: &[Row]) -> Self {
        let mut sums = RowSums::new(index.len());
        for few in set.chunks(ROWS_PER_PRODUCT) {
            index.z_rows(few).iter().for_each(|row| sums.add(row));
        }
        sums
    }

    pub fn values(&self) -> &[f64] {
        &self.values
    }

    pub fn get(&self, row: Row) -> f64 {
        self.values[row.index()]
    }

    /// Adds a row `[V]`, in f64.
    pub fn add(&mut self, row: &[f32]) {
        let threads = (self.values.len() / THREAD_SUMS)
            .min(tch::get_num_threads().max(1) as usize)
            .max(1);
        let part = self
            .values
            .len()
            .div_ceil(threads)
            .next_multiple_of(BLOCK)
            .max(BLOCK);
        let parts = self
            .values
            .chunks_mut(part)
            .zip(self.block_maxima.chunks_mut(part / BLOCK))
            .zip(row.chunks(part));
        std::thread::scope(|scope| {
            let mut parts = parts.peekable();
            while let Some(((values, block_maxima), row)) = parts.next() {
                match parts.peek() {
                    Some(_) => drop(scope.spawn(|| add(values, block_maxima, row))),
                    None => add(values, block_maxima, row),
                }
            }
        });
    }

    /// Returns the `count` best entities that are not taken, best first; among equals the lower
    /// row.
    pub fn best(&self, taken: &[bool], count: usize) -> Vec<Row> {
        if count > INSERTION_LIMIT {
            return self.best_many(taken, count);
        }
        let mut rows: Vec<Row> = Vec::with_capacity(count + 1);
        let mut least = f64::NEG_INFINITY;
        for (block, (&top, values)) in self
            .block_maxima
            .iter()
            .zip(self.values.chunks(BLOCK))
            .enumerate()
        {
            if rows.len() == count && top <= least {
                continue;
            }
            for (i, &value) in (block * BLOCK..).zip(values) {
                if (value > least || rows.len() < count) && !taken[i] {
                    let position = rows.partition_point(|&r| self.get(r) >= value);
                    rows.insert(position, Row(i as u32));
                    rows.truncate(count);
                    if rows.len() == count {
                        least = rows.last().map_or(least, |&r| self.get(r));
                    }
                }
            }
        }
        rows
    }

    /// Returns the same as [`RowSums::best`], by a selection.
    fn best_many(&self, taken: &[bool], count: usize) -> Vec<Row> {
        // this number of blocks has a sum of at least the floor, unless it is taken
        let block_count = 2 * count;
        let floor = if self.block_maxima.len() > block_count {
            *self
                .block_maxima
                .clone()
                .select_nth_unstable_by(block_count, |a, b| b.total_cmp(a))
                .1
        } else {
            f64::NEG_INFINITY
        };
        let good_blocks = self
            .block_maxima
            .iter()
            .enumerate()
            .filter(|(_, top)| **top >= floor);
        let rows = good_blocks
            .flat_map(|(block, _)| block * BLOCK..self.values.len().min((block + 1) * BLOCK));
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

fn add(values: &mut [f64], block_maxima: &mut [f64], row: &[f32]) {
    let greater = |a: f64, b: f64| if a > b { a } else { b };
    for ((values, top), row) in values
        .chunks_mut(BLOCK)
        .zip(block_maxima)
        .zip(row.chunks(BLOCK))
    {
        let mut lanes = [f64::NEG_INFINITY; LANES];
        let (full, rest) = values.as_chunks_mut::<LANES>();
        let (row, row_rest) = row.as_chunks::<LANES>();
        for (values, row) in full.iter_mut().zip(row) {
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
    fn equal_sums_are_in_the_order_of_rows() {
        let count = 203;
        let mut sums = RowSums::new(count);
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
        for count in [1, 2, 7, INSERTION_LIMIT, INSERTION_LIMIT + 1, 90, 170, 300] {
            assert_eq!(
                sums.best(&taken, count),
                sorted[..count.min(sorted.len())],
                "{count}"
            );
        }
    }

    #[test]
    fn threads_add_the_same_sums() {
        let count = 2 * THREAD_SUMS + 77;
        let row: Vec<f32> = (0..count).map(|i| ((i * 7_919) % 10_007) as f32).collect();
        let mut sums = RowSums::new(count);
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
