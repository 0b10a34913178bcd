//! The states of one mode, before they are written to an index.

use tch::Tensor;

use crate::error::{Error, Result};

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
    pub entry_fraction: Vec<f32>,
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
        let (mut offsets, mut entry_state, mut entry_fraction) = (vec![0], Vec::new(), Vec::new());
        for range in row_offsets.windows(2) {
            let mut pairs = pair_state[range[0] as usize..range[1] as usize].to_vec();
            pairs.sort_unstable();
            for equal in pairs.chunk_by(|a, b| a == b) {
                entry_state.push(equal[0]);
                entry_fraction.push((equal.len() as f64 / pairs.len() as f64) as f32);
            }
            offsets.push(entry_state.len() as i64);
        }
        States {
            states,
            row_offsets: offsets,
            entry_state,
            entry_fraction,
            precision,
        }
    }

    /// Refuses states that do not match a head of this many entities and this width.
    pub fn check(&self, entities: usize, width: usize) -> Result<()> {
        let size = self.states.size();
        if size.len() != 2 || size[1] != width as i64 {
            return Err(Error::Mismatch(format!(
                "the states have the shape {size:?}, but the head takes a width of {width}"
            )));
        }
        check_entries(
            &self.row_offsets,
            &self.entry_state,
            entities,
            size[0] as usize,
        )
        .map_err(Error::Mismatch)?;
        if self.entry_fraction.len() != self.entry_state.len() {
            return Err(Error::Mismatch("every entry needs a fraction".to_owned()));
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
            "{} row offsets do not match {entities} entities",
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
        Some(state) => Err(format!("state {state} does not exist among {states}")),
        None => Ok(()),
    }
}
