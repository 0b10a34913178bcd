//! The keys, printed from the table that dispatches them: the pane in focus first, then those that
//! act everywhere.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::tui::app::help::HelpLine;
use crate::tui::canvas::Canvas;
use crate::tui::view::Extent;
use crate::tui::widget::text;

/// Columns of one column of keys.
const COLUMN: u16 = 56;
/// Columns of the keys in it.
const KEYS: usize = 16;

pub fn draw(canvas: &mut Canvas, whole: Rect) {
    let lines = lines(canvas);
    let columns = if whole.width >= 2 * COLUMN + 8 { 2 } else { 1 };
    let tall = lines.len().div_ceil(columns) as u16;
    let width = (COLUMN * columns as u16 + 4).min(whole.width.saturating_sub(4));
    let height = (tall + 2).min(whole.height.saturating_sub(2));
    let area = Rect::new(
        (whole.width - width) / 2,
        (whole.height - height) / 2,
        width,
        height,
    );
    let inner = canvas.popup(area, "Keys", "esc closes · config.toml changes them");
    let page = usize::from(inner.height);
    let furthest = usize::from(tall).saturating_sub(page);
    let offset = canvas.app.popup_scroll.min(furthest);
    canvas.view.popup = Extent {
        offset,
        page,
        furthest,
    };
    for (at, line) in lines.into_iter().enumerate() {
        let (column, row) = (at / usize::from(tall), at % usize::from(tall));
        let Some(row) = row.checked_sub(offset).filter(|r| *r < page) else {
            continue;
        };
        let x = inner.x + 1 + column as u16 * COLUMN;
        let wide = COLUMN.min(inner.right().saturating_sub(x + 1));
        canvas.line(Rect::new(x, inner.y + row as u16, wide, 1), line);
    }
    canvas.scroll_mark(inner, offset, page, usize::from(tall));
}

fn lines(canvas: &Canvas) -> Vec<Line<'static>> {
    let app = canvas.app;
    let found = !app.search.field.text().is_empty();
    let line = |(at, line): (usize, HelpLine)| {
        let HelpLine { keys, text } = line;
        if keys.is_empty() {
            return Line::from(canvas.label(Role::Title, &text));
        }
        let mut spans = canvas.label(Role::Focus, &text::fit_right(&keys, KEYS));
        spans.push(Span::raw("  "));
        spans.extend(canvas.label(Role::Text, &text));
        let line = Line::from(spans);
        if found && at == app.search.line {
            line.style(canvas.style(Role::Selection))
        } else {
            line
        }
    };
    app.help_lines().into_iter().enumerate().map(line).collect()
}
