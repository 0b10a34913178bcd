//! After the first keys of a sequence: what may follow them.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType};

use crate::config::Role;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::text;

/// At the foot, in the right corner.
pub fn draw(canvas: &mut DrawContext, whole: Rect) {
    let following = canvas.app.following();
    if following.is_empty() {
        return;
    }
    let keys = following
        .iter()
        .map(|(keys, _)| text::width(keys))
        .max()
        .unwrap_or(0);
    let help = following
        .iter()
        .map(|(_, action)| text::width(action.help()))
        .max()
        .unwrap_or(0);
    let width = ((keys + help + 6) as u16).min(whole.width);
    let height = (following.len() as u16 + 2).min(whole.height.saturating_sub(1));
    let area = Rect::new(
        whole.right() - width,
        whole.bottom().saturating_sub(height + 1),
        width,
        height,
    );
    let pressed: Vec<String> = canvas
        .app
        .navigation
        .pending_keys
        .iter()
        .map(|key| key.shown())
        .collect();
    let block = Block::bordered()
        .border_type(BorderType::Thick)
        .border_style(canvas.style(Role::Focus))
        .title_top(canvas.span(Role::Title, format!(" {} … ", pressed.join(" "))))
        .title_bottom(Line::from(canvas.span(Role::Quiet, " esc ")).right_aligned());
    let inner = block.inner(area);
    canvas.clear(area);
    canvas.frame.render_widget(block, area);
    for (at, (next, action)) in following.into_iter().enumerate().take(inner.height.into()) {
        let line = Line::from(vec![
            canvas.span(Role::Focus, text::fit_right(&next, keys + 1)),
            Span::raw("  "),
            canvas.span(Role::Text, action.help()),
        ]);
        canvas.line(
            Rect::new(inner.x, inner.y + at as u16, inner.width, 1),
            line,
        );
    }
}
