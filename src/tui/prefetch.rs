//! Requests for what the user looks at or may look at next: details of entities, first images.

use crate::engine::protocol::RequestKind;
use crate::tui::app::App;
use crate::tui::requests::RequestClass;
use crate::tui::ui::frame_info::FrameInfo;
use crate::types::EntityId;

impl App {
    /// Requests the details of the entity in the entity pane, or else of the candidates near the
    /// cursor. There is one request at a time, always for the newest entity.
    pub(crate) fn request_details(&mut self) {
        if self.shared.catalogue.is_none() || self.shared.inspecting.is_some() {
            return;
        }
        let mode = self.explore.query.mode;
        let is_unknown = |entity: &EntityId| !self.shared.details.contains_key(&(*entity, mode));
        let subject = self.explore.subject(&self.shared).filter(is_unknown);
        let wanted = subject.or_else(|| self.near_cursor().into_iter().find(is_unknown));
        if let Some(entity) = wanted {
            self.shared.inspecting = Some((entity, mode));
            let request = RequestKind::Inspect { entity, mode };
            self.shared.engine.send(RequestClass::Inspect, request);
        }
    }

    /// Returns the candidates that the next steps lead to. Once their details are cached, a step
    /// takes one frame.
    fn near_cursor(&self) -> Vec<EntityId> {
        let rows = self.explore.rows(&self.shared);
        let cursor = self.explore.candidates.cursor(&rows);
        let near = [cursor + 1, cursor.wrapping_sub(1), cursor + 2];
        near.into_iter()
            .filter_map(|position| rows.get(position))
            .map(|row| row.entity)
            .collect()
    }

    /// Takes up a frame that was drawn, and requests the first images that it could not show.
    pub(crate) fn handle_frame(&mut self, frame: FrameInfo) {
        let mut entities = frame.unknown_images.clone();
        entities.retain(|entity| !self.shared.first_images.contains_key(entity));
        let engine = &mut self.shared.engine;
        if !entities.is_empty() && !engine.pending.is_running(RequestClass::FirstImages) {
            self.shared.requested_images.clone_from(&entities);
            engine.send(
                RequestClass::FirstImages,
                RequestKind::FirstImages { entities },
            );
        }
        self.shared.frame = frame;
    }
}
