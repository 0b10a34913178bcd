//! The text in place of an empty list.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::config::Role;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::text;

/// Draws a sentence in place of a list, wrapped and indented by a column.
pub fn draw(canvas: &mut DrawContext, area: Rect, sentence: &str) {
    let columns = usize::from(area.width).saturating_sub(2);
    for (index, line) in text::wrap(sentence, columns).iter().enumerate() {
        let row = Rect {
            x: area.x + 1,
            y: area.y + index as u16,
            width: area.width.saturating_sub(1),
            height: 1,
        };
        let line = Line::from(canvas.span(Role::Quiet, line.as_str()));
        canvas.line(row.intersection(area), line);
    }
}
