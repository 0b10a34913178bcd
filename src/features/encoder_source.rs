//! Finds the files of an encoder: a path, a folder in `encoders/`, or a model on the Hugging Face
//! hub.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hf_hub::api::sync::{ApiBuilder, ApiError, ApiRepo};

use crate::error::{Error, Result};
use crate::features::{preprocessing, tokenizer_files};
use crate::model::weight_files::{STANDARD_NAMES, shard_names};

/// The environment variable with the folder of encoders, instead of `encoders/`.
pub const ENCODERS: &str = "MULTIEXPAN_ENCODERS";

/// Returns the folder or file of an encoder. `name` is a path; else a folder in
/// `$MULTIEXPAN_ENCODERS` or `encoders/`; else a model `organisation/model` on the Hugging Face
/// hub, which is downloaded once into the hub's cache (`$HF_HOME`).
///
/// Errors: `Argument`, which lists the places that were searched.
pub fn resolve_encoder(name: &str) -> Result<PathBuf> {
    let folder =
        std::env::var_os(ENCODERS).map_or_else(|| PathBuf::from("encoders"), PathBuf::from);
    if let Some(found) = find_local(name, &folder) {
        return Ok(found);
    }
    let tried = format!(
        "no encoder `{name}`: there is no such file or folder, and none in {}",
        folder.display()
    );
    if !is_hub_name(name) {
        return Err(Error::Argument(format!(
            "{tried}; get the bundled encoders with `make encoders`"
        )));
    }
    download_from_hub(name).map_err(|reason| {
        Error::Argument(format!(
            "{tried}, and it cannot be downloaded ({reason}); get the bundled encoders with `make encoders`"
        ))
    })
}

/// Returns the file or folder with this path, or with this name in the folder of encoders.
fn find_local(name: &str, encoders: &Path) -> Option<PathBuf> {
    [PathBuf::from(name), encoders.join(name)]
        .into_iter()
        .find(|path| path.exists())
}

/// Returns whether a name has the form `organisation/model`, and is not a path.
fn is_hub_name(name: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    name.split_once('/')
        .is_some_and(|(organisation, model)| word(organisation) && word(model))
}

/// Downloads the files of a model, and returns the folder of its snapshot.
fn download_from_hub(name: &str) -> std::result::Result<PathBuf, String> {
    let api = ApiBuilder::from_env()
        .with_progress(false)
        .build()
        .map_err(|e| e.to_string())?;
    let repo = HubModel {
        repo: api.model(name.to_owned()),
    };
    let config = repo
        .repo
        .get("config.json")
        .map_err(|e| format!("config.json: {e}"))?;
    let folder = config.parent().ok_or("the hub's cache has no folder")?;
    repo.weights(folder)?;
    // an image network has no tokenizer, and a text encoder has no image processor
    for file in tokenizer_files::FILES
        .into_iter()
        .chain([preprocessing::FILE])
    {
        repo.optional(file, folder)?;
    }
    Ok(folder.to_owned())
}

/// A model on the hub.
struct HubModel {
    repo: ApiRepo,
}

impl HubModel {
    /// Downloads the first standard weight file that exists, with all shards of an index file.
    fn weights(&self, folder: &Path) -> std::result::Result<(), String> {
        for file in STANDARD_NAMES {
            let Some(path) = self.optional(file, folder)? else {
                continue;
            };
            if file.ends_with(".json") {
                let shards: BTreeSet<String> = shard_names(&path)
                    .map_err(|e| e.to_string())?
                    .into_values()
                    .collect();
                for shard in shards {
                    self.repo.get(&shard).map_err(|e| format!("{shard}: {e}"))?;
                }
            }
            return Ok(());
        }
        Err(format!("it has none of {}", STANDARD_NAMES.join(", ")))
    }

    /// Downloads a file if the model has it. If not, a marker is written to the hub's cache, as
    /// Hugging Face's libraries do, so that this is known without the network. `folder` is that of
    /// the snapshot.
    fn optional(&self, file: &str, folder: &Path) -> std::result::Result<Option<PathBuf>, String> {
        let absent = absence_marker(folder, file);
        if absent.as_ref().is_some_and(|marker| marker.is_file()) && !folder.join(file).exists() {
            return Ok(None);
        }
        match self.repo.get(file) {
            Ok(path) => Ok(Some(path)),
            Err(error) if is_not_found(&error) => {
                if let Some(marker) = absent {
                    // without the marker, the hub is asked again
                    let _ = marker.parent().map(std::fs::create_dir_all);
                    let _ = std::fs::write(marker, "");
                }
                Ok(None)
            }
            Err(error) => Err(format!("cannot check for {file}: {error}")),
        }
    }
}

/// Returns the path of the marker that the snapshot `MODEL/snapshots/COMMIT` does not have a file:
/// `MODEL/.no_exist/COMMIT/FILE`.
fn absence_marker(folder: &Path, file: &str) -> Option<PathBuf> {
    Some(
        folder
            .parent()?
            .parent()?
            .join(".no_exist")
            .join(folder.file_name()?)
            .join(file),
    )
}

/// Returns whether the hub answered that there is no such file.
fn is_not_found(error: &ApiError) -> bool {
    // the type of the inner error is that of hf-hub's own HTTP client
    const NOT_FOUND: &str = "http status: 404";
    matches!(error, ApiError::RequestError(error) if error.to_string() == NOT_FOUND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_names_come_first_and_paths_are_not_hub_names() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tiny")).unwrap();
        assert_eq!(
            find_local("tiny", folder.path()),
            Some(folder.path().join("tiny"))
        );
        assert_eq!(find_local("other", folder.path()), None);
        for name in [
            "bert-base-uncased",
            "/a/b",
            "a/b/c",
            "../b",
            "a/",
            "encoders/../x",
        ] {
            assert!(!is_hub_name(name), "{name}");
        }
        assert!(is_hub_name("google-bert/bert-base-uncased"));
    }

    #[test]
    fn an_unknown_encoder_is_refused_with_the_next_step() {
        let error = resolve_encoder("no-such-encoder").unwrap_err().to_string();
        assert!(
            error.contains("no-such-encoder") && error.contains("make encoders"),
            "{error}"
        );
    }
}
