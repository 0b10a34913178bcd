//! The state that every pane of Explore reads in addition to its own, and the frame around a pane.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::config::Role;
use crate::tui::explore::expansion::CandidateList;
use crate::tui::explore::query::ExpansionQuery;
use crate::tui::parts::Pane;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::types::{ClassId, EntityId};

/// The state of Explore that a pane draws in addition to its own.
#[derive(Debug, Clone, Copy)]
pub struct PaneContext<'a> {
    /// The pane that has the keys.
    pub focus: Pane,
    pub query: &'a ExpansionQuery,
    pub expansion: Option<&'a CandidateList>,
    /// True if candidates are shown in their re-ranked order.
    pub reranked: bool,
    /// The entity that the entity pane shows.
    pub subject: Option<EntityId>,
}

impl PaneContext<'_> {
    /// Returns the class whose members are gold in the expansion.
    pub fn gold_class(&self) -> Option<ClassId> {
        self.expansion.and_then(|expansion| expansion.request.class)
    }

    /// Draws the frame of a pane and returns the area inside it. The frame of the focused pane is
    /// thick as well as coloured.
    pub fn draw_frame(
        &self,
        canvas: &mut DrawContext,
        area: Rect,
        pane: Pane,
        title: &str,
        right: Line<'_>,
    ) -> Rect {
        let focused = self.focus == pane && !canvas.has_popup;
        let role = if focused { Role::Focus } else { Role::Title };
        let title = Line::from(canvas.span(role, format!(" {title} ")));
        let inner = canvas.framed(area, focused, title, right);
        canvas.click_target(area, ClickTarget::Pane(pane));
        inner
    }
}
