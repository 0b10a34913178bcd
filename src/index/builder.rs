//! Building of an index folder: the head first, then mode by mode, so that only one mode's states
//! are in memory.

use std::collections::HashSet;
use std::path::Path;
use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::index::meta::{
    Entity, FileMeta, HEAD_FILE, KIND, META_FILE, Meta, ModeMeta, PAIRS_FILE, Provenance, VERSION,
};
use crate::index::neighbor_lists::Lists;
use crate::index::staged_folder::{Done, StagedFolder};
use crate::index::statistics::{OutputHead, statistics};
use crate::index::tensor_file;
use crate::model::checkpoint::hash_file;
use crate::model::finite::find_not_finite;
use crate::progress::{Observer, Progress};
use crate::types::{EntityId, Mode, Row};

/// The number format of stored states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoragePrecision {
    /// f16, half the size. The statistics are those of the rounded states.
    Half,
    /// f32.
    Single,
}

/// The states of one mode and the entities that they belong to. An *entry* assigns a state to an
/// entity, with the fraction of the entity's pairs that have it.
pub struct States {
    /// The distinct states g, `[U, D]`.
    pub states: Tensor,
    /// The offsets of the entities' entries: those of entity e are `row_offsets[e]..row_offsets[e +
    /// 1]`. `[V + 1]`.
    pub row_offsets: Vec<i64>,
    /// The state of each entry.
    pub entry_state: Vec<i32>,
    /// The fraction of its entity's pairs that each entry stands for; the fractions of an entity
    /// sum to 1.
    pub entry_share: Vec<f32>,
    pub precision: StoragePrecision,
}

impl States {
    /// Creates the entries of pairs that share states: `pair_state[i]` is the state of pair i, and
    /// the pairs of entity e are `row_offsets[e]..row_offsets[e + 1]`. Equal states of one entity
    /// become one entry.
    pub fn from_pairs(
        states: Tensor,
        row_offsets: &[i64],
        pair_state: &[i32],
        precision: StoragePrecision,
    ) -> Self {
        let (mut offsets, mut entry_state, mut entry_share) = (vec![0], Vec::new(), Vec::new());
        for ends in row_offsets.windows(2) {
            let mut pairs = pair_state[ends[0] as usize..ends[1] as usize].to_vec();
            pairs.sort_unstable();
            for same in pairs.chunk_by(|a, b| a == b) {
                entry_state.push(same[0]);
                entry_share.push((same.len() as f64 / pairs.len() as f64) as f32);
            }
            offsets.push(entry_state.len() as i64);
        }
        States {
            states,
            row_offsets: offsets,
            entry_state,
            entry_share,
            precision,
        }
    }

    fn check(&self, entities: usize, width: usize) -> Result<()> {
        let size = self.states.size();
        if size.len() != 2 || size[1] != width as i64 {
            return Err(Error::Mismatch(format!(
                "the states are {size:?}; the head takes a width of {width}"
            )));
        }
        check_entries(
            &self.row_offsets,
            &self.entry_state,
            entities,
            size[0] as usize,
        )
        .map_err(Error::Mismatch)?;
        if self.entry_share.len() != self.entry_state.len() {
            return Err(Error::Mismatch("every entry needs a share".to_owned()));
        }
        Ok(())
    }
}

/// Checks a table of entries, and describes what is wrong with it: offsets that do not rise from 0
/// to the end, an entity without entries, or a state that does not exist.
pub fn check_entries(
    offsets: &[i64],
    entry_state: &[i32],
    entities: usize,
    states: usize,
) -> std::result::Result<(), String> {
    if offsets.len() != entities + 1 {
        return Err(format!(
            "{} row offsets do not go with {entities} entities",
            offsets.len()
        ));
    }
    if offsets[0] != 0 || offsets[entities] != entry_state.len() as i64 {
        return Err(format!(
            "the row offsets do not run from 0 to {}",
            entry_state.len()
        ));
    }
    if let Some(row) = offsets.windows(2).position(|w| w[0] >= w[1]) {
        return Err(format!("entity row {row} has no states"));
    }
    match entry_state.iter().find(|&&s| s < 0 || s as usize >= states) {
        Some(state) => Err(format!("state {state} is not one of {states}")),
        None => Ok(()),
    }
}

/// The place of every pair in the data set and its state in each mode. Pairs are sorted by entity
/// row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PairTable {
    /// The offsets of the entities' pairs: those of entity e are `row_offsets[e]..row_offsets[e +
    /// 1]`. `[V + 1]`.
    pub row_offsets: Vec<i64>,
    /// The byte offset of each pair's line in `sentences.json`.
    pub offset: Vec<u64>,
    /// The index of each pair's mention in its line.
    pub mention: Vec<u32>,
    /// The state of each pair, by mode.
    pub states: Vec<(Mode, Vec<i32>)>,
}

/// A writer of index folders. The final path is not touched before [`Builder::finish`]. A builder
/// that is dropped earlier leaves nothing, or if it can be resumed the complete modes.
pub struct Builder {
    folder: StagedFolder,
    head: OutputHead,
    meta: Meta,
    /// The hash of what is indexed. Only a build with the same hash is resumed.
    work: String,
    resumes: bool,
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
        let mut builder = Builder::begin(out, entities, weight, bias, provenance)?;
        builder.note()?;
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
        let mut builder = Builder::begin(out, entities, weight, bias, provenance)?;
        builder.resumes = true;
        match builder.folder.done() {
            Some(done) if done.work == builder.work => builder.take_over(done),
            _ => {}
        }
        builder.note()?;
        Ok(builder)
    }

    /// Checks the arguments and writes the head.
    fn begin(
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
        let meta = Meta {
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
            work: String::new(),
            resumes: false,
        };
        let tensors = [
            ("weight", builder.head.weight.shallow_clone()),
            ("bias", builder.head.bias.shallow_clone()),
        ];
        builder.add(HEAD_FILE, &tensors)?;
        let described =
            serde_json::to_vec(&builder.meta).map_err(|e| Error::format(out, e.to_string()))?;
        builder.work = blake3::hash(&described).to_hex().to_string();
        Ok(builder)
    }

    /// Reuses the modes of an interrupted build whose files are unchanged.
    fn take_over(&mut self, done: Done) {
        for mode in done.modes {
            let name = mode_file(mode.mode);
            let whole = |file: &FileMeta| {
                hash_file(&self.folder.file(&name)).is_ok_and(|hash| hash == file.blake3)
            };
            if let Some(file) = done.files.get(&name).filter(|file| whole(file)) {
                self.meta.files.insert(name, file.clone());
                self.meta.modes.push(mode);
            }
        }
    }

    /// Returns a description of the entity that a state belongs to, for errors.
    fn owner_of(&self, states: &States, state: usize) -> String {
        let entry = states
            .entry_state
            .iter()
            .position(|&of| of as usize == state);
        let row = entry.map(|entry| {
            states
                .row_offsets
                .partition_point(|&offset| offset <= entry as i64)
                - 1
        });
        let owner = row.and_then(|row| self.meta.entities.get(row));
        owner.map_or_else(
            || "no entity's".to_owned(),
            |entity| format!("entity “{}”", entity.name),
        )
    }

    /// Returns whether a mode is complete.
    pub fn has(&self, mode: Mode) -> bool {
        self.meta.modes.iter().any(|m| m.mode == mode)
    }

    /// Records what is complete.
    fn note(&mut self) -> Result<()> {
        let Meta { modes, files, .. } = &self.meta;
        self.folder.note(&Done {
            work: self.work.clone(),
            modes: modes.clone(),
            files: files.clone(),
        })?;
        self.folder
            .keep(self.resumes && !self.meta.modes.is_empty());
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
        if self.has(mode) {
            return Err(Error::Argument(format!(
                "mode {mode} is in the index already"
            )));
        }
        states.check(self.head.entities(), self.head.width())?;
        let kind = match states.precision {
            StoragePrecision::Half => Kind::Half,
            StoragePrecision::Single => Kind::Float,
        };
        states.states = states.states.detach().to_kind(kind);
        let owner = |state: usize| self.owner_of(&states, state);
        check_finite(
            &format!("“states” of mode {mode}, as {kind:?},"),
            &states.states,
            owner,
        )?;
        let numbers = statistics(&self.head, &states, observer)?;
        let mut tensors = vec![
            ("states", states.states.shallow_clone()),
            ("row_offsets", Tensor::from_slice(&states.row_offsets)),
            ("entry_state", Tensor::from_slice(&states.entry_state)),
            ("entry_share", Tensor::from_slice(&states.entry_share)),
            ("log_z", numbers.log_z),
            ("mean_state", numbers.mean_state),
            ("mean_log_z", numbers.mean_log_z),
            ("mean", numbers.mean),
            ("deviation", numbers.deviation),
            ("sum_log_prob", numbers.sum_log_prob),
        ];
        tensors.extend(numbers.lists.into_iter().flat_map(Lists::named));
        self.add(&mode_file(mode), &tensors)?;
        self.meta.modes.push(ModeMeta {
            mode,
            states: states.states.size()[0] as usize,
        });
        self.note()
    }

    /// Adds the table of pairs. An index without it was imported from tensors alone.
    pub fn add_pairs(&mut self, pairs: &PairTable) -> Result<()> {
        let count = pairs.offset.len();
        let longest = pairs
            .states
            .iter()
            .map(|(_, s)| s.len())
            .chain([pairs.mention.len()])
            .find(|&n| n != count);
        if let Some(other) = longest {
            return Err(Error::Mismatch(format!("{other} values for {count} pairs")));
        }
        check_entries(&pairs.row_offsets, &vec![0; count], self.head.entities(), 1)
            .map_err(Error::Mismatch)?;
        let offset: Vec<i64> = pairs.offset.iter().map(|&o| o as i64).collect();
        let mention: Vec<i32> = pairs.mention.iter().map(|&m| m as i32).collect();
        let names: Vec<String> = pairs
            .states
            .iter()
            .map(|(mode, _)| pair_state(*mode))
            .collect();
        let mut tensors = vec![
            ("row_offsets", Tensor::from_slice(&pairs.row_offsets)),
            ("offset", Tensor::from_slice(&offset)),
            ("mention", Tensor::from_slice(&mention)),
        ];
        for (name, (_, states)) in names.iter().zip(&pairs.states) {
            tensors.push((name, Tensor::from_slice(states)));
        }
        self.add(PAIRS_FILE, &tensors)
    }

    fn add(&mut self, name: &str, tensors: &[(&str, Tensor)]) -> Result<()> {
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
        self.folder.publish()
    }
}

/// Returns the name of a mode's file.
pub fn mode_file(mode: Mode) -> String {
    format!("{mode}.safetensors")
}

/// Returns the name of the tensor with the pairs' states in this mode.
pub fn pair_state(mode: Mode) -> String {
    format!("state.{mode}")
}

/// Refuses a head that does not match the entities or is not finite, and duplicate ids.
fn check_head(entities: &[Entity], weight: &Tensor, bias: &Tensor) -> Result<()> {
    let (shape, v) = (weight.size(), entities.len());
    if v < 2 || shape.len() != 2 || shape[0] != v as i64 || bias.size() != [v as i64] {
        let shapes = format!("weight {shape:?} and bias {:?}", bias.size());
        return Err(Error::Mismatch(format!(
            "a head of {shapes} does not go with {v} entities (at least 2)"
        )));
    }
    let mut ids = HashSet::new();
    if let Some(twice) = entities.iter().find(|e| !ids.insert(e.id)) {
        return Err(Error::Mismatch(format!(
            "entity {} is in the vocabulary twice",
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
fn check_finite(what: &str, tensor: &Tensor, of: impl Fn(usize) -> String) -> Result<()> {
    match find_not_finite(&tensor.to_device(Device::Cpu))? {
        None => Ok(()),
        Some(found) => {
            let row = found.row();
            Err(Error::Mismatch(format!(
                "{what} has a number that is not finite, {found}, in row {row} ({})",
                of(row)
            )))
        }
    }
}

/// Returns entities without names: their names are their row numbers.
pub fn numbered(count: usize) -> Vec<Entity> {
    (0..count as u32)
        .map(|n| Entity {
            id: EntityId(n),
            name: Row(n).0.to_string(),
        })
        .collect()
}
