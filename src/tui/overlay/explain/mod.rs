//! What is done to an explanation: it is opened, its second entity walked, its branches folded.

pub mod detail;
pub mod tree;
pub mod view;

use crate::engine::protocol::{ExplanationKind, RankExplanation, RequestKind};
use crate::tui::app::App;
use crate::tui::overlay::explain::tree::ExplainState;
use crate::tui::parts::Popup;
use crate::tui::requests::RequestClass;
use crate::tui::search::SearchableList;
use crate::tui::ui::scroll::shifted;
use crate::types::EntityId;

impl App {
    /// Opens the explanation of what is looked at; over it, the second entity goes, or the whole is
    /// closed.
    pub(crate) fn explain_subject(&mut self) {
        if self.overlay.popup == Some(Popup::Explain) {
            match self.overlay.explain.entities[..] {
                [first, _] => self.explain(vec![first]),
                _ => self.overlay.popup = None,
            }
            return;
        }
        if let Some(Popup::Missing(_)) = self.overlay.popup {
            self.open_in_popup();
        }
        match self.subject() {
            Some(entity) => self.explain(vec![entity]),
            None => self.notify("there is nothing to explain yet"),
        }
    }

    /// The one explained last above, what is looked at below.
    pub(crate) fn explain_beside(&mut self) {
        let Some(entity) = self.subject() else {
            return self.notify("there is nothing to explain yet");
        };
        match self.overlay.explain.entities.first() {
            Some(&first) if first != entity => self.explain(vec![first, entity]),
            _ => self.notify("explain another one first: this one then stands beside it"),
        }
    }

    /// The second entity is the next or previous of the list.
    pub(crate) fn walk_beside(&mut self, by: isize) {
        let Some(&first) = self.overlay.explain.entities.first() else {
            return;
        };
        let rows: Vec<EntityId> = self.rows().iter().map(|row| row.entity).collect();
        let now = self
            .overlay
            .explain
            .entities
            .last()
            .and_then(|e| rows.iter().position(|r| r == e));
        let from = match now {
            Some(at) => at as isize,
            None if by > 0 => -1,
            None => rows.len() as isize,
        };
        let step = by.signum();
        let mut at = from + by;
        if rows.get(at as usize) == Some(&first) {
            at += step;
        }
        match usize::try_from(at).ok().and_then(|at| rows.get(at)) {
            Some(&second) => self.explain(vec![first, second]),
            None => self.notify("there is no further candidate"),
        }
    }

    fn explain(&mut self, entities: Vec<EntityId>) {
        let Some(expansion) = &self.explore.candidates.expansion else {
            return self.notify("there is no expansion to explain");
        };
        let ask = RequestKind::Explain {
            expansion: expansion.request.clone(),
            entities: entities.clone(),
        };
        let same = self.overlay.popup == Some(Popup::Explain)
            && self.overlay.explain.entities.first() == entities.first();
        // walking the second one keeps what was unfolded, and the lines until the next ones are
        // there
        if same {
            self.overlay.explain.entities = entities;
        } else {
            self.overlay.explain = ExplainState::new(entities);
        }
        if self.overlay.popup != Some(Popup::Explain) {
            self.open_popup(Popup::Explain);
        }
        self.shared.engine.send(RequestClass::Explain, ask);
    }

    pub(crate) fn explained(&mut self, answer: Result<RankExplanation, String>) {
        self.shared.engine.pending.finish(RequestClass::Explain);
        self.overlay.explain.answer = Some(answer);
        self.step_in_explanation(0);
    }

    pub(crate) fn step_in_explanation(&mut self, by: isize) {
        self.overlay.explain.cursor = shifted(
            self.overlay.explain.cursor,
            by,
            self.overlay.explain.lines().len(),
        );
    }

    /// Folds or unfolds the selected branch. On a leaf, acts on the branch that it is in. `unfold`
    /// sets the direction; `None` toggles.
    pub(crate) fn unfold_line(&mut self, unfold: Option<bool>) {
        let lines = self.overlay.explain.lines();
        let cursor = self.overlay.explain.cursor;
        let Some(line) = lines.get(cursor) else {
            return;
        };
        match line.is_unfolded {
            Some(now) if unfold != Some(now) => {
                let branch = line.kind();
                self.overlay.explain.set_unfolded(branch, !now);
            }
            Some(_) if unfold == Some(true) => self.step_in_explanation(1),
            _ if unfold == Some(true) => {}
            _ => {
                let above = lines[..cursor]
                    .iter()
                    .rposition(|other| other.is_unfolded.is_some() && other.depth < line.depth);
                self.overlay.explain.cursor = above.unwrap_or(cursor);
                if unfold.is_none() {
                    self.unfold_line(None);
                }
            }
        }
    }

    /// Puts the cursor there; a second click folds.
    pub(crate) fn click_why_line(&mut self, at: usize) {
        match self.overlay.explain.cursor == at {
            true => self.unfold_line(None),
            false => self.overlay.explain.cursor = at,
        }
    }

    /// Unfolds every seed; if all are unfolded, folds them.
    pub(crate) fn fold_whole(&mut self) {
        let Some(explanation) = self.overlay.explain.explanation() else {
            return;
        };
        let seeds = explanation.request.seeds.iter();
        let seeds: Vec<ExplanationKind> = seeds.copied().map(ExplanationKind::Seed).collect();
        let unfolded = &mut self.overlay.explain.unfolded;
        if seeds.iter().all(|seed| unfolded.contains(seed)) {
            unfolded.retain(|branch| !seeds.contains(branch));
        } else {
            unfolded.extend(seeds);
        }
        self.step_in_explanation(0);
    }

    /// Returns the labels of the complete tree, folded or not, for a search. `None` until the
    /// explanation arrives.
    pub(crate) fn explanation_labels(&self) -> Option<SearchableList> {
        let request = &self.overlay.explain.explanation()?.request;
        let catalogue = self.shared.catalogue.as_deref()?;
        let lines = self.overlay.explain.all_lines();
        let labels = lines
            .iter()
            .map(|line| line.number.label(request, catalogue))
            .collect();
        Some(SearchableList {
            labels,
            cursor: self.overlay.explain.position(),
        })
    }
}
