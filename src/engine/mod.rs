//! The engine of the explorer: it answers requests about an open index.
//!
//! * `protocol` – requests and replies, as plain data
//! * `worker` – the thread that owns every tensor and answers requests one after the other
//! * `session` – an open index and its data set; the files below add one kind of request each
//! * `expansion`, `explanation`, `inspect`, `import`, `compare_evaluations` – the requests that are
//!   answered at once
//! * `background_job` – work in steps between requests: `background_evaluation` and
//!   `failure_search`
//! * `batch_ranker` – rankings of many queries; `evaluation_cache` – finished evaluations on disk
//! * `pipe`, `process` – the engine as a process of its own: the explorer starts it, so that the
//!   screen is up before libtorch is loaded and survives if the engine fails

mod background_evaluation;
mod background_job;
mod batch_ranker;
mod compare_evaluations;
pub mod describe;
mod evaluation_cache;
mod evaluation_plan;
mod expansion;
mod explanation;
pub mod external;
mod failure_search;
mod import;
mod inspect;
mod list_explanation;
mod list_ranking;
pub mod pipe;
mod process;
pub mod protocol;
mod query_rankings;
mod session;
mod worker;

pub use batch_ranker::ScoredCandidates;
pub(crate) use batch_ranker::{BatchRanker, RankedQuery};
pub use evaluation_plan::EvaluationPlan;
pub use process::Process;
pub use session::Session;
pub use worker::Engine;
