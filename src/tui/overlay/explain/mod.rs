//! The explanation popup: why an entity has its rank, and how it differs from another one.

mod detail;
mod format;
pub mod tree;
mod update;
mod view;
