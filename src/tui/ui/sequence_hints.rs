//! The keys that may follow the first keys of a sequence.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType};

use crate::config::{Action, Key, Role};
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::text;

/// Draws the continuations in the lower right corner: the keys that are left, and their action.
pub fn draw(
    canvas: &mut DrawContext,
    screen: Rect,
    pressed: &[Key],
    continuations: &[(String, Action)],
) {
    if continuations.is_empty() {
        return;
    }
    let keys = continuations.iter().map(|(keys, _)| text::width(keys));
    let keys = keys.max().unwrap_or(0);
    let help = continuations
        .iter()
        .map(|(_, action)| text::width(action.help()));
    let help = help.max().unwrap_or(0);
    let width = ((keys + help + 6) as u16).min(screen.width);
    let height = (continuations.len() as u16 + 2).min(screen.height.saturating_sub(1));
    let area = Rect::new(
        screen.right() - width,
        screen.bottom().saturating_sub(height + 1),
        width,
        height,
    );
    let inner = frame(canvas, area, pressed);
    for (row, (next, action)) in inner.rows().zip(continuations) {
        let line = Line::from(vec![
            canvas.span(Role::Focus, text::fit_right(next, keys + 1)),
            Span::raw("  "),
            canvas.span(Role::Text, action.help()),
        ]);
        canvas.line(row, line);
    }
}

/// Draws a frame with the keys that were pressed; returns its inside.
fn frame(canvas: &mut DrawContext, area: Rect, pressed: &[Key]) -> Rect {
    let pressed: Vec<String> = pressed.iter().map(|key| key.display()).collect();
    let block = Block::bordered()
        .border_type(BorderType::Thick)
        .border_style(canvas.style(Role::Focus))
        .title_top(canvas.span(Role::Title, format!(" {} … ", pressed.join(" "))))
        .title_bottom(Line::from(canvas.span(Role::Quiet, " esc ")).right_aligned());
    let inner = block.inner(area);
    canvas.clear(area);
    canvas.frame.render_widget(block, area);
    inner
}
