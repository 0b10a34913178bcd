//! A folder that is written under a temporary name and then moved to its final path.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::index::meta::{FileMeta, META_FILE, ModeMeta};

/// The file of a staged folder that lists what is complete.
const PROGRESS_FILE: &str = "done.json";

/// A folder with a temporary name beside its destination, for one process at a time. It is removed if
/// it is dropped before [`StagedFolder::commit`], unless [`StagedFolder::keep_on_drop`] was set.
pub struct StagedFolder {
    path: PathBuf,
    destination: PathBuf,
    /// The lock, which the system releases when the process ends in whatever way.
    _lock: File,
    keep_on_drop: bool,
}

/// The complete parts of a staged folder.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BuildProgress {
    /// The hash of the entities, data set, model, settings and head.
    pub work: String,
    pub modes: Vec<ModeMeta>,
    pub files: BTreeMap<String, FileMeta>,
}

/// Checks that a folder can be written at a path, and creates its parent. Long work calls this before
/// it starts.
///
/// Errors: a destination that exists and is neither an index nor empty; those of the file system.
pub fn prepare_destination(destination: &Path) -> Result<()> {
    if destination.file_name().is_none() {
        return Err(Error::Argument(format!(
            "{} is not a folder name",
            destination.display()
        )));
    }
    if !is_replaceable(destination) {
        return Err(Error::format(
            destination,
            "exists and is not an index; it will not be overwritten",
        ));
    }
    let parent = parent_of(destination);
    fs::create_dir_all(&parent).map_err(Error::io("create", &parent))
}

impl StagedFolder {
    /// Creates the temporary folder, or opens the one that an interrupted run left.
    ///
    /// Errors: a destination that exists and is neither an index nor empty; another process writes
    /// it. Both are reported now, before hours of work.
    pub fn create(destination: &Path) -> Result<Self> {
        prepare_destination(destination)?;
        let name = destination.file_name().unwrap_or_default();
        let path = parent_of(destination).join(format!(".{}.partial", name.to_string_lossy()));
        fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
        let lock = File::open(&path).map_err(Error::io("open", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::format(
                    destination,
                    "is being written by another process; wait for it or stop it",
                ));
            }
            // some file systems do not have locks
            Err(TryLockError::Error(_)) => {}
        }
        let keep_on_drop = path.join(PROGRESS_FILE).is_file();
        let staged = StagedFolder {
            path,
            destination: destination.to_owned(),
            _lock: lock,
            keep_on_drop,
        };
        staged.recover_replaced()?;
        Ok(staged)
    }

    /// Returns the path to which an index is moved while it is replaced.
    fn replaced_path(&self) -> PathBuf {
        self.path.with_extension("old")
    }

    /// Cleans up after a process that was killed while it replaced an index: restores the old index,
    /// or removes it if the new one is in place.
    fn recover_replaced(&self) -> Result<()> {
        let old = self.replaced_path();
        match (old.exists(), self.destination.exists()) {
            (false, _) => Ok(()),
            (true, false) => {
                fs::rename(&old, &self.destination).map_err(Error::io("restore", &self.destination))
            }
            (true, true) => fs::remove_dir_all(&old).map_err(Error::io("remove", &old)),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns the recorded progress of an interrupted run; `None` if there is none that can be read.
    pub fn read_progress(&self) -> Option<BuildProgress> {
        serde_json::from_slice(&fs::read(self.file(PROGRESS_FILE)).ok()?).ok()
    }

    /// Records what is complete, for a run after an interruption, and removes all other files.
    pub fn write_progress(&self, progress: &BuildProgress) -> Result<()> {
        let path = self.file(PROGRESS_FILE);
        let text =
            serde_json::to_vec_pretty(progress).map_err(|e| Error::format(&path, e.to_string()))?;
        write_atomic(&path, &text)?;
        for entry in fs::read_dir(&self.path).map_err(Error::io("read", &self.path))? {
            let entry = entry.map_err(Error::io("read", &self.path))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name != PROGRESS_FILE && !progress.files.contains_key(&name) {
                fs::remove_file(entry.path()).map_err(Error::io("remove", entry.path()))?;
            }
        }
        Ok(())
    }

    /// Sets whether a folder that is dropped before its commit stays, to be resumed later.
    pub fn keep_on_drop(&mut self, keep: bool) {
        self.keep_on_drop = keep;
    }

    /// Moves the folder to its destination, replacing an index there.
    pub fn commit(mut self) -> Result<()> {
        sync(&self.path)?;
        let old = self.replaced_path();
        let replaced = self.destination.exists();
        if replaced {
            fs::rename(&self.destination, &old).map_err(Error::io("replace", &self.destination))?;
        }
        if let Err(e) = fs::rename(&self.path, &self.destination) {
            if replaced {
                // restores the old index; if that fails, too, the first error is reported
                let _ = fs::rename(&old, &self.destination);
            }
            return Err(Error::io("write", &self.destination)(e));
        }
        self.keep_on_drop = true;
        let progress = self.destination.join(PROGRESS_FILE);
        // exists only if the work had several parts
        if progress.exists() {
            fs::remove_file(&progress).map_err(Error::io("remove", &progress))?;
        }
        if replaced {
            fs::remove_dir_all(&old).map_err(Error::io("remove", &old))?;
        }
        sync(&parent_of(&self.destination))
    }
}

impl Drop for StagedFolder {
    fn drop(&mut self) {
        if !self.keep_on_drop {
            // it does not open as an index, so a folder that cannot be removed does no harm
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Returns whether the path is free, an empty folder or an index.
fn is_replaceable(path: &Path) -> bool {
    let empty = || {
        path.read_dir()
            .is_ok_and(|mut entries| entries.next().is_none())
    };
    !path.exists() || path.join(META_FILE).is_file() || empty()
}

fn sync(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(Error::io("write", folder))
}
