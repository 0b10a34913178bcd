//! `index.json`: what an index is of, where it came from, and what its files should be.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};
use crate::text_file;
use crate::types::{EntityId, Mode};

/// Written by this program; another version is refused.
pub const VERSION: u32 = 1;
pub const KIND: &str = "multiexpan index";
pub const META_FILE: &str = "index.json";
pub const HEAD_FILE: &str = "head.safetensors";
pub const PAIRS_FILE: &str = "pairs.safetensors";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    pub kind: String,
    pub version: u32,
    /// D, the width of a state.
    pub width: usize,
    /// In row order.
    pub entities: Vec<Entity>,
    pub modes: Vec<ModeMeta>,
    pub provenance: Provenance,
    /// Every other file of the folder, by name.
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
    /// U, how many distinct states it has.
    pub states: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMeta {
    pub bytes: u64,
    /// Of the whole file, hexadecimal.
    pub blake3: String,
}

/// Where an index came from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// None for an import of bare tensors.
    pub dataset: Option<Origin>,
    pub model: Option<Origin>,
    /// What a state is: "mask", "mean", or "raw" for an import.
    pub state: String,
    /// "cpu", "cuda:0".
    pub device: String,
    pub seed: Option<u64>,
    /// Every setting that shaped the states, exactly.
    pub settings: serde_json::Value,
    pub left_out: Vec<LeftOut>,
}

/// A data set or a model that an index was made from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Origin {
    pub name: String,
    /// Relative to the index folder where it can be, so that both can be moved together.
    pub path: String,
    /// Of its contents.
    pub hash: String,
}

impl Origin {
    /// A data set that an index at `index` was built from; its path is kept relative to the index
    /// where both lie in one tree. Error: a path that is not there.
    pub fn beside(index: &Path, name: String, root: &Path, hash: String) -> Result<Origin> {
        let whole = |path: &Path| std::fs::canonicalize(path).map_err(Error::io("find", path));
        let root = whole(root)?;
        // the index itself may not be there yet; its folder is
        let parent = match index.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let index = whole(parent)?.join(index.file_name().unwrap_or_default());
        Ok(Origin {
            name,
            path: relative(&index, &root).display().to_string(),
            hash,
        })
    }
}

/// The way from folder `from` to `to`, both absolute; `to` itself where they share no more than the
/// root.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let shared = from
        .components()
        .zip(to.components())
        .take_while(|(a, b)| a == b)
        .count();
    if shared <= 1 {
        return to.to_owned();
    }
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(to.components().skip(shared)).collect();
    if way.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        way
    }
}

/// What building the index passed over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LeftOut {
    /// For people: "entities with fewer than 2 usable pairs".
    pub reason: String,
    pub count: usize,
    /// Entities that are not in the index for this reason; empty where it was pairs that were left
    /// out.
    #[serde(default)]
    pub entities: Vec<EntityId>,
}

/// What any version's `index.json` holds.
#[derive(Deserialize)]
struct Kind {
    kind: String,
    version: u32,
}

/// Checks that a folder is there and has an `index.json`; a sentence each for: a file, no folder,
/// no index. Reads nothing.
pub fn check_is_index(folder: &Path) -> Result<()> {
    if folder.is_file() {
        return Err(Error::format(
            folder,
            "is a file and no index; a run is measured by `multiexpan compare`",
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

impl Meta {
    /// Reads `index.json` of the folder; a sentence each for: no folder, no index, damaged, another
    /// version.
    pub fn read(folder: &Path) -> Result<Meta> {
        check_is_index(folder)?;
        let path = folder.join(META_FILE);
        let text = text_file::read(&path)?;
        let damaged = |e: serde_json::Error| Error::format(&path, format!("is damaged: {e}"));
        // read as often as there is to ask: a tree of a million entities would take a gigabyte
        serde_json::from_str::<IgnoredAny>(&text).map_err(damaged)?;
        let Ok(Kind { kind, version }) = serde_json::from_str(&text) else {
            return Err(Error::format(
                &path,
                "is not an index: it names no kind and version",
            ));
        };
        if kind != KIND {
            return Err(Error::format(
                &path,
                format!("is not an index but “{kind}”"),
            ));
        }
        if version != VERSION {
            let reason = format!(
                "is of format version {version}, this program reads version {VERSION}; build the index again"
            );
            return Err(Error::format(&path, reason));
        }
        serde_json::from_str(&text).map_err(damaged)
    }
}
