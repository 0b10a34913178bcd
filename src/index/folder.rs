//! A folder that comes to be whole or not at all.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::meta::META_FILE;
use crate::error::{Error, Result};

/// A folder under a temporary name beside its destination; removed unless [`Partial::publish`] is reached.
pub struct Partial {
    path: PathBuf,
    destination: PathBuf,
    published: bool,
}

impl Partial {
    /// Makes the temporary folder. A destination that is there and is neither an index nor empty is refused now,
    /// before hours of work.
    pub fn create(destination: &Path) -> Result<Self> {
        let Some(name) = destination.file_name() else {
            return Err(Error::Argument(format!("{} is no name for a folder", destination.display())));
        };
        if !replaceable(destination) {
            return Err(Error::format(destination, "is there and is not an index; it will not be overwritten"));
        }
        let parent = parent_of(destination);
        fs::create_dir_all(&parent).map_err(Error::io("create", &parent))?;
        let path = parent.join(format!(".{}.partial-{}", name.to_string_lossy(), std::process::id()));
        if path.exists() {
            fs::remove_dir_all(&path).map_err(Error::io("remove", &path))?;
        }
        fs::create_dir(&path).map_err(Error::io("create", &path))?;
        Ok(Partial { path, destination: destination.to_owned(), published: false })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Gives the folder its name, in place of an index that has it.
    pub fn publish(mut self) -> Result<()> {
        sync(&self.path)?;
        let old = self.path.with_extension("old");
        let replaced = self.destination.exists();
        if replaced {
            fs::rename(&self.destination, &old).map_err(Error::io("replace", &self.destination))?;
        }
        if let Err(e) = fs::rename(&self.path, &self.destination) {
            if replaced {
                // what was there comes back; were that to fail too, the first error is still the one to tell
                let _ = fs::rename(&old, &self.destination);
            }
            return Err(Error::io("write", &self.destination)(e));
        }
        self.published = true;
        if replaced {
            fs::remove_dir_all(&old).map_err(Error::io("remove", &old))?;
        }
        sync(&parent_of(&self.destination))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.published {
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
    let empty = || path.read_dir().is_ok_and(|mut entries| entries.next().is_none());
    !path.exists() || path.join(META_FILE).is_file() || empty()
}

fn sync(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(Error::io("write", folder))
}
