//! What is kept between two starts: one small file an index, written as things change.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::state_dir;
use crate::engine::api::FailureKind;
use crate::error::{Error, Result};
use crate::types::{EntityId, Mode, SeedCount, Tuning};

use super::state_file::Record;

/// A failure of a query. The class by name, as in [`Session`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RemarkKey {
    pub class: String,
    pub seeds: SeedCount,
    /// Query number, from 0.
    pub number: usize,
    pub entity: EntityId,
    pub kind: FailureKind,
}

/// What the user said of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Remark {
    pub marked: bool,
    pub note: String,
}

/// The state of the explorer that outlives a dropped connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// By name: ids shift when a class is added to the data set.
    pub class: Option<String>,
    pub seeds: Vec<EntityId>,
    pub rejected: Vec<EntityId>,
    pub count: SeedCount,
    pub number: Option<usize>,
    pub mode: Option<Mode>,
    pub joint: bool,
    #[serde(default)]
    pub tuning: Tuning,
    pub reranked: bool,
    pub tall: bool,
    /// The entity pane's width in columns, where the divider was dragged.
    pub entity_width: Option<u16>,
    pub folded: Vec<String>,
    /// Where one was chosen in the explorer.
    #[serde(default)]
    pub theme: Option<String>,
    /// Marks and notes on failures; files of before have none.
    #[serde(default)]
    pub remarks: Vec<(RemarkKey, Remark)>,
    #[serde(default)]
    pub states: Vec<NamedRecord>,
}

/// A state that was given a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedRecord {
    pub name: String,
    pub state: Record,
}

/// Where the session of an index lives: its name is the hash of the index's whole path.
pub fn path_for(index: &Path) -> Option<PathBuf> {
    let whole = index.canonicalize().unwrap_or_else(|_| index.to_owned());
    let hash = blake3::hash(whole.as_os_str().as_encoded_bytes()).to_hex();
    Some(state_dir()?.join(format!("session-{}.json", &hash[..16])))
}

impl Session {
    /// None where there is no file yet.
    pub fn load(path: &Path) -> Result<Option<Session>> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io("read", path)(e)),
        };
        let damaged = |e| Error::format(path, format!("is no session file ({e}); starting anew"));
        serde_json::from_slice(&text).map(Some).map_err(damaged)
    }

    /// Written beside and renamed, so that a dropped connection never leaves half a file.
    pub fn save(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        let beside = path.with_extension(format!("{}.tmp", std::process::id()));
        let text = serde_json::to_vec_pretty(self).map_err(|e| Error::format(path, e.to_string()))?;
        std::fs::write(&beside, text).map_err(Error::io("write", &beside))?;
        std::fs::rename(&beside, path).map_err(Error::io("write", path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session {
            class: Some("fish".into()),
            seeds: vec![EntityId(3), EntityId(1)],
            rejected: vec![EntityId(9)],
            count: SeedCount::Five,
            number: Some(2),
            mode: Some(Mode::Text),
            joint: true,
            tuning: Tuning { window: Some(3), weights: None },
            reranked: false,
            tall: true,
            entity_width: Some(40),
            folded: vec!["Food".into()],
            theme: Some("light".into()),
            remarks: vec![(
                RemarkKey {
                    class: "fish".into(),
                    seeds: SeedCount::Three,
                    number: 1,
                    entity: EntityId(7),
                    kind: FailureKind::Missed,
                },
                Remark { marked: true, note: "a fish all the same".into() },
            )],
            states: Vec::new(),
        }
    }

    #[test]
    fn what_is_saved_is_restored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/session.json");
        assert_eq!(Session::load(&path).unwrap(), None);
        session().save(&path).unwrap();
        assert_eq!(Session::load(&path).unwrap(), Some(session()));
        let left = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "the temporary file is gone");
    }

    #[test]
    fn a_file_of_before_marks_and_notes_still_loads() {
        let mut old = serde_json::to_value(session()).unwrap();
        old.as_object_mut().unwrap().remove("remarks");
        let loaded: Session = serde_json::from_value(old).unwrap();
        assert_eq!(loaded, Session { remarks: Vec::new(), ..session() });
    }

    #[test]
    fn a_damaged_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.json");
        std::fs::write(&path, "{\"class\": ").unwrap();
        assert!(Session::load(&path).unwrap_err().to_string().contains("starting anew"));
    }
}
