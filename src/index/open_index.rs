//! Opening of an index folder: checks what can be checked quickly and maps the rest.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use tch::Device;

use crate::error::{Error, Result};
use crate::index::head_file::HeadFile;
use crate::index::meta::{
    BoundaryModel, Entity, FileMeta, HEAD_FILE, IndexMeta, META_FILE, PAIRS_FILE, damaged,
    mode_file_name,
};
use crate::index::mode_file::ModeFile;
use crate::index::mode_index::ModeIndex;
use crate::index::pair_table::{IndexedPair, PairFile};
use crate::index::row_cache::RowCache;
use crate::model::checkpoint::hash_file;
use crate::types::{EntityId, Mode, Row};

/// An open index. It belongs to one thread, since its caches are not locked.
pub struct Index {
    pub meta: IndexMeta,
    path: PathBuf,
    rows: HashMap<EntityId, Row>,
    /// The head of the trained modes; `None` for an index without a model.
    head: Option<HeadFile>,
    device: Device,
    modes: Vec<ModeFile>,
    pairs: Option<PairFile>,
}

impl Index {
    /// Opens the folder and checks lengths, headers, shapes and offsets; [`Index::verify`] checks
    /// contents.
    ///
    /// Errors: a missing folder, one that is not an index or of another version, a file that is cut
    /// short, a damaged header, shapes that do not match.
    pub fn open(path: &Path, device: Device) -> Result<Index> {
        let meta = IndexMeta::read(path)?;
        for (name, file) in &meta.files {
            check_length(&path.join(name), file)?;
        }
        let (v, d) = (meta.entities.len(), meta.width);
        let head = if meta.modes.iter().all(|m| m.width.is_some()) && !meta.modes.is_empty() {
            None
        } else {
            Some(HeadFile::open(&path.join(HEAD_FILE), [v, d], device)?)
        };
        if meta.modes.is_empty() || v == 0 || d == 0 {
            let modes = meta.modes.len();
            let reason = format!("{v} entities of width {d}, {modes} modes");
            return Err(damaged(path, &reason));
        }
        let mut modes = Vec::with_capacity(meta.modes.len());
        for m in &meta.modes {
            let file = path.join(mode_file_name(m.mode));
            let width = m.width.unwrap_or(d);
            let mut opened = ModeFile::open(&file, m.mode, [v, width, m.states])?;
            if m.width.is_some() {
                let head = HeadFile::from_mean_states(&file, [v, width], device)?;
                opened.own_head = Some(head);
            }
            modes.push(opened);
        }
        let pairs = if meta.files.contains_key(PAIRS_FILE) {
            Some(PairFile::open(&path.join(PAIRS_FILE), &modes, v)?)
        } else {
            None
        };
        let rows: HashMap<EntityId, Row> = meta
            .entities
            .iter()
            .zip((0..).map(Row))
            .map(|(entity, row)| (entity.id, row))
            .collect();
        if rows.len() != v {
            return Err(damaged(path, "it has an entity twice"));
        }
        Ok(Index {
            meta,
            path: path.to_owned(),
            rows,
            head,
            device,
            modes,
            pairs,
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
                    "is damaged: its contents have changed since it was written",
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
                "{} was built from another data set or an older version of “{}”; build the index again",
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

    /// Returns the modes of the index, `Both` first. Those of an index without a model are text and
    /// images, as the frozen encoders see them, `Both` if it has both, and the words.
    pub fn modes(&self) -> Vec<Mode> {
        let stored = self.modes.iter().map(|m| m.mode);
        if self.head.is_some() {
            return stored.collect();
        }
        let mut modes: Vec<Mode> = stored
            .map(|mode| match mode {
                Mode::FrozenText => Mode::Text,
                Mode::FrozenImage => Mode::Image,
                other => other,
            })
            .collect();
        if modes.contains(&Mode::Text) && modes.contains(&Mode::Image) {
            modes.insert(0, Mode::Both);
        }
        modes
    }

    /// Returns the stored modes by which the feedback ranking compares entities in this mode. With
    /// modes that need no training, mode `text` uses these modes of the text too, and mode `both` also
    /// the frozen images.
    pub fn modes_of_similarity(&self, mode: Mode) -> Vec<Mode> {
        let has = |mode: &Mode| self.modes.iter().any(|m| m.mode == *mode);
        let all = match mode {
            _ if !self.modes.iter().any(|m| m.mode.is_frozen()) => vec![mode],
            Mode::Both => vec![mode, Mode::FrozenText, Mode::Words, Mode::FrozenImage],
            Mode::Text => vec![mode, Mode::FrozenText, Mode::Words],
            _ => vec![mode],
        };
        let found: Vec<Mode> = all.into_iter().filter(has).collect();
        match found.is_empty() {
            true => vec![mode],
            false => found,
        }
    }

    /// Opens one mode. The first time that a mode is opened, its tensors are checked to be finite.
    ///
    /// Errors: `Argument` if the index does not have the mode; `Format` if a tensor has NaN or
    /// infinity.
    pub fn view(&self, mode: Mode) -> Result<ModeIndex<'_>> {
        let stored = match (mode, self.head.is_some()) {
            (Mode::Text, false) => Mode::FrozenText,
            (Mode::Image, false) => Mode::FrozenImage,
            _ => mode,
        };
        if mode == Mode::Both && self.head.is_none() {
            return Err(Error::Argument(
                "an index without a model has mode both only in the feedback ranking".into(),
            ));
        }
        let Some(file) = self.modes.iter().find(|m| m.mode == stored) else {
            let names: Vec<&str> = self.modes().into_iter().map(Mode::name).collect();
            return Err(Error::Argument(format!(
                "the index has no mode {mode}; it has {}",
                names.join(", ")
            )));
        };
        let head = file.own_head.as_ref().or(self.head.as_ref());
        // open() refuses an index in which a mode has neither
        let head = head.expect("every mode has a head");
        head.check_finite()?;
        file.check_finite()?;
        ModeIndex::new(&self.meta.entities, head, file)
    }

    /// Returns the model of the class boundary in a mode: the one fitted for it, or the default.
    pub fn boundary_model(&self, mode: Mode) -> BoundaryModel {
        let fitted = self.meta.boundaries.iter().find(|b| b.mode == mode);
        let default = if mode.is_frozen() || self.head.is_none() {
            BoundaryModel::FROZEN
        } else if self.modes_of_similarity(mode).len() > 1 {
            BoundaryModel::COMBINED
        } else {
            BoundaryModel::TRAINED
        };
        fitted.map_or(default, |fitted| fitted.model)
    }

    /// Returns whether this is a view of one of the modes of this index.
    pub fn has_view(&self, view: &ModeIndex) -> bool {
        view.is_of(&self.meta.entities)
    }

    /// Returns the pairs of an entity in the order of the corpus; none if the index was imported
    /// from tensors.
    pub fn pairs_of(&self, row: Row) -> Vec<IndexedPair> {
        self.pairs
            .as_ref()
            .map_or_else(Vec::new, |pairs| pairs.pairs_of(row))
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
            *mode.cache.borrow_mut() = RowCache::new(row_bytes);
            *mode.symmetric_cache.borrow_mut() = RowCache::new(row_bytes);
        }
    }

    /// Releases the memory of mapped files that have been read. A system may map megabytes around
    /// each row that is read, and so nearly the whole index for a few rows.
    pub fn release_memory(&self) {
        if let Some(head) = &self.head {
            head.release_memory();
        }
        for mode in &self.modes {
            if let Some(head) = &mode.own_head {
                head.release_memory();
            }
            mode.file.release_memory();
        }
    }

    /// Makes expansions use whole rows of Z instead of neighbor lists. Results do not depend on it.
    pub fn disable_neighbor_lists(&mut self) {
        for mode in &mut self.modes {
            mode.has_lists = false;
        }
    }
}

/// Refuses a file that is missing or does not have the recorded length.
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
        Ordering::Less => Err(Error::format(
            path,
            format!("is cut short: {found} of {expected} bytes"),
        )),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(Error::format(
            path,
            format!("is damaged: it has {found} bytes where {expected} were written"),
        )),
    }
}
