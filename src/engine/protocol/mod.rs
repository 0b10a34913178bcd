//! The requests and replies between a front end and the engine.
//!
//! They are plain data, without a tensor and without a terminal, and cross a pipe when the engine
//! runs in a process of its own. Every request has an id from one rising counter, and its replies
//! carry the same id. A newer `Expand` cancels the older one, as do a newer `Evaluate` and a newer
//! `Failures`; a reply whose id is not the latest of its kind is stale.

mod candidate;
mod catalogue;
mod entity_detail;
mod explanation_list_summary;
mod explanation_summary;
mod explanation_text;
mod explanation_tree;
mod failure;
mod query_comparison;
mod reply;
mod request;

pub use crate::eval::{FailureKind, Tag, TagKind};
pub use candidate::{
    Candidate, ListBoundary, Missing, MissingReason, PickNumbers, RankedList, RerankedPick,
};
pub use catalogue::{Catalogue, ClassCard, EntityCard};
pub use entity_detail::{EntityDetail, SentenceCard};
pub use explanation_summary::without_leading_zero;
pub use explanation_tree::{
    EntityExplanation, EntityStatus, Evidence, Explanation, ExplanationKind, Modality,
    RankExplanation,
};
pub use failure::{Failure, Failures};
pub use query_comparison::{QueryComparison, QueryPair};
pub use reply::{Import, Reply, ReplyKind};
pub use request::{
    EvaluationKey, ExpandRequest, JointScope, Ranker, Request, RequestId, RequestKind,
};
