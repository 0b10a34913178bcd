//! The labels and descriptions of an explanation's numbers.

use crate::engine::protocol::catalogue::Catalogue;
use crate::engine::protocol::explanation_tree::{Evidence, Explanation, ExplanationKind, Modality};
use crate::engine::protocol::request::ExpandRequest;

impl Explanation {
    /// Returns the label of the number. A state is labelled by its sentence or, if the mode uses no
    /// text, by its image; a seed and a competitor by the entity's name.
    pub fn label(&self, request: &ExpandRequest, catalogue: &Catalogue) -> String {
        let [rank_weight, divergence_weight] = request.settings.weights();
        match self.kind {
            ExplanationKind::Score => "score: ΣZ over the seeds".into(),
            ExplanationKind::Modality(modality) => modality.name().into(),
            ExplanationKind::Seed(entity) | ExplanationKind::Competitor { entity, .. } => {
                catalogue.name(entity)
            }
            ExplanationKind::State(_) => evidence_label(self.evidence.as_ref(), request),
            ExplanationKind::OtherStates(count) => format!("{count} more pairs"),
            ExplanationKind::Pick => match request.settings.window {
                None => "pick number".into(),
                Some(width) => format!("pick number, with a window of {width}"),
            },
            ExplanationKind::SeedRank => "rank in the seed ranking".into(),
            ExplanationKind::Round => "round".into(),
            ExplanationKind::WindowSize => "candidates in the window".into(),
            ExplanationKind::WindowRank => "rank there, by score".into(),
            ExplanationKind::SetScore => "score: ΣZ over the set".into(),
            ExplanationKind::Divergence => "divergence from the set".into(),
            ExplanationKind::Reranking => "rank after re-ranking".into(),
            ExplanationKind::PickOrder => "i: pick number".into(),
            ExplanationKind::DivergenceRank => "j: rank by divergence".into(),
            ExplanationKind::RerankScore => format!("{rank_weight}/i + {divergence_weight}/j"),
        }
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
    pub fn description(self) -> &'static str {
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
        )
    }

    /// Returns the number of decimal places with which the number is shown.
    pub fn decimals(self) -> usize {
        match self {
            ExplanationKind::Competitor { .. }
            | ExplanationKind::Divergence
            | ExplanationKind::RerankScore => 4,
            ExplanationKind::State(_) | ExplanationKind::OtherStates(_) => 3,
            kind if kind.is_rank() => 0,
            _ => 2,
        }
    }
}
