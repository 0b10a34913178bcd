//! Matrix products of the head with a few directions on the CPU, which rows of Z need.
//!
//! A BLAS first copies the large matrix into its own layout, which takes much of the time of a
//! product with few directions. These kernels read W as it is stored in the mapped file. They also
//! sum every number in one fixed order, independent of the other operands of the product, the
//! number of threads and the width of the processor's vectors, so that results do not depend on
//! what is computed together.

use std::sync::Mutex;

/// The number of directions in one pass over a row of W; fewer directions cost the same.
pub const COLUMNS: usize = 16;
/// The number of rows of W whose sums are in registers at once. They fill those of AVX-512, which
/// has twice as many as AVX2, each twice as wide.
const ROWS_512: usize = 12;
const ROWS: usize = 6;
/// The number of rows of W that all directions use before the next rows are read, so that W is read
/// from memory once.
const TILE_HEIGHT: usize = 8 * ROWS_512;
/// The number of terms that are summed before they are added to the total: short sums keep the
/// error of f32 small.
const DEPTH: usize = 128;
/// The number of multiplications that are useful_threads a thread.
const THREAD_WORK: usize = 4 << 20;
/// The number of pieces of work for each thread.
const PIECES_PER_THREAD: usize = 8;

/// Returns Σ_d `weight[v][d]` · `directions[i][d]` as `[directions][V]`, f32; both arguments are
/// row-major with `width` numbers in a row. `finish(i, v, sums)` is called with the sums of
/// direction i from row v on, a few at a time while they are in the processor's cache.
pub fn products(
    weight: &[f32],
    directions: &[f32],
    width: usize,
    threads: usize,
    finish: impl Fn(usize, usize, &mut [f32]) + Sync,
) -> Vec<Vec<f32>> {
    let (rows, count) = (weight.len() / width, directions.len() / width);
    let blocks: Vec<Vec<[f32; COLUMNS]>> = directions
        .chunks(COLUMNS * width)
        .map(|d| transposed(d, width))
        .collect();
    let useful_threads = rows * width * COLUMNS * blocks.len() / THREAD_WORK;
    let threads = threads.min(useful_threads).max(1);
    // a thread that is slowed down leaves its pieces to the others
    let piece = rows
        .div_ceil(threads * PIECES_PER_THREAD)
        .next_multiple_of(TILE_HEIGHT);
    // each is allocated by itself, since a clone would write it
    let mut out: Vec<Vec<f32>> = (0..count).map(|_| vec![0.0; rows]).collect();
    let mut pieces: Vec<Vec<&mut [f32]>> = (0..rows.div_ceil(piece))
        .map(|_| Vec::with_capacity(count))
        .collect();
    for row in &mut out {
        pieces
            .iter_mut()
            .zip(row.chunks_mut(piece))
            .for_each(|(all, part)| all.push(part));
    }
    let work = pieces
        .into_iter()
        .zip(weight.chunks(piece * width))
        .enumerate();
    run_parallel(work, threads, |(index, (mut out, weight))| {
        for (tile, weight) in weight.chunks(TILE_HEIGHT * width).enumerate() {
            let from = tile * TILE_HEIGHT;
            fill_tile(weight, &blocks, width, from, &mut out);
            let to = from + weight.len() / width;
            out.iter_mut()
                .enumerate()
                .for_each(|(i, out)| finish(i, index * piece + from, &mut out[from..to]));
        }
    });
    out
}

/// Processes all pieces of work on this number of threads, the calling one included.
fn run_parallel<T>(work: impl Iterator<Item = T> + Send, threads: usize, each: impl Fn(T) + Sync) {
    let work = Mutex::new(work);
    let next = || work.lock().ok()?.next();
    let run = || {
        while let Some(piece) = next() {
            each(piece);
        }
    };
    std::thread::scope(|scope| {
        (1..threads).for_each(|_| drop(scope.spawn(run)));
        run();
    });
}

/// Returns up to [`COLUMNS`] directions as columns, `[width][COLUMNS]`; missing ones are 0.
fn transposed(directions: &[f32], width: usize) -> Vec<[f32; COLUMNS]> {
    let mut block = vec![[0.0; COLUMNS]; width];
    for (column, direction) in directions.chunks_exact(width).enumerate() {
        block
            .iter_mut()
            .zip(direction)
            .for_each(|(row, &value)| row[column] = value);
    }
    block
}

/// Computes `out[i][v]` for a tile of rows of W, with v from `from` on.
fn fill_tile(
    weight: &[f32],
    blocks: &[Vec<[f32; COLUMNS]>],
    width: usize,
    from: usize,
    out: &mut [&mut [f32]],
) {
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code)]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has AVX-512F, which was checked and is all that the function
            // requires.
            return unsafe { fill_tile_avx512(weight, blocks, width, from, out) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as above, for AVX2
            return unsafe { fill_tile_avx2(weight, blocks, width, from, out) };
        }
    }
    fill_tile_any::<ROWS>(weight, blocks, width, from, out);
}

/// Computes the same numbers, compiled for AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn fill_tile_avx512(
    weight: &[f32],
    blocks: &[Vec<[f32; COLUMNS]>],
    width: usize,
    from: usize,
    out: &mut [&mut [f32]],
) {
    fill_tile_any::<ROWS_512>(weight, blocks, width, from, out);
}

/// Computes the same numbers, compiled for AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn fill_tile_avx2(
    weight: &[f32],
    blocks: &[Vec<[f32; COLUMNS]>],
    width: usize,
    from: usize,
    out: &mut [&mut [f32]],
) {
    fill_tile_any::<ROWS>(weight, blocks, width, from, out);
}

#[inline(always)]
fn fill_tile_any<const R: usize>(
    weight: &[f32],
    blocks: &[Vec<[f32; COLUMNS]>],
    width: usize,
    from: usize,
    out: &mut [&mut [f32]],
) {
    for (block, out) in blocks.iter().zip(out.chunks_mut(COLUMNS)) {
        let strips = weight.chunks_exact(R * width);
        let rest = strips.remainder();
        let mut row_index = from;
        for strip in strips {
            let rows = std::array::from_fn(|r| &strip[r * width..][..width]);
            store(sums::<R>(rows, block), out, row_index);
            row_index += R;
        }
        for row in rest.chunks_exact(width) {
            store(sums([row], block), out, row_index);
            row_index += 1;
        }
    }
}

#[inline(always)]
fn store<const R: usize>(sums: [[f32; COLUMNS]; R], out: &mut [&mut [f32]], first_row: usize) {
    for (column, out) in out.iter_mut().enumerate() {
        for (row, sums) in sums.iter().enumerate() {
            out[first_row + row] = sums[column];
        }
    }
}

/// Returns the products of R rows of W with one block of directions.
#[inline(always)]
fn sums<const R: usize>(weight: [&[f32]; R], block: &[[f32; COLUMNS]]) -> [[f32; COLUMNS]; R] {
    let mut total = [[0.0; COLUMNS]; R];
    for (part, block) in block.chunks(DEPTH).enumerate() {
        let from = part * DEPTH;
        let rows: [&[f32]; R] = weight.map(|row| &row[from..][..block.len()]);
        let mut sum = [[0.0; COLUMNS]; R];
        for (d, directions) in block.iter().enumerate() {
            for r in 0..R {
                let w = rows[r][d];
                for c in 0..COLUMNS {
                    sum[r][c] += w * directions[c];
                }
            }
        }
        for r in 0..R {
            for c in 0..COLUMNS {
                total[r][c] += sum[r][c];
            }
        }
    }
    total
}

/// Up to [`COLUMNS`] directions, for [`Directions::products_with`].
pub struct Directions {
    block: Vec<[f32; COLUMNS]>,
    count: usize,
}

impl Directions {
    pub fn new(width: usize) -> Self {
        Directions {
            block: transposed(&[], width),
            count: 0,
        }
    }

    /// Adds a direction of this width. There must be room.
    pub fn push(&mut self, direction: impl Iterator<Item = f32>) {
        self.block
            .iter_mut()
            .zip(direction)
            .for_each(|(row, value)| row[self.count] = value);
        self.count += 1;
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_full(&self) -> bool {
        self.count == COLUMNS
    }

    /// Returns what [`products`] returns for these rows of W, equal to the last bit:
    /// `[rows][directions]`, 0 beyond the last direction.
    pub fn products_with(&self, rows: &[&[f32]]) -> Vec<[f32; COLUMNS]> {
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code)]
        {
            if is_x86_feature_detected!("avx512f") {
                // SAFETY: the processor has AVX-512F, which was checked and is all that the
                // function requires.
                return unsafe { rows_avx512(rows, &self.block) };
            }
            if is_x86_feature_detected!("avx2") {
                // SAFETY: as above, for AVX2
                return unsafe { rows_avx2(rows, &self.block) };
            }
        }
        rows_any::<ROWS>(rows, &self.block)
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn rows_avx512(rows: &[&[f32]], block: &[[f32; COLUMNS]]) -> Vec<[f32; COLUMNS]> {
    rows_any::<ROWS_512>(rows, block)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn rows_avx2(rows: &[&[f32]], block: &[[f32; COLUMNS]]) -> Vec<[f32; COLUMNS]> {
    rows_any::<ROWS>(rows, block)
}

#[inline(always)]
fn rows_any<const R: usize>(rows: &[&[f32]], block: &[[f32; COLUMNS]]) -> Vec<[f32; COLUMNS]> {
    let (strips, rest) = rows.as_chunks::<R>();
    let mut out: Vec<[f32; COLUMNS]> = Vec::with_capacity(rows.len());
    strips
        .iter()
        .for_each(|strip| out.extend(sums(*strip, block)));
    rest.iter().for_each(|row| out.extend(sums([*row], block)));
    out
}

/// The number of partial sums of a dot product.
const LANES: usize = 16;
/// The number of terms of each partial sum before they are added to the total in f64.
const RUN: usize = 64;

/// Returns Σ a·b, summed in f32 over short runs and in f64 over the runs, always in the same order.
pub fn dot(a: &[f32], b: &[f32]) -> f64 {
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code)]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: as above
        return unsafe { dot_avx2(a, b) };
    }
    dot_any(a, b)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn dot_avx2(a: &[f32], b: &[f32]) -> f64 {
    dot_any(a, b)
}

#[inline(always)]
fn dot_any(a: &[f32], b: &[f32]) -> f64 {
    let mut total = 0.0;
    for (a, b) in a.chunks(LANES * RUN).zip(b.chunks(LANES * RUN)) {
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        let mut sums = [0.0f32; LANES];
        for (a, b) in a.iter().zip(b) {
            for lane in 0..LANES {
                sums[lane] += a[lane] * b[lane];
            }
        }
        sums.iter_mut()
            .zip(a_rest.iter().zip(b_rest))
            .for_each(|(sum, (a, b))| *sum += a * b);
        total += sum_lanes(&sums);
    }
    total
}

/// Returns the sum of all lanes, added by halves.
#[inline(always)]
fn sum_lanes(lanes: &[f32; LANES]) -> f64 {
    let eight: [f64; 8] = std::array::from_fn(|i| lanes[i] as f64 + lanes[i + 8] as f64);
    let four: [f64; 4] = std::array::from_fn(|i| eight[i] + eight[i + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

/// The number of rows in a tile. The dot products of two tiles are computed together, so that each
/// number that is read serves several of them.
const TILE_ROWS: usize = 4;

/// Rows of one width in the layout of [`dots`].
#[derive(Clone, Default)]
pub struct TiledRows {
    /// Tiles of [`TILE_ROWS`] rows, `[width / LANES][TILE_ROWS][LANES]`, filled up with 0.
    tiles: Vec<Vec<[[f32; LANES]; TILE_ROWS]>>,
    count: usize,
}

impl TiledRows {
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn bytes(&self) -> usize {
        self.tiles
            .iter()
            .map(|tile| size_of_val(tile.as_slice()))
            .sum()
    }

    pub fn push(&mut self, row: &[f32]) {
        let slot = self.count % TILE_ROWS;
        if slot == 0 {
            self.tiles
                .push(vec![[[0.0; LANES]; TILE_ROWS]; row.len().div_ceil(LANES)]);
        }
        if let Some(tile) = self.tiles.last_mut() {
            tile.iter_mut()
                .zip(row.chunks(LANES))
                .for_each(|(out, part)| out[slot][..part.len()].copy_from_slice(part));
        }
        self.count += 1;
    }
}

/// Returns [`dots`] of each of these rows with `b`, from the given row of `b` on, on several
/// threads if that is useful_threads it.
pub fn all_dots(requests: &[(&TiledRows, usize)], b: &TiledRows, threads: usize) -> Vec<Vec<f64>> {
    let width = b.tiles.first().map_or(0, |tile| tile.len() * LANES);
    let work: usize = requests
        .iter()
        .map(|(a, from)| a.count * (b.count - from) * width)
        .sum();
    let mut out = vec![Vec::new(); requests.len()];
    run_parallel(
        requests.iter().zip(&mut out),
        threads.min(work / THREAD_WORK).max(1),
        |((a, from), out)| *out = dots(a, b, *from),
    );
    out
}

/// Returns [`dot`] of each row of `a` with each row of `b` from row `from` on, row-major, each
/// equal to the last bit to a single [`dot`].
pub fn dots(a: &TiledRows, b: &TiledRows, from: usize) -> Vec<f64> {
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code)]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: as above
            return unsafe { dots_avx512(a, b, from) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as above
            return unsafe { dots_avx2(a, b, from) };
        }
    }
    dots_any(a, b, from)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn dots_avx512(a: &TiledRows, b: &TiledRows, from: usize) -> Vec<f64> {
    dots_any(a, b, from)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn dots_avx2(a: &TiledRows, b: &TiledRows, from: usize) -> Vec<f64> {
    dots_any(a, b, from)
}

#[inline(always)]
fn dots_any(a: &TiledRows, b: &TiledRows, from: usize) -> Vec<f64> {
    let width = b.count - from;
    let mut out = vec![0.0; a.count * width];
    for (i, left) in a.tiles.iter().enumerate() {
        for (j, right) in b.tiles.iter().enumerate().skip(from / TILE_ROWS) {
            let mut totals = [[0.0; TILE_ROWS]; TILE_ROWS];
            for (left, right) in left.chunks(RUN).zip(right.chunks(RUN)) {
                let mut sums = [[[0.0f32; LANES]; TILE_ROWS]; TILE_ROWS];
                for (left, right) in left.iter().zip(right) {
                    for i in 0..TILE_ROWS {
                        for j in 0..TILE_ROWS {
                            for lane in 0..LANES {
                                sums[i][j][lane] += left[i][lane] * right[j][lane];
                            }
                        }
                    }
                }
                for i in 0..TILE_ROWS {
                    for j in 0..TILE_ROWS {
                        totals[i][j] += sum_lanes(&sums[i][j]);
                    }
                }
            }
            let columns = from.max(j * TILE_ROWS)..b.count.min((j + 1) * TILE_ROWS);
            for (row, totals) in (i * TILE_ROWS..a.count).zip(&totals) {
                let totals = &totals[columns.start - j * TILE_ROWS..columns.end - j * TILE_ROWS];
                out[row * width + columns.start - from..][..totals.len()].copy_from_slice(totals);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, salt: u32) -> Vec<f32> {
        let mix = |i: u32| (i.wrapping_mul(2_654_435_761) ^ salt).wrapping_mul(2_246_822_519) >> 8;
        (0..count as u32)
            .map(|i| mix(i) as f32 / (1 << 23) as f32 - 1.0)
            .collect()
    }

    fn plain_products(
        weight: &[f32],
        directions: &[f32],
        width: usize,
        threads: usize,
    ) -> Vec<Vec<f32>> {
        products(weight, directions, width, threads, |_, _, _| ())
    }

    #[test]
    fn products_equal_exact_sums() {
        // shapes with remainders in all dimensions: rows, directions, depth
        for (rows, count, width) in [
            (1, 1, 1),
            (7, 3, 5),
            (203, 37, 300),
            (TILE_HEIGHT + 4, COLUMNS, DEPTH),
        ] {
            let (weight, directions) = (numbers(rows * width, 1), numbers(count * width, 2));
            let found = plain_products(&weight, &directions, width, 2);
            assert_eq!((found.len(), found[0].len()), (count, rows));
            for (d, found) in directions.chunks(width).zip(&found) {
                for (w, found) in weight.chunks(width).zip(found) {
                    let exact: f64 = w.iter().zip(d).map(|(&w, &d)| w as f64 * d as f64).sum();
                    assert!(
                        (exact - *found as f64).abs() < 1e-5 * width as f64,
                        "{exact} {found}"
                    );
                    assert!((exact - dot(w, d)).abs() < 1e-5, "{exact}");
                    assert_eq!(dot(w, d), dot_any(w, d));
                }
            }
        }
    }

    #[test]
    fn dots_equal_single_dots() {
        let rows_of = |all: &[f32], width: usize| {
            let mut rows = TiledRows::default();
            all.chunks(width).for_each(|row| rows.push(row));
            rows
        };
        for (rows, count, width) in [
            (1, 1, 1),
            (7, 5, 300),
            (4, 8, 768),
            (9, 3, 17),
            (3, 13, 1500),
        ] {
            let (a, b) = (numbers(rows * width, 5), numbers(count * width, 6));
            let (left, right) = (rows_of(&a, width), rows_of(&b, width));
            for from in [0, count / 2, count] {
                let alone: Vec<f64> = a
                    .chunks(width)
                    .flat_map(|a| {
                        b.chunks(width)
                            .skip(from)
                            .map(|b| dot(a, b))
                            .collect::<Vec<_>>()
                    })
                    .collect();
                assert_eq!(dots(&left, &right, from), alone);
                assert_eq!(dots_any(&left, &right, from), alone);
                assert_eq!(
                    all_dots(&[(&left, from), (&left, from)], &right, 2),
                    [alone.clone(), alone]
                );
            }
        }
    }

    #[test]
    fn products_with_some_rows_equal_products_with_all() {
        let (rows, width) = (37, 300);
        let (weight, all) = (numbers(rows * width, 7), numbers(5 * width, 8));
        let mut directions = Directions::new(width);
        all.chunks(width)
            .for_each(|d| directions.push(d.iter().copied()));
        let all_products = plain_products(&weight, &all, width, 1);
        let picked: Vec<usize> = (0..rows).rev().step_by(2).collect();
        let gathered: Vec<&[f32]> = picked
            .iter()
            .map(|&v| &weight[v * width..][..width])
            .collect();
        for found in [
            directions.products_with(&gathered),
            rows_any::<ROWS>(&gathered, &directions.block),
        ] {
            for (row, &v) in found.iter().zip(&picked) {
                assert!(
                    (0..5).all(|i| row[i] == all_products[i][v])
                        && row[5..].iter().all(|&x| x == 0.0)
                );
            }
        }
        assert!(directions.len() == 5 && !directions.is_full());
    }

    #[test]
    fn a_product_does_not_depend_on_the_other_operands() {
        let (rows, width) = (9_001, 70);
        let (weight, directions) = (numbers(rows * width, 3), numbers(40 * width, 4));
        let together = plain_products(&weight, &directions, width, 1);
        assert_eq!(together, plain_products(&weight, &directions, width, 3));
        let finished = products(&weight, &directions, width, 2, |i, from, sums| {
            sums.iter_mut()
                .zip(from..)
                .for_each(|(sum, v)| *sum += (i * rows + v) as f32);
        });
        let expected = |(i, row): (usize, &Vec<f32>)| -> Vec<f32> {
            row.iter()
                .enumerate()
                .map(|(v, sum)| sum + (i * rows + v) as f32)
                .collect()
        };
        assert_eq!(
            finished,
            together
                .iter()
                .enumerate()
                .map(expected)
                .collect::<Vec<_>>()
        );
        for (i, direction) in directions.chunks(width).enumerate().step_by(7) {
            assert_eq!(
                plain_products(&weight, direction, width, 2),
                [together[i].clone()]
            );
        }
        let blocks: Vec<_> = directions
            .chunks(COLUMNS * width)
            .map(|d| transposed(d, width))
            .collect();
        for fill in [
            fill_tile_any::<ROWS>,
            fill_tile_any::<ROWS_512>,
            fill_tile_any::<1>,
        ] {
            let mut anywhere = vec![vec![0.0; rows]; 40];
            let mut out: Vec<&mut [f32]> = anywhere.iter_mut().map(Vec::as_mut_slice).collect();
            fill(&weight, &blocks, width, 0, &mut out);
            assert_eq!(together, anywhere, "and not on the processor");
        }
    }
}
