//! Files and folders that appear whole or not at all, and settings from a file.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};

/// Settings with those of a TOML file in the place of their own, tables setting by setting. As JSON between, which unlike TOML can say
/// that a setting is none.
///
/// Errors: `Io`; `Format` for what is no TOML, and for settings that cannot be.
pub fn settings_over<T: Serialize + DeserializeOwned>(own: &T, path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).map_err(Error::io("read", path))?;
    let said: Value = toml::from_str(&text).map_err(|e| Error::format(path, format!("is no TOML: {}", e.message())))?;
    let mut all = serde_json::to_value(own).map_err(|e| Error::format(path, e.to_string()))?;
    lay_over(&mut all, said);
    serde_json::from_value(all).map_err(|e| Error::format(path, format!("has settings that cannot be: {e}")))
}

/// `over` in the place of what is there, objects key by key.
pub fn lay_over(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            over.into_iter().for_each(|(key, value)| lay_over(under.entry(key).or_insert(Value::Null), value));
        }
        (under, over) => *under = over,
    }
}

/// The first bytes of a Git LFS pointer: the small text file that stands for a large one until that is fetched.
const LFS_POINTER: &[u8] = b"version https://git-lfs.";
/// The reason for which a Git LFS pointer is refused, and what to do: a clause that follows a file's name.
pub const LFS_REASON: &str = "is a Git LFS pointer, not the file itself; run `git lfs pull`";

/// Returns whether a file that begins with `bytes` is a Git LFS pointer.
pub fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.starts_with(LFS_POINTER)
}

/// Refuses `path` where it is a Git LFS pointer (`Format`). A file that cannot be read is left to its reader to report.
pub fn refuse_lfs_pointer(path: &Path) -> Result<()> {
    let mut first = Vec::new();
    let opened = File::open(path).and_then(|file| file.take(LFS_POINTER.len() as u64).read_to_end(&mut first));
    match opened {
        Ok(_) if is_lfs_pointer(&first) => Err(Error::format(path, LFS_REASON)),
        _ => Ok(()),
    }
}

/// Reads a JSON file into `T`. A byte order mark is passed over. `what` says what the file should be, with its article:
/// "a BERT configuration".
///
/// Errors: `Io`; `Format` for a Git LFS pointer, and for what is not JSON or not such a file.
pub fn read_json<T: DeserializeOwned>(path: &Path, what: &str) -> Result<T> {
    const BOM: &[u8] = b"\xef\xbb\xbf";
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    if is_lfs_pointer(&bytes) {
        return Err(Error::format(path, LFS_REASON));
    }
    let text = bytes.strip_prefix(BOM).unwrap_or(&bytes);
    serde_json::from_slice(text).map_err(|e| {
        let expected = if e.is_data() { what } else { "JSON" };
        Error::format(path, format!("is not {expected}: {e}"))
    })
}

/// Writes a file whose half a reader never sees, whatever ends this process. A link is followed; a pipe or a device is written into.
pub fn write_whole(path: &Path, text: &[u8]) -> Result<()> {
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return fs::write(path, text).map_err(Error::io("write", path));
    }
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
    fn json_is_read_past_a_byte_order_mark_and_what_is_wrong_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        let read = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            read_json::<std::collections::BTreeMap<String, i32>>(&path, "a list of numbers").map_err(|e| e.to_string())
        };
        assert_eq!(read(b"\xef\xbb\xbf{\"a\": 1}").unwrap()["a"], 1);
        assert!(read(b"{\"a\": 1, ").unwrap_err().contains("settings.json is not JSON: EOF"));
        assert!(read(b"{\"a\": true}").unwrap_err().contains("is not a list of numbers: invalid type"));
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n";
        assert!(read(pointer).unwrap_err().contains("git lfs pull"));
        assert!(refuse_lfs_pointer(&path).is_err());
        fs::write(&path, "version 2").unwrap();
        assert!(refuse_lfs_pointer(&path).is_ok() && refuse_lfs_pointer(&folder.path().join("none")).is_ok());
    }

    #[test]
    fn a_table_of_settings_goes_over_its_own_setting_by_setting() {
        #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
        struct Inner {
            kept: i32,
            changed: i32,
        }
        #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
        struct Outer {
            inner: Inner,
            list: Vec<i32>,
            none: Option<i32>,
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        fs::write(&path, "list = [3]\n[inner]\nchanged = 5\n").unwrap();
        let own = Outer { inner: Inner { kept: 1, changed: 2 }, list: vec![1, 2], none: None };
        let over = settings_over(&own, &path).unwrap();
        assert_eq!(over, Outer { inner: Inner { kept: 1, changed: 5 }, list: vec![3], none: None });
        fs::write(&path, "[inner]\nchanged = 'x'\n").unwrap();
        assert!(matches!(settings_over(&own, &path), Err(Error::Format { .. })));
    }

    #[test]
    #[cfg(unix)]
    fn what_a_link_names_is_written_and_the_link_stays() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        // a device, by a link to it, so that whoever may remove it does not
        let device = folder.path().join("device");
        std::os::unix::fs::symlink("/dev/null", &device).unwrap();
        write_whole(&device, b"nothing").unwrap();
        assert!(fs::symlink_metadata(&device).unwrap().is_symlink() && !fs::metadata("/dev/null").unwrap().is_file());
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
