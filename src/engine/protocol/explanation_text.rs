//! The labels and descriptions of an explanation's numbers.

use crate::engine::protocol::catalogue::Catalogue;
use crate::engine::protocol::explanation_tree::{Evidence, Explanation, ExplanationKind, Modality};
use crate::engine::protocol::request::ExpandRequest;
use crate::types::RankingKind;

impl Explanation {
    /// Returns the label of the number. A state is labelled by its sentence or, if the mode uses no
    /// text, by its image; a seed and a competitor by the entity's name.
    pub fn label(&self, request: &ExpandRequest, catalogue: &Catalogue) -> String {
        let [rank_weight, divergence_weight] = request.settings.weights();
        match self.kind {
            ExplanationKind::Score if request.ranking == RankingKind::Feedback => {
                "score by feedback".into()
            }
            ExplanationKind::Score => "score: ΣZ over the seeds".into(),
            ExplanationKind::Modality(modality) => modality.name().into(),
            ExplanationKind::Seed(entity)
            | ExplanationKind::FedBackCandidate(entity)
            | ExplanationKind::Competitor { entity, .. } => catalogue.name(entity),
            ExplanationKind::Accepted(entity) => format!("+ {}", catalogue.name(entity)),
            ExplanationKind::RejectedCandidate(entity) => {
                format!("− {}", catalogue.name(entity))
            }
            ExplanationKind::StoredMode { mode, .. } => format!("mode {mode}"),
            ExplanationKind::State(_) => evidence_label(self.evidence.as_ref(), request),
            ExplanationKind::OtherStates(count) => format!("{count} more pairs"),
            ExplanationKind::Pick => match request.settings.window {
                None => "pick number".into(),
                Some(width) => format!("pick number, with a window of {width}"),
            },
            ExplanationKind::SeedRank => "rank in the seed ranking".into(),
            kind => kind.fixed_label(rank_weight, divergence_weight),
        }
    }
}

impl ExplanationKind {
    /// Returns a label without names.
    fn fixed_label(self, rank_weight: u32, divergence_weight: u32) -> String {
        let label = match self {
            ExplanationKind::Hubness => "hubness",
            ExplanationKind::FedBack => "fed back",
            ExplanationKind::Rejections => "rejected",
            ExplanationKind::OwnPairs(_) => "by its pairs",
            ExplanationKind::CandidatePairs => "by the candidate's pairs",
            ExplanationKind::MemberRank => "rank by it alone",
            ExplanationKind::Probability => "probability of membership",
            ExplanationKind::Neighborhood => "neighborhood size k",
            ExplanationKind::Round => "round",
            ExplanationKind::WindowSize => "candidates in the window",
            ExplanationKind::WindowRank => "rank there, by score",
            ExplanationKind::SetScore => "score: ΣZ over the set",
            ExplanationKind::Divergence => "divergence from the set",
            ExplanationKind::Reranking => "rank after re-ranking",
            ExplanationKind::PickOrder => "i: pick number",
            ExplanationKind::DivergenceRank => "j: rank by divergence",
            _ => return format!("{rank_weight}/i + {divergence_weight}/j"),
        };
        label.into()
    }
}

fn evidence_label(evidence: Option<&Evidence>, request: &ExpandRequest) -> String {
    let Some(sentence) = evidence.and_then(|evidence| evidence.sentence.as_ref()) else {
        return "a pair".into();
    };
    let file = sentence.image.as_ref().and_then(|path| path.file_name());
    match file {
        Some(file) if !request.mode.sees_text() => format!("▣ {}", file.to_string_lossy()),
        _ => sentence.tokens.join(" "),
    }
}

impl ExplanationKind {
    /// Returns the meaning of the number in a sentence or two.
    pub fn description(self, ranking: RankingKind) -> &'static str {
        if ranking == RankingKind::Feedback
            && let Some(description) = self.description_by_feedback()
        {
            return description;
        }
        match self {
            ExplanationKind::Score => {
                "The sum of Z over all seeds, comparable between candidates. The search starts from it."
            }
            ExplanationKind::Modality(Modality::Prior) => {
                "The score without any sentence or image of the seeds."
            }
            ExplanationKind::Modality(Modality::Text) => {
                "The contribution of sentences: the mean gain of adding them, before and after images."
            }
            ExplanationKind::Modality(Modality::Image) => {
                "The contribution of images: the mean gain of adding them, before and after sentences."
            }
            ExplanationKind::Seed(_) => {
                "Z of this seed: how far its pairs put the candidate above the mean. Unfold it to see the pairs."
            }
            ExplanationKind::State(_) => "A pair of the seed.",
            ExplanationKind::OtherStates(_) => "All other pairs of this seed.",
            ExplanationKind::Pick => {
                "The pick that it won, or the first that it lost. The smallest divergence in the window wins."
            }
            ExplanationKind::Competitor { .. } => {
                "Its divergence from the set at that pick, and the difference from the smallest."
            }
            ExplanationKind::Reranking => {
                "Its final rank: picks with a smaller divergence from the finished set move up."
            }
            number => number.description_of_detail(),
        }
    }

    /// Returns the meaning of a number of a list by feedback.
    fn description_by_feedback(self) -> Option<&'static str> {
        Some(match self {
            ExplanationKind::Score => {
                "The mean affinity to the seeds, the accepted candidates and, with a small weight, those that were \
                 fed back; less the rejected ones. Affinity is similarity in both directions less hubness."
            }
            ExplanationKind::Modality(Modality::Prior) => {
                "The similarity without any sentence or image."
            }
            ExplanationKind::Seed(_) => {
                "The affinity of this seed, times its weight. Unfold it to see the modalities and the pairs."
            }
            ExplanationKind::Accepted(_) => {
                "The affinity of a candidate that you accepted. It counts as a seed."
            }
            ExplanationKind::Hubness => {
                "Entities that are near to many others lose the most: .8 times the mean similarity of both to their k \
                 nearest."
            }
            ExplanationKind::FedBack => {
                "The affinity of the best candidates. Together they count as one seed."
            }
            ExplanationKind::FedBackCandidate(_) => {
                "The affinity of one of the best candidates, times its weight. It is 0 for itself."
            }
            ExplanationKind::Rejections => {
                "What the rejected candidates take: something only where the entity is nearer to them than to the \
                 seeds."
            }
            ExplanationKind::RejectedCandidate(_) => {
                "A quarter of the affinity to this candidate that exceeds the score."
            }
            ExplanationKind::OwnPairs(_) => {
                "How far the pairs of the seed put the candidate above the mean."
            }
            ExplanationKind::CandidatePairs => {
                "The other direction: how far the candidate's pairs put the seed above the mean."
            }
            ExplanationKind::StoredMode { .. } => {
                "The part of one of the modes whose mean is ranked by."
            }
            ExplanationKind::MemberRank => {
                "The rank among all candidates if this were the only seed."
            }
            ExplanationKind::Probability => {
                "Estimated from the score, the affinity of the seeds to each other, and the scores far down the list."
            }
            ExplanationKind::Neighborhood => {
                "About twice the rank of a seed for the others, and an estimate of the size of the class."
            }
            _ => return None,
        })
    }

    /// Returns the meaning of a number of the pick or of the re-ranking.
    fn description_of_detail(self) -> &'static str {
        match self {
            ExplanationKind::SeedRank => {
                "The rank before any pick. Each pick joins the set and contributes to later scores."
            }
            ExplanationKind::Round => {
                "The size of the set at that pick, minus 3. It determines the width of the window."
            }
            ExplanationKind::WindowSize => "The number of candidates that competed for the pick.",
            ExplanationKind::WindowRank => {
                "1 is the best score. For a higher rank, divergence decided."
            }
            ExplanationKind::SetScore => {
                "The sum of Z over seeds and earlier picks. The candidates with the best sums are in the window."
            }
            ExplanationKind::Divergence => {
                "KL divergence from an ideal member of the set, in nats. A smaller value is more similar."
            }
            ExplanationKind::PickOrder => "i of the re-ranking.",
            ExplanationKind::DivergenceRank => {
                "j of the re-ranking: the rank by divergence from the finished set, among all picks."
            }
            ExplanationKind::RerankScore => "The largest comes first.",
            _ => "",
        }
    }

    /// Returns true for ranks and pick numbers, of which the smallest is the best.
    pub fn is_rank(self) -> bool {
        matches!(
            self,
            ExplanationKind::Pick
                | ExplanationKind::Reranking
                | ExplanationKind::SeedRank
                | ExplanationKind::Round
                | ExplanationKind::WindowSize
                | ExplanationKind::WindowRank
                | ExplanationKind::PickOrder
                | ExplanationKind::DivergenceRank
                | ExplanationKind::MemberRank
        )
    }

    /// Returns the number of decimal places with which the number is shown.
    pub fn decimals(self) -> usize {
        match self {
            ExplanationKind::Competitor { .. }
            | ExplanationKind::Divergence
            | ExplanationKind::RerankScore => 4,
            ExplanationKind::State(_) | ExplanationKind::OtherStates(_) => 3,
            ExplanationKind::Neighborhood => 0,
            kind if kind.is_rank() => 0,
            _ => 2,
        }
    }
}
