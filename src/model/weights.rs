//! Named tensors from a file: safetensors, or what `torch.save` wrote (both of its forms).

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;
use safetensors::{Dtype, SafeTensors};
use tch::{Kind, Tensor};
use zip::ZipArchive;

use super::pickle::{Layout, Pickle, Value};
use crate::error::{Error, Result};

/// The weight files that are looked for in a folder, the first that is there wins.
const NAMES: [&str; 3] = ["model.safetensors", "pytorch_model.bin", "model.pth"];

/// What the first pickle of a pre-1.6 `torch.save` holds (`torch/serialization.py`).
const LEGACY_MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;

/// Tensors by name, all on the CPU. Cheap to clone: tensors are shared.
#[derive(Debug)]
pub struct Weights {
    path: PathBuf,
    hash: Arc<str>,
    tensors: BTreeMap<String, Tensor>,
}

impl Weights {
    /// Reads `path`, or the one weight file in the folder `path`. The form is told by the content, not by
    /// the name. Fails where the file is cut short, is no weight file, or names something to be executed.
    pub fn open(path: &Path) -> Result<Weights> {
        let path = weight_file(path)?;
        let bytes = map(&path)?;
        let tensors = read(&bytes).map_err(|reason| Error::format(&path, reason))?;
        Ok(Weights { hash: blake3::hash(&bytes).to_hex().as_str().into(), tensors: without_module(tensors), path })
    }

    /// Tensors that are at hand, as if they had been read.
    pub fn held(tensors: BTreeMap<String, Tensor>) -> Weights {
        Weights { path: PathBuf::from("(memory)"), hash: "".into(), tensors }
    }

    /// The file that was read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// BLAKE3 of the file, in hexadecimal.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// The tensor of this name, in the kind it is stored in; it shares its numbers with this one.
    pub fn get(&self, name: &str) -> Result<Tensor> {
        let tensor = self.tensors.get(name).ok_or_else(|| Error::format(&self.path, format!("has no “{name}”")))?;
        Ok(tensor.shallow_clone())
    }

    /// Like [`Weights::get`], and refuses another shape.
    pub fn expect(&self, name: &str, shape: &[i64]) -> Result<Tensor> {
        let tensor = self.get(name)?;
        if tensor.size() != shape {
            let reason = format!("has “{name}” of shape {:?} where {shape:?} is expected", tensor.size());
            return Err(Error::format(&self.path, reason));
        }
        Ok(tensor)
    }

    /// What is under a prefix, without it: `take_prefix("bert.")` gives `encoder.layer.0…`.
    pub fn take_prefix(&self, prefix: &str) -> Weights {
        let under = |(name, tensor): (&String, &Tensor)| {
            name.strip_prefix(prefix).map(|rest| (rest.to_owned(), tensor.shallow_clone()))
        };
        let tensors = self.tensors.iter().filter_map(under).collect();
        Weights { path: self.path.clone(), hash: self.hash.clone(), tensors }
    }
}

/// Maps a file into memory. A file that another program cuts short meanwhile ends this one.
#[allow(unsafe_code)]
pub(crate) fn map(path: &Path) -> Result<Mmap> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    // SAFETY: the map is read-only, and the files mapped here are written under another name and renamed,
    // or only appended to.
    unsafe { Mmap::map(&file) }.map_err(Error::io("map", path))
}

fn weight_file(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    if let Some(found) = NAMES.iter().map(|name| path.join(name)).find(|file| file.is_file()) {
        return Ok(found);
    }
    let is_weights = |file: &PathBuf| {
        file.extension().is_some_and(|end| ["safetensors", "pth", "pt", "bin", "pkl"].iter().any(|known| end == *known))
    };
    let entries = std::fs::read_dir(path).map_err(Error::io("read", path))?;
    let found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_weights).collect();
    match found.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Error::Missing { what: "weight file", path: path.to_owned(), hint: String::new() }),
        _ => Err(Error::format(path, format!("has {} weight files; name the one that is meant", found.len()))),
    }
}

type Tensors = BTreeMap<String, Tensor>;

fn read(bytes: &[u8]) -> std::result::Result<Tensors, String> {
    match bytes {
        [b'P', b'K', 3, 4, ..] => read_zip(bytes),
        [0x80, 2..=5, ..] => read_legacy(bytes),
        // safetensors: the header's length, then JSON
        [_, _, _, _, _, _, 0, 0, b'{', ..] => read_safetensors(bytes),
        _ => Err("is no weight file (neither safetensors nor written by torch.save)".into()),
    }
}

/// Names that all begin with `module.` come from a model wrapped for several devices.
fn without_module(tensors: Tensors) -> Tensors {
    const WRAPPER: &str = "module.";
    if !tensors.keys().all(|name| name.starts_with(WRAPPER)) {
        return tensors;
    }
    tensors.into_iter().map(|(name, tensor)| (name[WRAPPER.len()..].to_owned(), tensor)).collect()
}

fn read_safetensors(bytes: &[u8]) -> std::result::Result<Tensors, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| format!("is damaged or cut short ({e})"))?;
    let tensor = |(name, view): (&str, safetensors::tensor::TensorView)| {
        let kind =
            kind(view.dtype()).ok_or_else(|| format!("has “{name}” in {:?}, which is not read", view.dtype()))?;
        let size: Vec<i64> = view.shape().iter().map(|&n| n as i64).collect();
        Ok((name.to_owned(), tensor(view.data(), &size, kind)?))
    };
    file.iter().map(tensor).collect()
}

fn kind(dtype: Dtype) -> Option<Kind> {
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

/// A copy of `bytes` as a tensor; refuses bytes that do not fill the shape (libtorch would read beyond them).
fn tensor(bytes: &[u8], size: &[i64], kind: Kind) -> std::result::Result<Tensor, String> {
    let elements = size.iter().try_fold(1i64, |all, &n| all.checked_mul(n));
    let wanted = elements.and_then(|n| n.checked_mul(kind.elt_size_in_bytes() as i64));
    if wanted != Some(bytes.len() as i64) {
        return Err(format!("is damaged: {} bytes for a tensor of size {size:?}", bytes.len()));
    }
    Tensor::f_from_data_size(bytes, size, kind).map_err(|e| e.to_string())
}

/// Since torch 1.6: a zip of `NAME/data.pkl` and `NAME/data/KEY`, one a storage.
fn read_zip(bytes: &[u8]) -> std::result::Result<Tensors, String> {
    let cut = |e: zip::result::ZipError| format!("is damaged or cut short ({e})");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(cut)?;
    let names: Vec<String> = archive.file_names().flatten().map(|name| name.into_owned()).collect();
    let root = names
        .iter()
        .find_map(|name| name.strip_suffix("data.pkl"))
        .ok_or("is a zip file, but none that torch.save wrote")?;
    let mut entry = |name: &str| -> std::result::Result<Vec<u8>, String> {
        let mut file = archive.by_name(&format!("{root}{name}")).map_err(cut)?;
        let mut content = Vec::new();
        file.read_to_end(&mut content).map_err(|e| format!("is damaged ({e})"))?;
        Ok(content)
    };
    if names.contains(&format!("{root}byteorder")) && entry("byteorder")? != b"little" {
        return Err("was saved on a big-endian machine, which is not read".into());
    }
    let pickle = Pickle::read(&entry("data.pkl")?)?;
    assemble(&pickle, |key| entry(&format!("data/{key}")).map(std::borrow::Cow::Owned))
}

/// Before torch 1.6: pickles of a magic number, the protocol, the machine, the object and the storages'
/// keys, then per storage its length (8 bytes) and its bytes.
fn read_legacy(bytes: &[u8]) -> std::result::Result<Tensors, String> {
    let mut at = 0;
    let mut next = || {
        let pickle = Pickle::read(&bytes[at..])?;
        at += pickle.length;
        Ok::<_, String>(pickle)
    };
    if *next()?.root() != Value::Int(LEGACY_MAGIC) {
        return Err("is a pickle, but none that torch.save wrote".into());
    }
    next()?;
    if next()?.entry("little_endian") == Some(&Value::Bool(false)) {
        return Err("was saved on a big-endian machine, which is not read".into());
    }
    let (pickle, keys) = (next()?, next()?);
    let keys = keys.texts().ok_or("is damaged: its list of storages makes no sense")?;
    let kinds: HashMap<&str, Kind> = pickle.storages().map(|storage| (storage.key.as_str(), storage.kind)).collect();
    let mut storages = HashMap::new();
    for key in keys {
        let kind = kinds.get(key).ok_or("is damaged: a storage that no tensor uses")?;
        let length = bytes.get(at..at + 8).ok_or("is cut short")?;
        let length = u64::from_le_bytes(length.try_into().map_err(|_| "is cut short")?) as usize;
        let end = length.checked_mul(kind.elt_size_in_bytes()).and_then(|n| n.checked_add(at + 8));
        let content = end.and_then(|end| bytes.get(at + 8..end)).ok_or("is cut short")?;
        at += 8 + content.len();
        storages.insert(key, content);
    }
    assemble(&pickle, |key| {
        storages.get(key).map(|content| std::borrow::Cow::Borrowed(*content)).ok_or_else(|| "is cut short".into())
    })
}

/// Puts tensors over their storages; each storage is read once and shared.
fn assemble<'a>(
    pickle: &Pickle,
    mut content: impl FnMut(&str) -> std::result::Result<std::borrow::Cow<'a, [u8]>, String>,
) -> std::result::Result<Tensors, String> {
    let mut storages: HashMap<(String, i64), Tensor> = HashMap::new();
    let mut tensors = Tensors::new();
    for (name, layout) in pickle.tensors() {
        let Layout { storage, offset, size, stride } = layout;
        let whole = match storages.entry((storage.key.clone(), storage.kind as i64)) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let bytes = content(&storage.key)?;
                let length = bytes.len() / storage.kind.elt_size_in_bytes();
                entry.insert(tensor(&bytes, &[length as i64], storage.kind)?)
            }
        };
        let end = storage.start.checked_add(storage.length).filter(|_| storage.start >= 0);
        if end.is_none_or(|end| end as usize > whole.numel()) {
            return Err(format!("is damaged: the storage of “{name}” is too short"));
        }
        let view = whole.f_as_strided(size, stride, Some(storage.start + offset)).map_err(|e| e.to_string())?;
        tensors.insert(name, view);
    }
    if tensors.is_empty() {
        return Err("holds no tensors".into());
    }
    Ok(tensors)
}
