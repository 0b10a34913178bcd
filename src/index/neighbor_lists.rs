//! Neighbor lists: for each entity the few candidates with the largest Z and a bound for all
//! others. With these an expansion finds the best of ΣZ from a few exact numbers, where it
//! otherwise needs a whole row of Z for every member of its set.

use half::f16;
use half::slice::HalfFloatSliceExt;
use tch::{Kind, Tensor};

use crate::error::Result;
use crate::index::tensor_file::TensorFile;
use crate::types::Row;

/// The length of a list at most. A class is exhausted before the lists of its members are.
const MAX_LENGTH: usize = 512;
/// The absolute and relative amount by which bounds are raised, more than the difference between
/// ways to sum Z.
const SLACK: f64 = 1e-3;

/// The number of entities from which lists are used; below it whole rows of Z are as fast.
const MIN_ENTITIES: usize = 2048;

/// Returns the length of the lists; `None` if the vocabulary is too small for lists.
fn list_length(entities: usize) -> Option<usize> {
    (entities >= MIN_ENTITIES).then(|| (entities / 8).min(MAX_LENGTH))
}

/// The lists of some entities as tensors, while an index is built.
pub struct NeighborTensors {
    /// For each entity, the rows of its M nearest candidates `[rows, M]`, the largest Z first.
    pub rows: Tensor,
    /// Upper bounds of their Z `[rows, M]`, f16.
    pub upper: Tensor,
    /// An upper bound of Z of all candidates that are not in the list `[rows]`, f32.
    pub rest: Tensor,
}

/// Returns the lists of the entities `first..` from their rows of Z `[rows, V]`. An entity is not
/// in its own list.
pub fn nearest_candidates(z: &Tensor, first: usize) -> Option<NeighborTensors> {
    let size = z.size();
    let length = list_length(size[1] as usize)? as i64;
    let own = Tensor::arange_start(
        first as i64,
        first as i64 + size[0],
        (Kind::Int64, z.device()),
    )
    .unsqueeze(1);
    let others = z.scatter_value(1, &own, f64::NEG_INFINITY);
    let (values, rows) = others.topk(length + 1, 1, true, true);
    let raised = |z: Tensor| &z + z.abs() * SLACK + SLACK;
    Some(NeighborTensors {
        rows: rows.narrow(1, 0, length).to_kind(Kind::Int),
        upper: raised(values.narrow(1, 0, length)).to_kind(Kind::Half),
        rest: raised(values.select(1, length)).to_kind(Kind::Float),
    })
}

impl NeighborTensors {
    /// Concatenates lists; `None` if there are none.
    pub fn concat(parts: Vec<NeighborTensors>) -> Option<NeighborTensors> {
        if parts.is_empty() {
            return None;
        }
        let concat = |tensor: fn(&NeighborTensors) -> &Tensor| {
            Tensor::cat(&parts.iter().map(tensor).collect::<Vec<_>>(), 0)
        };
        Some(NeighborTensors {
            rows: concat(|l| &l.rows),
            upper: concat(|l| &l.upper),
            rest: concat(|l| &l.rest),
        })
    }
}

/// The names of the tensors in a mode's file.
const ROWS: &str = "near";
const UPPER: &str = "near_upper";
const REST: &str = "rest_upper";
/// The tensors of a mode's file that have bounds of Z.
pub const BOUNDS: [&str; 2] = [UPPER, REST];

impl NeighborTensors {
    pub fn named(self) -> [(&'static str, Tensor); 3] {
        [(ROWS, self.rows), (UPPER, self.upper), (REST, self.rest)]
    }
}

/// The list of one entity.
pub struct NeighborList<'a> {
    /// The rows of the candidates with the largest Z, without the entity itself.
    pub rows: &'a [i32],
    /// Upper bounds of their Z.
    pub upper: Vec<f32>,
    /// An upper bound of Z of all other candidates.
    pub rest: f32,
}

/// The lists of a mode, in its mapped file.
#[derive(Clone, Copy)]
pub struct NeighborLists<'a> {
    length: usize,
    rows: &'a [i32],
    upper: &'a [f16],
    rest: &'a [f32],
}

impl<'a> NeighborLists<'a> {
    /// Finds the lists in a mode's file; `None` if it has none. Error: shapes that do not match.
    pub fn from_file(file: &'a TensorFile, entities: usize) -> Result<Option<Self>> {
        if !file.has(ROWS) {
            return Ok(None);
        }
        let length = file.shape(ROWS)?.get(1).copied().unwrap_or(0);
        file.check(ROWS, &[Kind::Int], &[entities, length])?;
        file.check(UPPER, &[Kind::Half], &[entities, length])?;
        file.check(REST, &[Kind::Float], &[entities])?;
        Ok(Some(NeighborLists {
            length,
            rows: file.slice(ROWS)?,
            upper: file.halves(UPPER)?,
            rest: file.slice(REST)?,
        }))
    }

    /// Returns the list of one entity; `None` if it has a row that does not exist.
    pub fn list(&self, row: Row) -> Option<NeighborList<'a>> {
        let range = row.index() * self.length..(row.index() + 1) * self.length;
        let rows = &self.rows[range.clone()];
        let mut upper = vec![0.0; self.length];
        self.upper[range].convert_to_f32_slice(&mut upper);
        let is_known = |&r: &i32| r >= 0 && (r as usize) < self.rest.len();
        rows.iter().all(is_known).then(|| NeighborList {
            rows,
            upper,
            rest: self.rest[row.index()],
        })
    }
}
