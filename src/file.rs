//! Files and folders that appear whole or not at all.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Writes a file whose half a reader never sees, whatever ends this process.
pub fn write_whole(path: &Path, text: &[u8]) -> Result<()> {
    // a name of this process's own: another may be writing the same file
    let temporary = beside(path, &format!(".{}.tmp", std::process::id()));
    fill(&temporary, path, |to| fs::write(to, text).map_err(Error::io("write", path)))
}

/// Lets `write` fill a file beside `path`, then moves it there. One process at a time: what a killed one left is written over.
pub fn replace(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    fill(&beside(path, ".partial"), path, write)
}

/// Lets `write` fill a folder beside `path`, then moves it there; what is there may only be an empty folder.
pub fn fill_folder(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let temporary = beside(path, &format!(".{}.tmp", std::process::id()));
    fs::create_dir(&temporary).map_err(Error::io("create", &temporary))?;
    let moved = || fs::rename(&temporary, path).map_err(Error::io("write", path));
    write(&temporary).and_then(|()| moved()).inspect_err(|_| {
        // the first failure is the one to tell
        let _ = fs::remove_dir_all(&temporary);
    })
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

fn fill(temporary: &Path, path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let sync = || File::open(temporary)?.sync_all();
    let moved = || sync().and_then(|()| fs::rename(temporary, path)).map_err(Error::io("write", path));
    write(temporary).and_then(|()| moved()).inspect_err(|_| {
        // it may not have come into being, and the first failure is the one to tell
        let _ = fs::remove_file(temporary);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(matches!(write_whole(&path, b"x"), Err(Error::Io { .. })));
        let failing = replace(&path, |to| {
            fs::write(to, "half").unwrap();
            Err(Error::Stopped)
        });
        assert!(matches!(failing, Err(Error::Stopped)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for text in ["one", "two"] {
            write_whole(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
