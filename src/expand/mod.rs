//! Entity set expansion over an index: which entities are like these seeds, and why.
//!
//! * `config` – the paper's constants
//! * `divergence` – KL(T‖P\[e\]) from the places where T is not flat
//! * `search` – one query's set and its growth, pick by pick
//! * `ahead` – computes what the next picks will need, many at once
//! * `rerank` – the order at the end
//! * `ranking` – rankings by ΣZ alone: candidates of seeds, neighbours
//! * `explain` – a score taken apart: seed by seed, modality by modality

mod ahead;
mod config;
mod divergence;
mod explain;
mod ranking;
mod rerank;
mod search;
#[cfg(test)]
mod tests;

pub use config::{Config, Tier, Window};
pub use explain::{Explanation, explain};
pub use ranking::{neighbours, rank_by_seeds};
pub use rerank::Reranked;
pub use search::{Expansion, Pick, expand, expand_joint};
