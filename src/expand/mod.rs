//! Entity set expansion over an index: which entities are like these seeds, and why.
//!
//! * `config` – the paper's constants
//! * `divergence` – KL(T‖P\[e\]) from the places where T is not flat
//! * `search` – one query's set and its growth, pick by pick
//! * `lockstep` – queries that grow side by side, alone or from one pool
//! * `best` – which score is better; `sums` – the best of ΣZ by whole rows; `bounds`, `shortlist` –
//!   the best without them
//! * `rerank` – the order at the end
//! * `ranking` – rankings by ΣZ alone: candidates of seeds, neighbours
//! * `explain` – a score taken apart: seed by seed, modality by modality

mod batch;
mod divergence;
mod expand_config;
mod ranking;
mod rerank;
mod row_sums;
mod score_bounds;
mod score_parts;
mod shortlist;
#[cfg(test)]
mod tests;
mod top_k;
mod window_search;

pub use batch::{BatchExpansion, BatchStep, expand, expand_joint};
pub use expand_config::{ExpandConfig, Tier, WindowConfig};
pub use ranking::{neighbours, rank_by_seeds, ranks_by_seeds};
pub use rerank::Reranked;
pub use score_parts::{ScoreParts, explain};
pub use top_k::best_of;
pub use window_search::{Competitor, Expansion, Pick};
