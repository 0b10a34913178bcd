//! Products of the head with a few directions, on the CPU: what rows of Z cost.
//!
//! A BLAS copies the large matrix into an order of its own for each product, which with few directions is much of the time.
//! Here W is read as it lies in the map. And each number is summed in one order, whatever else is in the product, however
//! many threads there are and however wide the processor's vectors: answers cannot depend on what was computed together.

use std::sync::Mutex;

/// Directions that one pass over a row of W takes; fewer cost as much.
pub const COLUMNS: usize = 16;
/// Rows of W whose sums are held in registers: they fill AVX-512's, of which a sum takes half as many as of AVX2's.
const ROWS_512: usize = 12;
const ROWS: usize = 6;
/// Rows of W that all directions take before the next ones, so that W comes from memory once.
const TILE: usize = 8 * ROWS_512;
/// Terms that are summed before they are added to the total: short sums keep f32's error small.
const DEPTH: usize = 128;
/// Multiplications that are worth a thread.
const THREAD: usize = 4 << 20;
/// Pieces of the work that a thread finds.
const PIECES: usize = 8;

/// Σ_d `weight[v][d]` · `directions[i][d]` as `[directions][V]`, f32; both are row-major with `width` numbers a row.
pub fn products(weight: &[f32], directions: &[f32], width: usize, threads: usize) -> Vec<Vec<f32>> {
    let (rows, count) = (weight.len() / width, directions.len() / width);
    let blocks: Vec<Vec<[f32; COLUMNS]>> = directions.chunks(COLUMNS * width).map(|d| transposed(d, width)).collect();
    let worth = rows * width * COLUMNS * blocks.len() / THREAD;
    let threads = threads.min(worth).max(1);
    // a thread that others keep from a core leaves its pieces to the rest
    let piece = rows.div_ceil(threads * PIECES).next_multiple_of(TILE);
    let mut out = vec![vec![0.0; rows]; count];
    let mut pieces: Vec<Vec<&mut [f32]>> = (0..rows.div_ceil(piece)).map(|_| Vec::with_capacity(count)).collect();
    for row in &mut out {
        pieces.iter_mut().zip(row.chunks_mut(piece)).for_each(|(all, part)| all.push(part));
    }
    let work = Mutex::new(pieces.into_iter().zip(weight.chunks(piece * width)));
    let next = || work.lock().ok()?.next();
    let run = || {
        while let Some((mut out, weight)) = next() {
            fill(weight, &blocks, width, &mut out);
        }
    };
    std::thread::scope(|scope| {
        (1..threads).for_each(|_| drop(scope.spawn(run)));
        run();
    });
    out
}

/// Up to [`COLUMNS`] directions side by side, `[width][COLUMNS]`; those that are not there are 0.
fn transposed(directions: &[f32], width: usize) -> Vec<[f32; COLUMNS]> {
    let mut block = vec![[0.0; COLUMNS]; width];
    for (column, direction) in directions.chunks_exact(width).enumerate() {
        block.iter_mut().zip(direction).for_each(|(row, &value)| row[column] = value);
    }
    block
}

/// `out[i][v]` for these rows of W.
fn fill(weight: &[f32], blocks: &[Vec<[f32; COLUMNS]>], width: usize, out: &mut [&mut [f32]]) {
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code)]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has just said that it has AVX-512F, and that is all the function asks for.
            return unsafe { fill_avx512(weight, blocks, width, out) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as above, for AVX2
            return unsafe { fill_avx2(weight, blocks, width, out) };
        }
    }
    fill_any::<ROWS>(weight, blocks, width, out);
}

/// The same numbers, compiled for AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn fill_avx512(weight: &[f32], blocks: &[Vec<[f32; COLUMNS]>], width: usize, out: &mut [&mut [f32]]) {
    fill_any::<ROWS_512>(weight, blocks, width, out);
}

/// The same numbers, compiled for AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn fill_avx2(weight: &[f32], blocks: &[Vec<[f32; COLUMNS]>], width: usize, out: &mut [&mut [f32]]) {
    fill_any::<ROWS>(weight, blocks, width, out);
}

#[inline(always)]
fn fill_any<const R: usize>(weight: &[f32], blocks: &[Vec<[f32; COLUMNS]>], width: usize, out: &mut [&mut [f32]]) {
    for (tile, weight) in weight.chunks(TILE * width).enumerate() {
        for (block, out) in blocks.iter().zip(out.chunks_mut(COLUMNS)) {
            let strips = weight.chunks_exact(R * width);
            let rest = strips.remainder();
            let mut at = tile * TILE;
            for strip in strips {
                store(sums::<R>(strip, block, width), out, at);
                at += R;
            }
            for row in rest.chunks_exact(width) {
                store(sums::<1>(row, block, width), out, at);
                at += 1;
            }
        }
    }
}

#[inline(always)]
fn store<const R: usize>(sums: [[f32; COLUMNS]; R], out: &mut [&mut [f32]], at: usize) {
    for (column, out) in out.iter_mut().enumerate() {
        for (row, sums) in sums.iter().enumerate() {
            out[at + row] = sums[column];
        }
    }
}

/// R rows of W with one block of directions.
#[inline(always)]
fn sums<const R: usize>(weight: &[f32], block: &[[f32; COLUMNS]], width: usize) -> [[f32; COLUMNS]; R] {
    let mut total = [[0.0; COLUMNS]; R];
    for (part, block) in block.chunks(DEPTH).enumerate() {
        let from = part * DEPTH;
        let rows: [&[f32]; R] = std::array::from_fn(|r| &weight[r * width + from..][..block.len()]);
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

/// Σ a·b, summed in f32 over short runs and in f64 over those. Always in one order.
pub fn dot(a: &[f32], b: &[f32]) -> f64 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code)]
        // SAFETY: as above
        return unsafe { dot_avx2(a, b) };
    }
    dot_any(a, b)
}

/// The same number, compiled for AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn dot_avx2(a: &[f32], b: &[f32]) -> f64 {
    dot_any(a, b)
}

#[inline(always)]
fn dot_any(a: &[f32], b: &[f32]) -> f64 {
    /// Sums that go on side by side, and terms of each before they are added to the total.
    const LANES: usize = 16;
    const RUN: usize = 16;
    let mut totals = [0.0f64; LANES];
    for (a, b) in a.chunks(LANES * RUN).zip(b.chunks(LANES * RUN)) {
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        let mut sums = [0.0f32; LANES];
        for (a, b) in a.iter().zip(b) {
            for lane in 0..LANES {
                sums[lane] += a[lane] * b[lane];
            }
        }
        for lane in 0..LANES {
            totals[lane] += sums[lane] as f64;
        }
        for (total, (a, b)) in totals.iter_mut().zip(a_rest.iter().zip(b_rest)) {
            *total += *a as f64 * *b as f64;
        }
    }
    totals.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, salt: u32) -> Vec<f32> {
        let mix = |i: u32| (i.wrapping_mul(2_654_435_761) ^ salt).wrapping_mul(2_246_822_519) >> 8;
        (0..count as u32).map(|i| mix(i) as f32 / (1 << 23) as f32 - 1.0).collect()
    }

    #[test]
    fn products_are_sums_of_products() {
        // shapes with rests everywhere: rows, directions, depth
        for (rows, count, width) in [(1, 1, 1), (7, 3, 5), (203, 37, 300), (TILE + 4, COLUMNS, DEPTH)] {
            let (weight, directions) = (numbers(rows * width, 1), numbers(count * width, 2));
            let found = products(&weight, &directions, width, 2);
            assert_eq!((found.len(), found[0].len()), (count, rows));
            for (d, found) in directions.chunks(width).zip(&found) {
                for (w, found) in weight.chunks(width).zip(found) {
                    let exact: f64 = w.iter().zip(d).map(|(&w, &d)| w as f64 * d as f64).sum();
                    assert!((exact - *found as f64).abs() < 1e-5 * width as f64, "{exact} {found}");
                    assert!((exact - dot(w, d)).abs() < 1e-5, "{exact}");
                    assert_eq!(dot(w, d), dot_any(w, d));
                }
            }
        }
    }

    #[test]
    fn a_number_does_not_depend_on_what_is_computed_with_it() {
        let (rows, width) = (9_001, 70);
        let (weight, directions) = (numbers(rows * width, 3), numbers(40 * width, 4));
        let together = products(&weight, &directions, width, 1);
        assert_eq!(together, products(&weight, &directions, width, 3));
        for (i, direction) in directions.chunks(width).enumerate().step_by(7) {
            assert_eq!(products(&weight, direction, width, 2), [together[i].clone()]);
        }
        let blocks: Vec<_> = directions.chunks(COLUMNS * width).map(|d| transposed(d, width)).collect();
        for fill in [fill_any::<ROWS>, fill_any::<ROWS_512>, fill_any::<1>] {
            let mut plain = vec![vec![0.0; rows]; 40];
            let mut out: Vec<&mut [f32]> = plain.iter_mut().map(Vec::as_mut_slice).collect();
            fill(&weight, &blocks, width, &mut out);
            assert_eq!(together, plain, "and not on the processor");
        }
    }
}
