//! The file of one mode in an open index.

use std::cell::{Cell, OnceCell, RefCell};
use std::path::Path;
use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::index::head_file::HeadFile;
use crate::index::hubness;
use crate::index::meta::damaged;
use crate::index::neighbor_lists;
use crate::index::neighbor_lists::NeighborLists;
use crate::index::row_cache::RowCache;
use crate::index::states::check_entries;
use crate::index::tensor_file::TensorFile;
use crate::types::Mode;

/// The file of one mode. Large tensors stay mapped; numbers per entity and per state are read.
pub struct ModeFile {
    pub mode: Mode,
    pub file: TensorFile,
    pub row_offsets: Vec<i64>,
    pub entry_state: Vec<i32>,
    pub entry_fraction: Vec<f32>,
    pub log_z: Vec<f32>,
    pub mean_log_z: Vec<f64>,
    pub mean: Vec<f64>,
    pub deviation: Vec<f64>,
    pub sum_log_prob: Vec<f64>,
    /// Whether neighbor lists exist and are used.
    pub has_lists: bool,
    pub cache: RefCell<RowCache>,
    /// The head of a mode without training.
    pub own_head: Option<HeadFile>,
    /// Rows of S.
    pub symmetric_cache: RefCell<RowCache>,
    /// Whether the file has hubness. Indexes of format version 1 do not have it.
    pub has_hubness: bool,
    /// The hubness of a file without it, once it is computed.
    pub computed_hubness: OnceCell<Vec<f32>>,
    mean_state_on_device: OnceCell<Tensor>,
    /// Whether the large tensors have been found to be finite.
    is_finite: Cell<bool>,
}

impl ModeFile {
    /// Opens the file of a mode with `v` entities, the width `d` and `u` distinct states.
    pub fn open(path: &Path, mode: Mode, [v, d, u]: [usize; 3]) -> Result<Self> {
        let file = TensorFile::open(path)?;
        file.check("states", &[Kind::Half, Kind::Float], &[u, d])?;
        file.check("mean_state", &[Kind::Float], &[v, d])?;
        file.slice::<f32>("mean_state")?;
        file.floats("states")?;
        let entries = file.shape("entry_state")?.first().copied().unwrap_or(0);
        let opened = ModeFile {
            mode,
            row_offsets: file.vector("row_offsets", v + 1)?,
            entry_state: file.vector("entry_state", entries)?,
            entry_fraction: file.vector("entry_share", entries)?,
            log_z: file.vector("log_z", u)?,
            mean_log_z: file.vector("mean_log_z", v)?,
            mean: file.vector("mean", v)?,
            deviation: file.vector("deviation", v)?,
            sum_log_prob: file.vector("sum_log_prob", v)?,
            has_lists: NeighborLists::from_file(&file, v)?.is_some(),
            own_head: None,
            symmetric_cache: RefCell::default(),
            has_hubness: hubness::check(&file, v)?,
            computed_hubness: OnceCell::new(),
            mean_state_on_device: OnceCell::new(),
            file,
            cache: RefCell::default(),
            is_finite: Cell::new(false),
        };
        for name in [
            "entry_share",
            "log_z",
            "mean_log_z",
            "mean",
            "deviation",
            "sum_log_prob",
        ] {
            opened.file.check_finite(name)?;
        }
        check_entries(&opened.row_offsets, &opened.entry_state, v, u)
            .map_err(|reason| damaged(path, &reason))?;
        Ok(opened)
    }

    /// Returns ḡ `[V, D]` on a device other than the CPU.
    pub fn mean_state_on_device(&self, device: Device) -> &Tensor {
        self.mean_state_on_device.get_or_init(|| {
            // open() has checked that the tensor exists
            let states = self.file.tensor("mean_state").expect("checked on opening");
            states.to_device(device)
        })
    }

    /// Checks once that the large tensors are finite.
    pub fn check_finite(&self) -> Result<()> {
        if self.is_finite.get() {
            return Ok(());
        }
        let bounds: &[&str] = if self.has_lists {
            &neighbor_lists::BOUNDS
        } else {
            &[]
        };
        for name in ["mean_state", "states"].iter().chain(bounds) {
            self.file.check_finite(name)?;
        }
        if self.has_hubness {
            self.file.check_finite(hubness::HUBNESS)?;
        }
        self.is_finite.set(true);
        Ok(())
    }
}
