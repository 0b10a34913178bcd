//! Files and folders that appear whole or not at all, and settings from a file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::text_file;

/// Settings with those of a TOML file in the place of their own, tables setting by setting. As JSON
/// between, which unlike TOML can say that a setting is none.
///
/// Errors: `Io`; `Format` for what is no TOML, and for settings that cannot be.
pub fn settings_over<T: Serialize + DeserializeOwned>(own: &T, path: &Path) -> Result<T> {
    let text = text_file::read(path)?;
    let said: Value = toml::from_str(&text)
        .map_err(|e| Error::format(path, format!("is no TOML: {}", e.message())))?;
    let mut all = serde_json::to_value(own).map_err(|e| Error::format(path, e.to_string()))?;
    lay_over(&mut all, said);
    serde_json::from_value(all)
        .map_err(|e| Error::format(path, format!("has settings that cannot be: {e}")))
}

/// `over` in the place of what is there, objects key by key.
pub fn lay_over(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            over.into_iter()
                .for_each(|(key, value)| lay_over(under.entry(key).or_insert(Value::Null), value));
        }
        (under, over) => *under = over,
    }
}

/// Writes a file whose half a reader never sees, whatever ends this process. A link is followed; a
/// pipe or a device is written into.
pub fn write_whole(path: &Path, text: &[u8]) -> Result<()> {
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return fs::write(path, text).map_err(Error::io("write", path));
    }
    // a name of this process's own: another may be writing the same file
    let temporary = beside(path, &format!(".{}.tmp", std::process::id()));
    fill(&temporary, path, |to| {
        fs::write(to, text).map_err(Error::io("write", path))
    })
}

/// Lets `write` fill a file beside `path`, then moves it there. One process at a time: what a
/// killed one left is written over.
pub fn replace(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    fill(&beside(path, ".partial"), path, write)
}

/// Lets `write` fill a folder beside `path`, then moves it there; what is there may only be an
/// empty folder.
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
    let moved = || {
        sync()
            .and_then(|()| fs::rename(temporary, path))
            .map_err(Error::io("write", path))
    };
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
        let own = Outer {
            inner: Inner {
                kept: 1,
                changed: 2,
            },
            list: vec![1, 2],
            none: None,
        };
        let over = settings_over(&own, &path).unwrap();
        let expected = Outer {
            inner: Inner {
                kept: 1,
                changed: 5,
            },
            list: vec![3],
            none: None,
        };
        assert_eq!(over, expected);
        let wide: Vec<u8> = "\u{feff}list = [3]\n[inner]\nchanged = 5\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        fs::write(&path, wide).unwrap();
        assert_eq!(
            settings_over(&own, &path).unwrap(),
            expected,
            "as PowerShell writes it"
        );
        fs::write(&path, "[inner]\nchanged = 'x'\n").unwrap();
        assert!(matches!(
            settings_over(&own, &path),
            Err(Error::Format { .. })
        ));
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
        assert!(
            fs::symlink_metadata(&device).unwrap().is_symlink()
                && !fs::metadata("/dev/null").unwrap().is_file()
        );
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
