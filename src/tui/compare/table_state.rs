//! The state of the Compare table, and its rows.

use std::cmp::Ordering;

use crate::tui::ui::scroll::shifted;
use crate::types::{CUTOFFS, ClassId, EntityId};

/// The column that the Compare table is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CompareOrder {
    /// The largest gain of the first ranker comes first.
    #[default]
    Difference,
    Name,
    /// The smallest overlap of the rankings comes first.
    Overlap,
    /// The smallest rank-biased overlap comes first.
    Rbo,
}

impl CompareOrder {
    pub fn name(self) -> &'static str {
        match self {
            CompareOrder::Difference => "difference",
            CompareOrder::Name => "name",
            CompareOrder::Overlap => "overlap",
            CompareOrder::Rbo => "RBO",
        }
    }

    fn next(self) -> CompareOrder {
        match self {
            CompareOrder::Difference => CompareOrder::Name,
            CompareOrder::Name => CompareOrder::Overlap,
            CompareOrder::Overlap => CompareOrder::Rbo,
            CompareOrder::Rbo => CompareOrder::Difference,
        }
    }
}

/// The cursor of the Compare table, and its options.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CompareTable {
    /// The index of the cutoff in [`CUTOFFS`].
    pub cutoff: usize,
    pub order: CompareOrder,
    pub reversed: bool,
    /// If true, a row is a query instead of a class.
    pub by_query: bool,
    /// The class under the cursor; `None` means the first row.
    pub class: Option<ClassId>,
    /// The position, among the class's compared queries, of the query that is shown rank by rank.
    /// In a table of queries it is the query under the cursor.
    pub query: usize,
    /// The first of its joined rows that is shown.
    pub scroll: usize,
}

impl CompareTable {
    /// Returns the number of ranks that the metric looks at.
    pub fn depth(&self) -> usize {
        CUTOFFS[self.cutoff]
    }

    /// Returns the position of the cursor: that of its class or query, else the first row.
    pub fn cursor(&self, rows: &[CompareRow]) -> usize {
        let is_selected = |row: &CompareRow| {
            Some(row.class) == self.class && row.query.is_none_or(|query| query == self.query)
        };
        rows.iter().position(is_selected).unwrap_or(0)
    }

    /// Puts the cursor on another row: on the first query of a class, or on a query.
    pub(crate) fn select(&mut self, index: usize, rows: &[CompareRow]) {
        if index == self.cursor(rows) {
            return;
        }
        if let Some(row) = rows.get(index) {
            self.show_query(row.class, row.query.unwrap_or(0));
        }
    }

    /// Puts the cursor on a query of a class, and shows its joined rankings from the top.
    pub(crate) fn show_query(&mut self, class: ClassId, query: usize) {
        self.class = Some(class);
        self.query = query;
        self.scroll = 0;
    }

    /// Scrolls the joined rankings; `furthest` is the largest offset.
    pub(crate) fn scroll_by(&mut self, rows: isize, furthest: usize) {
        self.scroll = shifted(self.scroll.min(furthest), rows, furthest + 1);
    }

    pub(crate) fn sort_by_next(&mut self) {
        self.order = self.order.next();
        self.reversed = false;
    }

    pub(crate) fn next_cutoff(&mut self) {
        self.cutoff = (self.cutoff + 1) % CUTOFFS.len();
    }

    /// Sorts rows by the chosen column; values that are not known yet come last, or first if the
    /// order is reversed.
    pub(crate) fn sort(&self, rows: &mut [CompareRow]) {
        rows.sort_by(|a, b| {
            let by_value = match self.order {
                CompareOrder::Difference => {
                    ascending(a.negative_difference(), b.negative_difference())
                }
                CompareOrder::Name => Ordering::Equal,
                CompareOrder::Overlap => ascending(a.overlap, b.overlap),
                CompareOrder::Rbo => ascending(a.rbo, b.rbo),
            };
            // classes are numbered in the order of their names
            by_value.then((a.class, a.query).cmp(&(b.class, b.query)))
        });
        if self.reversed {
            rows.reverse();
        }
    }
}

/// Compares two values; an unknown one is the larger.
fn ascending(a: Option<f64>, b: Option<f64>) -> Ordering {
    let by_value = a.unwrap_or_default().total_cmp(&b.unwrap_or_default());
    a.is_none().cmp(&b.is_none()).then(by_value)
}

/// A class with the means over its compared queries, or one query. Values that are not computed yet
/// are `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct CompareRow {
    pub class: ClassId,
    /// The position of a query among the class's compared ones, from 0; `None` for a class.
    pub query: Option<usize>,
    /// The title of the class, and for a query its seeds.
    pub label: String,
    /// AP of the first ranker and of the reference, at the cutoff.
    pub ap: [Option<f64>; 2],
    /// AP of every ranker. For a class, those of the first and the reference are means over the
    /// compared queries; those of the others are means over all queries that they have.
    pub all_ap: Vec<Option<f64>>,
    pub overlap: Option<f64>,
    pub rbo: Option<f64>,
    /// Kendall's tau, over the queries that have one.
    pub tau: Option<f64>,
    /// Indexes into
    /// [`QueryComparison::queries`](crate::engine::protocol::QueryComparison::queries).
    pub queries: Vec<usize>,
}

impl CompareRow {
    /// Returns the AP of the first ranker minus that of the reference.
    pub fn difference(&self) -> Option<f64> {
        Some(self.ap[0]? - self.ap[1]?)
    }

    fn negative_difference(&self) -> Option<f64> {
        self.difference().map(|difference| -difference)
    }
}

/// An entity that is within the cutoff of a ranking, with its rank (from 1) in every ranking.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinedRow {
    pub entity: EntityId,
    pub ranks: Vec<Option<usize>>,
}
