//! What is done to an explanation: it is opened, its second entity walked, its branches folded.

pub mod detail;
pub mod label;
pub mod sentence;
pub mod tree;
pub mod view;

use crate::engine::protocol::{Explained, RequestKind};
use crate::tui::app::App;
use crate::tui::overlay::explain::tree::{Branch, ExplainState};
use crate::tui::parts::Popup;
use crate::tui::requests::RequestClass;
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
            self.open();
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
            expansion: expansion.ask.clone(),
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

    pub(crate) fn explained(&mut self, answer: Result<Explained, String>) {
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

    /// Opens or folds the branch of the line under the cursor; from a leaf, the branch that it is
    /// of.
    pub(crate) fn unfold_line(&mut self, open: Option<bool>) {
        let lines = self.overlay.explain.lines();
        let at = self.overlay.explain.cursor;
        let Some(line) = lines.get(at) else { return };
        match line.branch {
            Some((branch, now)) if open != Some(now) => self.overlay.explain.fold(branch, !now),
            Some(_) if open == Some(true) => self.step_in_explanation(1),
            _ if open == Some(true) => {}
            _ => {
                let above = lines[..at]
                    .iter()
                    .rposition(|l| l.branch.is_some() && l.depth < line.depth);
                self.overlay.explain.cursor = above.unwrap_or(at);
                if open.is_none() {
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

    /// Every seed opened; where all are, every one folded.
    pub(crate) fn fold_whole(&mut self) {
        let Some(explained) = self.overlay.explain.explained() else {
            return;
        };
        let seeds: Vec<Branch> = (0..explained.seeds.len()).map(Branch::Seed).collect();
        let unfolded = &mut self.overlay.explain.unfolded;
        if seeds.iter().all(|seed| unfolded.contains(seed)) {
            unfolded.retain(|branch| !seeds.contains(branch));
        } else {
            unfolded.extend(seeds);
        }
        self.step_in_explanation(0);
    }
}
