//! Changes of the seeds: typed, taken from the candidates.

use crate::config::Action;
use crate::tui::app::field::Field;
use crate::tui::app::seeds::Typing;
use crate::tui::app::{App, Pane, Popup};
use crate::types::EntityId;

impl App {
    pub(super) fn start_typing(&mut self) {
        (self.focus, self.chip) = (Pane::Seeds, self.seeds.seeds.len());
        self.typing = Some(Typing::default());
    }

    pub(super) fn accept(&mut self) {
        let highlighted = self.typing.as_ref().and_then(Typing::highlighted);
        match highlighted {
            Some(entity) => {
                self.typing = Some(Typing::default());
                self.add_seed(entity);
                self.chip = self.seeds.seeds.len();
            }
            None if self.typing.as_ref().is_some_and(|t| t.input.is_empty()) => self.close(),
            None => self.notify("no entity is called that"),
        }
    }

    pub(super) fn erase(&mut self, action: Action) {
        if let Some(typing) = &mut self.typing {
            if typing.input.is_empty() && action == Action::Erase {
                return self.remove_chip(self.seeds.seeds.len().saturating_sub(1));
            }
            shorten(&mut typing.input, action);
            return self.complete();
        }
        shorten(&mut self.tree.filter, action);
        self.tree.cursor = 0;
    }

    fn add_seed(&mut self, entity: EntityId) {
        if self.seeds.seeds.contains(&entity) {
            return self.notify("it is a seed already");
        }
        let mut to = self.seeds.clone();
        to.rejected.retain(|&r| r != entity);
        to.seeds.push(entity);
        self.change_seeds(to);
    }

    pub(super) fn remove_chip(&mut self, at: usize) {
        if at < self.seeds.seeds.len() {
            let mut to = self.seeds.clone();
            to.seeds.remove(at);
            self.change_seeds(to);
        }
    }

    pub(super) fn seed_subject(&mut self) {
        if let Some(Popup::Missing(_)) = self.popup {
            self.open();
        }
        if let Some(entity) = self.subject() {
            self.step_past(entity);
            self.add_seed(entity);
        }
    }

    pub(super) fn reject_subject(&mut self) {
        let Some(entity) = self.subject() else { return };
        if self.seeds.seeds.contains(&entity) || self.seeds.rejected.contains(&entity) {
            return;
        }
        self.step_past(entity);
        let mut to = self.seeds.clone();
        to.rejected.push(entity);
        self.change_seeds(to);
    }

    /// The cursor goes on to the next candidate, since this one leaves the list.
    fn step_past(&mut self, entity: EntityId) {
        let rows = self.rows();
        if let Some(at) = rows.iter().position(|r| r.entity == entity) {
            self.selected = rows.get(at + 1).map(|r| r.entity);
        }
    }
}

/// Erases from the end of a text.
pub(super) fn shorten(text: &mut String, action: Action) {
    let mut field = Field::default();
    field.insert(text);
    field.edit(action);
    field.text().clone_into(text);
}
