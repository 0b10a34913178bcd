//! The settings of a run, in a JSON file beside it: the path of the run with `.json` appended.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::eval::run::gzip_text;
use crate::files::write_atomic;
use crate::text_file;
use crate::types::SeedCount;

/// Reads the settings of the run at `path`, for a gzip file also from the path without `.gz`.
/// Returns an empty map if there are none. Errors: `Io`, and `Format` if the file is not a JSON
/// object.
pub fn read_settings(path: &Path) -> Result<Map<String, Value>> {
    let Some(path) = settings_file(path) else {
        return Ok(Map::new());
    };
    let text = text_file::read(&path)?;
    serde_json::from_str(&text)
        .map_err(|e| Error::format(&path, format!("is not a JSON object: {e}")))
}

/// Returns the data set that the settings of a run name. Errors: those of [`read_settings`],
/// `Missing` if there is no run or no such data set, and `Argument` if the settings name none.
pub fn stated_dataset(path: &Path) -> Result<PathBuf> {
    run_metadata(path)?;
    let settings = read_settings(path)?;
    let Some(dataset) = settings.get("dataset").and_then(Value::as_str) else {
        return Err(Error::Argument(format!(
            "the settings of {} name no data set; give it with --dataset",
            path.display()
        )));
    };
    let dataset = PathBuf::from(dataset);
    if dataset.is_dir() {
        return Ok(dataset);
    }
    let file = settings_file(path).unwrap_or_default();
    Err(Error::Missing {
        what: "data set",
        path: dataset,
        hint: format!(
            "{} names it; give its present location with --dataset",
            file.display()
        ),
    })
}

/// Returns the metadata of the file or folder of a run. Errors: `Missing`, `Io`.
pub(super) fn run_metadata(path: &Path) -> Result<fs::Metadata> {
    fs::metadata(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => Error::Missing {
            what: "run",
            path: path.to_owned(),
            hint: "a run is a file of TREC lines, or a folder of lists".into(),
        },
        _ => Error::io("read", path)(source),
    })
}

/// Returns the number of seeds that the settings of a run state. Error: `Format` if it is neither
/// 3 nor 5.
pub(super) fn stated_seed_count(
    settings: &Map<String, Value>,
    path: &Path,
) -> Result<Option<SeedCount>> {
    let stated = match settings.get("seeds") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    match stated.parse() {
        Ok(count) => Ok(Some(count)),
        Err(_) => Err(Error::format(
            settings_file(path).unwrap_or_default(),
            format!("has the value {stated} for `seeds` (expected one of: 3, 5)"),
        )),
    }
}

/// Writes the settings beside the run at `path`. Error: `Io`.
pub(super) fn write_settings(settings: &Map<String, Value>, path: &Path) -> Result<()> {
    let text = format!("{:#}\n", Value::Object(settings.clone()));
    write_atomic(&settings_path(path), text.as_bytes())
}

/// Returns the settings file beside a run, if there is one.
fn settings_file(path: &Path) -> Option<PathBuf> {
    let own = settings_path(path);
    if own.is_file() {
        return Some(own);
    }
    if !gzip_text::has_gz_extension(path) {
        return None;
    }
    let of_plain_run = settings_path(&path.with_extension(""));
    of_plain_run.is_file().then_some(of_plain_run)
}

fn settings_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".json");
    path.with_file_name(name)
}
