//! `index.json`: the contents of an index, its provenance, and the sizes and hashes of its files.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::text_file;
use crate::types::{EntityId, Mode};

/// The format version that this program writes. Version 2 added hubness and modes without training;
/// it reads version 1 too.
pub const VERSION: u32 = 2;
pub const KIND: &str = "multiexpan index";
pub const META_FILE: &str = "index.json";
pub const HEAD_FILE: &str = "head.safetensors";
pub const PAIRS_FILE: &str = "pairs.safetensors";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexMeta {
    pub kind: String,
    pub version: u32,
    /// D, the width of a state of the trained modes, or of the first mode if there are none.
    pub width: usize,
    /// The entities in row order.
    pub entities: Vec<Entity>,
    pub modes: Vec<ModeMeta>,
    pub provenance: Provenance,
    /// The fitted models of the class boundary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub boundaries: Vec<FittedBoundary>,
    /// All other files of the folder, by name.
    pub files: BTreeMap<String, FileMeta>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    pub id: EntityId,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModeMeta {
    pub mode: Mode,
    /// U, the number of distinct states.
    pub states: usize,
    /// The width of the states of a mode that does not use the head of the index: the rows of its
    /// head are its mean states. `None` for the modes of a trained model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
}

/// A model of the class boundary that was fitted for a mode of this index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedBoundary {
    pub mode: Mode,
    pub model: BoundaryModel,
    /// What it was fitted on, for people: "230 queries of 5 seeds of demo, 46 classes".
    pub fitted_on: String,
}

/// The weights of a logistic model of membership in a class (`docs/ALGORITHM.md`, "Where the class
/// ends").
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BoundaryModel {
    /// Of the candidate's score.
    pub score: f64,
    /// Of the seeds' mean affinity to each other.
    pub cohesion: f64,
    /// Of the mean score at the ranks k to 2k.
    pub background: f64,
    pub bias: f64,
}

impl BoundaryModel {
    /// The weights for a trained model, fitted on the demo's queries of 5 seeds.
    pub const TRAINED: BoundaryModel = BoundaryModel {
        score: 1.38,
        cohesion: -0.69,
        background: -0.96,
        bias: -3.53,
    };
    /// The weights for a trained model together with the modes without training, fitted on the same
    /// queries.
    pub const COMBINED: BoundaryModel = BoundaryModel {
        score: 1.38,
        cohesion: -0.87,
        background: -0.72,
        bias: -2.76,
    };
    /// The weights without training, fitted on the same queries.
    pub const FROZEN: BoundaryModel = BoundaryModel {
        score: 1.65,
        cohesion: -1.01,
        background: -0.91,
        bias: -3.13,
    };
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMeta {
    pub bytes: u64,
    /// The hash of the whole file, hexadecimal.
    pub blake3: String,
}

/// The sources and settings of an index.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// The data set; `None` for an import of tensors.
    pub dataset: Option<Origin>,
    pub model: Option<Origin>,
    /// The kind of state: "mask", "mean", or "raw" for an import.
    pub state: String,
    /// The device that computed it: "cpu", "cuda:0".
    pub device: String,
    pub seed: Option<u64>,
    /// All settings that had an influence on the states.
    pub settings: serde_json::Value,
    pub left_out: Vec<LeftOut>,
}

/// A data set or a model that an index was built from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Origin {
    pub name: String,
    /// The path, relative to the index folder if possible, so that both can be moved together.
    pub path: String,
    /// The hash of the contents.
    pub hash: String,
}

impl Origin {
    /// Describes a data set that the index at `index` is built from. Its path is relative to the
    /// index if both have a common ancestor besides the root. Error: a path does not exist.
    pub fn relative_to(index: &Path, name: String, root: &Path, hash: String) -> Result<Origin> {
        let absolute = |path: &Path| std::fs::canonicalize(path).map_err(Error::io("find", path));
        let root = absolute(root)?;
        // the index itself may not exist yet, but its folder does
        let parent = match index.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let index = absolute(parent)?.join(index.file_name().unwrap_or_default());
        Ok(Origin {
            name,
            path: relative(&index, &root).display().to_string(),
            hash,
        })
    }
}

/// Returns the relative path from folder `from` to `to`, both absolute; `to` itself if only the
/// root is common.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let common = from
        .components()
        .zip(to.components())
        .take_while(|(a, b)| a == b)
        .count();
    if common <= 1 {
        return to.to_owned();
    }
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to.components().skip(common)).collect();
    if path.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        path
    }
}

/// Entities or pairs that the index build left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LeftOut {
    /// The reason in words: "entities with fewer than 2 usable pairs".
    pub reason: String,
    pub count: usize,
    /// The entities that are not in the index for this reason; empty if pairs were left out.
    #[serde(default)]
    pub entities: Vec<EntityId>,
}

/// The part of `index.json` that every version has.
#[derive(Deserialize)]
struct MetaHeader {
    kind: String,
    version: u32,
}

/// Checks that a folder exists and has an `index.json`, with a different error for a file, a
/// missing folder and a folder that is not an index. Does not read the file.
pub fn check_is_index(folder: &Path) -> Result<()> {
    if folder.is_file() {
        return Err(Error::format(
            folder,
            "is a file, not an index; to evaluate a run use `multiexpan compare`",
        ));
    }
    if !folder.is_dir() {
        let hint = "build one with `multiexpan index`".to_owned();
        return Err(Error::Missing {
            what: "index",
            path: folder.to_owned(),
            hint,
        });
    }
    if !folder.join(META_FILE).is_file() {
        return Err(Error::format(
            folder,
            format!("is not an index: it has no {META_FILE}"),
        ));
    }
    Ok(())
}

impl IndexMeta {
    /// Reads `index.json` of the folder, with a different error for a missing folder, one that is
    /// not an index, a damaged file and another version.
    pub fn read(folder: &Path) -> Result<IndexMeta> {
        check_is_index(folder)?;
        let path = folder.join(META_FILE);
        let text = text_file::read(&path)?;
        let damaged = |e: serde_json::Error| Error::format(&path, format!("is damaged: {e}"));
        // Parsing it several times takes less memory than a tree of values, which has a gigabyte
        // with a million entities.
        serde_json::from_str::<IgnoredAny>(&text).map_err(damaged)?;
        let Ok(MetaHeader { kind, version }) = serde_json::from_str(&text) else {
            return Err(Error::format(
                &path,
                "is not an index: it has no kind and version",
            ));
        };
        if kind != KIND {
            return Err(Error::format(
                &path,
                format!("is not an index but “{kind}”"),
            ));
        }
        if !(1..=VERSION).contains(&version) {
            let reason = format!(
                "is of format version {version}, this program reads versions up to {VERSION}; build the index again"
            );
            return Err(Error::format(&path, reason));
        }
        serde_json::from_str(&text).map_err(damaged)
    }
}

/// Writes fitted boundaries to the `index.json` of a folder, in place of those of the same modes.
///
/// Errors: those of reading it; `Io`.
pub fn store_boundaries(folder: &Path, fitted: Vec<FittedBoundary>) -> Result<()> {
    let mut meta = IndexMeta::read(folder)?;
    let is_replaced = |old: &FittedBoundary| fitted.iter().any(|new| new.mode == old.mode);
    meta.boundaries.retain(|old| !is_replaced(old));
    meta.boundaries.extend(fitted);
    meta.boundaries.sort_by_key(|boundary| boundary.mode);
    // A version 1 reader ignores the boundaries, so that the version stays.
    let path = folder.join(META_FILE);
    let text = serde_json::to_vec_pretty(&meta).map_err(|e| Error::format(&path, e.to_string()))?;
    write_atomic(&path, &text)
}

/// Returns the name of a mode's file.
pub fn mode_file_name(mode: Mode) -> String {
    format!("{mode}.safetensors")
}

/// Returns the name of the tensor with the pairs' states in this mode.
pub fn pair_state_tensor(mode: Mode) -> String {
    format!("state.{mode}")
}

/// Returns the error of a damaged file or folder.
pub fn damaged(path: &Path, reason: &str) -> Error {
    Error::format(path, format!("is damaged: {reason}"))
}
