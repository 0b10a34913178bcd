//! The themes, each shown by the screen behind while the cursor is on it.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::text;
use crate::config::Role;
use crate::tui::canvas::Canvas;
use crate::tui::view::{Extent, Hit, keep_in_sight};

const WIDTH: u16 = 40;

/// What each colour means, in its colour.
const SAMPLE: [(Role, &str); 4] =
    [(Role::Gold, "✓ ▲"), (Role::Miss, "✗ ▼"), (Role::TextShare, "██"), (Role::ImageShare, "██")];

/// At the right, so that the screen stays in sight.
pub fn draw(canvas: &mut Canvas, whole: Rect, cursor: usize) {
    let names = &canvas.app.themes.names;
    let width = WIDTH.min(whole.width);
    let height = (names.len() as u16 + 3).min(whole.height.saturating_sub(2));
    let area = Rect::new(whole.right().saturating_sub(width + 1), whole.y + 1, width, height);
    let inner = canvas.popup(area, "Colours", "enter keeps it · esc");
    let list = Rect { height: inner.height.saturating_sub(1), ..inner };
    let page = usize::from(list.height);
    let offset = keep_in_sight(cursor, canvas.app.view.popup.offset, page, names.len());
    canvas.view.popup = Extent { offset, page, furthest: names.len().saturating_sub(page) };
    for (at, name) in names.iter().enumerate().skip(offset).take(page) {
        let line = Rect::new(list.x, list.y + (at - offset) as u16, list.width, 1);
        let mut spans = vec![Span::raw(" ")];
        spans.extend(canvas.label(Role::Text, &text::fit(name, line.width.into())));
        let said = Line::from(spans);
        canvas.line(line, if at == cursor { said.style(canvas.style(Role::Selection)) } else { said });
        canvas.hit(line, Hit::Theme(at));
    }
    let sample = SAMPLE.map(|(role, text)| canvas.span(role, format!(" {text} ")));
    canvas.line(Rect { y: list.bottom(), height: 1.min(inner.height), ..inner }, Line::from(sample.to_vec()));
    canvas.scroll_mark(list, offset, page, names.len());
}
