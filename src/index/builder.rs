//! Building of an index folder: the head first, then mode by mode, so that only one mode's states
//! are in memory.

use std::collections::HashSet;
use std::path::Path;
use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::index::hubness::{HUBNESS, ZFactors, hubness};
use crate::index::meta::{
    Entity, FileMeta, HEAD_FILE, IndexMeta, KIND, META_FILE, ModeMeta, PAIRS_FILE, Provenance,
    VERSION, mode_file_name, pair_state_tensor,
};
use crate::index::neighbor_lists::NeighborTensors;
use crate::index::pair_table::PairTable;
use crate::index::staged_folder::{BuildProgress, StagedFolder};
use crate::index::states::{States, StoragePrecision, check_entries};
use crate::index::statistics::{OutputHead, Statistics, statistics};
use crate::index::tensor_file;
use crate::model::checkpoint::hash_file;
use crate::model::finite::find_not_finite;
use crate::progress::{Observer, Progress};
use crate::types::{EntityId, Mode};

/// A writer of index folders. The final path is not touched before [`Builder::finish`]. A builder
/// that is dropped earlier leaves nothing, or if it can be resumed the complete modes.
pub struct Builder {
    folder: StagedFolder,
    /// The head of the trained modes; `None` for an index without a model.
    head: Option<OutputHead>,
    /// The device that computes.
    device: Device,
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
        let mut builder = Builder::with_head(out, entities, weight, bias, provenance)?;
        builder.record_progress()?;
        Ok(builder)
    }

    /// Starts an index without a model, of modes without training only
    /// ([`Builder::add_frozen_mode`]). Computations run on `device`.
    ///
    /// Errors: those of [`Builder::new`].
    pub fn without_head(
        out: &Path,
        entities: Vec<Entity>,
        provenance: Provenance,
        device: Device,
    ) -> Result<Self> {
        check_entities(&entities)?;
        let mut builder = Builder::start(out, entities, provenance, None, device)?;
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
        let mut builder = Builder::with_head(out, entities, weight, bias, provenance)?;
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
    fn with_head(
        out: &Path,
        entities: Vec<Entity>,
        weight: &Tensor,
        bias: &Tensor,
        provenance: Provenance,
    ) -> Result<Self> {
        check_head(&entities, weight, bias)?;
        let head = OutputHead::new(
            weight.detach().to_kind(Kind::Float),
            bias.detach().to_kind(Kind::Float),
        );
        Builder::start(out, entities, provenance, Some(head), weight.device())
    }

    fn start(
        out: &Path,
        entities: Vec<Entity>,
        provenance: Provenance,
        head: Option<OutputHead>,
        device: Device,
    ) -> Result<Self> {
        let folder = StagedFolder::create(out)?;
        let width = head.as_ref().map_or(0, OutputHead::width);
        let meta = IndexMeta {
            kind: KIND.to_owned(),
            version: VERSION,
            width,
            entities,
            modes: Vec::new(),
            provenance,
            boundaries: Vec::new(),
            files: Default::default(),
        };
        let mut builder = Builder {
            folder,
            head,
            device,
            meta,
            work_hash: String::new(),
            is_resumable: false,
        };
        if let Some(head) = &builder.head {
            let tensors = [
                ("weight", head.weight.shallow_clone()),
                ("bias", head.bias.shallow_clone()),
            ];
            builder.add_file(HEAD_FILE, &tensors)?;
        }
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
        states: States,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<()> {
        let Some(head) = self.head.take() else {
            return Err(Error::Argument(format!(
                "mode {mode} needs a head, which an index without a model does not have"
            )));
        };
        let added = self.write_mode(mode, &head, states, Vec::new(), observer);
        self.head = Some(head);
        self.meta.modes.push(ModeMeta {
            mode,
            states: added?,
            width: None,
        });
        self.record_progress()
    }

    /// Adds a mode without training: `vectors [V, D]` of unit length, whose inner products are the
    /// scores before they are standardised. `others` are further tensors for its file.
    ///
    /// Errors: those of [`Builder::add_mode`].
    pub fn add_frozen_mode(
        &mut self,
        mode: Mode,
        vectors: &Tensor,
        others: Vec<(&'static str, Tensor)>,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<()> {
        // The rows of the head are the vectors as stored.
        let stored = vectors.to_kind(Kind::Half).to_kind(Kind::Float);
        let v = self.meta.entities.len() as i64;
        let bias = Tensor::zeros([v], (Kind::Float, self.device));
        let head = OutputHead::new(stored.to_device(self.device), bias);
        let offsets: Vec<i64> = (0..=v).collect();
        let own: Vec<i32> = (0..v as i32).collect();
        let states = States::from_pairs(stored, &offsets, &own, StoragePrecision::Half);
        let states = self.write_mode(mode, &head, states, others, observer)?;
        if self.meta.width == 0 {
            self.meta.width = head.width();
        }
        self.meta.modes.push(ModeMeta {
            mode,
            states,
            width: Some(head.width()),
        });
        self.record_progress()
    }

    /// Computes the statistics of a mode and writes its file. Returns the number of states.
    fn write_mode(
        &mut self,
        mode: Mode,
        head: &OutputHead,
        mut states: States,
        others: Vec<(&'static str, Tensor)>,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<usize> {
        if self.has_mode(mode) {
            return Err(Error::Argument(format!(
                "the index already has mode {mode}"
            )));
        }
        states.check(head.entities(), head.width())?;
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
        let statistics = statistics(head, &states, observer)?;
        // In a mode with a single state all entities have the same nearest entities.
        let has_hubness = states.states.size()[0] > 1;
        let hubness = has_hubness
            .then(|| tch::no_grad(|| hubness(&z_factors(head, &statistics), observer)))
            .transpose()?;
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
        tensors.extend(hubness.map(|hubness| (HUBNESS, hubness)));
        tensors.extend(others);
        self.add_file(&mode_file_name(mode), &tensors)?;
        Ok(states.states.size()[0] as usize)
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
        let entities = self.meta.entities.len();
        check_entries(&pairs.row_offsets, &vec![0; count], entities, 1).map_err(Error::Mismatch)?;
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
    check_entities(entities)?;
    if shape.len() != 2 || shape[0] != v as i64 || bias.size() != [v as i64] {
        let shapes = format!("weight {shape:?} and bias {:?}", bias.size());
        return Err(Error::Mismatch(format!(
            "a head of {shapes} does not match {v} entities (at least 2)"
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

/// Refuses fewer than 2 entities, and duplicate ids.
fn check_entities(entities: &[Entity]) -> Result<()> {
    if entities.len() < 2 {
        return Err(Error::Mismatch(format!(
            "an index needs at least 2 entities, not {}",
            entities.len()
        )));
    }
    let mut ids = HashSet::new();
    match entities.iter().find(|e| !ids.insert(e.id)) {
        Some(twice) => Err(Error::Mismatch(format!(
            "entity {} is twice in the vocabulary",
            twice.id
        ))),
        None => Ok(()),
    }
}

/// Returns Z of a mode as factors, on the device of the head.
fn z_factors(head: &OutputHead, statistics: &Statistics) -> ZFactors {
    let inverse = statistics.deviation.reciprocal();
    // a σ of 0 makes it infinite; such a row of Z is 0
    let inverse = inverse.nan_to_num(0.0, 0.0, 0.0);
    let subtrahend = (&statistics.mean_log_z + &statistics.mean) * &inverse;
    let factors = ZFactors {
        weight: head.weight.shallow_clone(),
        bias: head.bias.shallow_clone(),
        mean_state: statistics.mean_state.shallow_clone(),
        inverse: inverse.to_kind(Kind::Float),
        subtrahend: subtrahend.to_kind(Kind::Float),
    };
    factors.to_device(head.weight.device())
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
