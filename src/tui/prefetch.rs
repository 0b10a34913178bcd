//! What is asked for because it is looked at: the subject's details, first pictures.

use crate::engine::protocol::RequestKind;
use crate::tui::app::App;
use crate::tui::requests::RequestClass;
use crate::tui::ui::frame_info::FrameInfo;
use crate::types::EntityId;

impl App {
    /// Asks for the subject's details: one request at a time, always the newest subject.
    pub(crate) fn inspect(&mut self) {
        if self.shared.catalogue.is_none() || self.shared.inspecting.is_some() {
            return;
        }
        let mode = self.explore.query.mode;
        let unknown = |entity: &EntityId| !self.shared.details.contains_key(&(*entity, mode));
        let wanted = self
            .explore
            .subject(&self.shared)
            .filter(unknown)
            .or_else(|| self.beside_cursor().into_iter().find(unknown));
        if let Some(entity) = wanted {
            self.shared.inspecting = Some((entity, mode));
            self.shared
                .engine
                .send(RequestClass::Inspect, RequestKind::Inspect { entity, mode });
        }
    }

    /// The candidates that a step would lead to: with what is said of them at hand, a step is one
    /// frame.
    fn beside_cursor(&self) -> Vec<EntityId> {
        let rows = self.explore.rows(&self.shared);
        let at = self.explore.candidates.cursor(&rows);
        [at + 1, at.wrapping_sub(1), at + 2]
            .into_iter()
            .filter_map(|at| rows.get(at))
            .map(|row| row.entity)
            .collect()
    }

    pub(crate) fn drawn(&mut self, view: FrameInfo) {
        let wanted: Vec<EntityId> = view
            .unknown_images
            .iter()
            .copied()
            .filter(|e| !self.shared.first_images.contains_key(e))
            .collect();
        if !wanted.is_empty() && !self.shared.engine.pending.runs(RequestClass::Pictures) {
            self.shared.requested_images.clone_from(&wanted);
            self.shared.engine.send(
                RequestClass::Pictures,
                RequestKind::FirstImages { entities: wanted },
            );
        }
        self.shared.frame = view;
    }
}
