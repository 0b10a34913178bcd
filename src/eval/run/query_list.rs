//! The content of a run file before it becomes a [`Run`]: entries with their lines.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::eval::run::ranking::{Ranking, Run};
use crate::eval::run::run_format::RunFormat;
use crate::types::EntityId;

/// The list of one query as it is written in a file, best first.
pub(super) struct QueryList {
    pub query: String,
    pub file: PathBuf,
    pub entries: Vec<ListEntry>,
}

/// One candidate, with the line (from 1) that names it.
pub(super) struct ListEntry {
    pub line: usize,
    pub entity: EntityId,
    pub score: f64,
}

/// Everything that is read from the file or folder of a run; settings come from elsewhere.
pub(super) struct RunContent {
    pub format: RunFormat,
    pub tag: String,
    pub lists: Vec<QueryList>,
    pub unknown_entities: BTreeMap<EntityId, String>,
}

impl RunContent {
    /// Makes the run, with its settings.
    pub fn into_run(self, settings: Map<String, Value>) -> Run {
        Run {
            tag: self.tag,
            settings,
            rankings: self.lists.into_iter().map(Ranking::from).collect(),
            unknown_entities: self.unknown_entities,
        }
    }
}

impl From<QueryList> for Ranking {
    fn from(list: QueryList) -> Ranking {
        let entries = list.entries.into_iter();
        Ranking {
            query: list.query,
            candidates: entries.map(|entry| (entry.entity, entry.score)).collect(),
        }
    }
}
