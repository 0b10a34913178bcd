//! The input of the model: tokens with `[MASK]`, hidden states of the frozen text layers, patch
//! features of images, and the encoders that compute them.

pub mod clip_encoder;
pub mod encoder_source;
pub mod entity_mean;
pub mod feature_cache;
pub mod frozen_corpus;
pub mod frozen_vectors;
pub mod image_encoder;
pub mod load_pairs;
pub mod loaded_pairs;
pub mod patch_store;
pub mod preprocessing;
pub mod profiles;
pub mod samples;
pub mod text_states;
pub mod text_tokenizer;
pub mod tokenizer_files;
pub mod word_vectors;

use std::path::PathBuf;

use crate::error::{Error, Result};

/// Returns the folder in which features of frozen encoders are cached.
pub fn cache_folder() -> Result<PathBuf> {
    let folder = directories::BaseDirs::new().map(|dirs| dirs.cache_dir().join("multiexpan"));
    folder.ok_or_else(|| {
        Error::Mismatch("there is no home folder for cached features; set XDG_CACHE_HOME".into())
    })
}
