//! Opening of an index folder: checks what can be checked quickly and maps the rest.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::index::builder::{check_entries, mode_file, pair_state};
use crate::index::meta::{Entity, FileMeta, HEAD_FILE, META_FILE, Meta, PAIRS_FILE};
use crate::index::mode_index::ModeIndex;
use crate::index::neighbor_lists;
use crate::index::neighbor_lists::NeighborLists;
use crate::index::row_cache::Cache;
use crate::index::tensor_file::TensorFile;
use crate::model::checkpoint::hash_file;
use crate::types::{EntityId, Mode, Row};

/// An open index. It belongs to one thread, since its caches are not locked.
pub struct Index {
    pub meta: Meta,
    path: PathBuf,
    rows: HashMap<EntityId, Row>,
    modes: Vec<ModeFile>,
    pairs: Option<PairFile>,
    pub(super) device: Device,
    pub(super) head: TensorFile,
    /// b `[V]`.
    pub(super) bias: Vec<f32>,
    weight_on_device: OnceCell<Tensor>,
    /// True once W was found to be finite, which is checked when the first mode is asked for.
    head_is_finite: Cell<bool>,
}

/// One mode: large tensors stay in the map, numbers per entity and state are read.
pub struct ModeFile {
    pub mode: Mode,
    pub file: TensorFile,
    pub row_offsets: Vec<i64>,
    pub entry_state: Vec<i32>,
    pub entry_share: Vec<f32>,
    pub log_z: Vec<f32>,
    pub mean_log_z: Vec<f64>,
    pub mean: Vec<f64>,
    pub deviation: Vec<f64>,
    pub sum_log_prob: Vec<f64>,
    /// Whether its lists of near candidates are there, and used.
    pub lists: bool,
    pub cache: RefCell<Cache>,
    /// True once its large tensors were found to be finite, which is checked when the mode is first
    /// asked for.
    is_finite: Cell<bool>,
}

struct PairFile {
    row_offsets: Vec<i64>,
    offset: Vec<i64>,
    mention: Vec<i32>,
    states: Vec<(Mode, Vec<i32>)>,
}

/// A pair of the data set in an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedPair {
    /// The byte offset of its line in `sentences.json`.
    pub offset: u64,
    /// The index of its mention in the line.
    pub mention: u32,
    /// The index of its state in each mode, as in [`super::StateContribution::state`].
    pub states: Vec<(Mode, usize)>,
}

impl Index {
    /// Opens the folder and checks lengths, headers, shapes and offsets; [`Index::verify`] checks
    /// contents.
    ///
    /// Errors: a missing folder, one that is not an index or of another version, a file that is cut
    /// short, a damaged header, shapes that do not match.
    pub fn open(path: &Path, device: Device) -> Result<Index> {
        let meta = Meta::read(path)?;
        for (name, file) in &meta.files {
            check_length(&path.join(name), file)?;
        }
        let (v, d) = (meta.entities.len(), meta.width);
        let head = TensorFile::open(&path.join(HEAD_FILE))?;
        head.check("weight", &[Kind::Float], &[v, d])?;
        head.slice::<f32>("weight")?;
        let bias = head.vector("bias", v)?;
        head.check_finite("bias")?;
        if meta.modes.is_empty() || v == 0 || d == 0 {
            return Err(Error::format(
                path,
                format!(
                    "is damaged: {v} entities of width {d}, {} modes",
                    meta.modes.len()
                ),
            ));
        }
        let modes = meta
            .modes
            .iter()
            .map(|m| ModeFile::open(&path.join(mode_file(m.mode)), m.mode, [v, d, m.states]))
            .collect::<Result<Vec<_>>>()?;
        let pairs = match meta.files.contains_key(PAIRS_FILE) {
            true => Some(PairFile::open(&path.join(PAIRS_FILE), &modes, v)?),
            false => None,
        };
        let rows = rows(&meta.entities);
        if rows.len() != v {
            return Err(Error::format(path, "names an entity twice"));
        }
        let path = path.to_owned();
        let (weight_on_device, head_is_finite) = (OnceCell::new(), Cell::new(false));
        Ok(Index {
            meta,
            path,
            rows,
            modes,
            pairs,
            device,
            head,
            bias,
            weight_on_device,
            head_is_finite,
        })
    }

    /// Returns the hash of `index.json`, which has the hashes of all other files: it identifies the
    /// index and changes when the index is rebuilt. Errors: `Io`.
    pub fn fingerprint(&self) -> Result<String> {
        hash_file(&self.path.join(META_FILE))
    }

    pub fn device(&self) -> Device {
        self.device
    }

    /// Reads every file and compares it with its hash, to find changes that [`Index::open`] does
    /// not look for.
    pub fn verify(&self) -> Result<()> {
        for (name, file) in &self.meta.files {
            let path = self.path.join(name);
            if hash_file(&path)? != file.blake3 {
                return Err(Error::format(
                    &path,
                    "is damaged: its contents are not those that were written",
                ));
            }
        }
        Ok(())
    }

    /// Refuses a data set other than the one that the index was built from.
    pub fn check_dataset(&self, hash: &str) -> Result<()> {
        match &self.meta.provenance.dataset {
            Some(built) if built.hash == hash => Ok(()),
            Some(built) => Err(Error::Mismatch(format!(
                "{} was built from the data set “{}” as it was then, and this is another; build the index again",
                self.path.display(),
                built.name
            ))),
            None => Err(Error::Mismatch(format!(
                "{} was not built from a data set",
                self.path.display()
            ))),
        }
    }

    /// Returns the path of the data set that the index was built from; `None` for an import of
    /// tensors.
    pub fn dataset_path(&self) -> Option<PathBuf> {
        let named = self.meta.provenance.dataset.as_ref()?;
        let joined = self.path.join(&named.path);
        Some(std::fs::canonicalize(&joined).unwrap_or(joined))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the entities in row order.
    pub fn entities(&self) -> &[Entity] {
        &self.meta.entities
    }

    pub fn entity(&self, row: Row) -> &Entity {
        &self.meta.entities[row.index()]
    }

    /// Returns the row of an entity; `None` if it is not in the index.
    pub fn row(&self, id: EntityId) -> Option<Row> {
        self.rows.get(&id).copied()
    }

    /// Returns V, the number of entities.
    pub fn len(&self) -> usize {
        self.meta.entities.len()
    }

    pub fn is_empty(&self) -> bool {
        self.meta.entities.is_empty()
    }

    /// Returns D, the width of a state.
    pub fn width(&self) -> usize {
        self.meta.width
    }

    /// Returns the modes of the index, `Both` first.
    pub fn modes(&self) -> Vec<Mode> {
        self.modes.iter().map(|m| m.mode).collect()
    }

    /// Opens one mode. The first time that a mode is opened, its tensors are checked to be finite.
    ///
    /// Errors: `Argument` if the index does not have the mode; `Format` if a tensor has NaN or
    /// infinity.
    pub fn view(&self, mode: Mode) -> Result<ModeIndex<'_>> {
        let held = || {
            self.modes()
                .iter()
                .map(|m| m.name())
                .collect::<Vec<_>>()
                .join(", ")
        };
        match self.modes.iter().find(|m| m.mode == mode) {
            Some(file) => {
                self.check_finite(file)?;
                ModeIndex::new(self, file)
            }
            None => Err(Error::Argument(format!(
                "the index has no mode {mode}; it has {}",
                held()
            ))),
        }
    }

    fn check_finite(&self, mode: &ModeFile) -> Result<()> {
        if !self.head_is_finite.get() {
            self.head.check_finite("weight")?;
            self.head_is_finite.set(true);
        }
        if !mode.is_finite.get() {
            for name in ["mean_state", "states"]
                .into_iter()
                .chain(neighbor_lists::BOUNDS.into_iter().filter(|_| mode.lists))
            {
                mode.file.check_finite(name)?;
            }
            mode.is_finite.set(true);
        }
        Ok(())
    }

    /// Returns the pairs of an entity in the order of the corpus; none if the index was imported
    /// from tensors.
    pub fn pairs_of(&self, row: Row) -> Vec<IndexedPair> {
        let Some(pairs) = &self.pairs else {
            return Vec::new();
        };
        (pairs.row_offsets[row.index()] as usize..pairs.row_offsets[row.index() + 1] as usize)
            .map(|i| IndexedPair {
                offset: pairs.offset[i] as u64,
                mention: pairs.mention[i] as u32,
                states: pairs
                    .states
                    .iter()
                    .map(|(mode, s)| (*mode, s[i] as usize))
                    .collect(),
            })
            .collect()
    }

    /// Returns the number of pairs that an entity was indexed with.
    pub fn pair_count(&self, row: Row) -> usize {
        let offsets = self
            .pairs
            .as_ref()
            .map_or(&self.modes[0].row_offsets, |p| &p.row_offsets);
        (offsets[row.index() + 1] - offsets[row.index()]) as usize
    }

    /// Sets the cache size of each mode's rows, in bytes, and empties the caches. Results do not
    /// depend on it.
    pub fn limit_cache(&self, row_bytes: usize) {
        for mode in &self.modes {
            *mode.cache.borrow_mut() = Cache::bounded(row_bytes);
        }
    }

    /// Releases the memory of mapped files that have been read. A system may map megabytes around
    /// each row that is read, and so nearly the whole index for a few rows.
    pub fn give_back(&self) {
        self.head.give_back();
        self.modes.iter().for_each(|mode| mode.file.give_back());
    }

    /// Makes expansions use whole rows of Z instead of neighbor lists. Results do not depend on it.
    pub fn forget_lists(&mut self) {
        self.modes.iter_mut().for_each(|mode| mode.lists = false);
    }

    /// W `[V, D]` on a device that is not the CPU.
    pub(super) fn weight_on_device(&self) -> &Tensor {
        self.weight_on_device.get_or_init(|| {
            // open() has checked that the tensor is there
            self.head
                .tensor("weight")
                .expect("checked on opening")
                .to_device(self.device)
        })
    }
}

impl ModeFile {
    fn open(path: &Path, mode: Mode, [v, d, u]: [usize; 3]) -> Result<Self> {
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
            entry_share: file.vector("entry_share", entries)?,
            log_z: file.vector("log_z", u)?,
            mean_log_z: file.vector("mean_log_z", v)?,
            mean: file.vector("mean", v)?,
            deviation: file.vector("deviation", v)?,
            sum_log_prob: file.vector("sum_log_prob", v)?,
            lists: NeighborLists::of(&file, v)?.is_some(),
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
            .map_err(|why| damaged(path, &why))?;
        Ok(opened)
    }
}

impl PairFile {
    fn open(path: &Path, modes: &[ModeFile], v: usize) -> Result<Self> {
        let file = TensorFile::open(path)?;
        let count = file.shape("offset")?.first().copied().unwrap_or(0);
        let row_offsets = file.vector("row_offsets", v + 1)?;
        check_entries(&row_offsets, &vec![0; count], v, 1).map_err(|why| damaged(path, &why))?;
        let mut states = Vec::new();
        for mode in modes.iter().filter(|m| file.has(&pair_state(m.mode))) {
            let of_pairs: Vec<i32> = file.vector(&pair_state(mode.mode), count)?;
            check_entries(&row_offsets, &of_pairs, v, mode.log_z.len())
                .map_err(|why| damaged(path, &why))?;
            states.push((mode.mode, of_pairs));
        }
        Ok(PairFile {
            row_offsets,
            offset: file.vector("offset", count)?,
            mention: file.vector("mention", count)?,
            states,
        })
    }
}

/// The row of each entity.
fn rows(entities: &[Entity]) -> HashMap<EntityId, Row> {
    entities
        .iter()
        .enumerate()
        .map(|(i, entity)| (entity.id, Row(i as u32)))
        .collect()
}

fn damaged(path: &Path, why: &str) -> Error {
    Error::format(path, format!("is damaged: {why}"))
}

fn check_length(path: &Path, file: &FileMeta) -> Result<()> {
    let found = match path.metadata() {
        Ok(metadata) => metadata.len(),
        Err(_) => {
            return Err(Error::format(
                path,
                "is missing from the index; build it again",
            ));
        }
    };
    let expected = file.bytes;
    match found.cmp(&expected) {
        std::cmp::Ordering::Less => Err(Error::format(
            path,
            format!("is cut short: {found} of {expected} bytes"),
        )),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(Error::format(
            path,
            format!("has {found} bytes where {expected} were written"),
        )),
    }
}
