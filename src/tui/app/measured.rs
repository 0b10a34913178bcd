//! What the Compare, the Failures and the Metrics screen share: which queries are measured, the way
//! to Explore, the export.

use crate::engine::protocol::{Contender, Evaluation};
use crate::table::{Cell, Form};
use crate::tui::app::{App, Pane, Wish};
use crate::tui::screen::Screen;
use crate::types::{ClassId, Mode, RankingKind};

impl App {
    /// Another screen; what it needs measured is asked for.
    pub(super) fn go_to(&mut self, screen: Screen) {
        if self.screen == screen {
            return;
        }
        if self.screen == Screen::Explore {
            self.seeds_measured = self.seeds.count;
        }
        (self.screen, self.popup, self.typing, self.filtering) = (screen, None, None, false);
        self.failures.field = None;
        self.evaluate();
        self.regroup();
    }

    /// The next kind of list.
    pub(super) fn switch_ranking(&mut self) {
        self.table.ranking = match self.table.ranking {
            RankingKind::Expanded => RankingKind::Seeds,
            RankingKind::Seeds => RankingKind::Joint,
            RankingKind::Joint => RankingKind::Expanded,
        };
        self.evaluate();
    }

    /// The queries of the other number of seeds.
    pub(super) fn switch_measured(&mut self) {
        self.seeds_measured = self.seeds_measured.other();
        self.evaluate();
    }

    /// A measured query in the Explore screen, in the present mode, jointly where it was measured
    /// so.
    pub(super) fn show_query(&mut self, class: ClassId, number: usize) {
        (self.screen, self.popup) = (Screen::Explore, None);
        self.joint = self.table.ranking == RankingKind::Joint;
        let before = self.seeds.clone();
        self.open_query(class, self.seeds_measured, number);
        if self.seeds == before {
            // the seeds are there already, and may have been expanded in another mode
            self.expand();
            self.evaluate();
        }
        self.cursor_to_class();
        self.focus = Pane::Candidates;
    }

    /// What a mode is measured by here.
    pub(super) fn plan(&self, mode: Mode) -> Evaluation {
        self.plan_of(Contender::Own(mode))
    }

    pub(super) fn plan_of(&self, of: Contender) -> Evaluation {
        // a run's lists are what they are
        let ranking = if let Contender::Run(_) = of {
            RankingKind::Expanded
        } else {
            self.table.ranking
        };
        Evaluation {
            of,
            seed_count: self.seeds_measured,
            ranking,
        }
    }

    /// The queries and the kind of list.
    pub fn queries_title(&self) -> String {
        format!(
            "{} seeds · {}",
            self.seeds_measured.number(),
            self.ranking_name()
        )
    }

    pub(super) fn ranking_name(&self) -> &'static str {
        match self.table.ranking {
            RankingKind::Expanded => "expanded",
            RankingKind::Seeds => "ranked by seeds",
            RankingKind::Joint => "expanded jointly",
        }
    }

    /// The name of an exported file, without its ending.
    pub fn export_stem(&self) -> &'static str {
        match self.screen {
            Screen::Compare => "multiexpan-compare",
            Screen::Failures if self.failures.matrix.on => "multiexpan-confusion",
            Screen::Failures => "multiexpan-failures",
            Screen::Explore | Screen::Metrics => "multiexpan-metrics",
        }
    }

    /// Writes the table in the form under the popup's cursor.
    pub(super) fn export(&mut self, cursor: usize) {
        self.popup = None;
        if let Some(&form) = Form::ALL.get(cursor) {
            let (sheet, empty) = match self.screen {
                Screen::Compare => (self.compare_sheet(), "nothing is measured yet"),
                Screen::Failures => (self.failures_sheet(), "no failure is shown"),
                Screen::Explore | Screen::Metrics => {
                    (self.metrics_sheet(), "nothing is measured yet")
                }
            };
            // a count alone is of the data set, but for failures
            let says =
                |cell: &Cell| matches!(cell, Cell::Number(_)) || self.screen == Screen::Failures;
            if !sheet.rows.iter().flatten().any(says) {
                return self.notify(empty);
            }
            let (stem, text) = (self.export_stem().to_owned(), sheet.write(form));
            self.wish = Some(Wish::Write {
                stem,
                ending: form.ending(),
                text,
            });
        }
    }
}
