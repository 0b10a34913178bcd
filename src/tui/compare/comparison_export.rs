//! The Compare table for other programs, and its test in words.

use crate::table::{Cell, Table};
use crate::tui::compare::Compare;
use crate::tui::compare::rows::{class_title, seed_names};
use crate::tui::compare::table_state::CompareRow;
use crate::tui::shared::Shared;
use crate::types::PairedTest;

impl Compare {
    /// Returns the rows of the screen as a table.
    pub(crate) fn export_table(&self, shared: &Shared) -> Table {
        let rows = self.rows(shared);
        let rows = rows.iter().map(|row| self.cells(row, shared)).collect();
        Table {
            title: self.export_title(shared),
            headers: self.headers(shared),
            rows,
        }
    }

    fn export_title(&self, shared: &Shared) -> String {
        let [first, reference] = self.rankers.pair_names(shared);
        let name = shared.catalogue.as_ref().map_or("", |c| &c.name);
        let depth = self.table.depth();
        let evaluated = shared.evaluations.title();
        let mut title = format!("{name}: MAP@{depth}, {first} against {reference} · {evaluated}");
        if let Some(test) = self.paired_test(shared) {
            title.push_str(&format!("; {}", paired_test_text(&test)));
        }
        title
    }

    fn headers(&self, shared: &Shared) -> Vec<String> {
        let mut headers = vec!["class".to_owned()];
        if self.table.by_query {
            headers.extend(["query", "seed names"].map(str::to_owned));
        }
        headers.extend(["measure", "seeds", "ranking"].map(str::to_owned));
        headers.extend(self.rankers.names(shared));
        headers.extend(["difference", "overlap", "RBO", "tau", "queries"].map(str::to_owned));
        headers
    }

    /// Returns the cells of a row, in the order of the headers.
    fn cells(&self, row: &CompareRow, shared: &Shared) -> Vec<Cell> {
        let number = |value: Option<f64>| value.map_or(Cell::Empty, Cell::Number);
        let mut cells = vec![Cell::Text(class_title(row.class, shared))];
        if let Some(number) = self.query_number(row, shared) {
            cells.push(Cell::Count(number));
            cells.push(Cell::Text(seed_names(row.class, number - 1, shared)));
        }
        let evaluations = &shared.evaluations;
        cells.push(Cell::Text(format!("MAP@{}", self.table.depth())));
        cells.push(Cell::Count(evaluations.seed_count.as_usize()));
        cells.push(Cell::Text(evaluations.ranking_name().into()));
        cells.extend(row.all_ap.iter().map(|&ap| number(ap)));
        cells.extend([row.difference(), row.overlap, row.rbo, row.tau].map(number));
        cells.push(Cell::Count(row.queries.len()));
        cells
    }
}

/// Returns a test in one line. Its p-value is that of one test, whatever else is shown.
pub(super) fn paired_test_text(test: &PairedTest) -> String {
    let p = if test.p < 0.001 {
        "p < .001".to_owned()
    } else {
        format!("p {:.3}", test.p).replace(" 0.", " .")
    };
    format!(
        "{} [{}, {}] {p} uncorrected · {} wins, {} ties, {} losses",
        signed(test.difference),
        signed(test.low),
        signed(test.high),
        test.wins,
        test.ties,
        test.losses
    )
}

/// Returns a number with its sign and three decimals.
fn signed(value: f64) -> String {
    if value < 0.0 {
        format!("−{:.3}", -value)
    } else {
        format!("+{value:.3}")
    }
}
