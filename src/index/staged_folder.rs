//! A folder that comes to be whole or not at all.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::index::meta::{FileMeta, META_FILE, ModeMeta};

/// In a partial folder: what of it is complete.
const DONE_FILE: &str = "done.json";

/// A folder under a temporary name beside its destination, for one process at a time. Dropped
/// before [`StagedFolder::publish`] it is removed, unless it is to be kept.
pub struct StagedFolder {
    path: PathBuf,
    destination: PathBuf,
    /// Let go of when the process ends, however it does.
    _lock: File,
    kept: bool,
}

/// What of a partial folder is complete.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Done {
    /// Names the work: entities, data set, model, settings and head.
    pub work: String,
    pub modes: Vec<ModeMeta>,
    pub files: BTreeMap<String, FileMeta>,
}

impl StagedFolder {
    /// Makes the temporary folder, or takes the one that an interrupted run left, with what is in
    /// it. Refused now, before hours of work: a destination that is there and is neither an index
    /// nor empty; another run at work on it.
    pub fn create(destination: &Path) -> Result<Self> {
        let Some(name) = destination.file_name() else {
            return Err(Error::Argument(format!(
                "{} is no name for a folder",
                destination.display()
            )));
        };
        if !replaceable(destination) {
            return Err(Error::format(
                destination,
                "is there and is not an index; it will not be overwritten",
            ));
        }
        let path = parent_of(destination).join(format!(".{}.partial", name.to_string_lossy()));
        fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
        let lock = File::open(&path).map_err(Error::io("open", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::format(
                    destination,
                    "is being written by another run; wait for it or stop it",
                ));
            }
            // some file systems have no locks; then it is up to the user
            Err(TryLockError::Error(_)) => {}
        }
        let kept = path.join(DONE_FILE).is_file();
        let partial = StagedFolder {
            path,
            destination: destination.to_owned(),
            _lock: lock,
            kept,
        };
        partial.recover()?;
        Ok(partial)
    }

    /// Where the index that is being replaced is, for a moment.
    fn old(&self) -> PathBuf {
        self.path.with_extension("old")
    }

    /// A run that was killed while it replaced an index left the old one aside: it comes back, or
    /// goes if it was replaced.
    fn recover(&self) -> Result<()> {
        let old = self.old();
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

    /// What an interrupted run noted; none where it noted nothing that can be read.
    pub fn done(&self) -> Option<Done> {
        serde_json::from_slice(&fs::read(self.file(DONE_FILE)).ok()?).ok()
    }

    /// Notes what is complete, for a run that comes after an interruption, and removes every other
    /// file.
    pub fn note(&self, done: &Done) -> Result<()> {
        let path = self.file(DONE_FILE);
        let text =
            serde_json::to_vec_pretty(done).map_err(|e| Error::format(&path, e.to_string()))?;
        write_atomic(&path, &text)?;
        for entry in fs::read_dir(&self.path).map_err(Error::io("read", &self.path))? {
            let entry = entry.map_err(Error::io("read", &self.path))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name != DONE_FILE && !done.files.contains_key(&name) {
                fs::remove_file(entry.path()).map_err(Error::io("remove", entry.path()))?;
            }
        }
        Ok(())
    }

    /// Whether the folder is left for a later run to take up, should this one end before its time.
    pub fn keep(&mut self, kept: bool) {
        self.kept = kept;
    }

    /// Gives the folder its name, in place of an index that has it.
    pub fn publish(mut self) -> Result<()> {
        sync(&self.path)?;
        let old = self.old();
        let replaced = self.destination.exists();
        if replaced {
            fs::rename(&self.destination, &old).map_err(Error::io("replace", &self.destination))?;
        }
        if let Err(e) = fs::rename(&self.path, &self.destination) {
            if replaced {
                // what was there comes back; were that to fail too, the first error is still the
                // one to tell
                let _ = fs::rename(&old, &self.destination);
            }
            return Err(Error::io("write", &self.destination)(e));
        }
        self.kept = true;
        let done = self.destination.join(DONE_FILE);
        // there only where the work was of several parts
        if done.exists() {
            fs::remove_file(&done).map_err(Error::io("remove", &done))?;
        }
        if replaced {
            fs::remove_dir_all(&old).map_err(Error::io("remove", &old))?;
        }
        sync(&parent_of(&self.destination))
    }
}

impl Drop for StagedFolder {
    fn drop(&mut self) {
        if !self.kept {
            // nothing in it opens as an index, so a folder that cannot be removed does no harm
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

fn replaceable(path: &Path) -> bool {
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
