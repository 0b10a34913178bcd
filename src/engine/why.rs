//! Why an entity stands where it stands in an expansion: plain data, of requests' kind.

use serde::{Deserialize, Serialize};

use crate::engine::protocol::{ExpandRequest, MissingReason, SentenceCard};
use crate::types::{EntityId, ModalityParts};

/// One or two entities of one expansion, taken apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    pub ask: ExpandRequest,
    /// In the order of the request's seeds.
    pub seeds: Vec<SeedStates>,
    /// In the order asked for.
    pub entities: Vec<EntityExplanation>,
}

impl Explained {
    /// Who competed with the first entity for its pick, by the place in the window, from 0.
    pub fn rival(&self, at: usize) -> Option<&CompetitorCard> {
        self.entities.first()?.contest.as_ref()?.rivals.get(at)
    }
}

/// What a seed is known by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeedStates {
    pub seed: EntityId,
    /// Those that bring any of the entities the most; what brings the first one most comes first.
    pub states: Vec<StateCard>,
    /// How many more there are.
    pub more: usize,
}

/// A sentence, a picture, or both, as the mode has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateCard {
    /// The fraction of the seed's pairs that have it.
    pub share: f64,
    /// The first of those pairs; none without a data set.
    pub sentence: Option<SentenceCard>,
}

/// One entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntityExplanation {
    pub entity: EntityId,
    pub standing: EntityStatus,
    /// Its rank by ΣZ over the seeds among all that are no seeds, from 1.
    pub seed_rank: Option<usize>,
    /// ΣZ over the seeds: the sum of `parts`, and of z of `seeds`. 0 of an entity that is not in
    /// the index.
    pub score: f64,
    pub parts: Option<ModalityParts>,
    /// In the order of the request's seeds; none of an entity that is not in the index.
    pub seeds: Vec<SeedContribution>,
    /// The window that decided: the one it was picked from, or the first that it lost.
    pub contest: Option<WindowPick>,
}

/// What one seed brings to an entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeedContribution {
    /// Z\[seed\]\[entity\]: the sum of `parts`, and of `brought` and `rest`.
    pub z: f64,
    pub parts: Option<ModalityParts>,
    /// share · z of each of [`SeedStates::states`].
    pub brought: Vec<f64>,
    /// Of all other states.
    pub rest: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum EntityStatus {
    Seed,
    Listed(RerankedRank),
    Missing(MissingReason),
}

/// How the re-ranking came to a place.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RerankedRank {
    /// i: its place when picked, from 1.
    pub picked: usize,
    /// j: its place by divergence from the finished set, from 1.
    pub by_divergence: usize,
    /// 9/i + 1/j, or as the weights are.
    pub score: f64,
    /// Its place after re-ranking, from 1.
    pub rank: usize,
    /// How many are listed.
    pub of: usize,
}

/// One pick, and who competed for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowPick {
    /// From 1.
    pub pick: usize,
    /// r = |set| − 3.
    pub round: i64,
    pub winner: EntityId,
    /// Best `set_score` first; the winner is among them.
    pub rivals: Vec<CompetitorCard>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CompetitorCard {
    pub entity: EntityId,
    /// ΣZ over the set at that pick.
    pub set_score: f64,
    /// KL(T‖P\[e\]) in nats; the winner's is the least.
    pub divergence: f64,
}

impl WindowPick {
    /// None of an entity that did not compete.
    pub fn rival(&self, entity: EntityId) -> Option<&CompetitorCard> {
        self.rivals.iter().find(|rival| rival.entity == entity)
    }

    /// By how much an entity's divergence was the greater; 0 for the winner.
    pub fn lost_by(&self, rival: &CompetitorCard) -> f64 {
        rival.divergence
            - self
                .rival(self.winner)
                .map_or(rival.divergence, |winner| winner.divergence)
    }
}
