//! The confusion matrix: gold classes down, the classes of their false positives across.
//!
//! ```text
//!                        land birds
//!                     ungu… land… fruit drin…
//!  carnivorous mamma…    12     3     ·     1
//!  land birds             4     ·     1     ·
//! ```

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::config::Role;
use crate::tui::app::failures::confusion::Confusion;
use crate::tui::canvas::Canvas;
use crate::tui::view::{Extent, Hit, keep_in_sight};
use crate::tui::widget::failures::{measured, said};
use crate::tui::widget::text;

/// A column gets no narrower and no wider.
const COLUMN: std::ops::RangeInclusive<usize> = 6..=14;
/// Of a row's label.
const LABEL: std::ops::RangeInclusive<usize> = 14..=34;

/// The part that is seen, and how it is laid out.
struct Window {
    cursor: (usize, usize),
    rows: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
    label: usize,
    column: usize,
}

pub fn draw(canvas: &mut Canvas, area: Rect, matrix: &Confusion) {
    let title = canvas.span(
        Role::Focus,
        format!(" Confusion of {} ", canvas.app.failures.matrix.level.name()),
    );
    let right = measured(
        canvas,
        usize::from(area.width).saturating_sub(title.width() + 4),
    );
    let inner = canvas.framed(area, true, title.into(), right);
    if matrix.rows.is_empty() || inner.height < 4 {
        return said(canvas, inner, &canvas.app.failures_state());
    }
    let list = Rect {
        y: inner.y + 2,
        height: inner.height - 2,
        ..inner
    };
    let window = window(canvas, list, matrix);
    heads(canvas, Rect { height: 2, ..inner }, matrix, &window);
    for row in window.rows.clone() {
        let y = list.y + (row - window.rows.start) as u16;
        draw_row(
            canvas,
            Rect {
                y,
                height: 1,
                ..list
            },
            matrix,
            &window,
            row,
        );
    }
    canvas.scroll_mark(
        list,
        window.rows.start,
        window.rows.len(),
        matrix.rows.len(),
    );
}

/// The part of the matrix around its cursor that there is room for.
fn window(canvas: &mut Canvas, list: Rect, matrix: &Confusion) -> Window {
    let app = canvas.app;
    let (width, cursor) = (usize::from(list.width), app.cell(matrix));
    let label = (width * 2 / 5).clamp(*LABEL.start(), *LABEL.end());
    let room = width.saturating_sub(label + 2);
    let column = (room / matrix.columns.len().max(1)).clamp(*COLUMN.start(), *COLUMN.end());
    let (across, down) = ((room / column).max(1), usize::from(list.height));
    let first_row = keep_in_sight(cursor.0, app.view.failures.offset, down, matrix.rows.len());
    let first_column = keep_in_sight(
        cursor.1,
        app.view.confused.offset,
        across,
        matrix.columns.len(),
    );
    let extent = |offset, page, len: usize| Extent {
        offset,
        page,
        furthest: len.saturating_sub(page),
    };
    canvas.view.failures = extent(first_row, down, matrix.rows.len());
    canvas.view.confused = extent(first_column, across, matrix.columns.len());
    Window {
        cursor,
        rows: first_row..(first_row + down).min(matrix.rows.len()),
        columns: first_column..(first_column + across).min(matrix.columns.len()),
        label,
        column,
    }
}

/// The cursor's column in full, and below it every column's head as far as it fits.
fn heads(canvas: &mut Canvas, area: Rect, matrix: &Confusion, window: &Window) {
    let more = |there: bool, sign: &str| if there { sign.to_owned() } else { " ".into() };
    let (left, right) = (
        window.columns.start > 0,
        window.columns.end < matrix.columns.len(),
    );
    let full = format!("{} ▾", matrix.columns[window.cursor.1]);
    let end = window.label + 1 + (window.cursor.1 + 1 - window.columns.start) * window.column;
    let full = text::fit_right(&full, end.max(text::width(&full)).min(area.width.into()));
    canvas.line(
        Rect { height: 1, ..area },
        Line::from(canvas.span(Role::Focus, full)),
    );
    let mut spans = vec![
        canvas.span(Role::Quiet, text::fit(" gold↓ picked→", window.label)),
        canvas.span(Role::Focus, more(left, "‹")),
    ];
    for at in window.columns.clone() {
        let role = if at == window.cursor.1 {
            Role::Focus
        } else {
            Role::Quiet
        };
        spans.push(canvas.span(
            role,
            text::fit_right(
                &text::cut(&matrix.columns[at], window.column - 1),
                window.column,
            ),
        ));
    }
    spans.push(canvas.span(Role::Focus, more(right, "›")));
    canvas.line(
        Rect {
            y: area.y + 1,
            height: 1,
            ..area
        },
        Line::from(spans),
    );
}

fn draw_row(canvas: &mut Canvas, area: Rect, matrix: &Confusion, window: &Window, row: usize) {
    let label_role = if row == window.cursor.0 {
        Role::Focus
    } else {
        Role::Text
    };
    let label = text::fit(&format!(" {}", matrix.rows[row]), window.label);
    let mut spans = vec![canvas.span(label_role, label + " ")];
    for column in window.columns.clone() {
        let (said, role) = match matrix.counts[row][column] {
            0 => ("·".to_owned(), Role::Border),
            count => (count.to_string(), Role::Text),
        };
        let cell = canvas.span(role, text::fit_right(&said, window.column));
        let selected = (row, column) == window.cursor;
        spans.push(if selected {
            cell.style(canvas.style(Role::Selection))
        } else {
            cell
        });
        let x = window.label + 1 + (column - window.columns.start) * window.column;
        let at = Rect {
            x: area.x + x as u16,
            width: window.column as u16,
            ..area
        };
        canvas.hit(at.intersection(area), Hit::Cell(row, column));
    }
    canvas.line(area, Line::from(spans));
}
