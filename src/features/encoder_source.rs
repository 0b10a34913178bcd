//! Where an encoder's files come from: a path, the project's `encoders/`, or the model hub.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hf_hub::api::sync::{ApiBuilder, ApiError, ApiRepo};

use crate::error::{Error, Result};
use crate::features::{preprocessing, tokenizer_files};
use crate::model::weight_files::{STANDARD_NAMES, shard_names};

/// Names a folder of encoders in place of `encoders/`.
pub const ENCODERS: &str = "MULTIEXPAN_ENCODERS";

/// The folder or file of the encoder called `name`: a path as given; else a folder of that name in
/// `$MULTIEXPAN_ENCODERS` or `encoders/`; else, for `organisation/model`, what the Hugging Face hub
/// has, downloaded once into its own cache (`$HF_HOME`). The error says what was tried.
pub fn resolve_encoder(name: &str) -> Result<PathBuf> {
    let folder =
        std::env::var_os(ENCODERS).map_or_else(|| PathBuf::from("encoders"), PathBuf::from);
    if let Some(found) = find_local(name, &folder) {
        return Ok(found);
    }
    let tried = format!(
        "there is no file or folder {name}, none in {}",
        folder.display()
    );
    if !is_hub_name(name) {
        return Err(Error::Argument(format!(
            "{tried}; `make encoders` brings the bundled encoders"
        )));
    }
    download_from_hub(name).map_err(|reason| {
        Error::Argument(format!(
            "{tried}, and the hub gave nothing ({reason}); `make encoders` brings the bundled encoders"
        ))
    })
}

/// A path, or a name in the folder of encoders.
fn find_local(name: &str, encoders: &Path) -> Option<PathBuf> {
    [PathBuf::from(name), encoders.join(name)]
        .into_iter()
        .find(|path| path.exists())
}

/// `organisation/model`, and no path.
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

/// Fetches every file of a model that counts, and returns the folder of its snapshot.
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
    // An image network has no tokenizer, and a text encoder no image processor.
    for file in tokenizer_files::FILES
        .into_iter()
        .chain([preprocessing::FILE])
    {
        repo.optional(file, folder)?;
    }
    Ok(folder.to_owned())
}

/// One model on the hub.
struct HubModel {
    repo: ApiRepo,
}

impl HubModel {
    /// Fetches the first of the usual weight files that there is, and all shards of an index file.
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

    /// Fetches a file where the model has it. That it has none is noted in the hub's cache, as
    /// Hugging Face's own libraries note it, so that it is known without the network too. `folder`
    /// is the snapshot's.
    fn optional(&self, file: &str, folder: &Path) -> std::result::Result<Option<PathBuf>, String> {
        let absent = absence_marker(folder, file);
        if absent.as_ref().is_some_and(|note| note.is_file()) && !folder.join(file).exists() {
            return Ok(None);
        }
        match self.repo.get(file) {
            Ok(path) => Ok(Some(path)),
            Err(error) if is_not_found(&error) => {
                if let Some(note) = absent {
                    // without the note it is asked for again
                    let _ = note.parent().map(std::fs::create_dir_all);
                    let _ = std::fs::write(note, "");
                }
                Ok(None)
            }
            Err(error) => Err(format!("whether it has {file} cannot be told: {error}")),
        }
    }
}

/// Returns the note in the cache that a snapshot, `MODEL/snapshots/COMMIT`, has no such file:
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
    fn a_local_name_wins_and_a_path_is_no_hub_name() {
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
    fn what_is_nowhere_is_said_with_the_next_step() {
        let said = resolve_encoder("no-such-encoder").unwrap_err().to_string();
        assert!(
            said.contains("no-such-encoder") && said.contains("make encoders"),
            "{said}"
        );
    }
}
