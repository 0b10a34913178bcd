//! Opens an explanation, changes its second entity, and folds and unfolds its branches.

use crate::config::Action;
use crate::engine::protocol::{
    Catalogue, ExpandRequest, ExplanationKind, RankExplanation, RequestKind,
};
use crate::tui::message::Effect;
use crate::tui::overlay::explain::tree::ExplainState;
use crate::tui::requests::RequestClass;
use crate::tui::ui::scroll::shifted;
use crate::types::EntityId;

impl ExplainState {
    /// Requests the explanation of one entity, or of two side by side. `expansion` is the one that
    /// ranked them. `is_open` tells whether the popup is open: a new second entity then keeps the
    /// unfolded branches, and the lines until the answer arrives.
    pub(crate) fn request(
        &mut self,
        entities: Vec<EntityId>,
        expansion: &ExpandRequest,
        is_open: bool,
    ) -> Vec<Effect> {
        let request = RequestKind::Explain {
            expansion: expansion.clone(),
            entities: entities.clone(),
        };
        if is_open && self.entities.first() == entities.first() {
            self.entities = entities;
        } else {
            let members = expansion.seeds.iter().chain(&expansion.accepted);
            let own_pairs = members.copied().map(ExplanationKind::OwnPairs);
            *self = ExplainState::new(entities);
            self.unfolded.extend(own_pairs);
        }
        vec![Effect::Send(RequestClass::Explain, request)]
    }

    /// Adds the engine's answer.
    pub(crate) fn add_answer(&mut self, answer: Result<RankExplanation, String>) {
        self.answer = Some(answer);
        self.step(0);
    }

    /// Handles an action that needs only the explanation itself.
    pub(crate) fn update(&mut self, action: Action) {
        match action {
            Action::Fold => self.toggle_branch(),
            Action::Left => self.fold(),
            Action::Right => self.unfold(),
            Action::FoldAll => self.toggle_all_seeds(),
            _ => {}
        }
    }

    pub(crate) fn step(&mut self, by: isize) {
        self.cursor = shifted(self.cursor, by, self.lines().len());
    }

    /// Moves the cursor to a line; a second click folds or unfolds it.
    pub(crate) fn click(&mut self, index: usize) {
        if self.cursor == index {
            self.toggle_branch();
        } else {
            self.cursor = index;
        }
    }

    /// Returns the next or previous candidate of the list after the present second entity. The
    /// first entity is skipped.
    pub(crate) fn next_second(&self, by: isize, candidates: &[EntityId]) -> Option<EntityId> {
        let first = self.entities.first()?;
        let present = self.entities.last();
        let position = present.and_then(|entity| candidates.iter().position(|c| c == entity));
        let start = match position {
            Some(position) => position as isize,
            None if by > 0 => -1,
            None => candidates.len() as isize,
        };
        let mut next = start + by;
        if usize::try_from(next).is_ok_and(|next| candidates.get(next) == Some(first)) {
            next += by.signum();
        }
        let next = usize::try_from(next).ok()?;
        candidates.get(next).copied()
    }

    /// Folds or unfolds the selected branch; on a leaf, folds the branch that it is in.
    fn toggle_branch(&mut self) {
        if self.selected_branch().is_none() {
            self.select_parent();
        }
        if let Some((branch, is_unfolded)) = self.selected_branch() {
            self.set_unfolded(branch, !is_unfolded);
        }
    }

    /// Folds the selected branch; on a folded branch or a leaf, selects the branch that it is in.
    fn fold(&mut self) {
        match self.selected_branch() {
            Some((branch, true)) => self.set_unfolded(branch, false),
            _ => self.select_parent(),
        }
    }

    /// Unfolds the selected branch; on an unfolded branch, selects the next line.
    fn unfold(&mut self) {
        match self.selected_branch() {
            Some((branch, false)) => self.set_unfolded(branch, true),
            Some((_, true)) => self.step(1),
            None => {}
        }
    }

    /// Returns the selected branch and whether it is unfolded; `None` on a leaf.
    fn selected_branch(&self) -> Option<(ExplanationKind, bool)> {
        let lines = self.lines();
        let line = lines.get(self.cursor)?;
        Some((line.kind(), line.is_unfolded?))
    }

    /// Selects the branch that the selected line is in.
    fn select_parent(&mut self) {
        let lines = self.lines();
        let Some(line) = lines.get(self.cursor) else {
            return;
        };
        let parent = lines[..self.cursor]
            .iter()
            .rposition(|other| other.is_unfolded.is_some() && other.depth < line.depth);
        self.cursor = parent.unwrap_or(self.cursor);
    }

    /// Unfolds every seed; if all are unfolded, folds them.
    fn toggle_all_seeds(&mut self) {
        let Some(explanation) = self.explanation() else {
            return;
        };
        let request = &explanation.request;
        let seeds = request.seeds.iter().copied().map(ExplanationKind::Seed);
        let accepted = request.accepted.iter().copied();
        let seeds: Vec<ExplanationKind> = seeds
            .chain(accepted.map(ExplanationKind::Accepted))
            .collect();
        if seeds.iter().all(|seed| self.unfolded.contains(seed)) {
            self.unfolded.retain(|branch| !seeds.contains(branch));
        } else {
            self.unfolded.extend(seeds);
        }
        self.step(0);
    }

    /// Returns the labels of the complete tree, folded or not, for a search. `None` until the
    /// explanation arrives.
    pub(crate) fn labels(&self, catalogue: &Catalogue) -> Option<Vec<String>> {
        let request = &self.explanation()?.request;
        let lines = self.all_lines();
        let labels = lines
            .iter()
            .map(|line| line.number.label(request, catalogue));
        Some(labels.collect())
    }
}
