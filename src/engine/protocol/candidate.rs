//! The candidates of an expansion, and the gold entities that it misses.

use serde::{Deserialize, Serialize};

use crate::engine::protocol::catalogue::Catalogue;
use crate::types::{ClassId, EntityId, ModalityParts};

/// One picked candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    pub entity: EntityId,
    /// ΣZ over the seeds, comparable across the ranking: the sum of `seed_contributions`, and of
    /// `parts`.
    pub score: f64,
    /// The contribution of each modality; `None` if the index has no single-modality modes.
    pub parts: Option<ModalityParts>,
    /// The contribution of each seed, in the order of the request's seeds.
    pub seed_contributions: Vec<f64>,
    /// ΣZ over the seeds and all earlier picks, by which the search sorts.
    pub set_score: f64,
    /// The search's r = |set| − 3 at this pick.
    pub round: i64,
    /// The window size w(r).
    pub window: usize,
    /// The rank by `set_score` among the entities not yet in the set, 1..=window.
    pub window_rank: usize,
    /// KL(T‖P\[e\]) at this pick.
    pub divergence: f64,
}

/// An entry of the re-ranked list.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RerankedPick {
    /// The position among the picks, from 0.
    pub pick: usize,
    /// The rank by divergence, from 1.
    pub divergence_rank: usize,
    /// 9/i + 1/j.
    pub score: f64,
}

/// A gold entity that is not in the ranking, and the reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    pub entity: EntityId,
    pub reason: MissingReason,
}

/// The reason why a gold entity is not in the ranking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum MissingReason {
    /// It was never inside the window. `seed_rank` is its rank by ΣZ over the seeds among all
    /// candidates, from 1; `final_rank` is its rank by ΣZ over the final set.
    BelowWindow { seed_rank: usize, final_rank: usize },
    /// It was in the window at this pick (from 1), and another entity had a smaller divergence.
    LostInWindow { pick: usize },
    /// Another class of the joint expansion picked it or has it as a seed.
    TakenBy(ClassId),
    /// It is not in the index, for the given reason.
    NotIndexed(String),
    /// The user rejected it.
    Rejected,
}

impl MissingReason {
    /// Describes the reason as the end of a sentence.
    pub fn describe(&self, catalogue: &Catalogue) -> String {
        match self {
            MissingReason::BelowWindow {
                seed_rank,
                final_rank,
            } => format!(
                "never in the window; rank {seed_rank} by the seeds, {final_rank} by the whole set"
            ),
            MissingReason::LostInWindow { pick } => {
                format!("in the window at pick {pick}, and another diverged less")
            }
            MissingReason::TakenBy(class) => {
                format!("taken by {}", catalogue.class(*class).title())
            }
            MissingReason::NotIndexed(reason) => format!("not in the index: {reason}"),
            MissingReason::Rejected => "you rejected it".into(),
        }
    }
}
