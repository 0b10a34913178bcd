//! MultiExpan: multi-modal entity set expansion, and a terminal program to explore it.
//!
//! Data runs one way: data set → features → model → index → expansion → evaluation → screen.
//! The engine knows nothing of terminals; the terminal knows nothing of tensors.

// base
pub mod baselines;
pub mod error;
pub mod files;
pub mod git_lfs;
pub mod image_file;
pub mod jobs;
pub mod name;
pub mod pickle;
pub mod printable;
pub mod progress;
pub mod table;
pub mod text_file;
pub mod types;

pub mod config;
pub mod data;
pub mod engine;
pub mod eval;
pub mod expand;
pub mod features;
pub mod index;
pub mod model;
pub mod report;
pub mod train;

// front ends
pub mod cli;
pub mod tui;
