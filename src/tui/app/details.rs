//! What is asked for because it is looked at: the subject's details, first pictures.

use super::{App, Kind};
use crate::engine::api::Ask;
use crate::tui::view::View;
use crate::types::EntityId;

impl App {
    /// Asks for the subject's details: one request at a time, always the newest subject.
    pub(super) fn inspect(&mut self) {
        if self.catalogue.is_none() || self.inspecting.is_some() {
            return;
        }
        let Some(entity) = self.subject() else { return };
        let mode = self.mode;
        if !self.details.contains_key(&(entity, mode)) {
            self.inspecting = Some((entity, mode));
            self.ask(Kind::Inspect, Ask::Inspect { entity, mode });
        }
    }

    pub(super) fn drawn(&mut self, view: View) {
        let wanted: Vec<EntityId> =
            view.unpictured.iter().copied().filter(|e| !self.first_pictures.contains_key(e)).collect();
        if !wanted.is_empty() && !self.asked.runs(Kind::Pictures) {
            self.picturing.clone_from(&wanted);
            self.ask(Kind::Pictures, Ask::Pictures { entities: wanted });
        }
        self.view = view;
    }
}
