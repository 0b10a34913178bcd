//! The keys that matter on a screen, on its last line.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::{Action, Context, Role};
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::text;

/// After what the line begins with, as many as there is room for: the key in this context, and what
/// it does.
pub fn draw(
    canvas: &mut DrawContext,
    area: Rect,
    begin: Line<'_>,
    context: Context,
    gap: usize,
    wanted: &[(Action, &str)],
) {
    let mut used = begin.width();
    let mut spans = begin.spans;
    for &(action, what) in wanted {
        let keymap = &canvas.app.shared.settings.keymap;
        let Some(key) = [context, Context::Global]
            .iter()
            .find_map(|&c| keymap.key_of(c, action))
        else {
            continue;
        };
        let wide = text::width(&key) + 1 + text::width(what) + gap;
        if used + wide > usize::from(area.width) {
            break;
        }
        used += wide;
        spans.push(canvas.span(Role::Focus, key));
        spans.push(Span::styled(
            format!(" {what}{}", " ".repeat(gap)),
            canvas.style(Role::Quiet),
        ));
    }
    canvas.line(area, Line::from(spans));
}
