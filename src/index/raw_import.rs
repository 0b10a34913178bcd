//! Import of an index from any model whose last layer is linear: a safetensors file becomes an
//! index of one mode.

use std::path::Path;
use tch::{Device, Kind};

use crate::error::{Error, Result};
use crate::index::builder::{Builder, unnamed_entities};
use crate::index::meta::{Entity, Origin, Provenance};
use crate::index::states::{States, StoragePrecision};
use crate::index::tensor_file::TensorFile;
use crate::model::checkpoint::hash_file;
use crate::model::device::device_name;
use crate::progress::{Observer, Progress};
use crate::types::{EntityId, Mode};

/// The tensors that an index is built from.
const USED: [&str; 4] = ["head.weight", "head.bias", "pre_head", "row_offsets"];
const FLOATS: [Kind; 4] = [Kind::Float, Kind::Half, Kind::BFloat16, Kind::Double];

/// Builds an index at `out` from `head.weight [V, D]`, `head.bias [V]`, `pre_head [pairs, D]` and
/// `row_offsets [V + 1]`. Its only mode is `both`, and its states are stored as f32. `names`, one
/// for each row, are assigned to the rows in the order of their ids; without them the names are the
/// row numbers. Returns the tensors that are not used, as something that was left out and its
/// count.
///
/// Errors: `Format` for tensors that are missing or do not match; `Mismatch` for numbers that are
/// not finite.
pub fn import_raw(
    file: &Path,
    names: Option<&[(EntityId, String)]>,
    out: &Path,
    device: Device,
    observer: &mut dyn Observer<Progress>,
) -> Result<Vec<(String, usize)>> {
    let tensors = TensorFile::open(file)?;
    let &[v, d] = tensors.shape("head.weight")? else {
        return Err(Error::format(
            file,
            "has a tensor “head.weight” that is not a matrix",
        ));
    };
    tensors.check("head.weight", &FLOATS, &[v, d])?;
    tensors.check("head.bias", &FLOATS, &[v])?;
    let pairs = tensors.shape("pre_head")?.first().copied().unwrap_or(0);
    tensors.check("pre_head", &FLOATS, &[pairs, d])?;
    let row_offsets: Vec<i64> = tensors.vector("row_offsets", v + 1)?;
    let entities = match names {
        None => unnamed_entities(v),
        Some(names) => named_entities(names, v)?,
    };
    let states = States {
        states: tensors.tensor("pre_head")?,
        entry_fraction: equal_fractions(file, &row_offsets, pairs)?,
        entry_state: (0..pairs as i32).collect(),
        row_offsets,
        precision: StoragePrecision::Single,
    };
    let weight = tensors.tensor("head.weight")?.to_device(device);
    let bias = tensors.tensor("head.bias")?.to_device(device);
    let mut builder = Builder::resume(out, entities, &weight, &bias, provenance(file, device)?)?;
    if !builder.has_mode(Mode::Both) {
        builder.add_mode(Mode::Both, states, observer)?;
    }
    builder.finish()?;
    let unused: Vec<String> = tensors
        .names()
        .into_iter()
        .filter(|name| !USED.contains(&name.as_str()))
        .collect();
    let description = format!(
        "tensors of {} that an index does not use ({})",
        file.display(),
        unused.join(", ")
    );
    Ok(Some((description, unused.len()))
        .filter(|_| !unused.is_empty())
        .into_iter()
        .collect())
}

fn named_entities(names: &[(EntityId, String)], rows: usize) -> Result<Vec<Entity>> {
    if names.len() != rows {
        return Err(Error::Mismatch(format!(
            "{} names were given for the {rows} rows of the head",
            names.len()
        )));
    }
    let mut entities: Vec<Entity> = names
        .iter()
        .map(|(id, name)| Entity {
            id: *id,
            name: name.clone(),
        })
        .collect();
    entities.sort_by_key(|e| e.id);
    Ok(entities)
}

/// Returns entry fractions that give each pair of an entity the same weight.
fn equal_fractions(file: &Path, offsets: &[i64], pairs: usize) -> Result<Vec<f32>> {
    let counts: Vec<i64> = offsets.windows(2).map(|w| w[1] - w[0]).collect();
    let is_complete = offsets.first() == Some(&0) && offsets.last() == Some(&(pairs as i64));
    if !is_complete || counts.iter().any(|&n| n < 1) {
        return Err(Error::format(
            file,
            format!(
                "has “row_offsets” that do not rise from 0 to {pairs}, the number of rows of “pre_head”"
            ),
        ));
    }
    Ok(counts
        .iter()
        .flat_map(|&n| std::iter::repeat_n((1.0 / n as f64) as f32, n as usize))
        .collect())
}

fn provenance(file: &Path, device: Device) -> Result<Provenance> {
    let name = file
        .file_stem()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    let model = Origin {
        name,
        path: file.display().to_string(),
        hash: hash_file(file)?,
    };
    Ok(Provenance {
        model: Some(model),
        state: "raw".to_owned(),
        device: device_name(device),
        ..Default::default()
    })
}
