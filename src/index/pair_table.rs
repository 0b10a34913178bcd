//! The table of the data set's pairs, as it is built and as it is read from an index.

use std::path::Path;

use crate::error::Result;
use crate::index::meta::{damaged, pair_state_tensor};
use crate::index::mode_file::ModeFile;
use crate::index::states::check_entries;
use crate::index::tensor_file::TensorFile;
use crate::types::{Mode, Row};

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

/// The table of pairs in an open index.
pub struct PairFile {
    pub row_offsets: Vec<i64>,
    offset: Vec<i64>,
    mention: Vec<i32>,
    states: Vec<(Mode, Vec<i32>)>,
}

impl PairFile {
    /// Opens the table of an index with these modes and `v` entities.
    pub fn open(path: &Path, modes: &[ModeFile], v: usize) -> Result<Self> {
        let file = TensorFile::open(path)?;
        let count = file.shape("offset")?.first().copied().unwrap_or(0);
        let row_offsets = file.vector("row_offsets", v + 1)?;
        check_entries(&row_offsets, &vec![0; count], v, 1)
            .map_err(|reason| damaged(path, &reason))?;
        let mut states = Vec::new();
        for mode in modes
            .iter()
            .filter(|m| file.has(&pair_state_tensor(m.mode)))
        {
            let pair_states: Vec<i32> = file.vector(&pair_state_tensor(mode.mode), count)?;
            check_entries(&row_offsets, &pair_states, v, mode.log_z.len())
                .map_err(|reason| damaged(path, &reason))?;
            states.push((mode.mode, pair_states));
        }
        Ok(PairFile {
            row_offsets,
            offset: file.vector("offset", count)?,
            mention: file.vector("mention", count)?,
            states,
        })
    }

    /// Returns the pairs of an entity in the order of the corpus.
    pub fn pairs_of(&self, row: Row) -> Vec<IndexedPair> {
        let (first, last) = (
            self.row_offsets[row.index()],
            self.row_offsets[row.index() + 1],
        );
        (first as usize..last as usize)
            .map(|pair| IndexedPair {
                offset: self.offset[pair] as u64,
                mention: self.mention[pair] as u32,
                states: self
                    .states
                    .iter()
                    .map(|(mode, states)| (*mode, states[pair] as usize))
                    .collect(),
            })
            .collect()
    }
}
