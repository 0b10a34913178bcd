//! The themes, each shown by the screen behind while the cursor is on it.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::tui::canvas::Canvas;
use crate::tui::view::Hit;
use crate::tui::widget::{choices, text};

const WIDTH: u16 = 40;

/// What each colour means, in its colour.
const SAMPLE: [(Role, &str); 4] = [
    (Role::Gold, "✓ ▲"),
    (Role::Miss, "✗ ▼"),
    (Role::TextShare, "██"),
    (Role::ImageShare, "██"),
];

/// At the right, so that the screen stays in sight.
pub fn draw(canvas: &mut Canvas, whole: Rect, cursor: usize) {
    let names = &canvas.app.themes.names;
    let width = WIDTH.min(whole.width);
    let height = (names.len() as u16 + 3).min(whole.height.saturating_sub(2));
    let area = Rect::new(
        whole.right().saturating_sub(width + 1),
        whole.y + 1,
        width,
        height,
    );
    let inner = canvas.popup(area, "Colours", "enter keeps it · esc");
    let list = Rect {
        height: inner.height.saturating_sub(1),
        ..inner
    };
    choices::draw(canvas, list, cursor, names.len(), |canvas, at| {
        let mut spans = vec![Span::raw(" ")];
        spans.extend(canvas.label(Role::Text, &text::fit(&names[at], list.width.into())));
        (Line::from(spans), Hit::Theme(at))
    });
    let sample = SAMPLE.map(|(role, text)| canvas.span(role, format!(" {text} ")));
    canvas.line(
        Rect {
            y: list.bottom(),
            height: 1.min(inner.height),
            ..inner
        },
        Line::from(sample.to_vec()),
    );
}
