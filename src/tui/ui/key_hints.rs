//! The most important keys of a screen, on its last line.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::{Action, Context, Role};
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::text;

/// Draws a line that starts with `start` and goes on with as many hints as fit. A hint is an
/// action's key in this context and a word for the action.
pub fn draw(
    canvas: &mut DrawContext,
    area: Rect,
    start: Line<'_>,
    context: Context,
    gap: usize,
    hints: &[(Action, &str)],
) {
    let mut used = start.width();
    let mut spans = start.spans;
    let keymap = &canvas.shared.settings.keymap;
    for &(action, label) in hints {
        let key = [context, Context::Global]
            .iter()
            .find_map(|&context| keymap.key_of(context, action));
        let Some(key) = key else {
            continue;
        };
        let width = text::width(&key) + 1 + text::width(label) + gap;
        if used + width > usize::from(area.width) {
            break;
        }
        used += width;
        spans.push(canvas.span(Role::Focus, key));
        spans.push(Span::styled(
            format!(" {label}{}", " ".repeat(gap)),
            canvas.style(Role::Quiet),
        ));
    }
    canvas.line(area, Line::from(spans));
}
