//! Finds the weight files of an encoder or a model: a file, the only weight file of a folder, or
//! the shards of an index file as written by Hugging Face's libraries.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::text_file::read_json;

/// The standard names of weight files. The first that exists is used, as in Hugging Face's
/// transformers.
pub const STANDARD_NAMES: [&str; 5] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "model.pth",
];
/// The extensions of files that may have weights.
const EXTENSIONS: [&str; 6] = ["safetensors", "bin", "pth", "pt", "ckpt", "pkl"];
/// The prefixes of other files that training loops write.
const TRAINING_FILES: [&str; 7] = [
    "training_args",
    "optimizer",
    "scheduler",
    "rng_state",
    "random_states",
    "scaler",
    "sampler",
];
/// The extensions of weight files in unsupported formats.
const UNSUPPORTED: [&str; 5] = ["h5", "msgpack", "onnx", "gguf", "ot"];
/// The suffix of an index file's name.
const INDEX_SUFFIX: &str = ".index.json";

/// The file or files of a set of weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WeightFiles {
    /// A single file.
    Single(PathBuf),
    /// Several files with a part each.
    Shards(Shards),
}

/// The shards of one set of parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shards {
    /// The index file.
    pub index: PathBuf,
    /// The shards sorted by path, with the parameters of each according to the index file.
    pub files: BTreeMap<PathBuf, BTreeSet<String>>,
}

impl WeightFiles {
    /// Finds the weights at `path`: a weight file, an index file, or a folder with either.
    ///
    /// Errors: `Missing` for a missing weight file or shard; `Format` for a folder with several
    /// weight files, and for an invalid index file; `Io`.
    pub fn find(path: &Path) -> Result<WeightFiles> {
        if path.is_dir() {
            return WeightFiles::open(&find_in_folder(path)?);
        }
        if !path.exists() {
            return Err(Error::Missing {
                what: "weight file",
                path: path.to_owned(),
                hint: String::new(),
            });
        }
        WeightFiles::open(path)
    }

    fn open(file: &Path) -> Result<WeightFiles> {
        if file_name(file).ends_with(INDEX_SUFFIX) {
            return Ok(WeightFiles::Shards(Shards::read(file)?));
        }
        Ok(WeightFiles::Single(file.to_owned()))
    }

    /// Returns the weight file, or the index file of the shards.
    pub fn main_file(&self) -> &Path {
        match self {
            WeightFiles::Single(file) => file,
            WeightFiles::Shards(shards) => &shards.index,
        }
    }
}

/// The content of an index file such as `model.safetensors.index.json`: the shard of each
/// parameter.
#[derive(Deserialize)]
struct ShardIndex {
    weight_map: BTreeMap<String, String>,
}

impl Shards {
    fn read(index: &Path) -> Result<Shards> {
        let folder = index.parent().unwrap_or(Path::new(""));
        let mut files: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
        for (parameter, file) in shard_names(index)? {
            files
                .entry(folder.join(file))
                .or_default()
                .insert(parameter);
        }
        if let Some(path) = files.keys().find(|file| !file.is_file()) {
            let hint = format!("{} lists it; download the model again", index.display());
            return Err(Error::Missing {
                what: "weight shard",
                path: path.clone(),
                hint,
            });
        }
        Ok(Shards {
            index: index.to_owned(),
            files,
        })
    }
}

/// Reads the shard of each parameter from an index file, as a file name in the index file's folder.
///
/// Errors: those of reading JSON; `Format` for an index file without parameters, or with a shard in
/// another folder.
pub fn shard_names(index: &Path) -> Result<BTreeMap<String, String>> {
    let ShardIndex { weight_map } = read_json(index, "an index of shards")?;
    if weight_map.is_empty() {
        return Err(Error::format(
            index,
            "has no parameters in its `weight_map`",
        ));
    }
    let is_plain = |file: &str| {
        matches!(
            Path::new(file).components().collect::<Vec<_>>()[..],
            [Component::Normal(_)]
        )
    };
    match weight_map.values().find(|file| !is_plain(file)) {
        Some(file) => Err(Error::format(
            index,
            format!("names the shard `{file}` (expected a file in the same folder)"),
        )),
        None => Ok(weight_map),
    }
}

fn find_in_folder(folder: &Path) -> Result<PathBuf> {
    if let Some(found) = STANDARD_NAMES
        .iter()
        .map(|name| folder.join(name))
        .find(|file| file.is_file())
    {
        return Ok(found);
    }
    let entries = std::fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut all: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    all.sort();
    let (indexes, single): (Vec<&PathBuf>, Vec<&PathBuf>) = all
        .iter()
        .filter(|file| may_hold_weights(file))
        .partition(|file| file_name(file).ends_with(INDEX_SUFFIX));
    let found = if indexes.is_empty() { single } else { indexes };
    match found.as_slice() {
        [only] => Ok((*only).clone()),
        [] => Err(Error::Missing {
            what: "weight file",
            path: folder.to_owned(),
            hint: missing_hint(&all),
        }),
        several => {
            let names: Vec<String> = several.iter().map(|file| file_name(file)).collect();
            let next = if names.iter().any(|name| name.contains("-of-")) {
                "add the index file of the shards, such as model.safetensors.index.json"
            } else {
                "give the path of one of them, or rename it to model.safetensors or pytorch_model.bin"
            };
            Err(Error::format(
                folder,
                format!(
                    "has {} weight files ({}); {next}",
                    names.len(),
                    names.join(", ")
                ),
            ))
        }
    }
}

/// Returns the next step for a folder without a weight file.
fn missing_hint(all: &[PathBuf]) -> String {
    let unsupported = all
        .iter()
        .find(|file| extension(file).is_some_and(|end| UNSUPPORTED.contains(&end)));
    let expected = "expected one .safetensors, .bin or .pth file";
    match unsupported {
        Some(file) => format!(
            "{expected}; the format of {} is not supported",
            file_name(file)
        ),
        None => expected.to_owned(),
    }
}

fn may_hold_weights(file: &Path) -> bool {
    let name = file_name(file);
    let is_training_file = TRAINING_FILES.iter().any(|start| name.starts_with(start));
    !is_training_file
        && (extension(file).is_some_and(|end| EXTENSIONS.contains(&end))
            || name.ends_with(INDEX_SUFFIX))
}

fn extension(file: &Path) -> Option<&str> {
    file.extension().and_then(OsStr::to_str)
}

fn file_name(file: &Path) -> String {
    file.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        files
            .iter()
            .for_each(|file| std::fs::write(folder.path().join(file), "{}").unwrap());
        folder
    }

    fn found(files: &[&str]) -> std::result::Result<String, String> {
        let folder = folder(files);
        match WeightFiles::find(folder.path()) {
            Ok(found) => Ok(file_name(found.main_file())),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn standard_names_come_first_and_training_files_are_ignored() {
        let training_files = [
            "optimizer.pt",
            "scheduler.pt",
            "training_args.bin",
            "rng_state.pth",
            "rng_state_0.pth",
        ];
        let with = |files: &[&str]| {
            found(
                &[
                    files,
                    &training_files[..],
                    &["config.json", "README.md"][..],
                ]
                .concat(),
            )
        };
        assert_eq!(
            with(&["pytorch_model.bin", "model.safetensors", "a.pth"]).unwrap(),
            "model.safetensors"
        );
        assert_eq!(
            with(&["pytorch_model.bin", "a.pth"]).unwrap(),
            "pytorch_model.bin"
        );
        assert_eq!(with(&["minilm.safetensors"]).unwrap(), "minilm.safetensors");
        assert_eq!(with(&["checkpoint.ckpt"]).unwrap(), "checkpoint.ckpt");
    }

    #[test]
    fn no_and_several_weight_files_are_refused() {
        let error = found(&["b.pth", "a.safetensors", "optimizer.pt"]).unwrap_err();
        assert!(
            error.contains(
                "has 2 weight files (a.safetensors, b.pth); give the path of one of them"
            ),
            "{error}"
        );
        let error = found(&[
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
        ])
        .unwrap_err();
        assert!(
            error.contains("add the index file of the shards"),
            "{error}"
        );
        let error = found(&["tf_model.h5", "training_args.bin"]).unwrap_err();
        assert!(
            error.contains("no weight file at")
                && error.contains("the format of tf_model.h5 is not supported"),
            "{error}"
        );
        let error = WeightFiles::find(Path::new("/no/such/file.pth"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("no weight file at /no/such/file.pth"),
            "{error}"
        );
    }

    #[test]
    fn shards_are_read_from_the_index_file() {
        let folder = folder(&["a.bin", "b.bin"]);
        let index = folder.path().join("pytorch_model.bin.index.json");
        let write = |text: &str| std::fs::write(&index, text).unwrap();
        let find = || WeightFiles::find(folder.path());
        write(r#"{"metadata": {}, "weight_map": {"x": "a.bin", "y": "b.bin", "z": "a.bin"}}"#);
        let WeightFiles::Shards(shards) = find().unwrap() else {
            panic!("it is one file")
        };
        let of_a = &shards.files[&folder.path().join("a.bin")];
        assert_eq!(
            (
                shards.files.len(),
                of_a.iter().map(String::as_str).collect::<Vec<_>>()
            ),
            (2, vec!["x", "z"])
        );
        for (text, expected) in [
            (r#"{"weight_map": {"x": "c.bin"}}"#, "no weight shard at"),
            (r#"{"weight_map": {}}"#, "has no parameters"),
            (
                r#"{"weight_map": {"x": "../a.bin"}}"#,
                "expected a file in the same folder",
            ),
            (
                r#"{"weight_map": {"x": ""}}"#,
                "expected a file in the same folder",
            ),
            (r#"{"weights": 1}"#, "is not an index of shards"),
            ("{", "is not JSON"),
        ] {
            write(text);
            let error = find().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
