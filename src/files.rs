//! Atomic writing of files and folders, and settings read from TOML over defaults.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::text_file;

/// Loads settings from `path` (TOML) over `defaults`, key by key and table by table. The values are
/// merged as JSON, which unlike TOML can express that an option is absent.
///
/// Errors: `Io`; `Format` if the file is not TOML or has settings that are not valid.
pub fn load_with_defaults<T: Serialize + DeserializeOwned>(defaults: &T, path: &Path) -> Result<T> {
    let text = text_file::read(path)?;
    let overrides: Value = toml::from_str(&text)
        .map_err(|e| Error::format(path, format!("is not valid TOML: {}", e.message())))?;
    let mut merged =
        serde_json::to_value(defaults).map_err(|e| Error::format(path, e.to_string()))?;
    merge_json(&mut merged, overrides);
    serde_json::from_value(merged)
        .map_err(|e| Error::format(path, format!("has invalid settings: {e}")))
}

/// Replaces values of `base` with those of `overrides`; objects are merged key by key.
pub fn merge_json(base: &mut Value, overrides: Value) {
    match (base, overrides) {
        (Value::Object(base), Value::Object(overrides)) => {
            for (key, value) in overrides {
                merge_json(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, value) => *base = value,
    }
}

/// Writes a file atomically: a reader sees the old or the new content, never a part, even if this
/// process is killed. Symbolic links are followed; pipes and devices are written to directly.
pub fn write_atomic(path: &Path, content: &[u8]) -> Result<()> {
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if is_special(path) {
        return fs::write(path, content).map_err(Error::io("write", path));
    }
    // the process id keeps apart two processes that write the same file
    let temporary = with_suffix(path, &format!(".{}.tmp", std::process::id()));
    write_and_rename(&temporary, path, |file| {
        fs::write(file, content).map_err(Error::io("write", path))
    })
}

/// Returns whether the path is a pipe, a socket or a device.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// Replaces a file atomically with the one that `write` creates at the path passed to it, which is
/// `path` with `.partial` appended. Only one process may do this at a time; a partial file left by a
/// killed process is overwritten.
pub fn replace_file(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    write_and_rename(&with_suffix(path, ".partial"), path, write)
}

/// Creates a folder atomically: `write` fills a temporary folder, which is then renamed to `path`.
/// `path` must not exist or must be an empty folder.
pub fn create_dir_atomic(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let temporary = with_suffix(path, &format!(".{}.tmp", std::process::id()));
    fs::create_dir(&temporary).map_err(Error::io("create", &temporary))?;
    let rename = || fs::rename(&temporary, path).map_err(Error::io("write", path));
    write(&temporary).and_then(|()| rename()).inspect_err(|_| {
        // the first failure is the one that is reported
        let _ = fs::remove_dir_all(&temporary);
    })
}

/// Returns the path with `suffix` appended to its last component.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// Lets `write` create the file `temporary`, flushes it to disk and renames it to `path`. Removes
/// it on failure.
fn write_and_rename(
    temporary: &Path,
    path: &Path,
    write: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let sync = || File::open(temporary)?.sync_all();
    let rename = || {
        sync()
            .and_then(|()| fs::rename(temporary, path))
            .map_err(Error::io("write", path))
    };
    write(temporary).and_then(|()| rename()).inspect_err(|_| {
        // it may not exist, and the first failure is the one that is reported
        let _ = fs::remove_file(temporary);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(matches!(write_atomic(&path, b"x"), Err(Error::Io { .. })));
        let failed = replace_file(&path, |file| {
            fs::write(file, "half").unwrap();
            Err(Error::Stopped)
        });
        assert!(matches!(failed, Err(Error::Stopped)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn settings_are_merged_key_by_key() {
        #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
        struct Inner {
            unchanged: i32,
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
        let defaults = Outer {
            inner: Inner {
                unchanged: 1,
                changed: 2,
            },
            list: vec![1, 2],
            none: None,
        };
        let loaded = load_with_defaults(&defaults, &path).unwrap();
        let expected = Outer {
            inner: Inner {
                unchanged: 1,
                changed: 5,
            },
            list: vec![3],
            none: None,
        };
        assert_eq!(loaded, expected);
        let utf16: Vec<u8> = "\u{feff}list = [3]\n[inner]\nchanged = 5\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        fs::write(&path, utf16).unwrap();
        assert_eq!(
            load_with_defaults(&defaults, &path).unwrap(),
            expected,
            "UTF-16 with a byte order mark, as written by PowerShell"
        );
        fs::write(&path, "[inner]\nchanged = 'x'\n").unwrap();
        assert!(matches!(
            load_with_defaults(&defaults, &path),
            Err(Error::Format { .. })
        ));
    }

    #[test]
    #[cfg(unix)]
    fn links_are_followed_and_stay_links() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_atomic(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        // through a link, so that a failure does not remove the device itself
        let device = folder.path().join("device");
        std::os::unix::fs::symlink("/dev/null", &device).unwrap();
        write_atomic(&device, b"nothing").unwrap();
        assert!(
            fs::symlink_metadata(&device).unwrap().is_symlink()
                && !fs::metadata("/dev/null").unwrap().is_file()
        );
    }

    #[test]
    fn an_existing_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for text in ["one", "two"] {
            write_atomic(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
