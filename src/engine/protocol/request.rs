//! The requests that a front end sends.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::types::{ClassId, DeviceChoice, EntityId, Mode, RankingKind, SearchSettings, SeedCount};

/// The id of a request; a newer request has a greater one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
pub struct RequestId(pub u64);

/// A request and its id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub id: RequestId,
    pub kind: RequestKind,
}

/// The content of a request. Any of them can also be answered by `Failed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RequestKind {
    /// Loads an index and its data set. Answered by `Opened`.
    Open {
        index: PathBuf,
        dataset: Option<PathBuf>,
        device: DeviceChoice,
    },
    /// Expands seeds. Answered by `Ranked`, or in a window search by `Picks`… and `Reranked`; then by
    /// `Measured`, `Missing`, one `OtherMode` for each further mode, and `Expanded`.
    Expand(ExpandRequest),
    /// Gathers everything about one entity. Answered by `Inspected`.
    Inspect { entity: EntityId, mode: Mode },
    /// Finds the first image of each of these entities. Answered by `FirstImages`.
    FirstImages { entities: Vec<EntityId> },
    /// Evaluates every query with this many seeds in the background. Answered by one
    /// `ClassEvaluated` for each class when its last query is done, then by `Evaluated`.
    Evaluate(EvaluationKey),
    /// Compares two finished evaluations with the same number of seeds. Answered by `Compared`.
    Compare {
        first: EvaluationKey,
        second: EvaluationKey,
    },
    /// Explains the rank of each of these entities. Answered by `Explained`.
    Explain {
        expansion: ExpandRequest,
        entities: Vec<EntityId>,
    },
    /// Computes only the metrics of an expansion that has a class. Answered by `Measured`.
    Measure(ExpandRequest),
    /// Searches a finished or running evaluation for errors in the background. Answered by
    /// `Failures`, one part at a time.
    Failures(EvaluationKey),
    /// Stops the background evaluation and failure search. Answered by `Stopped`, after which they
    /// send no more replies. A stopped job resumes if it is the next of its kind to be requested,
    /// and does not repeat the classes that it has already reported.
    Stop,
    /// Loads another index of the same data set, or a run, beside the open index. Answered by
    /// `Imported`.
    Import { path: PathBuf },
}

/// A source of rankings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ranker {
    /// The open index in this mode.
    OpenIndex(Mode),
    /// An imported index, by its position among the imports, in this mode.
    ImportedIndex(u16, Mode),
    /// An imported run, by its position among the imports.
    ImportedRun(u16),
}

/// The settings that identify an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EvaluationKey {
    pub ranker: Ranker,
    pub seed_count: SeedCount,
    pub ranking: RankingKind,
}

/// The seeds and the settings of an expansion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpandRequest {
    pub mode: Mode,
    /// The method. A joint ranking without `joint` is a window search of the query alone.
    pub ranking: RankingKind,
    pub seeds: Vec<EntityId>,
    /// Candidates that the user accepted: they count as seeds. Only the feedback ranking uses them;
    /// otherwise they are only left out.
    pub accepted: Vec<EntityId>,
    /// Entities that are never ranked. The feedback ranking moves similar ones down.
    pub rejected: Vec<EntityId>,
    /// The number of candidates to pick.
    pub size: usize,
    /// The class whose members are gold for `Measured` and `Missing`; `None` if the seeds were
    /// chosen freely.
    pub class: Option<ClassId>,
    /// For a joint expansion: this class's query is expanded from one pool together with the query
    /// of the same number of every other class. `None` if the query is expanded alone.
    pub joint: Option<JointScope>,
    pub settings: SearchSettings,
}

impl ExpandRequest {
    /// Returns whether the list grows pick by pick.
    pub fn is_window_search(&self) -> bool {
        matches!(self.ranking, RankingKind::Window | RankingKind::Joint)
    }
}

/// The queries that are expanded jointly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JointScope {
    pub seed_count: SeedCount,
    /// The query number, from 0.
    pub number: usize,
}
