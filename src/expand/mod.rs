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
mod bounds;
mod config;
mod divergence;
mod explain;
mod ranking;
mod rerank;
mod search;
mod shortlist;
mod sums;
#[cfg(test)]
mod tests;
mod top_k;

pub use batch::{BatchExpansion, BatchStep, expand, expand_joint};
pub use config::{ExpandConfig, Tier, WindowConfig};
pub use explain::{ScoreParts, explain};
pub use ranking::{neighbours, rank_by_seeds, ranks_by_seeds};
pub use rerank::Reranked;
pub use search::{Competitor, Expansion, Pick};
pub use top_k::best_of;
