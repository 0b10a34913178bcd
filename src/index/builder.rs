//! Builds an index folder: the head first, then mode by mode, so that few states live at a time.

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

/// How states are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoragePrecision {
    /// f16: half the size; the statistics are those of the rounded states.
    Half,
    /// f32.
    Single,
}

/// One mode's states, and which entities they belong to. An *entry* says that a state is some share
/// of an entity.
pub struct States {
    /// Each distinct state g once, `[U, D]`.
    pub states: Tensor,
    /// Entity e's entries are `row_offsets[e]..row_offsets[e + 1]`; `[V + 1]`.
    pub row_offsets: Vec<i64>,
    /// Which state an entry is.
    pub entry_state: Vec<i32>,
    /// The fraction of its entity's pairs that have this state; they sum to 1 over an entity.
    pub entry_share: Vec<f32>,
    pub precision: StoragePrecision,
}

impl States {
    /// States that pairs share: `pair_state[i]` is the state of pair i, and entity e's pairs are
    /// `row_offsets[e]..row_offsets[e + 1]`. States of one entity are counted together.
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

/// Says what is wrong with a table of entries: offsets that do not rise from 0 to its end, an
/// entity without entries, a state that is not there.
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

/// Where every pair of the data set is, and its state in each mode. Pairs are sorted by entity row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PairTable {
    /// Entity e's pairs are `row_offsets[e]..row_offsets[e + 1]`; `[V + 1]`.
    pub row_offsets: Vec<i64>,
    /// Of the pair's line in `sentences.json`, in bytes.
    pub offset: Vec<u64>,
    /// Which of the line's mentions, from 0.
    pub mention: Vec<u32>,
    /// Per mode, which state.
    pub states: Vec<(Mode, Vec<i32>)>,
}

/// Writes an index. Nothing has the index's name before [`Builder::finish`]; dropped earlier,
/// nothing is left but, of a builder that resumes, the modes that are complete.
pub struct Builder {
    folder: StagedFolder,
    head: OutputHead,
    meta: Meta,
    /// Names the work, for a run that resumes it.
    work: String,
    resumes: bool,
}

impl Builder {
    /// `weight [V, D]` and `bias [V]` of the head's last layer; work happens on their device. An
    /// existing index at `out` is replaced in the end. Errors: shapes that do not fit, an id twice,
    /// `out` is something else or is being written by another run.
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

    /// As [`Builder::new`], and takes over the modes that an interrupted run has completed, where
    /// that was of the same entities, head and `provenance`, which must name the states by hash.
    /// [`Builder::has`] tells which.
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

    /// Checks everything and writes the head.
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

    /// The modes of an interrupted run whose files are still those that it wrote.
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

    /// Says in words whose state this is.
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

    /// Whether a mode is complete already.
    pub fn has(&self, mode: Mode) -> bool {
        self.meta.modes.iter().any(|m| m.mode == mode)
    }

    /// Notes what is complete.
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

    /// Adds a mode: computes its statistics and writes its file. Errors: a mode twice, shapes that
    /// do not fit, states that are not finite in the precision asked for, [`Error::Stopped`].
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

    /// Adds where the pairs are. An index without is of bare tensors.
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

    /// Writes `index.json` and gives the folder its name. Error: no mode was added.
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

/// The name of a mode's file.
pub fn mode_file(mode: Mode) -> String {
    format!("{mode}.safetensors")
}

/// The tensor in the pairs' file that holds their states in this mode.
pub fn pair_state(mode: Mode) -> String {
    format!("state.{mode}")
}

/// Refuses a head that does not go with the entities or is not finite, and an id that is there
/// twice.
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

/// Refuses NaN and infinity; `what` is the tensor, and `of` says in words which row it is.
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

/// Entities that have no names: called by their row number.
pub fn numbered(count: usize) -> Vec<Entity> {
    (0..count as u32)
        .map(|n| Entity {
            id: EntityId(n),
            name: Row(n).0.to_string(),
        })
        .collect()
}
