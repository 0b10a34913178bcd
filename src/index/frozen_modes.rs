//! The modes without training (`docs/ALGORITHM.md`, "Without training"): what the frozen encoders
//! say about each entity, and how much its images can be trusted.

use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::features::entity_mean::centred_unit_rows;
use crate::index::hubness::{HUBNESS_WEIGHT, ZFactors, hubness, neighborhood_sizes};
use crate::model::layer::unit_rows;
use crate::progress::{Observer, Progress};

/// The maximum width of the vectors: more principal components change the rankings little.
pub const MAX_WIDTH: i64 = 256;

/// The neighborhood size, the number of nearest entities, and the weight of their mean, by which the
/// text vectors are smoothed.
const SMOOTHING_NEIGHBORHOOD: usize = 30;
const SMOOTHING_NEAREST: i64 = 5;
const SMOOTHING_WEIGHT: f64 = 0.3;

/// The neighborhood size of the trust in images, the number of nearest entities by text among which
/// images are compared with the text, and the number of those with which the trust is averaged.
const TRUST_NEIGHBORHOOD: usize = 50;
const TRUST_NEAREST: i64 = 60;
const TRUST_AVERAGED: i64 = 10;

/// The trust below which images do not count, and the value that replaces it where entities have
/// fewer than [`FEW_SENTENCES`] sentences on average: the less text there is, the more images help.
const USUAL_MIN_TRUST: f32 = 0.2;
const MIN_TRUST_OF_FEW: f32 = 0.1;
const FEW_SENTENCES: f64 = 5.0;

/// Returns the trust below which images do not count, from the mean number of sentences of an
/// entity.
pub fn min_trust(sentences: f64) -> f32 {
    if sentences < FEW_SENTENCES {
        MIN_TRUST_OF_FEW
    } else {
        USUAL_MIN_TRUST
    }
}

/// The number of elements of S in one block.
const BLOCK_ELEMENTS: i64 = 4 << 20;

/// Moves the vector of each entity a little towards those of its nearest entities: `[V, D]` to
/// `[V, D]`, of unit length.
///
/// Errors: `Stopped`.
pub fn smoothed(vectors: &Tensor, observer: &mut dyn Observer<Progress>) -> Result<Tensor> {
    let affinity = FrozenAffinity::new(vectors, SMOOTHING_NEIGHBORHOOD, observer)?;
    let v = vectors.size()[0];
    let mut means = Vec::new();
    for (first, count) in blocks(v) {
        let nearest = affinity.nearest(first, count, SMOOTHING_NEAREST.min(v - 1));
        let own = own_rows(first, count, vectors.device());
        let group = Tensor::cat(&[own, nearest], 1);
        let members = vectors.index_select(0, &group.flatten(0, 1));
        means.push(members.unflatten(0, group.size()).mean_dim(
            [1i64].as_slice(),
            false,
            Kind::Float,
        ));
    }
    let mean = Tensor::cat(&means, 0);
    let moved = vectors * (1.0 - SMOOTHING_WEIGHT) + mean * SMOOTHING_WEIGHT;
    Ok(centred_unit_rows(&moved) * is_present(vectors).unsqueeze(1))
}

/// Returns 1 for each vector of unit length and 0 for each of length 0, `[V]`.
fn is_present(vectors: &Tensor) -> Tensor {
    let lengths = vectors.norm_scalaropt_dim(2.0, [1i64].as_slice(), false);
    lengths.gt(0.5).to_kind(Kind::Float)
}

/// Reduces vectors `[V, D]` to their [`MAX_WIDTH`] strongest principal components, of unit length. A
/// vector of length 0 stays 0.
pub fn reduced(vectors: &Tensor) -> Tensor {
    let width = vectors.size()[1];
    if width <= MAX_WIDTH {
        return vectors.shallow_clone();
    }
    let double = vectors.to_kind(Kind::Double);
    // Eigenvalues are in ascending order.
    let (_, directions) = double.tr().matmul(&double).linalg_eigh("L");
    let strongest = directions.narrow(1, width - MAX_WIDTH, MAX_WIDTH);
    unit_rows(&double.matmul(&strongest).to_kind(Kind::Float))
}

/// Returns the trust in the images of each entity, f32 `[V]` between −1 and 1: the correlation of
/// text affinity and image similarity over its nearest entities by text, averaged with the trust of
/// the nearest of these. It is 0 for an entity without an image.
///
/// Errors: `Stopped`.
pub fn image_trust(
    text: &Tensor,
    image: &Tensor,
    observer: &mut dyn Observer<Progress>,
) -> Result<Tensor> {
    let v = text.size()[0];
    let affinity = FrozenAffinity::new(text, TRUST_NEIGHBORHOOD, observer)?;
    let images = vector_factors(image);
    let (mut trusts, mut nearest_rows) = (Vec::new(), Vec::new());
    for (first, count) in blocks(v) {
        let by_text = affinity.rows(first, count);
        let nearest = affinity.nearest(first, count, TRUST_NEAREST.min(v - 1));
        let by_image = images.symmetric_rows(first, count);
        trusts.push(correlation(
            &by_text.gather(1, &nearest, false),
            &by_image.gather(1, &nearest, false),
        ));
        nearest_rows.push(nearest.narrow(1, 0, TRUST_AVERAGED.min(v - 1)));
    }
    let trust = Tensor::cat(&trusts, 0) * is_present(image);
    let nearest = Tensor::cat(&nearest_rows, 0); // [V, averaged]
    let of_nearest = trust
        .index_select(0, &nearest.flatten(0, 1))
        .unflatten(0, nearest.size());
    let averaged = Tensor::cat(&[trust.unsqueeze(1), of_nearest], 1).mean_dim(
        [1i64].as_slice(),
        false,
        Kind::Float,
    );
    Ok(averaged.to_device(Device::Cpu))
}

/// Returns the correlation of each row of `a` with that of `b`, `[rows]`; 0 where one is constant.
fn correlation(a: &Tensor, b: &Tensor) -> Tensor {
    let centred = |rows: &Tensor| rows - rows.mean_dim([1i64].as_slice(), true, Kind::Float);
    let products = unit_rows(&centred(a)) * unit_rows(&centred(b));
    products.sum_dim_intlist([1i64].as_slice(), false, Kind::Float)
}

/// Returns Z of vectors `[V, D]` as factors: their inner products, standardised by row.
fn vector_factors(vectors: &Tensor) -> ZFactors {
    let v = vectors.size()[0] as f64;
    let double = vectors.to_kind(Kind::Double);
    let mean = double.mean_dim([0i64].as_slice(), false, Kind::Double);
    let centred = &double - &mean;
    let covariance = centred.tr().matmul(&centred) / v;
    let variance = (double.matmul(&covariance) * &double).sum_dim_intlist(
        [1i64].as_slice(),
        false,
        Kind::Double,
    );
    // a deviation of 0 makes it infinite; such a row of Z is 0
    let inverse = variance.clamp_min(0.0).rsqrt().nan_to_num(0.0, 0.0, 0.0);
    let subtrahend = double.matmul(&mean) * &inverse;
    ZFactors {
        weight: vectors.shallow_clone(),
        bias: Tensor::zeros([vectors.size()[0]], (Kind::Float, vectors.device())),
        mean_state: vectors.shallow_clone(),
        inverse: inverse.to_kind(Kind::Float),
        subtrahend: subtrahend.to_kind(Kind::Float),
    }
}

/// The affinity of vectors for one neighborhood size.
struct FrozenAffinity {
    factors: ZFactors,
    /// λ H `[V]`.
    hubness: Tensor,
}

impl FrozenAffinity {
    fn new(vectors: &Tensor, k: usize, observer: &mut dyn Observer<Progress>) -> Result<Self> {
        let factors = vector_factors(vectors);
        let all = hubness(&factors, observer)?;
        let (least, most) = neighborhood_sizes(vectors.size()[0] as usize);
        let of_size = all.get((k.clamp(least, most) - least) as i64);
        Ok(FrozenAffinity {
            hubness: of_size.to_device(vectors.device()) * HUBNESS_WEIGHT,
            factors,
        })
    }

    /// Returns the affinity of `count` entities from `first` on to all, `[count, V]`; −∞ to
    /// themselves.
    fn rows(&self, first: i64, count: i64) -> Tensor {
        let own = self.hubness.narrow(0, first, count).unsqueeze(1);
        let affinity = self.factors.symmetric_rows(first, count) - own - &self.hubness;
        let diagonal = own_rows(first, count, affinity.device());
        affinity.scatter_value(1, &diagonal, f64::NEG_INFINITY)
    }

    /// Returns the rows of the nearest other entities, the nearest first, `[count, nearest]`.
    fn nearest(&self, first: i64, count: i64, nearest: i64) -> Tensor {
        self.rows(first, count).topk(nearest, 1, true, true).1
    }
}

/// Returns the rows from `first` on as a column, `[count, 1]`.
fn own_rows(first: i64, count: i64, device: Device) -> Tensor {
    Tensor::arange_start(first, first + count, (Kind::Int64, device)).unsqueeze(1)
}

/// Splits the rows into blocks: the first row and the number of rows of each.
fn blocks(rows: i64) -> Vec<(i64, i64)> {
    let size = (BLOCK_ELEMENTS / rows).clamp(1, rows);
    (0..rows)
        .step_by(size as usize)
        .map(|first| (first, size.min(rows - first)))
        .collect()
}
