//! The state of the confusion matrix on the screen.

use crate::tui::failures::confusion::{Confusion, ConfusionCell, MatrixLevel};
use crate::tui::ui::scroll::shifted;

/// The level and the cursor of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matrix {
    /// If true, the matrix is shown in place of the list.
    pub on: bool,
    pub level: MatrixLevel,
    pub row: usize,
    pub column: usize,
}

impl Matrix {
    /// Returns the row and the column of the cursor, within the matrix.
    pub fn cursor(&self, confusion: &Confusion) -> (usize, usize) {
        (
            shifted(self.row, 0, confusion.rows.len()),
            shifted(self.column, 0, confusion.columns.len()),
        )
    }

    /// Returns the cell under the cursor; `None` if the matrix is empty.
    pub fn selected(&self, confusion: &Confusion) -> Option<ConfusionCell> {
        let (row, column) = self.cursor(confusion);
        Some(ConfusionCell {
            level: self.level,
            gold: confusion.rows.get(row)?.clone(),
            other: confusion.columns.get(column)?.clone(),
        })
    }

    pub(super) fn step_row(&mut self, by: isize, confusion: &Confusion) {
        self.row = shifted(self.cursor(confusion).0, by, confusion.rows.len());
    }

    pub(super) fn step_column(&mut self, by: isize, confusion: &Confusion) {
        self.column = shifted(self.cursor(confusion).1, by, confusion.columns.len());
    }

    /// Shows the next level of classes; has no effect in the list.
    pub(super) fn roll_up(&mut self) {
        if self.on {
            *self = Matrix {
                on: true,
                level: self.level.next(),
                row: 0,
                column: 0,
            };
        }
    }
}
