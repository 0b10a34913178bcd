//! Hubness: the mean similarity of an entity to its k nearest. An entity that is near to everything
//! (a hub) has a high one, and the feedback ranking subtracts it (`docs/ALGORITHM.md`, "Feedback
//! ranking").

use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::index::tensor_file::TensorFile;
use crate::progress::{Observer, Progress};

/// The neighborhood sizes k for which hubness is stored, where the vocabulary is large enough.
pub const MIN_NEIGHBORHOOD: usize = 25;
pub const MAX_NEIGHBORHOOD: usize = 200;

/// λ, the weight of hubness in the affinity of two entities.
pub const HUBNESS_WEIGHT: f64 = 0.8;

/// The name of the tensor in a mode's file: f32 `[sizes, V]`.
pub const HUBNESS: &str = "hubness";

/// The number of elements of S in one block.
const BLOCK_ELEMENTS: i64 = 4 << 20;

/// Returns the smallest and the largest stored k for this number of entities.
pub fn neighborhood_sizes(entities: usize) -> (usize, usize) {
    let others = entities.saturating_sub(1).max(1);
    (MIN_NEIGHBORHOOD.min(others), MAX_NEIGHBORHOOD.min(others))
}

/// Z of a mode as factors: Z\[e\]\[c\] = (g_e·w_c + b_c) · `inverse`\[e\] − `subtrahend`\[e\].
pub struct ZFactors {
    /// w `[V, D]`.
    pub weight: Tensor,
    /// b `[V]`.
    pub bias: Tensor,
    /// g `[V, D]`.
    pub mean_state: Tensor,
    /// `[V]`.
    pub inverse: Tensor,
    /// `[V]`.
    pub subtrahend: Tensor,
}

impl ZFactors {
    pub fn to_device(&self, device: Device) -> Self {
        ZFactors {
            weight: self.weight.to_device(device),
            bias: self.bias.to_device(device),
            mean_state: self.mean_state.to_device(device),
            inverse: self.inverse.to_device(device),
            subtrahend: self.subtrahend.to_device(device),
        }
    }

    pub fn entities(&self) -> i64 {
        self.weight.size()[0]
    }

    /// Returns the rows of S = Z + Zᵀ of `count` entities from `first` on, `[count, V]`.
    pub fn symmetric_rows(&self, first: i64, count: i64) -> Tensor {
        let part = |all: &Tensor| all.narrow(0, first, count);
        let z = |states: Tensor, weight: Tensor, bias: Tensor, inverse: Tensor, sub: Tensor| {
            (states.matmul(&weight.tr()) + bias) * inverse.unsqueeze(1) - sub.unsqueeze(1)
        };
        let forward = z(
            part(&self.mean_state),
            self.weight.shallow_clone(),
            self.bias.shallow_clone(),
            part(&self.inverse),
            part(&self.subtrahend),
        );
        let backward = z(
            self.mean_state.shallow_clone(),
            part(&self.weight),
            part(&self.bias),
            self.inverse.shallow_clone(),
            self.subtrahend.shallow_clone(),
        );
        forward + backward.tr()
    }
}

/// Returns the hubness of every entity for every stored k, f32 `[sizes, V]` on the CPU: the mean of
/// its k largest S, itself left out.
///
/// Errors: [`Error::Stopped`](crate::error::Error::Stopped).
pub fn hubness(factors: &ZFactors, observer: &mut dyn Observer<Progress>) -> Result<Tensor> {
    let v = factors.entities();
    let (least, most) = neighborhood_sizes(v as usize);
    let device = factors.weight.device();
    let counts = Tensor::arange_start(1, most as i64 + 1, (Kind::Double, device));
    let rows = (BLOCK_ELEMENTS / v).clamp(1, v);
    let mut blocks = Vec::new();
    for first in (0..v).step_by(rows as usize) {
        observer.report(Progress::new("hubness", first as u64, v as u64))?;
        let count = rows.min(v - first);
        let own = Tensor::arange_start(first, first + count, (Kind::Int64, device)).unsqueeze(1);
        let others = factors
            .symmetric_rows(first, count)
            .scatter_value(1, &own, f64::NEG_INFINITY);
        let (largest, _) = others.topk(most as i64, 1, true, true);
        let means = largest.cumsum(1, Kind::Double) / &counts;
        let stored = means.narrow(1, least as i64 - 1, (most - least + 1) as i64);
        blocks.push(stored.to_kind(Kind::Float).to_device(Device::Cpu));
    }
    Ok(Tensor::cat(&blocks, 0).tr().contiguous())
}

/// Checks the shape of a mode's hubness, if its file has it.
pub fn check(file: &TensorFile, entities: usize) -> Result<bool> {
    if !file.has(HUBNESS) {
        return Ok(false);
    }
    let (least, most) = neighborhood_sizes(entities);
    file.check(HUBNESS, &[Kind::Float], &[most - least + 1, entities])?;
    Ok(true)
}
