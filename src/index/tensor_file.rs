//! Safetensors files: mapped into memory, with headers that are checked before any number is read.

use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use half::{bf16, f16};
use memmap2::Mmap;
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorInfo, TensorView};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use tch::kind::Element;
use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::git_lfs;
use crate::model::aligned_bytes::{AlignedBytes, is_aligned};
use crate::model::finite::find_not_finite;
use crate::model::weights::map_file;

/// A mapped safetensors file.
pub struct TensorFile {
    path: PathBuf,
    map: Mmap,
    /// The offset of the first number in the file.
    start: usize,
    metadata: Metadata,
    /// Aligned copies of tensors whose numbers cannot be read in place. A file written by [`write`]
    /// has none.
    realigned: HashMap<String, AlignedBytes>,
}

impl TensorFile {
    /// Maps the file and reads its header. The format does not guarantee alignment, so misaligned
    /// tensors are copied.
    ///
    /// Errors: `Io`; `Format` for a header that is damaged or does not match the file's length, and
    /// for a Git LFS pointer.
    pub fn open(path: &Path) -> Result<Self> {
        let map = map_file(path)?;
        if git_lfs::is_pointer(&map) {
            return Err(Error::format(path, git_lfs::REASON));
        }
        let (header, metadata) = SafeTensors::read_metadata(&map).map_err(|e| {
            Error::format(path, format!("is cut short or has a damaged header: {e}"))
        })?;
        let start = header + size_of::<u64>();
        let realigned = realigned(&map[start..], &metadata);
        Ok(TensorFile {
            path: path.to_owned(),
            map,
            start,
            metadata,
            realigned,
        })
    }

    /// Returns all names, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names = self.metadata.offset_keys();
        names.sort();
        names
    }

    /// Releases the memory of the parts of the file that have been read. They are mapped again when
    /// they are read again.
    #[allow(unsafe_code)]
    pub fn release_memory(&self) {
        // SAFETY: the map is of a file and read-only, so that no change can be lost.
        #[cfg(unix)]
        let _ = unsafe {
            self.map
                .unchecked_advise(memmap2::UncheckedAdvice::DontNeed)
        };
    }

    pub fn has(&self, name: &str) -> bool {
        self.metadata.info(name).is_some()
    }

    fn info(&self, name: &str) -> Result<&TensorInfo> {
        self.metadata
            .info(name)
            .ok_or_else(|| Error::format(&self.path, format!("has no tensor “{name}”")))
    }

    pub fn shape(&self, name: &str) -> Result<&[usize]> {
        Ok(&self.info(name)?.shape)
    }

    pub fn kind(&self, name: &str) -> Result<Kind> {
        let dtype = self.info(name)?.dtype;
        kind_of(dtype).ok_or_else(|| {
            Error::format(
                &self.path,
                format!("holds “{name}” as {dtype}, a type that is not supported"),
            )
        })
    }

    /// Refuses the file unless `name` has one of these types and this shape.
    pub fn check(&self, name: &str, kinds: &[Kind], shape: &[usize]) -> Result<()> {
        let (found, info) = (self.kind(name)?, self.info(name)?);
        if kinds.contains(&found) && info.shape == shape {
            return Ok(());
        }
        let reason = format!(
            "holds “{name}” as {found:?} {:?} where {kinds:?} {shape:?} was expected",
            info.shape
        );
        Err(Error::format(&self.path, reason))
    }

    fn bytes(&self, name: &str) -> Result<&[u8]> {
        if let Some(copy) = self.realigned.get(name) {
            return Ok(copy.bytes());
        }
        let (from, to) = self.info(name)?.data_offsets;
        Ok(&self.map[self.start + from..self.start + to])
    }

    /// Returns a copy of the whole tensor on the CPU.
    pub fn tensor(&self, name: &str) -> Result<Tensor> {
        let shape: Vec<i64> = self.shape(name)?.iter().map(|&n| n as i64).collect();
        Ok(Tensor::from_data_size(
            self.bytes(name)?,
            &shape,
            self.kind(name)?,
        ))
    }

    /// Returns a tensor of one dimension after checking its length.
    pub fn vector<T: Element + bytemuck::Pod>(&self, name: &str, length: usize) -> Result<Vec<T>> {
        self.check(name, &[T::KIND], &[length])?;
        Ok(self.slice(name)?.to_vec())
    }

    /// Returns the whole tensor, row-major, in the mapped file.
    pub fn slice<T: Element + bytemuck::Pod>(&self, name: &str) -> Result<&[T]> {
        let (kind, expected) = (self.kind(name)?, T::KIND);
        if kind != expected {
            return Err(Error::format(
                &self.path,
                format!("holds “{name}” as {kind:?} where {expected:?} was expected"),
            ));
        }
        self.cast(name)
    }

    /// Returns a tensor of f16 or f32, row-major, in the mapped file.
    pub fn floats(&self, name: &str) -> Result<Floats<'_>> {
        match self.kind(name)? {
            Kind::Half => Ok(Floats::Half(self.halves(name)?)),
            _ => Ok(Floats::Single(self.slice(name)?)),
        }
    }

    /// Checks that every number of a floating-point tensor is finite, in chunks so that little of
    /// it is in memory at once.
    ///
    /// Errors: `Format` that names the tensor and the row.
    pub fn check_finite(&self, name: &str) -> Result<()> {
        let (kind, shape) = (self.kind(name)?, self.shape(name)?);
        for (chunk, bytes) in self.bytes(name)?.chunks(CHUNK_BYTES).enumerate() {
            if let Some(index) = find_not_finite_in(bytes, kind) {
                let row_width = shape.iter().skip(1).product::<usize>().max(1);
                let row = (chunk * CHUNK_BYTES / kind.elt_size_in_bytes() + index) / row_width;
                let reason =
                    format!("holds a number that is not finite in row {row} of “{name}” {shape:?}");
                return Err(Error::format(&self.path, reason));
            }
            self.release_memory();
        }
        Ok(())
    }

    /// Returns the whole tensor of f16, row-major, in the mapped file.
    pub fn halves(&self, name: &str) -> Result<&[f16]> {
        self.check(name, &[Kind::Half], self.shape(name)?)?;
        Ok(self.cast::<u16>(name)?.reinterpret_cast())
    }

    /// Returns the tensor's bytes as numbers of this size.
    fn cast<T: bytemuck::Pod>(&self, name: &str) -> Result<&[T]> {
        let failed = |e| {
            Error::format(
                &self.path,
                format!("holds “{name}” where its numbers cannot be read: {e}"),
            )
        };
        bytemuck::try_cast_slice(self.bytes(name)?).map_err(failed)
    }
}

/// Numbers in a mapped file.
#[derive(Clone, Copy)]
pub enum Floats<'a> {
    Half(&'a [f16]),
    Single(&'a [f32]),
}

impl<'a> Floats<'a> {
    /// Returns row `row` of a matrix of this width as f32, borrowed if it is stored as f32.
    pub fn row(self, width: usize, row: usize) -> Cow<'a, [f32]> {
        match self {
            Floats::Single(all) => Cow::Borrowed(&all[row * width..][..width]),
            Floats::Half(all) => {
                let mut single = vec![0.0; width];
                all[row * width..][..width].convert_to_f32_slice(&mut single);
                Cow::Owned(single)
            }
        }
    }
}

/// The number of bytes of a tensor that are checked at once; a multiple of the size of every kind
/// of number.
const CHUNK_BYTES: usize = 16 << 20;

/// Copies the tensors whose numbers are misaligned in the file.
fn realigned(data: &[u8], metadata: &Metadata) -> HashMap<String, AlignedBytes> {
    let mut realigned = HashMap::new();
    for (name, info) in metadata.tensors() {
        let bytes = &data[info.data_offsets.0..info.data_offsets.1];
        if !is_aligned(bytes, info.dtype.bitsize() / 8) {
            realigned.insert(name, AlignedBytes::copy(bytes));
        }
    }
    realigned
}

/// Returns the index of the first number that is not finite; `None` if there is none or the kind is
/// not a floating-point type.
fn find_not_finite_in(bytes: &[u8], kind: Kind) -> Option<usize> {
    match kind {
        Kind::Float => find_in(bytes, |b| f32::from_le_bytes(b).is_finite()),
        Kind::Double => find_in(bytes, |b| f64::from_le_bytes(b).is_finite()),
        Kind::Half => find_in(bytes, |b| f16::from_le_bytes(b).is_finite()),
        Kind::BFloat16 => find_in(bytes, |b| bf16::from_le_bytes(b).is_finite()),
        _ => None,
    }
}

/// Returns the index of the first number that is not finite. The check has no branch for each
/// number, so that the compiler vectorizes it; the index is searched only if there is one.
fn find_in<const N: usize>(bytes: &[u8], is_finite: impl Fn([u8; N]) -> bool) -> Option<usize> {
    let numbers = bytes.as_chunks().0;
    let all_finite = numbers
        .iter()
        .fold(true, |all_finite, number| all_finite & is_finite(*number));
    if all_finite {
        None
    } else {
        numbers.iter().position(|number| !is_finite(*number))
    }
}

fn kind_of(dtype: Dtype) -> Option<Kind> {
    match dtype {
        Dtype::F16 => Some(Kind::Half),
        Dtype::BF16 => Some(Kind::BFloat16),
        Dtype::F32 => Some(Kind::Float),
        Dtype::F64 => Some(Kind::Double),
        Dtype::I32 => Some(Kind::Int),
        Dtype::I64 => Some(Kind::Int64),
        _ => None,
    }
}

fn dtype_of(kind: Kind) -> Option<Dtype> {
    let all = [
        Dtype::F16,
        Dtype::BF16,
        Dtype::F32,
        Dtype::F64,
        Dtype::I32,
        Dtype::I64,
    ];
    all.into_iter().find(|&d| kind_of(d) == Some(kind))
}

/// Writes the tensors and waits until they are on the disk.
///
/// Errors: `Mismatch` that names a tensor with NaN or infinity, in which case nothing is written;
/// `Io`.
pub fn write(path: &Path, tensors: &[(&str, Tensor)]) -> Result<()> {
    for (name, tensor) in tensors {
        if let Some(found) = find_not_finite(tensor)? {
            let message = format!(
                "{} is not written: “{name}” is not finite, {found}",
                path.display()
            );
            return Err(Error::Mismatch(message));
        }
    }
    let failed = |message: String| Error::Torch {
        operation: format!("writing {}", path.display()),
        message,
    };
    let mut stored = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let tensor = tensor.to_device(tch::Device::Cpu).contiguous();
        let dtype = dtype_of(tensor.kind())
            .ok_or_else(|| failed(format!("{name} is {:?}", tensor.kind())))?;
        let mut bytes = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
        tensor
            .f_copy_data_u8(&mut bytes, tensor.numel())
            .map_err(|e| failed(e.to_string()))?;
        let shape: Vec<usize> = tensor.size().iter().map(|&n| n as usize).collect();
        stored.push((*name, dtype, shape, bytes));
    }
    let views: Vec<_> = stored
        .iter()
        .map(|(name, dtype, shape, bytes)| {
            Ok((*name, TensorView::new(*dtype, shape.clone(), bytes)?))
        })
        .collect::<std::result::Result<_, safetensors::SafeTensorError>>()
        .map_err(|e| failed(e.to_string()))?;
    let io = |e| Error::io("write", path)(std::io::Error::other(format!("{e}")));
    // The crate makes files that only their owner can read: they get the permissions of a new file.
    let permissions = File::create(path)
        .and_then(|file| file.metadata())
        .map_err(Error::io("write", path))?
        .permissions();
    safetensors::serialize_to_file(views, None, path).map_err(io)?;
    File::open(path)
        .and_then(|file| file.set_permissions(permissions).and(file.sync_all()))
        .map_err(Error::io("write", path))
}
