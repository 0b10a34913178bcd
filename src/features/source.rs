//! Where an encoder's files come from: a path, the project's `encoders/`, or the model hub.

use std::path::{Path, PathBuf};

use hf_hub::api::sync::{ApiBuilder, ApiRepo};

use crate::error::{Error, Result};

/// Names a folder of encoders in place of `encoders/`.
pub const ENCODERS: &str = "MULTIEXPAN_ENCODERS";

/// The folder or file of the encoder called `name`: a path as given; else a folder of that name in
/// `$MULTIEXPAN_ENCODERS` or `encoders/`; else, for `organisation/model`, what the Hugging Face hub has,
/// downloaded once into its own cache (`$HF_HOME`). The error says what was tried.
pub fn resolve(name: &str) -> Result<PathBuf> {
    let folder = std::env::var_os(ENCODERS).map_or_else(|| PathBuf::from("encoders"), PathBuf::from);
    if let Some(found) = local(name, &folder) {
        return Ok(found);
    }
    let tried = format!("there is no file or folder {name}, none in {}", folder.display());
    if !is_hub_name(name) {
        return Err(Error::Argument(format!("{tried}; `make encoders` brings the bundled encoders")));
    }
    from_hub(name).map_err(|reason| {
        Error::Argument(format!(
            "{tried}, and the hub gave nothing ({reason}); `make encoders` brings the bundled encoders"
        ))
    })
}

/// A path, or a name in the folder of encoders.
fn local(name: &str, encoders: &Path) -> Option<PathBuf> {
    [PathBuf::from(name), encoders.join(name)].into_iter().find(|path| path.exists())
}

/// `organisation/model`, and no path.
fn is_hub_name(name: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    name.split_once('/').is_some_and(|(organisation, model)| word(organisation) && word(model))
}

/// The snapshot folder with the model's files; each group's first file that is there is taken.
fn from_hub(name: &str) -> std::result::Result<PathBuf, String> {
    let api = ApiBuilder::from_env().with_progress(false).build().map_err(|e| e.to_string())?;
    let repo = api.model(name.to_owned());
    let config = repo.get("config.json").map_err(|e| e.to_string())?;
    first(&repo, &["model.safetensors", "pytorch_model.bin"])?;
    // an image network has no tokenizer
    let _ = first(&repo, &["tokenizer.json", "vocab.txt"]);
    config.parent().map(Path::to_owned).ok_or_else(|| "the hub's cache has no folder".into())
}

fn first(repo: &ApiRepo, files: &[&str]) -> std::result::Result<PathBuf, String> {
    let mut reason = String::new();
    for file in files {
        match repo.get(file) {
            Ok(path) => return Ok(path),
            Err(e) => reason = format!("{file}: {e}"),
        }
    }
    Err(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_name_wins_and_a_path_is_no_hub_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tiny")).unwrap();
        assert_eq!(local("tiny", folder.path()), Some(folder.path().join("tiny")));
        assert_eq!(local("other", folder.path()), None);
        for name in ["bert-base-uncased", "/a/b", "a/b/c", "../b", "a/", "encoders/../x"] {
            assert!(!is_hub_name(name), "{name}");
        }
        assert!(is_hub_name("google-bert/bert-base-uncased"));
    }

    #[test]
    fn what_is_nowhere_is_said_with_the_next_step() {
        let said = resolve("no-such-encoder").unwrap_err().to_string();
        assert!(said.contains("no-such-encoder") && said.contains("make encoders"), "{said}");
    }
}
