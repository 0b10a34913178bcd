//! The Compare screen: two to four rankings of the same queries, by class or by query and, for one
//! query, rank by rank. The rankers are modes of the index, other indexes and runs.
//!
//! ```text
//!  multiexpan  demo · both · 825 entities                        1 Explore  2 Compare  4 Metrics  ? help
//! ┏ both against text ━━━━ MAP@10 · 3 seeds · expanded ┓╭ classes ─────────────────────────────────────╮
//! ┃ class               both  text  diff.  shared  RBO ┃│ both ↑                  ▲      ◆  ▲ ·         │
//! ┃ fish                 .91   .62 ▲ +.29     .61   .58 ┃│               ▲           ·    ▼             │
//! ┃ drinks               .83   .80 ▲ +.03     .70   .66 ┃│        ·  ·            ▼                     │
//! ┃                                                    ┃│   ·                               text →     │
//! ┃                                                    ┃╰──────────────────────────────────────────────╯
//! ┃                                                    ┃╭ fish · query 2 of 5 ─────────────────────────╮
//! ┃                                                    ┃│  1 ✓ trout               4 ▲ 3               │
//! ┃                                                    ┃│  2 ✗ frog                – gained            │
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛╰──────────────────────────────────────────────╯
//!  +.023 [−.004, +.050] p .110 uncorrected · 24 wins, 5 ties, 17 losses
//! ```

mod class_table;
mod comparison_export;
mod draw;
mod joined_rankings;
pub mod ranker_picker;
pub mod rankers;
pub mod rows;
mod scatter;
pub mod table_state;

use crate::config::Action;
use crate::engine::protocol::Ranker;
use crate::tui::compare::rankers::Rankers;
use crate::tui::compare::table_state::CompareTable;
use crate::tui::message::Effect;
use crate::tui::parts::{Popup, Screen};
use crate::tui::requests::RequestClass;
use crate::tui::search::SearchableList;
use crate::tui::shared::Shared;
use crate::tui::ui::scroll::shifted;
use crate::types::PairedTest;

/// The Compare screen.
#[derive(Debug, Default)]
pub struct Compare {
    pub table: CompareTable,
    /// The rankings that are compared.
    pub rankers: Rankers,
}

impl Compare {
    /// Handles an action on the screen; returns what is left to others.
    pub(crate) fn update(&mut self, action: Action, shared: &Shared) -> Vec<Effect> {
        match action {
            Action::Sort => self.table.sort_by_next(),
            Action::ReverseOrder => self.table.reversed = !self.table.reversed,
            Action::Queries => self.table.by_query = !self.table.by_query,
            Action::NextMetric => self.table.next_cutoff(),
            Action::ScrollDown => self.scroll_rankings(1, shared),
            Action::ScrollUp => self.scroll_rankings(-1, shared),
            Action::PreviousQuery => self.step_query(-1, shared),
            Action::NextQuery => self.step_query(1, shared),
            Action::NextReference => return self.rankers.next_reference(),
            Action::Mode => return vec![self.rankers.next_modes(shared)],
            Action::Rankers => return vec![Effect::OpenPopup(Popup::Rankers)],
            Action::Export => return vec![Effect::OpenPopup(Popup::Export)],
            Action::Ranking => return vec![Effect::NextRanking],
            Action::SeedCount => return vec![Effect::NextSeedCount],
            Action::Open => return self.open_query(shared),
            _ => {}
        }
        Vec::new()
    }

    /// Moves the cursor by a number of rows.
    pub(crate) fn step(&mut self, by: isize, shared: &Shared) {
        let rows = self.rows(shared);
        let index = shifted(self.table.cursor(&rows), by, rows.len());
        self.table.select(index, &rows);
    }

    /// Selects a row that was clicked; opens its query if it was selected before.
    pub(crate) fn click(&mut self, index: usize, shared: &Shared) -> Vec<Effect> {
        let rows = self.rows(shared);
        if self.table.cursor(&rows) == index {
            return self.open_query(shared);
        }
        self.table.select(index, &rows);
        Vec::new()
    }

    /// Shows another query of the selected class.
    fn step_query(&mut self, by: isize, shared: &Shared) {
        let Some(row) = self.selected_row(shared) else {
            return;
        };
        let current = row.query.unwrap_or(self.table.query);
        let query = shifted(current, by, self.query_count(row.class, shared));
        self.table.show_query(row.class, query);
    }

    /// Scrolls the joined rankings.
    pub(crate) fn scroll_rankings(&mut self, by: isize, shared: &Shared) {
        self.table
            .scroll_by(by, shared.frame.compare_rankings.furthest);
    }

    /// Opens the query in Explore, in the first ranker's mode if that is one of the open index.
    fn open_query(&self, shared: &Shared) -> Vec<Effect> {
        let Some(query) = self.selected_query(shared) else {
            return Vec::new();
        };
        let mode = match self.rankers.chosen.first() {
            Some(&Ranker::OpenIndex(mode)) => Some(mode),
            _ => None,
        };
        vec![Effect::ShowQuery {
            class: query.class,
            number: query.number,
            mode,
        }]
    }

    /// Returns the labels of the rows, for searching and copying.
    pub(crate) fn list(&self, shared: &Shared) -> SearchableList {
        let rows = self.rows(shared);
        let cursor = self.table.cursor(&rows);
        let labels = rows.into_iter().map(|row| row.label).collect();
        SearchableList { labels, cursor }
    }

    /// Returns the test of the difference between the first ranker and the reference.
    pub fn paired_test(&self, shared: &Shared) -> Option<PairedTest> {
        self.rankers.comparison(shared)?.ap_tests[self.table.cutoff]
    }

    /// Returns the text in place of the table while it is empty.
    pub fn empty_text(&self, shared: &Shared) -> String {
        let Some(catalogue) = &shared.catalogue else {
            let error = shared.engine.open_error.clone();
            return error.unwrap_or_else(|| "opening …".into());
        };
        if self.rankers.chosen.len() < 2 {
            return "This index has only one mode. Add another index or a run to compare.".into();
        }
        let seeds = shared.evaluations.seed_count;
        if !catalogue.queries.iter().any(|q| q.seed_count == seeds) {
            return format!("There are no queries of {} seeds.", seeds.as_usize());
        }
        let pending = &shared.engine.pending;
        if pending.is_running(RequestClass::Evaluate) || pending.is_running(RequestClass::Compare) {
            return "evaluating …".into();
        }
        let evaluations = self.rankers.evaluations(shared);
        if shared.evaluations.is_stopped(Screen::Compare, &evaluations) {
            return "The evaluation was stopped.".into();
        }
        if self.rankers.comparison(shared).is_some() {
            let seeds = seeds.as_usize();
            return format!("The rankers have no query of {seeds} seeds in common.");
        }
        "Nothing could be compared.".into()
    }
}
