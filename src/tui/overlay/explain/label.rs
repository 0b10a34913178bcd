//! The lines of an explanation in words.

use crate::engine::protocol::Explained;
use crate::tui::app::App;
use crate::tui::overlay::explain::tree::{Fact, Subject};
use crate::tui::search::SearchableList;

impl App {
    /// A line in words: a pair by its sentence or, where the mode sees none, its picture; a rival
    /// by its name.
    pub fn why_label(&self, explained: &Explained, subject: Subject) -> String {
        let seed = |at: usize| &explained.seeds[at];
        match subject {
            Subject::Score => "score: ΣZ over the seeds".into(),
            Subject::Part(modality) | Subject::SeedPart(_, modality) => modality.name().into(),
            Subject::Seed(at) => self.shared.name(seed(at).seed),
            Subject::State(at, state) => {
                evidence(explained, at, state).unwrap_or_else(|| "a pair".into())
            }
            Subject::Rest(at) => format!("{} more", seed(at).more),
            Subject::Pick => match explained.ask.settings.window {
                None => "pick number".into(),
                Some(width) => format!("pick number, by a window of {width}"),
            },
            Subject::Rival(at) => explained
                .rival(at)
                .map_or_else(String::new, |rival| self.shared.name(rival.entity)),
            Subject::Reranking => "place in the list".into(),
            Subject::Fact(fact) => name(explained, fact),
        }
    }

    /// The whole tree, folded or not. None until it is there.
    pub(crate) fn explanation_labels(&self) -> Option<SearchableList> {
        let explained = self.overlay.explain.explained()?;
        let lines = self.overlay.explain.whole();
        let labels = lines
            .iter()
            .map(|line| self.why_label(explained, line.subject))
            .collect();
        Some(SearchableList {
            labels,
            cursor: self.overlay.explain.place(),
        })
    }
}

fn evidence(explained: &Explained, seed: usize, state: usize) -> Option<String> {
    let sentence = explained.seeds[seed].states[state].sentence.as_ref()?;
    let picture = sentence.image.as_ref().and_then(|path| path.file_name());
    match picture {
        Some(picture) if !explained.ask.mode.sees_text() => {
            Some(format!("▣ {}", picture.to_string_lossy()))
        }
        _ => Some(sentence.tokens.join(" ")),
    }
}

fn name(explained: &Explained, fact: Fact) -> String {
    let [rank, divergence] = explained.ask.settings.weights();
    match fact {
        Fact::SeedRank => "rank by the seeds alone".into(),
        Fact::Round => "round".into(),
        Fact::Window => "in the window".into(),
        Fact::WindowPlace => "its place there, by score".into(),
        Fact::SetScore => "score: ΣZ over the set".into(),
        Fact::Divergence => "divergence from the set".into(),
        Fact::Picked => "i: picked as number".into(),
        Fact::ByDivergence => "j: rank by divergence".into(),
        Fact::Rerank => format!("{rank}/i + {divergence}/j"),
        Fact::Rank => "place in the list".into(),
    }
}
