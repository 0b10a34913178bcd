//! Which classes are taken for which: gold class × the class of its false positives.

use std::collections::HashMap;

use crate::engine::protocol::{Catalogue, Failure};
use crate::eval::error_analysis::FailureKind;
use crate::types::ClassId;

use crate::tui::app::App;
use crate::tui::app::act::shifted;

/// Of false positives that are known members of nothing.
pub const NO_CLASS: &str = "no class";

/// How far classes are rolled up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    #[default]
    Fine,
    Middle,
    Coarse,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Level::Fine => "fine classes",
            Level::Middle => "middle classes",
            Level::Coarse => "coarse classes",
        }
    }

    fn next(self) -> Level {
        match self {
            Level::Fine => Level::Middle,
            Level::Middle => Level::Coarse,
            Level::Coarse => Level::Fine,
        }
    }

    /// The label of every class at this level; a class that has none there keeps its own.
    fn labels(self, catalogue: &Catalogue) -> Vec<String> {
        let above = catalogue.classes.iter().map(|class| match self {
            Level::Fine => class.title(),
            Level::Middle => class.middle.clone().unwrap_or_else(|| class.title()),
            Level::Coarse => class.coarse.clone().unwrap_or_else(|| class.title()),
        });
        above.collect()
    }
}

/// What the user did to the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matrix {
    /// Whether it stands in the place of the list.
    pub on: bool,
    pub level: Level,
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
    pub level: Level,
    pub gold: String,
    pub other: String,
}

impl Confused {
    /// Whether a failure is of this cell.
    pub(super) fn filter(&self, catalogue: &Catalogue) -> impl Fn(&Failure) -> bool {
        let labels = self.level.labels(catalogue);
        let (gold, other) = (self.gold.clone(), self.other.clone());
        move |f: &Failure| {
            let known = f
                .known()
                .map_or(NO_CLASS, |class: ClassId| &labels[class.at()]);
            f.kind() == FailureKind::FalsePositive && labels[f.class.at()] == gold && known == other
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
        let (Some(catalogue), Some(found)) = (&self.catalogue, self.failures_found()) else {
            return Confusion::default();
        };
        let labels = self.failures.matrix.level.labels(catalogue);
        let wrong = found
            .failures
            .iter()
            .filter(|f| f.rank.is_some() && self.passes_but_for_cell(f));
        let pair = |f: &Failure| {
            (
                labels[f.class.at()].as_str(),
                f.known()
                    .map_or(NO_CLASS, |known| labels[known.at()].as_str()),
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
        let (Some(catalogue), Some(found)) = (&self.catalogue, self.failures_found()) else {
            return Vec::new();
        };
        let holds = cell.filter(catalogue);
        found
            .failures
            .iter()
            .filter(|f| self.passes_but_for_cell(f) && holds(f))
            .collect()
    }

    pub(super) fn step_row(&mut self, by: isize) {
        let confusion = self.confusion();
        self.failures.matrix.row = shifted(self.cell(&confusion).0, by, confusion.rows.len());
    }

    pub(super) fn step_column(&mut self, by: isize) {
        let confusion = self.confusion();
        self.failures.matrix.column = shifted(self.cell(&confusion).1, by, confusion.columns.len());
    }

    pub(in crate::tui::app) fn put_cell(&mut self, row: usize, column: usize) {
        (self.failures.matrix.row, self.failures.matrix.column) = (row, column);
    }

    /// The next level; in the list it changes nothing.
    pub(super) fn roll_up(&mut self) {
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
    pub(in crate::tui::app) fn open_cell(&mut self) {
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
