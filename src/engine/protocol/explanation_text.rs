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
            ExplanationKind::OtherStates(count) => format!("{count} more"),
            ExplanationKind::Pick => match request.settings.window {
                None => "pick number".into(),
                Some(width) => format!("pick number, by a window of {width}"),
            },
            ExplanationKind::SeedRank => "rank by the seeds alone".into(),
            ExplanationKind::Round => "round".into(),
            ExplanationKind::WindowSize => "in the window".into(),
            ExplanationKind::WindowRank => "its place there, by score".into(),
            ExplanationKind::SetScore => "score: ΣZ over the set".into(),
            ExplanationKind::Divergence => "divergence from the set".into(),
            ExplanationKind::Reranking => "place in the list".into(),
            ExplanationKind::PickOrder => "i: picked as number".into(),
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
                "What all seeds together say of it: comparable down the list. The search starts from this."
            }
            ExplanationKind::Modality(Modality::Prior) => {
                "What it would score without any sentence or picture of the seeds."
            }
            ExplanationKind::Modality(Modality::Text) => {
                "What sentences bring: the mean gain of adding them, before and after pictures."
            }
            ExplanationKind::Modality(Modality::Image) => {
                "What pictures bring: the mean gain of adding them, before and after sentences."
            }
            ExplanationKind::Seed(_) => {
                "Z of this seed: how far above the mean of all entities its pairs put it. Unfolded, its pairs."
            }
            ExplanationKind::State(_) => "A pair of the seed.",
            ExplanationKind::OtherStates(_) => "All other pairs of this seed.",
            ExplanationKind::Pick => {
                "Which pick it was, or the first that it lost. The least divergence in the window wins."
            }
            ExplanationKind::Competitor { .. } => {
                "Its divergence from the set at that pick, and by how much that was too much."
            }
            ExplanationKind::Reranking => {
                "Its place after re-ranking; picks of less divergence from the finished set move up."
            }
            number => number.description_of_detail(),
        }
    }

    /// Returns the meaning of a number of the pick or of the re-ranking.
    fn description_of_detail(self) -> &'static str {
        match self {
            ExplanationKind::SeedRank => {
                "Before any pick; what is picked then joins the set and speaks too."
            }
            ExplanationKind::Round => {
                "The size of the set at that pick, less 3. The window goes by it."
            }
            ExplanationKind::WindowSize => "How many competed for the pick.",
            ExplanationKind::WindowRank => {
                "1 is the best by score: further down, divergence has decided."
            }
            ExplanationKind::SetScore => {
                "What seeds and earlier picks together say; the best of it are in the window."
            }
            ExplanationKind::Divergence => {
                "KL from an ideal member of the set, in nats: the less, the more it is like the set."
            }
            ExplanationKind::PickOrder => "i of the re-ranking.",
            ExplanationKind::DivergenceRank => {
                "j of the re-ranking: by divergence from the finished set, among all picks."
            }
            ExplanationKind::RerankScore => "The greatest comes first.",
            _ => "",
        }
    }

    /// Returns true for ranks and pick numbers, of which the least is the best.
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
