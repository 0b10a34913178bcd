//! Entity set expansion over an index: ranks the entities that are similar to given seeds.
//!
//! * `expand_config` – the paper's constants
//! * `divergence` – KL(T‖P\[e\]) from the entities at which T is not constant
//! * `window_search` – the growth of one query's set, pick by pick
//! * `batch` – several queries at once, independent or with a common pool
//! * `top_k` – the order of scores; `row_sums` – the best of ΣZ from whole rows; `score_bounds`,
//!   `shortlist` – the best of ΣZ without rows
//! * `rerank` – the final order
//! * `ranking` – rankings by ΣZ alone: the seed ranking, and nearest entities
//! * `score_parts` – a score by seed and by modality
//! * `similarity` – the similarity of a mode, over one or several indexes
//! * `feedback_ranking` – candidates by their affinity to the seeds and to the best candidates
//! * `boundary`, `boundary_fit` – where the class ends

mod batch;
mod boundary;
mod boundary_fit;
mod divergence;
mod expand_config;
mod feedback_ranking;
mod ranking;
mod rerank;
mod row_sums;
mod score_bounds;
mod score_parts;
mod shortlist;
mod similarity;
#[cfg(test)]
mod tests;
mod top_k;
mod window_search;

pub use batch::{BatchExpansion, BatchStep, expand, expand_joint};
pub use boundary::{Boundary, QueryFeatures};
pub use boundary_fit::{LabelledCandidate, fit_boundary};
pub use expand_config::{ExpandConfig, Tier, WindowConfig};
pub use feedback_ranking::{
    FeedbackConfig, FeedbackContributions, FeedbackQuery, FeedbackRanking, rank_by_feedback,
    rank_together,
};
pub use ranking::{nearest_entities, rank_by_seeds, ranks_by_seeds};
pub use rerank::Reranked;
pub use score_parts::{ScoreParts, explain, similarity_parts};
pub use similarity::{QueryPart, Similarity};
pub use top_k::best_of;
pub use window_search::{Competitor, Expansion, Pick};
