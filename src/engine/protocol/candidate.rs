//! The candidates of an expansion, and the gold entities that it misses.

use serde::{Deserialize, Serialize};

use crate::engine::protocol::catalogue::Catalogue;
use crate::types::{ClassId, EntityId, ModalityParts};

/// One candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    pub entity: EntityId,
    /// The score over the seeds, comparable across the ranking: the sum of `seed_contributions` and
    /// `feedback_contribution`, less what rejected candidates subtract; and the sum of `parts`. In a
    /// window search it is ΣZ over the seeds.
    pub score: f64,
    /// The contribution of each modality; `None` if the index has no single-modality modes.
    pub parts: Option<ModalityParts>,
    /// The contribution of each seed, in the order of the request's seeds, then that of each
    /// accepted candidate.
    pub seed_contributions: Vec<f64>,
    /// The contribution of the candidates that the feedback ranking fed back.
    pub feedback_contribution: f64,
    /// The probability that the candidate is a member of the class; `None` if it is not known.
    pub probability: Option<f64>,
    /// The numbers of the pick, for a window search.
    pub pick: Option<PickNumbers>,
}

/// The numbers of a pick of the window search.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PickNumbers {
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

/// A complete list, by feedback or by seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankedList {
    /// Best first.
    pub candidates: Vec<Candidate>,
    /// Where the class probably ends; `None` if it is not known.
    pub boundary: Option<ListBoundary>,
    /// The candidates that were fed back.
    pub fed_back: Vec<EntityId>,
    /// The weight of the frozen images; `None` if the mode does not use trust in images.
    pub image_weight: Option<f64>,
}

/// Where the class of a list probably ends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ListBoundary {
    /// The number of candidates before the boundary.
    pub size: usize,
    /// The expected number of members among them.
    pub expected_members: f64,
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
    /// Its rank (from 1) is below the end of the list.
    BelowList { rank: usize },
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
            MissingReason::BelowList { rank } => {
                format!("below the end of the list, at rank {rank}")
            }
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
