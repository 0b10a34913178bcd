//! The factorised index, which expansion reads instead of two dense V×V matrices.
//!
//! The last layer of the entity head is linear, so with g its input, log p = W·g + b − logZ, and an
//! entity's mean of logs is the log at the mean of g (`docs/ALGORITHM.md`, "The same answers,
//! faster"). An index stores W, b, every distinct g, and for each entity the few numbers that
//! standardise a row without computing it.
//!
//! * `meta` – `index.json`: contents, provenance, sizes and hashes of the files
//! * `tensor_file` – memory-mapped safetensors, checked before use
//! * `states`, `pair_table` – the states of one mode and the table of pairs
//! * `statistics` – logZ, ḡ, mean, σ and Σ log P of one mode
//! * `hubness` – the mean similarity of each entity to its nearest
//! * `neighbor_lists` – the nearest candidates of each entity, and a bound for all others
//! * `prototypes` – refinement of the head's rows by the states
//! * `builder`, `staged_folder` – writing of the folder, atomically
//! * `from_model`, `raw_import` – an index from a trained model, or from any model whose last layer
//!   is linear
//! * `from_encoders`, `frozen_modes` – an index without a model, and the modes without training
//! * `open_index`, `head_file`, `mode_file` – the open folder as an [`Index`]
//! * `mode_index` – one mode of it; `row_cache` – its cache; `kernels` – its matrix products

mod builder;
pub mod from_encoders;
pub mod from_model;
mod frozen_modes;
mod head_file;
mod hubness;
mod kernels;
mod meta;
mod mode_file;
mod mode_index;
mod neighbor_lists;
mod open_index;
mod pair_table;
mod prototypes;
mod raw_import;
mod row_cache;
mod staged_folder;
mod states;
mod statistics;
mod tensor_file;
#[cfg(test)]
pub(crate) mod test_index;
#[cfg(test)]
mod tests;

pub(crate) use staged_folder::StagedFolder;

pub use builder::Builder;
pub use hubness::{HUBNESS_WEIGHT, neighborhood_sizes};
pub use meta::{
    BoundaryModel, Entity, FittedBoundary, IndexMeta, LeftOut, ModeMeta, Origin, Provenance,
    check_is_index, store_boundaries,
};
pub use mode_index::{
    ColumnBatch, ImageTrust, ModeIndex, PreparedEntity, StateContribution, TargetSet,
};
pub use neighbor_lists::NeighborList;
pub use open_index::Index;
pub use pair_table::{IndexedPair, PairTable};
pub use prototypes::Prototypes;
pub use raw_import::import_raw;
pub use states::{States, StoragePrecision};
