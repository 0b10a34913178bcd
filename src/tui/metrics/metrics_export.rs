//! The Metrics table for other programs.

use crate::table::{Cell, Table};
use crate::tui::metrics::metrics_row::{ALL_QUERIES, MetricsRow};
use crate::tui::metrics::{Metrics, metric_name};
use crate::tui::shared::Shared;
use crate::types::Mode;

impl Metrics {
    /// Returns the rows of the screen as a table.
    pub(crate) fn export_table(&self, shared: &Shared) -> Table {
        let modes = shared.modes();
        let mut rows = Vec::new();
        for (index, row) in self.rows(shared).iter().enumerate() {
            let level = match (index, row.class) {
                (0, _) => ALL_QUERIES,
                (_, Some(_)) => "class",
                (_, None) => "group",
            };
            rows.push(self.cells(row, level, modes.len(), shared));
        }
        let name = shared.catalogue.as_ref().map_or("", |c| &c.name);
        let title = self.title(shared);
        Table {
            title: format!(
                "{name}: {title}; low and high: 95 % bootstrap interval, clustered by class"
            ),
            headers: headers(&modes),
            rows,
        }
    }

    /// Returns the cells of one row, in the order of [`headers`].
    fn cells(&self, row: &MetricsRow, level: &str, modes: usize, shared: &Shared) -> Vec<Cell> {
        let number = |value: Option<f64>| value.map_or(Cell::Empty, Cell::Number);
        let mut cells = vec![
            Cell::Text(row.label.clone()),
            Cell::Text(level.into()),
            Cell::Count(row.size),
            Cell::Text(metric_name(self.metric)),
            Cell::Count(shared.evaluations.seed_count.as_usize()),
            Cell::Text(shared.evaluations.ranking_name().into()),
        ];
        for (mode, &value) in row.values.iter().enumerate() {
            let interval = row.intervals.get(mode).copied().flatten();
            cells.push(number(value));
            cells.push(number(interval.map(|(low, _)| low)));
            cells.push(number(interval.map(|(_, high)| high)));
        }
        if modes > 1 {
            cells.push(number(row.difference()));
        }
        cells.push(number(row.ceiling));
        cells
    }
}

fn headers(modes: &[Mode]) -> Vec<String> {
    let fixed = ["class", "level", "size", "measure", "seeds", "ranking"];
    let mut headers = fixed.map(str::to_owned).to_vec();
    for mode in modes {
        headers.push(mode.to_string());
        headers.push(format!("{mode} low"));
        headers.push(format!("{mode} high"));
    }
    if let [first, second, ..] = modes {
        headers.push(format!("{first} − {second}"));
    }
    headers.push("ceiling".into());
    headers
}
