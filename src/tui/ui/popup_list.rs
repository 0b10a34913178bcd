//! The list of a popup, from which one line is chosen.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::config::Role;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::scroll::{Extent, keep_in_sight};

/// `len` lines with the cursor on one, which stays in sight. `one`: a line, and what a click on it
/// hits.
pub fn draw(
    canvas: &mut DrawContext,
    list: Rect,
    cursor: usize,
    len: usize,
    one: impl Fn(&DrawContext, usize) -> (Line<'static>, ClickTarget),
) {
    let page = usize::from(list.height);
    let offset = keep_in_sight(cursor, canvas.app.shared.frame.popup.offset, page, len);
    canvas.frame_info.popup = Extent {
        offset,
        page,
        furthest: len.saturating_sub(page),
    };
    for at in (offset..len).take(page) {
        let area = Rect::new(list.x, list.y + (at - offset) as u16, list.width, 1);
        let (line, hit) = one(canvas, at);
        canvas.line(
            area,
            if at == cursor {
                line.style(canvas.style(Role::Selection))
            } else {
                line
            },
        );
        canvas.click_target(area, hit);
    }
    canvas.scroll_bar(list, offset, page, len);
}
