//! What the model is fed: tokens with `[MASK]`, states of the frozen text layers, pictures as patch
//! features, and where encoders come from.

pub mod batch;
pub mod cache;
pub mod clip;
pub mod image;
pub mod load_pairs;
pub mod mean;
pub mod pairs;
pub mod patches;
pub mod preprocessing;
pub mod profile;
pub mod source;
pub mod texts;
pub mod tokenizer_files;
pub mod tokens;

use std::path::PathBuf;

use crate::error::{Error, Result};

/// Where features of frozen encoders are kept between runs.
pub fn cache_folder() -> Result<PathBuf> {
    let folder = directories::BaseDirs::new().map(|dirs| dirs.cache_dir().join("multiexpan"));
    folder.ok_or_else(|| {
        Error::Mismatch("there is no home folder to keep features in; set XDG_CACHE_HOME".into())
    })
}
