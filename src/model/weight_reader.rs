//! Reads named tensors from the bytes of safetensors or of a file of `torch.save` (zip or legacy).
//! Pickled code is not executed.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read};

use safetensors::{Dtype, SafeTensors};
use tch::{Kind, Tensor};
use zip::ZipArchive;

use crate::git_lfs;
use crate::model::aligned_bytes::{AlignedBytes, is_aligned};
use crate::model::checkpoint_pickle::{CheckpointPickle, CheckpointValue, Storage, TensorView};

/// The magic number in the first pickle of `torch.save` before version 1.6
/// (`torch/serialization.py`).
const LEGACY_MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;

/// The name of the pickle in a zip file of `torch.save`.
const PICKLE: &str = "data.pkl";
/// The maximum length of a pickle, in bytes. It has names and shapes, but no numbers.
const MAX_PICKLE_BYTES: u64 = 1 << 30;

/// Tensors by name.
pub type Tensors = BTreeMap<String, Tensor>;

/// The contents of a weight file.
#[derive(Debug, Default)]
pub struct Contents {
    pub tensors: Tensors,
    /// The parts of the file other than the parameters, which are not read, with the number of
    /// tensors of each.
    pub other_parts: Vec<(String, usize)>,
}

/// Reads a weight file. The format is recognized by the first bytes.
///
/// The error follows the file's name: "is cut short", "is not a weight file …".
pub fn read_contents(bytes: &[u8]) -> Result<Contents, String> {
    match bytes {
        [b'P', b'K', 3, 4, ..] => read_zip(bytes),
        [0x80, 2..=5, ..] => read_legacy(bytes),
        // safetensors: the header's length, then JSON
        [_, _, _, _, _, _, 0, 0, b'{', ..] => read_safetensors(bytes),
        _ if git_lfs::is_pointer(bytes) => Err(git_lfs::REASON.into()),
        [] => Err("is empty".into()),
        _ => Err("is not a weight file (expected safetensors or a file of torch.save)".into()),
    }
}

fn read_safetensors(bytes: &[u8]) -> Result<Contents, String> {
    let file =
        SafeTensors::deserialize(bytes).map_err(|e| format!("is damaged or cut short ({e})"))?;
    let tensor = |(name, view): (&str, safetensors::tensor::TensorView)| {
        let kind = kind_of(view.dtype()).ok_or_else(|| {
            format!(
                "has `{name}` of type {:?}, which is not supported",
                view.dtype()
            )
        })?;
        let size: Vec<i64> = view.shape().iter().map(|&n| n as i64).collect();
        Ok((name.to_owned(), copy_tensor(view.data(), &size, kind)?))
    };
    let tensors = file
        .iter()
        .map(tensor)
        .collect::<Result<Tensors, String>>()?;
    if tensors.is_empty() {
        return Err("has no tensors".into());
    }
    Ok(Contents {
        tensors,
        other_parts: Vec::new(),
    })
}

fn kind_of(dtype: Dtype) -> Option<Kind> {
    Some(match dtype {
        Dtype::F32 => Kind::Float,
        Dtype::F16 => Kind::Half,
        Dtype::BF16 => Kind::BFloat16,
        Dtype::F64 => Kind::Double,
        Dtype::I64 => Kind::Int64,
        Dtype::I32 => Kind::Int,
        Dtype::I16 => Kind::Int16,
        Dtype::I8 => Kind::Int8,
        Dtype::U8 => Kind::Uint8,
        Dtype::BOOL => Kind::Bool,
        _ => return None,
    })
}

/// Copies `bytes` into a tensor. Refuses a wrong number of bytes, since libtorch would read beyond
/// them.
fn copy_tensor(bytes: &[u8], size: &[i64], kind: Kind) -> Result<Tensor, String> {
    let elements = size.iter().try_fold(1i64, |all, &n| all.checked_mul(n));
    let expected = elements.and_then(|n| n.checked_mul(kind.elt_size_in_bytes() as i64));
    if expected != Some(bytes.len() as i64) {
        return Err(format!(
            "is damaged: {} bytes for a tensor of size {size:?}",
            bytes.len()
        ));
    }
    let copied = if is_aligned(bytes, kind.elt_size_in_bytes()) {
        Tensor::f_from_data_size(bytes, size, kind)
    } else {
        Tensor::f_from_data_size(AlignedBytes::copy(bytes).bytes(), size, kind)
    };
    copied.map_err(|e| e.to_string())
}

/// Reads a file of `torch.save` since torch 1.6: a zip of `NAME/data.pkl` and one `NAME/data/KEY`
/// per storage.
fn read_zip(bytes: &[u8]) -> Result<Contents, String> {
    let damaged = |e: zip::result::ZipError| format!("is damaged or cut short ({e})");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    let names: Vec<String> = archive
        .file_names()
        .flatten()
        .map(|name| name.into_owned())
        .collect();
    let root = archive_root(&names).ok_or("is a zip file, but not one of torch.save")?;
    if names.contains(&format!("{root}constants.pkl")) {
        return Err("is a TorchScript program; save its parameters instead: torch.save(module.state_dict(), FILE)".into());
    }
    let mut entry = |name: &str, limit: u64| -> Result<Vec<u8>, String> {
        let file = archive.by_name(&format!("{root}{name}")).map_err(damaged)?;
        let mut content = Vec::new();
        file.take(limit)
            .read_to_end(&mut content)
            .map_err(|e| format!("is damaged ({e})"))?;
        Ok(content)
    };
    if names.contains(&format!("{root}byteorder"))
        && entry("byteorder", MAX_PICKLE_BYTES)? != b"little"
    {
        return Err("was saved on a big-endian machine, which is not supported".into());
    }
    let pickle = CheckpointPickle::read(&entry("data.pkl", MAX_PICKLE_BYTES)?)?;
    assemble(&pickle, |storage| {
        let bytes = storage
            .bytes()
            .ok_or("is damaged: a storage has an invalid length")?;
        entry(&format!("data/{}", storage.key), bytes).map(Cow::Owned)
    })
}

/// Returns the folder of `data.pkl` in the archive, with its slash. The archiver of macOS adds
/// other folders.
fn archive_root(names: &[String]) -> Option<&str> {
    let in_folder =
        |name: &&String| name.rsplit('/').next() == Some(PICKLE) && !name.starts_with("__MACOSX/");
    names
        .iter()
        .find(in_folder)
        .and_then(|name| name.strip_suffix(PICKLE))
}

/// Reads a file of `torch.save` before torch 1.6: pickles of a magic number, the protocol, the
/// machine, the object and the keys of the storages, then the length (8 bytes) and the bytes of
/// each storage.
fn read_legacy(bytes: &[u8]) -> Result<Contents, String> {
    let mut position = 0;
    let mut next = || -> Result<CheckpointPickle, String> {
        let pickle = CheckpointPickle::read(&bytes[position..])?;
        position += pickle.length;
        Ok(pickle)
    };
    if *next()?.root() != CheckpointValue::Int(LEGACY_MAGIC) {
        return Err("is a pickle, but not one of torch.save".into());
    }
    next()?;
    if next()?.entry("little_endian") == Some(&CheckpointValue::Bool(false)) {
        return Err("was saved on a big-endian machine, which is not supported".into());
    }
    let (pickle, keys) = (next()?, next()?);
    let keys = keys
        .texts()
        .ok_or("is damaged: its list of storages is invalid")?;
    let kinds: HashMap<&str, Kind> = pickle
        .storages()
        .map(|storage| (storage.key.as_str(), storage.kind))
        .collect();
    let mut storages = HashMap::new();
    for key in keys {
        let kind = kinds
            .get(key)
            .ok_or("is damaged: it has a storage that no tensor uses")?;
        let length = bytes.get(position..position + 8).ok_or("is cut short")?;
        let length = u64::from_le_bytes(length.try_into().map_err(|_| "is cut short")?) as usize;
        let end = length
            .checked_mul(kind.elt_size_in_bytes())
            .and_then(|n| n.checked_add(position + 8));
        let content = end
            .and_then(|end| bytes.get(position + 8..end))
            .ok_or("is cut short")?;
        position += 8 + content.len();
        storages.insert(key, content);
    }
    assemble(&pickle, |storage| {
        let content = storages.get(storage.key.as_str()).ok_or("is cut short")?;
        Ok(Cow::Borrowed(*content))
    })
}

/// Makes tensors as views of their storages. Each storage is read once and shared.
fn assemble<'a>(
    pickle: &CheckpointPickle,
    mut content: impl FnMut(&Storage) -> Result<Cow<'a, [u8]>, String>,
) -> Result<Contents, String> {
    let mut storages: HashMap<(String, i64), Tensor> = HashMap::new();
    let mut contents = Contents::default();
    let found = pickle.parameters()?;
    for (name, layout) in found.tensors {
        let TensorView {
            storage,
            offset,
            size,
            stride,
        } = layout;
        let flat = match storages.entry((storage.key.clone(), storage.kind as i64)) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let bytes = content(storage)?;
                let length = bytes.len() / storage.kind.elt_size_in_bytes();
                let bytes = &bytes[..length * storage.kind.elt_size_in_bytes()];
                entry.insert(copy_tensor(bytes, &[length as i64], storage.kind)?)
            }
        };
        let end = storage
            .start
            .checked_add(storage.length)
            .filter(|_| storage.start >= 0);
        if end.is_none_or(|end| end as usize > flat.numel()) {
            return Err(format!("is damaged: the storage of `{name}` is too short"));
        }
        let first = storage
            .start
            .checked_add(*offset)
            .ok_or("is damaged: a tensor has an invalid offset")?;
        let view = flat
            .f_as_strided(size, stride, Some(first))
            .map_err(|e| e.to_string())?;
        contents.tensors.insert(name, view);
    }
    if contents.tensors.is_empty() {
        return Err("has no tensors".into());
    }
    contents.other_parts = found.other_parts;
    Ok(contents)
}
