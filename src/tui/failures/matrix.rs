//! Which classes are taken for which: gold class × the class of its false positives.
//!
//! The confusion matrix: gold classes down, the classes of their false positives across.
//!
//! ```text
//!                        land birds
//!                     ungu… land… fruit drin…
//!  carnivorous mamma…    12     3     ·     1
//!  land birds             4     ·     1     ·
//! ```

use crate::config::Role;
use crate::engine::protocol::FailureKind;
use crate::engine::protocol::{Catalogue, Failure};
use crate::tui::app::App;
use crate::tui::failures::list::{measured, said};
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::scroll::shifted;
use crate::tui::ui::scroll::{Extent, keep_in_sight};
use crate::tui::ui::text;
use crate::types::ClassId;
use ratatui::layout::Rect;
use ratatui::text::Line;
use std::collections::HashMap;

/// Of false positives that are known members of nothing.
pub const NO_CLASS: &str = "no class";

/// How far classes are rolled up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MatrixLevel {
    #[default]
    Fine,
    Middle,
    Coarse,
}

impl MatrixLevel {
    pub fn name(self) -> &'static str {
        match self {
            MatrixLevel::Fine => "fine classes",
            MatrixLevel::Middle => "middle classes",
            MatrixLevel::Coarse => "coarse classes",
        }
    }

    fn next(self) -> MatrixLevel {
        match self {
            MatrixLevel::Fine => MatrixLevel::Middle,
            MatrixLevel::Middle => MatrixLevel::Coarse,
            MatrixLevel::Coarse => MatrixLevel::Fine,
        }
    }

    /// The label of every class at this level; a class that has none there keeps its own.
    fn labels(self, catalogue: &Catalogue) -> Vec<String> {
        let above = catalogue.classes.iter().map(|class| match self {
            MatrixLevel::Fine => class.title(),
            MatrixLevel::Middle => class.middle.clone().unwrap_or_else(|| class.title()),
            MatrixLevel::Coarse => class.coarse.clone().unwrap_or_else(|| class.title()),
        });
        above.collect()
    }
}

/// What the user did to the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matrix {
    /// Whether it stands in the place of the list.
    pub on: bool,
    pub level: MatrixLevel,
    pub row: usize,
    pub column: usize,
}

impl Matrix {
    pub fn is_at(&self, row: usize, column: usize) -> bool {
        (self.row, self.column) == (row, column)
    }
}

/// A cell of the matrix, by its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confused {
    pub level: MatrixLevel,
    pub gold: String,
    pub other: String,
}

impl Confused {
    /// Whether a failure is of this cell.
    pub(crate) fn filter(&self, catalogue: &Catalogue) -> impl Fn(&Failure) -> bool {
        let labels = self.level.labels(catalogue);
        let (gold, other) = (self.gold.clone(), self.other.clone());
        move |f: &Failure| {
            let known = f
                .known_class()
                .map_or(NO_CLASS, |class: ClassId| &labels[class.index()]);
            f.kind() == FailureKind::FalsePositive
                && labels[f.class.index()] == gold
                && known == other
        }
    }
}

/// The matrix; the classes with the most false positives first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Confusion {
    /// Gold classes.
    pub rows: Vec<String>,
    /// The classes of their false positives.
    pub columns: Vec<String>,
    /// By row, then by column.
    pub counts: Vec<Vec<usize>>,
}

impl Confusion {
    /// From labels of gold and of what was taken for it.
    fn of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Confusion {
        let mut cells: HashMap<(&str, &str), usize> = HashMap::new();
        pairs.for_each(|pair| *cells.entry(pair).or_default() += 1);
        let ordered = |label: fn(&(&'a str, &'a str)) -> &'a str| {
            let mut totals: HashMap<&str, usize> = HashMap::new();
            cells
                .iter()
                .for_each(|(cell, count)| *totals.entry(label(cell)).or_default() += count);
            let mut totals: Vec<_> = totals.into_iter().collect();
            totals.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
            totals
                .into_iter()
                .map(|(label, _)| label)
                .collect::<Vec<&str>>()
        };
        let (rows, columns) = (ordered(|cell| cell.0), ordered(|cell| cell.1));
        let count = |row, column| cells.get(&(row, column)).copied().unwrap_or(0);
        let counts = rows
            .iter()
            .map(|row| columns.iter().map(|column| count(row, column)).collect())
            .collect();
        let owned = |labels: Vec<&str>| labels.into_iter().map(str::to_owned).collect();
        Confusion {
            rows: owned(rows),
            columns: owned(columns),
            counts,
        }
    }
}

impl App {
    /// Of the false positives above the cutoff that pass the filters by tag and mark.
    pub fn confusion(&self) -> Confusion {
        let (Some(catalogue), Some(found)) = (&self.shared.catalogue, self.failures_found()) else {
            return Confusion::default();
        };
        let labels = self.failures.matrix.level.labels(catalogue);
        let wrong = found
            .failures
            .iter()
            .filter(|f| f.rank.is_some() && self.passes_but_for_cell(f));
        let pair = |f: &Failure| {
            (
                labels[f.class.index()].as_str(),
                f.known_class()
                    .map_or(NO_CLASS, |known| labels[known.index()].as_str()),
            )
        };
        Confusion::of(wrong.map(pair))
    }

    /// The place of the matrix's cursor, within it.
    pub fn cell(&self, confusion: &Confusion) -> (usize, usize) {
        let Matrix { row, column, .. } = self.failures.matrix;
        (
            shifted(row, 0, confusion.rows.len()),
            shifted(column, 0, confusion.columns.len()),
        )
    }

    /// The cell under the cursor; none where the matrix is empty.
    pub fn confused(&self, confusion: &Confusion) -> Option<Confused> {
        let (row, column) = self.cell(confusion);
        let (gold, other) = (
            confusion.rows.get(row)?.clone(),
            confusion.columns.get(column)?.clone(),
        );
        Some(Confused {
            level: self.failures.matrix.level,
            gold,
            other,
        })
    }

    /// The false positives of a cell.
    pub fn failures_in(&self, cell: &Confused) -> Vec<&Failure> {
        let (Some(catalogue), Some(found)) = (&self.shared.catalogue, self.failures_found()) else {
            return Vec::new();
        };
        let holds = cell.filter(catalogue);
        found
            .failures
            .iter()
            .filter(|f| self.passes_but_for_cell(f) && holds(f))
            .collect()
    }

    pub(crate) fn step_row(&mut self, by: isize) {
        let confusion = self.confusion();
        self.failures.matrix.row = shifted(self.cell(&confusion).0, by, confusion.rows.len());
    }

    pub(crate) fn step_column(&mut self, by: isize) {
        let confusion = self.confusion();
        self.failures.matrix.column = shifted(self.cell(&confusion).1, by, confusion.columns.len());
    }

    pub(crate) fn put_cell(&mut self, row: usize, column: usize) {
        (self.failures.matrix.row, self.failures.matrix.column) = (row, column);
    }

    /// The next level; in the list it changes nothing.
    pub(crate) fn roll_up(&mut self) {
        if self.failures.matrix.on {
            let level = self.failures.matrix.level.next();
            self.failures.matrix = Matrix {
                on: true,
                level,
                ..Matrix::default()
            };
        }
    }

    /// The list of what is in the cell.
    pub(crate) fn open_cell(&mut self) {
        let cell = self.confused(&self.confusion());
        match cell.filter(|cell| !self.failures_in(cell).is_empty()) {
            Some(cell) => {
                (self.failures.confused, self.failures.matrix.on) = (Some(cell), false);
                (self.failures.kind, self.failures.cursor) = (None, 0);
                self.failures.filter.clear();
                self.regroup();
            }
            None => self.notify("these two are never confused"),
        }
    }
}

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

pub fn draw(canvas: &mut DrawContext, area: Rect, matrix: &Confusion) {
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
    canvas.scroll_bar(
        list,
        window.rows.start,
        window.rows.len(),
        matrix.rows.len(),
    );
}

/// The part of the matrix around its cursor that there is room for.
fn window(canvas: &mut DrawContext, list: Rect, matrix: &Confusion) -> Window {
    let app = canvas.app;
    let (width, cursor) = (usize::from(list.width), app.cell(matrix));
    let label = (width * 2 / 5).clamp(*LABEL.start(), *LABEL.end());
    let room = width.saturating_sub(label + 2);
    let column = (room / matrix.columns.len().max(1)).clamp(*COLUMN.start(), *COLUMN.end());
    let (across, down) = ((room / column).max(1), usize::from(list.height));
    let first_row = keep_in_sight(
        cursor.0,
        app.shared.frame.failures.offset,
        down,
        matrix.rows.len(),
    );
    let first_column = keep_in_sight(
        cursor.1,
        app.shared.frame.matrix_columns.offset,
        across,
        matrix.columns.len(),
    );
    let extent = |offset, page, len: usize| Extent {
        offset,
        page,
        furthest: len.saturating_sub(page),
    };
    canvas.frame_info.failures = extent(first_row, down, matrix.rows.len());
    canvas.frame_info.matrix_columns = extent(first_column, across, matrix.columns.len());
    Window {
        cursor,
        rows: first_row..(first_row + down).min(matrix.rows.len()),
        columns: first_column..(first_column + across).min(matrix.columns.len()),
        label,
        column,
    }
}

/// The cursor's column in full, and below it every column's head as far as it fits.
fn heads(canvas: &mut DrawContext, area: Rect, matrix: &Confusion, window: &Window) {
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

fn draw_row(canvas: &mut DrawContext, area: Rect, matrix: &Confusion, window: &Window, row: usize) {
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
        canvas.click_target(at.intersection(area), ClickTarget::MatrixCell(row, column));
    }
    canvas.line(area, Line::from(spans));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_confused_come_first_and_what_is_never_confused_not_at_all() {
        let pairs = [
            ("fish", "birds"),
            ("trees", "fish"),
            ("trees", "birds"),
            ("trees", "birds"),
        ];
        let confusion = Confusion::of(pairs.into_iter());
        assert_eq!(confusion.rows, ["trees", "fish"]);
        assert_eq!(confusion.columns, ["birds", "fish"]);
        assert_eq!(confusion.counts, [vec![2, 1], vec![1, 0]]);
        assert_eq!(Confusion::of(std::iter::empty()), Confusion::default());
    }
}
