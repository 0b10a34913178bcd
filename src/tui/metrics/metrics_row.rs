//! One row of the Metrics table.

use std::cmp::Ordering;

use crate::tui::parts::MetricsColumn;
use crate::types::ClassId;

/// The label of the row of all queries.
pub const ALL_QUERIES: &str = "all queries";

/// One row of the table: all queries, a group of classes, or a class.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsRow {
    /// The depth in the tree of classes.
    pub depth: usize,
    pub label: String,
    /// `None` for a group and for all queries.
    pub class: Option<ClassId>,
    /// The number of members of the classes in it.
    pub size: usize,
    /// The metric in each mode; `None` if it is not evaluated yet or has no query.
    pub values: Vec<Option<f64>>,
    /// The 95 % interval in each mode; only of the row of all queries.
    pub intervals: Vec<Option<(f64, f64)>>,
    /// The best value that the candidates of the index allow.
    pub ceiling: Option<f64>,
}

impl MetricsRow {
    /// Returns the value of the first mode minus that of the second.
    pub fn difference(&self) -> Option<f64> {
        Some((*self.values.first()?)? - (*self.values.get(1)?)?)
    }

    /// Compares two rows by a column. An unknown value comes last in both directions.
    pub(super) fn compare(&self, other: &Self, column: MetricsColumn, ascending: bool) -> Ordering {
        match (self.value(column), other.value(column)) {
            (Some(a), Some(b)) if ascending => a.total_cmp(&b),
            (Some(a), Some(b)) => b.total_cmp(&a),
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    }

    fn value(&self, column: MetricsColumn) -> Option<f64> {
        match column {
            MetricsColumn::Class => None,
            MetricsColumn::Size => Some(self.size as f64),
            MetricsColumn::Mode(index) => *self.values.get(index)?,
            MetricsColumn::Difference => self.difference(),
            MetricsColumn::Ceiling => self.ceiling,
        }
    }
}
