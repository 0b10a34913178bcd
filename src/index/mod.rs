//! The factorised index: what the expansion reads instead of two dense V×V matrices.
//!
//! The entity head's last layer is linear, so with g its input, log p = W·g + b − logZ, and an
//! entity's mean of logs is the log of means in g (`docs/ALGORITHM.md`, "The same answers,
//! faster"). An index stores W, b, every distinct g, and per entity the few numbers that
//! standardise a row without computing it.
//!
//! * `meta` – `index.json`: what an index is of, and what its files should be
//! * `tensor_file` – memory-mapped safetensors, checked before use
//! * `statistics` – logZ, ḡ, mean, σ and Σ log P of one mode
//! * `near` – each entity's nearest candidates, and a bound for the rest
//! * `prototypes` – a head whose rows follow the states
//! * `build` – writes the folder, whole or not at all
//! * `open` – the folder as an [`Index`]; `view` – one of its modes; `cache` – what a view keeps;
//!   `product` – what rows of it cost
//! * `raw` – an index from any model whose last layer is linear

mod builder;
pub mod from_model;
mod kernels;
mod meta;
mod mode_index;
mod neighbor_lists;
mod open_index;
mod prototypes;
mod raw_import;
mod row_cache;
mod staged_folder;
mod statistics;
mod tensor_file;
#[cfg(test)]
pub(crate) mod test_index;
#[cfg(test)]
mod tests;

pub(crate) use staged_folder::StagedFolder;

pub use builder::{Builder, PairTable, States, StoragePrecision};
pub use meta::{Entity, LeftOut, Meta, ModeMeta, Origin, Provenance, check_is_index};
pub use mode_index::{ColumnBatch, ModeIndex, PreparedEntity, StateContribution, TargetSet};
pub use open_index::{Index, IndexedPair};
pub use prototypes::Prototypes;
pub use raw_import::import_raw;
