//! Writes exported text to a new file; an existing file is never overwritten.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::files::write_atomic;

/// Writes `text` to `stem.extension` in the current folder, or to `stem-2.extension` and so on if
/// that file exists. Returns the path.
pub fn write_new_file(stem: &str, extension: &str, text: &str) -> Result<PathBuf> {
    let folder = std::env::current_dir()
        .map_err(Error::io("find", "the folder that this was started in"))?;
    let mut path = folder.join(format!("{stem}.{extension}"));
    let mut number = 1;
    while path.exists() {
        number += 1;
        path = folder.join(format!("{stem}-{number}.{extension}"));
    }
    write_atomic(&path, text.as_bytes())?;
    Ok(path)
}
