//! The explanation of an entity's rank: a tree of numbers, each with its parts below it.

use serde::{Deserialize, Serialize};

use crate::engine::protocol::candidate::MissingReason;
use crate::engine::protocol::entity_detail::SentenceCard;
use crate::engine::protocol::request::ExpandRequest;
use crate::types::{EntityId, ModalityParts, Mode};

/// The explanation of one or two entities of one expansion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankExplanation {
    pub request: ExpandRequest,
    /// The entities in the requested order.
    pub entities: Vec<EntityExplanation>,
}

/// The explanation of one entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntityExplanation {
    pub entity: EntityId,
    pub status: EntityStatus,
    /// The score, the pick and the re-ranking, as far as they apply to the entity.
    pub parts: Vec<Explanation>,
}

/// The result of the expansion for one entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum EntityStatus {
    Seed,
    /// The user accepted it, so that it counts as a seed.
    Accepted,
    /// The rank in the final list, from 1, and the number of ranked entities.
    Listed {
        rank: usize,
        of: usize,
    },
    Missing(MissingReason),
}

/// One number, and the numbers that explain it.
///
/// A score has two decompositions among its children, and each of the two adds up to it: in a window
/// search and in a seed ranking the modalities, and the seeds; in a list by feedback the modalities,
/// hubness and rejections, and the seeds, accepted candidates, fed-back candidates and rejections. The
/// contribution of a seed by feedback has two as well: the modalities and hubness, and its own pairs,
/// those of the candidate, and hubness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    pub kind: ExplanationKind,
    /// `None` if the number does not apply, as the pick of an entity that was never in a window.
    pub value: Option<f64>,
    /// The pair behind the number; only for states.
    pub evidence: Option<Evidence>,
    pub children: Vec<Explanation>,
}

/// The quantity that a number measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ExplanationKind {
    /// ΣZ over the seeds, or the score of the feedback ranking. The root of its decompositions.
    Score,
    /// The contribution of a modality, to the score or to the Z of a seed.
    Modality(Modality),
    /// Z\[seed\]\[entity\], or in a list by feedback the weighted affinity. The root of its modalities
    /// and of the states of the seed.
    Seed(EntityId),
    /// The weighted affinity of an accepted candidate. Its parts are those of a seed.
    Accepted(EntityId),
    /// What the hubness of both entities takes.
    Hubness,
    /// The contribution of all candidates that were fed back. The root of each of them.
    FedBack,
    /// The contribution of a candidate that was fed back.
    FedBackCandidate(EntityId),
    /// What all rejected candidates take, at most 0. The root of each of them.
    Rejections,
    /// What a rejected candidate takes, at most 0.
    RejectedCandidate(EntityId),
    /// Z\[member\]\[entity\], weighted: the pairs of a seed or an accepted candidate. The root of its
    /// states, or of the stored modes that are ranked by.
    OwnPairs(EntityId),
    /// Z\[entity\]\[member\], weighted: the pairs of the explained entity.
    CandidatePairs,
    /// Z\[member\]\[entity\] in one of several stored modes, weighted. The root of its states.
    StoredMode { member: EntityId, mode: Mode },
    /// The rank by the affinity to one member alone, from 1.
    MemberRank,
    /// The probability that the entity is a member of the class.
    Probability,
    /// k: the number of nearest entities whose mean similarity is the hubness.
    Neighborhood,
    /// The contribution of one hidden state of a seed, by its number in the index.
    State(usize),
    /// The contribution of all other states of a seed, with their count.
    OtherStates(usize),
    /// The deciding pick, from 1: the one that picked the entity, or the first that it lost. The
    /// root of the numbers of that pick and of its competitors.
    Pick,
    /// The rank by ΣZ over the seeds among all candidates, from 1.
    SeedRank,
    /// r = |set| − 3.
    Round,
    /// The number of competitors in the window.
    WindowSize,
    /// The rank in the window by score, from 1.
    WindowRank,
    /// ΣZ over the set at that pick.
    SetScore,
    /// KL(T‖P\[e\]) in nats at that pick.
    Divergence,
    /// The divergence of an entity in the window, with its rank there by score, from 1. The winner
    /// has the least divergence.
    Competitor {
        entity: EntityId,
        rank: usize,
        is_winner: bool,
    },
    /// The rank after re-ranking, from 1. The root of the numbers of the re-ranking.
    Reranking,
    /// i: the number of its pick, from 1.
    PickOrder,
    /// j: the rank by divergence from the final set among all picks, from 1.
    DivergenceRank,
    /// 9/i + 1/j, or with other weights.
    RerankScore,
}

/// A source of a score that the Shapley values separate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Modality {
    Prior,
    Text,
    Image,
}

/// A hidden state of a seed: a sentence, an image, or both, depending on the mode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The fraction of the seed's pairs that have this state.
    pub fraction: f64,
    /// The first of those pairs; `None` without a data set.
    pub sentence: Option<SentenceCard>,
}

impl Explanation {
    /// Returns a number without parts.
    pub fn leaf(kind: ExplanationKind, value: f64) -> Self {
        Explanation::new(kind, Some(value), Vec::new())
    }

    pub fn new(kind: ExplanationKind, value: Option<f64>, children: Vec<Explanation>) -> Self {
        Explanation {
            kind,
            value,
            evidence: None,
            children,
        }
    }

    /// Returns one number for each modality; none without `parts`.
    pub fn modalities(parts: Option<ModalityParts>) -> Vec<Explanation> {
        let Some(parts) = parts else {
            return Vec::new();
        };
        [
            (Modality::Prior, parts.prior),
            (Modality::Text, parts.text),
            (Modality::Image, parts.image),
        ]
        .map(|(modality, value)| Explanation::leaf(ExplanationKind::Modality(modality), value))
        .into()
    }

    /// Returns the child of this kind.
    pub fn child(&self, kind: ExplanationKind) -> Option<&Explanation> {
        self.children.iter().find(|child| child.kind == kind)
    }

    /// Returns the children that are seeds, in the order of the request.
    pub fn seeds(&self) -> Vec<(EntityId, &Explanation)> {
        let mut seeds = Vec::new();
        for child in &self.children {
            if let ExplanationKind::Seed(seed) = child.kind {
                seeds.push((seed, child));
            }
        }
        seeds
    }

    /// Returns the children that are seeds or accepted candidates.
    pub fn members(&self) -> Vec<(EntityId, &Explanation)> {
        let mut members = Vec::new();
        for child in &self.children {
            if let ExplanationKind::Seed(member) | ExplanationKind::Accepted(member) = child.kind {
                members.push((member, child));
            }
        }
        members
    }

    /// Returns the competitor of a pick that is this entity.
    pub fn competitor(&self, wanted: EntityId) -> Option<&Explanation> {
        self.children.iter().find(|child| {
            matches!(child.kind, ExplanationKind::Competitor { entity, .. } if entity == wanted)
        })
    }

    /// Returns the winner of a pick and its divergence.
    pub fn winner(&self) -> Option<(EntityId, f64)> {
        self.children.iter().find_map(|child| match child.kind {
            ExplanationKind::Competitor {
                entity,
                is_winner: true,
                ..
            } => Some((entity, child.value?)),
            _ => None,
        })
    }
}

impl EntityExplanation {
    /// Returns the score, the pick or the re-ranking.
    pub fn part(&self, kind: ExplanationKind) -> Option<&Explanation> {
        self.parts.iter().find(|part| part.kind == kind)
    }

    pub fn score(&self) -> Option<&Explanation> {
        self.part(ExplanationKind::Score)
    }

    pub fn pick(&self) -> Option<&Explanation> {
        self.part(ExplanationKind::Pick)
    }

    pub fn reranking(&self) -> Option<&Explanation> {
        self.part(ExplanationKind::Reranking)
    }
}

impl Modality {
    pub fn name(self) -> &'static str {
        match self {
            Modality::Prior => "prior",
            Modality::Text => "text",
            Modality::Image => "image",
        }
    }
}
