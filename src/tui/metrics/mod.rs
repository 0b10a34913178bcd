//! The Metrics screen: classes × modes in one metric, sorted by any column, with the means of
//! groups.
//!
//! ```text
//!  multiexpan  demo · both · 825 entities · 46 classes · cpu          1 Explore  2 Compare  4 Metrics  ? help
//! ┏ Metrics ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ MAP@10 · 3 seeds · expanded ┓
//! ┃ class ↓                      size   both         text         image        both−text  of     ┃
//! ┃ all queries                   847   .82 ██████   .80 █████▊   .81 █████▉        +.02  1.0    ┃
//! ┃   95 % interval                     .77–.86      .75–.85      .77–.86                        ┃
//! ┃ Living things                 412   .84 ██████▏  …                                           ┃
//! ┃   Animals                     208   …                                                        ┃
//! ┃     carnivorous mammals        17   …                                                        ┃
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
//!  enter opens the class · s sorts · S reverses · v metric · r ranking · tab 3 or 5 seeds · e exports
//! ```

mod draw;
mod metrics_export;
pub mod metrics_row;
mod metrics_rows;

use crate::config::Action;
use crate::tui::message::Effect;
use crate::tui::parts::{MetricsColumn, Popup};
use crate::tui::search::SearchableList;
use crate::tui::shared::Shared;
use crate::tui::ui::scroll::shifted;
use crate::types::Metric;

/// The Metrics screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    pub metric: Metric,
    /// The column that the rows are sorted by.
    pub sort: MetricsColumn,
    /// If true, the smallest value comes first.
    pub ascending: bool,
    pub cursor: usize,
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics {
            metric: Metric::ALL[0],
            sort: MetricsColumn::Class,
            ascending: false,
            cursor: 0,
        }
    }
}

impl Metrics {
    /// Handles an action on the screen; returns what is left to others.
    pub(crate) fn update(&mut self, action: Action, shared: &Shared) -> Vec<Effect> {
        match action {
            Action::Sort => self.sort_by_next(shared),
            // the tree has one order
            Action::ReverseOrder if self.sort == MetricsColumn::Class => self.ascending = false,
            Action::ReverseOrder => self.ascending = !self.ascending,
            Action::NextMetric => self.metric = next_metric(self.metric),
            Action::Export => return vec![Effect::OpenPopup(Popup::Export)],
            Action::Ranking => return vec![Effect::NextRanking],
            Action::SeedCount => return vec![Effect::NextSeedCount],
            Action::Open => return vec![self.open_row(shared)],
            _ => {}
        }
        Vec::new()
    }

    fn sort_by_next(&mut self, shared: &Shared) {
        let modes = shared.modes().len();
        self.sort = match self.sort {
            MetricsColumn::Class => MetricsColumn::Size,
            MetricsColumn::Size => MetricsColumn::Mode(0),
            MetricsColumn::Mode(index) if index + 1 < modes => MetricsColumn::Mode(index + 1),
            MetricsColumn::Mode(_) if modes > 1 => MetricsColumn::Difference,
            MetricsColumn::Mode(_) | MetricsColumn::Difference => MetricsColumn::Ceiling,
            MetricsColumn::Ceiling => MetricsColumn::Class,
        };
        self.cursor = 0;
    }

    /// Sorts by a column that was clicked; reverses the order if it is sorted by that column.
    pub(crate) fn sort_by(&mut self, column: MetricsColumn) {
        self.ascending = self.sort == column && !self.ascending;
        self.sort = column;
        self.cursor = 0;
    }

    /// Opens the first query of the class under the cursor in Explore.
    fn open_row(&self, shared: &Shared) -> Effect {
        let rows = self.rows(shared);
        match rows.get(self.cursor).and_then(|row| row.class) {
            Some(class) => Effect::ShowQuery {
                class,
                number: 0,
                mode: None,
            },
            None => Effect::Notify("select a class to open it: a group has no queries".into()),
        }
    }

    /// Moves the cursor by a number of rows.
    pub(crate) fn step(&mut self, by: isize, shared: &Shared) {
        self.cursor = shifted(self.cursor, by, self.rows(shared).len());
    }

    /// Selects a row that was clicked; opens its class if it was selected before.
    pub(crate) fn click(&mut self, row: usize, shared: &Shared) -> Vec<Effect> {
        if self.cursor == row {
            return vec![self.open_row(shared)];
        }
        self.cursor = row;
        Vec::new()
    }

    /// Returns the labels of the rows, for searching and copying.
    pub(crate) fn list(&self, shared: &Shared) -> SearchableList {
        let rows = self.rows(shared).into_iter();
        SearchableList {
            labels: rows.map(|row| row.label).collect(),
            cursor: self.cursor,
        }
    }

    /// Returns the title of the table: the metric and the queries.
    pub fn title(&self, shared: &Shared) -> String {
        let metric = metric_name(self.metric);
        format!("{metric} · {}", shared.evaluations.title())
    }

    /// Returns the text in place of the table while there is nothing to show.
    fn empty_text(&self, shared: &Shared) -> Option<String> {
        let catalogue = shared.catalogue.as_ref();
        let Some(catalogue) = catalogue.filter(|_| !shared.modes().is_empty()) else {
            let error = shared.engine.open_error.clone();
            return Some(error.unwrap_or_else(|| "opening …".into()));
        };
        let seeds = shared.evaluations.seed_count;
        if catalogue.queries.iter().any(|q| q.seed_count == seeds) {
            return None;
        }
        let seeds = seeds.as_usize();
        Some(format!("There are no queries of {seeds} seeds."))
    }
}

/// Returns the name of a metric as titles show it, such as `MAP@10`.
fn metric_name(metric: Metric) -> String {
    metric.to_string().to_uppercase()
}

fn next_metric(metric: Metric) -> Metric {
    let all = Metric::ALL;
    let index = all.iter().position(|&other| other == metric);
    all[(index.unwrap_or(0) + 1) % all.len()]
}
