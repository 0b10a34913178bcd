//! Finds the weights of an encoder or a model: the file itself, the one weight file of a folder, or
//! the shards that an index file lists, as Hugging Face's libraries write them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::text_file::read_json;

/// The usual names of a folder's weights; the first that is there wins. The order is that of
/// Hugging Face's transformers.
pub const STANDARD_NAMES: [&str; 5] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "model.pth",
];
/// The endings of files that may hold weights.
const EXTENSIONS: [&str; 6] = ["safetensors", "bin", "pth", "pt", "ckpt", "pkl"];
/// The beginnings of the names of files that training loops write beside the weights.
const TRAINING_FILES: [&str; 7] = [
    "training_args",
    "optimizer",
    "scheduler",
    "rng_state",
    "random_states",
    "scaler",
    "sampler",
];
/// The endings of weights in forms that are not read.
const FOREIGN: [&str; 5] = ["h5", "msgpack", "onnx", "gguf", "ot"];
/// The end of an index file's name.
const INDEX: &str = ".index.json";

/// The file or the files that hold a set of weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WeightFiles {
    /// One file holds all.
    One(PathBuf),
    /// Several files hold a part each.
    Shards(Shards),
}

/// The shards of one set of parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shards {
    /// The file that lists them.
    pub index: PathBuf,
    /// The shards, sorted by file name, and the parameters that the index file says each holds.
    pub files: BTreeMap<PathBuf, BTreeSet<String>>,
}

impl WeightFiles {
    /// Finds the weights at `path`: a weight file, an index file of shards, or a folder with
    /// either.
    ///
    /// Errors: `Missing` without a weight file, or where a shard is not there; `Format` for a
    /// folder with several, which names them, and for an index file that cannot be used; `Io`.
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
        if file_name(file).ends_with(INDEX) {
            return Ok(WeightFiles::Shards(Shards::read(file)?));
        }
        Ok(WeightFiles::One(file.to_owned()))
    }

    /// Returns the file that stands for all: the weight file, or the index file of the shards.
    pub fn named(&self) -> &Path {
        match self {
            WeightFiles::One(file) => file,
            WeightFiles::Shards(shards) => &shards.index,
        }
    }
}

/// `model.safetensors.index.json`: which shard holds each parameter.
#[derive(Deserialize)]
struct Index {
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
            let hint = format!("{} lists it; fetch the model again", index.display());
            return Err(Error::Missing {
                what: "shard of the weights",
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

/// Returns each parameter of an index file and the shard that holds it, by its file name in the
/// index file's folder.
///
/// Errors: those of reading JSON; `Format` for an index file without parameters, or that names a
/// file elsewhere.
pub fn shard_names(index: &Path) -> Result<BTreeMap<String, String>> {
    let Index { weight_map } = read_json(index, "an index of shards")?;
    if weight_map.is_empty() {
        return Err(Error::format(
            index,
            "lists no parameter in its `weight_map`",
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
            format!("names the shard `{file}`; expected a file in the same folder"),
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
        .partition(|file| file_name(file).ends_with(INDEX));
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
                "shards need their index file, such as model.safetensors.index.json"
            } else {
                "name the one that is meant, or call it model.safetensors or pytorch_model.bin"
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

/// Says what to do about a folder without a weight file.
fn missing_hint(all: &[PathBuf]) -> String {
    let foreign = all
        .iter()
        .find(|file| extension(file).is_some_and(|end| FOREIGN.contains(&end)));
    let wanted = "expected one .safetensors, .bin or .pth file";
    match foreign {
        Some(file) => format!(
            "{wanted}; {} is of a form that is not read",
            file_name(file)
        ),
        None => wanted.to_owned(),
    }
}

fn may_hold_weights(file: &Path) -> bool {
    let name = file_name(file);
    let of_training = TRAINING_FILES.iter().any(|start| name.starts_with(start));
    !of_training
        && (extension(file).is_some_and(|end| EXTENSIONS.contains(&end)) || name.ends_with(INDEX))
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
            Ok(found) => Ok(file_name(found.named())),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_standard_name_wins_and_files_of_a_training_do_not_count() {
        let of_training = [
            "optimizer.pt",
            "scheduler.pt",
            "training_args.bin",
            "rng_state.pth",
            "rng_state_0.pth",
        ];
        let with = |files: &[&str]| {
            found(&[files, &of_training[..], &["config.json", "README.md"][..]].concat())
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
    fn none_and_several_are_refused_by_name() {
        let said = found(&["b.pth", "a.safetensors", "optimizer.pt"]).unwrap_err();
        assert!(
            said.contains("has 2 weight files (a.safetensors, b.pth); name the one that is meant"),
            "{said}"
        );
        let said = found(&[
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
        ])
        .unwrap_err();
        assert!(said.contains("shards need their index file"), "{said}");
        let said = found(&["tf_model.h5", "training_args.bin"]).unwrap_err();
        assert!(
            said.contains("no weight file at")
                && said.contains("tf_model.h5 is of a form that is not read"),
            "{said}"
        );
        let said = WeightFiles::find(Path::new("/no/such/file.pth"))
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("no weight file at /no/such/file.pth"),
            "{said}"
        );
    }

    #[test]
    fn shards_are_those_of_their_index_file() {
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
        for (text, why) in [
            (
                r#"{"weight_map": {"x": "c.bin"}}"#,
                "no shard of the weights at",
            ),
            (r#"{"weight_map": {}}"#, "lists no parameter"),
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
            let said = find().unwrap_err().to_string();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
