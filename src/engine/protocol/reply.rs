//! The replies that the engine sends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::protocol::candidate::{Candidate, Missing, RankedList, RerankedPick};
use crate::engine::protocol::catalogue::Catalogue;
use crate::engine::protocol::entity_detail::EntityDetail;
use crate::engine::protocol::explanation_tree::RankExplanation;
use crate::engine::protocol::failure::Failures;
use crate::engine::protocol::query_comparison::QueryComparison;
use crate::engine::protocol::request::{Ranker, RequestId};
use crate::progress::Progress;
use crate::types::{ClassId, EntityId, MetricValues, Mode};

/// A reply and the id of its request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    pub id: RequestId,
    pub kind: ReplyKind,
}

/// The content of a reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ReplyKind {
    Progress(Progress),
    Opened(Arc<Catalogue>),
    /// The whole list, by feedback or by seeds.
    Ranked(Box<RankedList>),
    /// The next candidates, in the order picked; they follow those already sent under this id.
    Picks(Vec<Candidate>),
    /// The order after re-ranking: the first is the best.
    Reranked(Vec<RerankedPick>),
    /// The metrics of the picks, before and after re-ranking; both are those of a `Ranked` list.
    Measured {
        picked: MetricValues,
        reranked: MetricValues,
    },
    /// The final ranking of the same seeds in another mode, best first.
    OtherMode {
        mode: Mode,
        ranking: Vec<EntityId>,
    },
    Missing(Vec<Missing>),
    /// The expansion is complete.
    Expanded {
        elapsed: Duration,
    },
    Inspected(Box<EntityDetail>),
    FirstImages(Vec<(EntityId, Option<PathBuf>)>),
    /// The mean over the queries of one class.
    ClassEvaluated {
        class: ClassId,
        metrics: MetricValues,
    },
    /// The evaluation is complete. `interval` holds the lower and upper bounds of the 95 %
    /// bootstrap confidence interval, clustered by class; `None` with fewer than two classes.
    Evaluated {
        metrics: MetricValues,
        interval: Option<(MetricValues, MetricValues)>,
        elapsed: Duration,
    },
    Compared(Box<QueryComparison>),
    Imported(Import),
    Failures(Box<Failures>),
    Explained(Box<RankExplanation>),
    Stopped,
    /// The request failed; the text is one sentence.
    Failed(String),
    /// The engine has exited, for the reason given in one sentence. No reply follows.
    EngineExited(String),
}

/// An index or a run that was loaded beside the open index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Import {
    pub path: PathBuf,
    /// A short label: the folder's name, or the run's tag.
    pub label: String,
    /// The rankers that it provides for comparisons.
    pub rankers: Vec<Ranker>,
    /// Problems found while loading it, for the user.
    pub warnings: Vec<String>,
    /// A run's names for entities that the vocabulary does not have, by the ids given to them.
    pub unknown_entities: BTreeMap<EntityId, String>,
}
