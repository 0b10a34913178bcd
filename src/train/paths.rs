//! The folders that a training reads and writes.

use std::path::PathBuf;

/// The folders that a training reads and writes.
#[derive(Debug, Clone)]
pub struct TrainPaths {
    pub dataset: PathBuf,
    /// The model folder that is written.
    pub out: PathBuf,
    /// The folder for cached features of the frozen encoders.
    pub cache: PathBuf,
}
