//! Draws the confusion matrix: gold classes down, the classes of their false positives across.
//!
//! ```text
//!                        land birds
//!                     ungu… land… fruit drin…
//!  carnivorous mamma…    12     3     ·     1
//!  land birds             4     ·     1     ·
//! ```

use std::ops::{Range, RangeInclusive};

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::config::Role;
use crate::tui::failures::FailuresScreen;
use crate::tui::failures::confusion::Confusion;
use crate::tui::ui::draw_context::{DrawContext, split_first_line};
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::scroll::{Extent, keep_in_sight};
use crate::tui::ui::{empty_list, text};

/// The width of a column.
const COLUMN: RangeInclusive<usize> = 6..=14;
/// The width of a row's label.
const LABEL: RangeInclusive<usize> = 14..=34;

/// The part of the matrix that is in sight, and its layout.
struct Window {
    /// The row and the column of the cursor.
    cursor: (usize, usize),
    rows: Range<usize>,
    columns: Range<usize>,
    label_width: usize,
    column_width: usize,
}

impl Window {
    /// Returns the distance of a column from the left edge.
    fn x(&self, column: usize) -> usize {
        self.label_width + 1 + (column - self.columns.start) * self.column_width
    }
}

impl FailuresScreen {
    pub(super) fn draw_matrix(&self, canvas: &mut DrawContext, area: Rect, confusion: &Confusion) {
        let title = format!(" Confusion of {} ", self.matrix.level.name());
        let title = canvas.span(Role::Focus, title);
        let room = usize::from(area.width).saturating_sub(title.width() + 4);
        let right = self.evaluated(canvas, room);
        let inner = canvas.framed(area, true, title.into(), right);
        if confusion.rows.is_empty() || inner.height < 4 {
            let text = self.empty_text(canvas.shared);
            return empty_list::draw(canvas, inner, &text);
        }
        let list = Rect {
            y: inner.y + 2,
            height: inner.height - 2,
            ..inner
        };
        let window = self.window(canvas, list, confusion);
        draw_heads(canvas, inner, confusion, &window);
        for (row, area) in window.rows.clone().zip(list.rows()) {
            draw_row(canvas, area, confusion, &window, row);
        }
        let rows = window.rows.clone();
        canvas.scroll_bar(list, rows.start, rows.len(), confusion.rows.len());
    }

    /// Returns the part of the matrix around its cursor that there is room for.
    fn window(&self, canvas: &mut DrawContext, list: Rect, confusion: &Confusion) -> Window {
        let frame = &canvas.shared.frame;
        let (rows, columns) = (confusion.rows.len(), confusion.columns.len());
        let width = usize::from(list.width);
        let cursor = self.matrix.cursor(confusion);
        let label_width = (width * 2 / 5).clamp(*LABEL.start(), *LABEL.end());
        let room = width.saturating_sub(label_width + 2);
        let column_width = (room / columns.max(1)).clamp(*COLUMN.start(), *COLUMN.end());
        let shown_rows = usize::from(list.height);
        let shown_columns = (room / column_width).max(1);
        let first_row = keep_in_sight(cursor.0, frame.failures.offset, shown_rows, rows);
        let offset = frame.matrix_columns.offset;
        let first_column = keep_in_sight(cursor.1, offset, shown_columns, columns);
        canvas.frame_info.failures = Extent::new(first_row, shown_rows, rows);
        canvas.frame_info.matrix_columns = Extent::new(first_column, shown_columns, columns);
        Window {
            cursor,
            rows: first_row..(first_row + shown_rows).min(rows),
            columns: first_column..(first_column + shown_columns).min(columns),
            label_width,
            column_width,
        }
    }
}

/// Draws the full name of the cursor's column, and in the next line the heads of all columns.
fn draw_heads(canvas: &mut DrawContext, area: Rect, confusion: &Confusion, window: &Window) {
    let (first, rest) = split_first_line(area);
    let (second, _) = split_first_line(rest);
    let full = format!("{} ▾", confusion.columns[window.cursor.1]);
    let end = window.x(window.cursor.1) + window.column_width;
    let width = end.max(text::width(&full)).min(area.width.into());
    let full = canvas.span(Role::Focus, text::fit_right(&full, width));
    canvas.line(first, Line::from(full));
    let has_more = |there: bool, sign: &'static str| if there { sign } else { " " };
    let left = has_more(window.columns.start > 0, "‹");
    let right = has_more(window.columns.end < confusion.columns.len(), "›");
    let corner = text::fit(" gold↓ listed→", window.label_width);
    let mut spans = vec![
        canvas.span(Role::Quiet, corner),
        canvas.span(Role::Focus, left),
    ];
    for column in window.columns.clone() {
        let role = if column == window.cursor.1 {
            Role::Focus
        } else {
            Role::Quiet
        };
        let head = text::cut(&confusion.columns[column], window.column_width - 1);
        spans.push(canvas.span(role, text::fit_right(&head, window.column_width)));
    }
    spans.push(canvas.span(Role::Focus, right));
    canvas.line(second, Line::from(spans));
}

fn draw_row(
    canvas: &mut DrawContext,
    area: Rect,
    confusion: &Confusion,
    window: &Window,
    row: usize,
) {
    let role = if row == window.cursor.0 {
        Role::Focus
    } else {
        Role::Text
    };
    let label = text::fit(&format!(" {}", confusion.rows[row]), window.label_width);
    let mut spans = vec![canvas.span(role, label + " ")];
    for column in window.columns.clone() {
        let (count, role) = match confusion.counts[row][column] {
            0 => ("·".to_owned(), Role::Border),
            count => (count.to_string(), Role::Text),
        };
        let mut cell = canvas.span(role, text::fit_right(&count, window.column_width));
        if (row, column) == window.cursor {
            cell = cell.style(canvas.style(Role::Selection));
        }
        spans.push(cell);
        let target = Rect {
            x: area.x + window.x(column) as u16,
            width: window.column_width as u16,
            ..area
        };
        let target = target.intersection(area);
        canvas.click_target(target, ClickTarget::MatrixCell(row, column));
    }
    canvas.line(area, Line::from(spans));
}
