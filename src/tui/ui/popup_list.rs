//! The list in a popup, of which one line is selected.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::scroll::{Extent, keep_in_sight};

/// Draws a list of `len` lines, scrolled so that the selected one is seen. `draw_row` returns a
/// line by its index, and the target of a click on it.
pub fn draw(
    canvas: &mut DrawContext,
    area: Rect,
    cursor: usize,
    len: usize,
    draw_row: impl Fn(&DrawContext, usize) -> (Line<'static>, ClickTarget),
) {
    let page = usize::from(area.height);
    let offset = keep_in_sight(cursor, canvas.shared.frame.popup.offset, page, len);
    canvas.frame_info.popup = Extent::new(offset, page, len);
    for index in (offset..len).take(page) {
        let row = Rect::new(area.x, area.y + (index - offset) as u16, area.width, 1);
        let (line, target) = draw_row(canvas, index);
        canvas.list_line(row, line, index == cursor);
        canvas.click_target(row, target);
    }
    canvas.scroll_bar(area, offset, page, len);
}
