//! Building of an index folder: the head first, then mode by mode, so that only one mode's states
//! are in memory.

use std::collections::HashSet;
use std::path::Path;
use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::index::meta::{
    Entity, FileMeta, HEAD_FILE, IndexMeta, KIND, META_FILE, ModeMeta, PAIRS_FILE, Provenance,
    VERSION, mode_file_name, pair_state_tensor,
};
use crate::index::neighbor_lists::NeighborTensors;
use crate::index::pair_table::PairTable;
use crate::index::staged_folder::{BuildProgress, StagedFolder};
use crate::index::states::{States, StoragePrecision, check_entries};
use crate::index::statistics::{OutputHead, statistics};
use crate::index::tensor_file;
use crate::model::checkpoint::hash_file;
use crate::model::finite::find_not_finite;
use crate::progress::{Observer, Progress};
use crate::types::{EntityId, Mode};

/// A writer of index folders. The final path is not touched before [`Builder::finish`]. A builder
/// that is dropped earlier leaves nothing, or if it can be resumed the complete modes.
pub struct Builder {
    folder: StagedFolder,
    head: OutputHead,
    meta: IndexMeta,
    /// The hash of what is indexed. Only a build with the same hash is resumed.
    work_hash: String,
    is_resumable: bool,
}

impl Builder {
    /// Starts an index with `weight [V, D]` and `bias [V]` of the head's last layer; computations
    /// run on their device. [`Builder::finish`] replaces an existing index at `out`.
    ///
    /// Errors: shapes that do not match, a duplicate id, an `out` that is not an index or is being
    /// written by another process.
    pub fn new(
        out: &Path,
        entities: Vec<Entity>,
        weight: &Tensor,
        bias: &Tensor,
        provenance: Provenance,
    ) -> Result<Self> {
        let mut builder = Builder::start(out, entities, weight, bias, provenance)?;
        builder.record_progress()?;
        Ok(builder)
    }

    /// Starts an index like [`Builder::new`], and reuses the modes that an interrupted build
    /// completed, if it had the same entities, head and `provenance`, which must contain hashes of
    /// everything that the states depend on. [`Builder::has_mode`] returns whether a mode is
    /// complete.
    pub fn resume(
        out: &Path,
        entities: Vec<Entity>,
        weight: &Tensor,
        bias: &Tensor,
        provenance: Provenance,
    ) -> Result<Self> {
        let mut builder = Builder::start(out, entities, weight, bias, provenance)?;
        builder.is_resumable = true;
        if let Some(progress) = builder.folder.read_progress()
            && progress.work == builder.work_hash
        {
            builder.reuse_modes(progress);
        }
        builder.record_progress()?;
        Ok(builder)
    }

    /// Checks the arguments and writes the head.
    fn start(
        out: &Path,
        entities: Vec<Entity>,
        weight: &Tensor,
        bias: &Tensor,
        provenance: Provenance,
    ) -> Result<Self> {
        check_head(&entities, weight, bias)?;
        let folder = StagedFolder::create(out)?;
        let head = OutputHead::new(
            weight.detach().to_kind(Kind::Float),
            bias.detach().to_kind(Kind::Float),
        );
        let width = head.width();
        let meta = IndexMeta {
            kind: KIND.to_owned(),
            version: VERSION,
            width,
            entities,
            modes: Vec::new(),
            provenance,
            files: Default::default(),
        };
        let mut builder = Builder {
            folder,
            head,
            meta,
            work_hash: String::new(),
            is_resumable: false,
        };
        let tensors = [
            ("weight", builder.head.weight.shallow_clone()),
            ("bias", builder.head.bias.shallow_clone()),
        ];
        builder.add_file(HEAD_FILE, &tensors)?;
        let described =
            serde_json::to_vec(&builder.meta).map_err(|e| Error::format(out, e.to_string()))?;
        builder.work_hash = blake3::hash(&described).to_hex().to_string();
        Ok(builder)
    }

    /// Reuses the modes of an interrupted build whose files are unchanged.
    fn reuse_modes(&mut self, progress: BuildProgress) {
        for mode in progress.modes {
            let name = mode_file_name(mode.mode);
            let is_unchanged = |file: &FileMeta| {
                hash_file(&self.folder.file(&name)).is_ok_and(|hash| hash == file.blake3)
            };
            if let Some(file) = progress.files.get(&name).filter(|file| is_unchanged(file)) {
                self.meta.files.insert(name, file.clone());
                self.meta.modes.push(mode);
            }
        }
    }

    /// Returns a description of the entity that a state belongs to, for errors.
    fn describe_owner(&self, states: &States, state: usize) -> String {
        let entry = states
            .entry_state
            .iter()
            .position(|&entry_state| entry_state as usize == state);
        let row = entry.map(|entry| {
            states
                .row_offsets
                .partition_point(|&offset| offset <= entry as i64)
                - 1
        });
        let owner = row.and_then(|row| self.meta.entities.get(row));
        owner.map_or_else(
            || "of no entity".to_owned(),
            |entity| format!("entity “{}”", entity.name),
        )
    }

    /// Returns whether all files of the given mode have been written.
    pub fn has_mode(&self, mode: Mode) -> bool {
        self.meta.modes.iter().any(|m| m.mode == mode)
    }

    /// Records what is complete.
    fn record_progress(&mut self) -> Result<()> {
        let IndexMeta { modes, files, .. } = &self.meta;
        self.folder.write_progress(&BuildProgress {
            work: self.work_hash.clone(),
            modes: modes.clone(),
            files: files.clone(),
        })?;
        self.folder
            .keep_on_drop(self.is_resumable && !self.meta.modes.is_empty());
        Ok(())
    }

    /// Adds a mode: computes its statistics and writes its file.
    ///
    /// Errors: a mode that is there already, shapes that do not match, states that are not finite
    /// in the stored format, [`Error::Stopped`].
    pub fn add_mode(
        &mut self,
        mode: Mode,
        mut states: States,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<()> {
        if self.has_mode(mode) {
            return Err(Error::Argument(format!(
                "the index already has mode {mode}"
            )));
        }
        states.check(self.head.entities(), self.head.width())?;
        let kind = match states.precision {
            StoragePrecision::Half => Kind::Half,
            StoragePrecision::Single => Kind::Float,
        };
        states.states = states.states.detach().to_kind(kind);
        let owner = |state: usize| self.describe_owner(&states, state);
        check_finite(
            &format!("“states” of mode {mode}, as {kind:?},"),
            &states.states,
            owner,
        )?;
        let statistics = statistics(&self.head, &states, observer)?;
        let mut tensors = vec![
            ("states", states.states.shallow_clone()),
            ("row_offsets", Tensor::from_slice(&states.row_offsets)),
            ("entry_state", Tensor::from_slice(&states.entry_state)),
            ("entry_share", Tensor::from_slice(&states.entry_fraction)),
            ("log_z", statistics.log_z),
            ("mean_state", statistics.mean_state),
            ("mean_log_z", statistics.mean_log_z),
            ("mean", statistics.mean),
            ("deviation", statistics.deviation),
            ("sum_log_prob", statistics.sum_log_prob),
        ];
        tensors.extend(
            statistics
                .lists
                .into_iter()
                .flat_map(NeighborTensors::named),
        );
        self.add_file(&mode_file_name(mode), &tensors)?;
        self.meta.modes.push(ModeMeta {
            mode,
            states: states.states.size()[0] as usize,
        });
        self.record_progress()
    }

    /// Adds the table of pairs. An index without it was imported from tensors alone.
    pub fn add_pairs(&mut self, pairs: &PairTable) -> Result<()> {
        let count = pairs.offset.len();
        let mismatch = pairs
            .states
            .iter()
            .map(|(_, s)| s.len())
            .chain([pairs.mention.len()])
            .find(|&n| n != count);
        if let Some(other) = mismatch {
            return Err(Error::Mismatch(format!(
                "the table of pairs has {other} values for {count} pairs"
            )));
        }
        check_entries(&pairs.row_offsets, &vec![0; count], self.head.entities(), 1)
            .map_err(Error::Mismatch)?;
        let offset: Vec<i64> = pairs.offset.iter().map(|&o| o as i64).collect();
        let mention: Vec<i32> = pairs.mention.iter().map(|&m| m as i32).collect();
        let names: Vec<String> = pairs
            .states
            .iter()
            .map(|(mode, _)| pair_state_tensor(*mode))
            .collect();
        let mut tensors = vec![
            ("row_offsets", Tensor::from_slice(&pairs.row_offsets)),
            ("offset", Tensor::from_slice(&offset)),
            ("mention", Tensor::from_slice(&mention)),
        ];
        for (name, (_, states)) in names.iter().zip(&pairs.states) {
            tensors.push((name, Tensor::from_slice(states)));
        }
        self.add_file(PAIRS_FILE, &tensors)
    }

    fn add_file(&mut self, name: &str, tensors: &[(&str, Tensor)]) -> Result<()> {
        let path = self.folder.file(name);
        tensor_file::write(&path, tensors)?;
        let bytes = path.metadata().map_err(Error::io("read", &path))?.len();
        let file = FileMeta {
            bytes,
            blake3: hash_file(&path)?,
        };
        self.meta.files.insert(name.to_owned(), file);
        Ok(())
    }

    /// Writes `index.json` and moves the folder to its final path. Error: no mode was added.
    pub fn finish(mut self) -> Result<()> {
        if self.meta.modes.is_empty() {
            return Err(Error::Argument(
                "an index needs at least one mode".to_owned(),
            ));
        }
        self.meta.modes.sort_by_key(|m| m.mode);
        let path = self.folder.file(META_FILE);
        let text = serde_json::to_vec_pretty(&self.meta)
            .map_err(|e| Error::format(&path, e.to_string()))?;
        write_atomic(&path, &text)?;
        self.folder.commit()
    }
}

/// Refuses a head that does not match the entities or is not finite, and duplicate ids.
fn check_head(entities: &[Entity], weight: &Tensor, bias: &Tensor) -> Result<()> {
    let (shape, v) = (weight.size(), entities.len());
    if v < 2 || shape.len() != 2 || shape[0] != v as i64 || bias.size() != [v as i64] {
        let shapes = format!("weight {shape:?} and bias {:?}", bias.size());
        return Err(Error::Mismatch(format!(
            "a head of {shapes} does not match {v} entities (at least 2)"
        )));
    }
    let mut ids = HashSet::new();
    if let Some(twice) = entities.iter().find(|e| !ids.insert(e.id)) {
        return Err(Error::Mismatch(format!(
            "entity {} is twice in the vocabulary",
            twice.id
        )));
    }
    if shape[1] < 1 {
        return Err(Error::Mismatch(format!(
            "a head of weight {shape:?} has no columns"
        )));
    }
    let named = |row: usize| format!("entity “{}”", entities[row].name);
    check_finite("the head's weight", weight, named)?;
    check_finite("the head's bias", bias, named)
}

/// Refuses NaN and infinity. `name` is the tensor's name and `describe_row` describes a row, for
/// the error.
fn check_finite(name: &str, tensor: &Tensor, describe_row: impl Fn(usize) -> String) -> Result<()> {
    match find_not_finite(&tensor.to_device(Device::Cpu))? {
        None => Ok(()),
        Some(found) => {
            let row = found.row();
            Err(Error::Mismatch(format!(
                "{name} has a number that is not finite, {found}, in row {row} ({})",
                describe_row(row)
            )))
        }
    }
}

/// Returns entities without names: their names are their row statistics.
pub fn unnamed_entities(count: usize) -> Vec<Entity> {
    (0..count as u32)
        .map(|n| Entity {
            id: EntityId(n),
            name: n.to_string(),
        })
        .collect()
}
