//! The popup of gold entities that the expansion has not found, each with the reason.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::engine::protocol::Missing;
use crate::tui::ui::draw_context::{DrawContext, centered};
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::scroll::shifted;
use crate::tui::ui::{popup_list, text};

/// The greatest width of the popup in columns.
const MAX_WIDTH: u16 = 92;

/// The popup of missing entities.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MissingPopup {
    pub(crate) cursor: usize,
}

impl MissingPopup {
    pub(crate) fn step(&mut self, by: isize, missing: &[Missing]) {
        self.cursor = shifted(self.cursor, by, missing.len());
    }

    pub fn draw(&self, canvas: &mut DrawContext, screen: Rect, missing: &[Missing]) {
        let Some(catalogue) = canvas.shared.catalogue.as_deref() else {
            return;
        };
        let width = screen.width.saturating_sub(8).min(MAX_WIDTH);
        let height = (missing.len() as u16 + 2).min(screen.height.saturating_sub(4));
        let title = match missing.len() {
            1 => "1 missing gold entity".to_owned(),
            count => format!("{count} missing gold entities"),
        };
        let footer = "enter inspects · + accepts · s makes it a seed · esc";
        let inner = canvas.popup(centered(screen, width, height), &title, footer);
        let names = missing
            .iter()
            .map(|one| text::width(&canvas.name(one.entity)));
        let name_width = names.max().unwrap_or(0).min(usize::from(inner.width) / 3);
        let room = usize::from(inner.width).saturating_sub(name_width + 4);
        let len = missing.len();
        popup_list::draw(canvas, inner, self.cursor, len, |canvas, index| {
            let one = &missing[index];
            let name = text::fit(&canvas.name(one.entity), name_width);
            let reason = text::fit(&one.reason.describe(catalogue), room);
            let mut spans = vec![Span::raw(" ")];
            spans.extend(canvas.label(Role::Text, &name));
            spans.push(canvas.span(Role::Quiet, format!("  {reason}")));
            (Line::from(spans), ClickTarget::MissingRow(index))
        });
    }
}
