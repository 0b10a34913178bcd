//! The keys, printed from the table that dispatches them: the pane in focus first, then those that act everywhere.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::text;
use crate::config::{Context, Role};
use crate::tui::app::Pane;
use crate::tui::canvas::Canvas;
use crate::tui::screen::Screen;
use crate::tui::view::Extent;

/// Columns of one column of keys.
const COLUMN: u16 = 52;

pub fn draw(canvas: &mut Canvas, whole: Rect) {
    let lines = lines(canvas);
    let columns = if whole.width >= 2 * COLUMN + 8 { 2 } else { 1 };
    let tall = lines.len().div_ceil(columns) as u16;
    let width = (COLUMN * columns as u16 + 4).min(whole.width.saturating_sub(4));
    let height = (tall + 2).min(whole.height.saturating_sub(2));
    let area = Rect::new((whole.width - width) / 2, (whole.height - height) / 2, width, height);
    let inner = canvas.popup(area, "Keys", "esc closes · config.toml changes them");
    let page = usize::from(inner.height);
    let furthest = usize::from(tall).saturating_sub(page);
    let offset = canvas.app.popup_scroll.min(furthest);
    canvas.view.popup = Extent { offset, page, furthest };
    for (at, line) in lines.into_iter().enumerate() {
        let (column, row) = (at / usize::from(tall), at % usize::from(tall));
        let Some(row) = row.checked_sub(offset).filter(|r| *r < page) else { continue };
        let x = inner.x + 1 + column as u16 * COLUMN;
        let wide = COLUMN.min(inner.right().saturating_sub(x + 1));
        canvas.line(Rect::new(x, inner.y + row as u16, wide, 1), line);
    }
    canvas.scroll_mark(inner, offset, page, usize::from(tall));
}

fn lines(canvas: &Canvas) -> Vec<Line<'static>> {
    let (pane, title) = match (canvas.app.screen, canvas.app.focus) {
        (Screen::Compare, _) => (Context::Compare, "On the compare screen"),
        (Screen::Failures, _) => (Context::Failures, "On the failures screen"),
        (Screen::Metrics, _) => (Context::Metrics, "On the metrics screen"),
        (_, Pane::Classes) => (Context::Classes, "In the classes pane"),
        (_, Pane::Seeds) => (Context::Seeds, "In the seeds pane"),
        (_, Pane::Candidates) => (Context::Candidates, "In the candidates pane"),
        (_, Pane::Entity) => (Context::Entity, "In the entity pane"),
    };
    let mut lines = Vec::new();
    let sections = [(pane, title), (Context::Global, "Everywhere")];
    for (context, title) in sections {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(Line::from(canvas.span(Role::Title, title)));
        for (action, keys) in canvas.app.settings.keymap.listing(context) {
            if context == Context::Global && !canvas.app.acts_here(action) {
                continue;
            }
            lines.push(Line::from(vec![
                canvas.span(Role::Focus, text::fit_right(&keys, 14)),
                Span::raw("  "),
                canvas.span(Role::Text, action.help()),
            ]));
        }
    }
    lines
}
