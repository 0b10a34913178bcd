//! What the Compare, the Failures and the Metrics screen share: which queries are measured, the way
//! to Explore, the export.
//!
//! What the screen wants measured: asked for one after the other, stopped, and gone on with.

use crate::engine::protocol::{EvaluationKey, Ranker, RequestKind};
use crate::table::{Cell, TableFormat};
use crate::tui::app::App;
use crate::tui::explore::Pane;
use crate::tui::message::Effect;
use crate::tui::requests::RequestClass;
use crate::tui::ui::screen::Screen;
use crate::types::SeedCount;
use crate::types::{ClassId, Mode, RankingKind};

/// Which evaluations are computed, one after the other, and which were stopped.
#[derive(Debug)]
pub struct EvaluationQueue {
    /// The queries that Compare, Failures and Metrics evaluate.
    pub seed_count: SeedCount,
    pub(crate) current: Option<EvaluationKey>,
    /// The two evaluations of the comparison under way.
    pub(crate) comparing: Option<[EvaluationKey; 2]>,
    /// The screen and its evaluations at the time when the user stopped them.
    pub(crate) stopped: Option<(Screen, Vec<EvaluationKey>)>,
}

impl Default for EvaluationQueue {
    fn default() -> Self {
        EvaluationQueue {
            seed_count: SeedCount::Three,
            current: None,
            comparing: None,
            stopped: None,
        }
    }
}

impl App {
    /// Another screen; what it needs measured is asked for.
    pub(crate) fn go_to(&mut self, screen: Screen) {
        if self.screen == screen {
            return;
        }
        if self.screen == Screen::Explore {
            self.evaluations.seed_count = self.explore.query.seeds.count;
        }
        (
            self.screen,
            self.overlay.popup,
            self.explore.seeds.typing,
            self.explore.classes.filtering,
        ) = (screen, None, None, false);
        self.failures.field = None;
        self.evaluate();
        self.regroup();
    }

    /// The next kind of list.
    pub(crate) fn switch_ranking(&mut self) {
        self.metrics.ranking = match self.metrics.ranking {
            RankingKind::Expanded => RankingKind::SeedSimilarity,
            RankingKind::SeedSimilarity => RankingKind::Joint,
            RankingKind::Joint => RankingKind::Expanded,
        };
        self.evaluate();
    }

    /// The queries of the other number of seeds.
    pub(crate) fn switch_measured(&mut self) {
        self.evaluations.seed_count = self.evaluations.seed_count.other();
        self.evaluate();
    }

    /// A measured query in the Explore screen, in the present mode, jointly where it was measured
    /// so.
    pub(crate) fn show_query(&mut self, class: ClassId, number: usize) {
        (self.screen, self.overlay.popup) = (Screen::Explore, None);
        self.explore.query.joint = self.metrics.ranking == RankingKind::Joint;
        let before = self.explore.query.seeds.clone();
        self.open_query(class, self.evaluations.seed_count, number);
        if self.explore.query.seeds == before {
            // the seeds are there already, and may have been expanded in another mode
            self.expand();
            self.evaluate();
        }
        self.cursor_to_class();
        self.explore.focus = Pane::Candidates;
    }

    /// What a mode is measured by here.
    pub(crate) fn plan(&self, mode: Mode) -> EvaluationKey {
        self.plan_of(Ranker::OpenIndex(mode))
    }

    pub(crate) fn plan_of(&self, ranker: Ranker) -> EvaluationKey {
        // a run's lists are what they are
        let ranking = if let Ranker::ImportedRun(_) = ranker {
            RankingKind::Expanded
        } else {
            self.metrics.ranking
        };
        EvaluationKey {
            ranker,
            seed_count: self.evaluations.seed_count,
            ranking,
        }
    }

    /// The queries and the kind of list.
    pub fn queries_title(&self) -> String {
        format!(
            "{} seeds · {}",
            self.evaluations.seed_count.number(),
            self.ranking_name()
        )
    }

    pub(crate) fn ranking_name(&self) -> &'static str {
        match self.metrics.ranking {
            RankingKind::Expanded => "expanded",
            RankingKind::SeedSimilarity => "ranked by seeds",
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
    pub(crate) fn export(&mut self, cursor: usize) {
        self.overlay.popup = None;
        if let Some(&form) = TableFormat::ALL.get(cursor) {
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
            let (stem, text) = (self.export_stem().to_owned(), sheet.render(form));
            self.effect = Some(Effect::Write {
                stem,
                ending: form.extension(),
                text,
            });
        }
    }
}

impl App {
    /// What the screen shows (Explore: the present mode; Metrics: each mode in turn).
    fn wanted(&self) -> Vec<EvaluationKey> {
        match self.screen {
            Screen::Explore => vec![self.explored()],
            Screen::Compare if self.compare.rankers.chosen.len() < 2 => Vec::new(),
            Screen::Compare => self
                .compare
                .rankers
                .chosen
                .iter()
                .map(|&of| self.plan_of(of))
                .collect(),
            Screen::Failures => vec![self.failure_plan()],
            Screen::Metrics => self
                .modes()
                .into_iter()
                .map(|mode| self.plan(mode))
                .collect(),
        }
    }

    /// What the Explore screen's classes are measured by.
    pub(crate) fn explored(&self) -> EvaluationKey {
        let ranker = Ranker::OpenIndex(self.explore.query.mode);
        EvaluationKey {
            ranker,
            seed_count: self.explore.query.seeds.count,
            ranking: RankingKind::Expanded,
        }
    }

    /// Has every class measured as the screen shows it, unless that is done, under way or stopped.
    pub(crate) fn evaluate(&mut self) {
        let Some(catalogue) = &self.data.catalogue else {
            return;
        };
        if self.is_stopped() {
            return;
        }
        let asked = |seeds| catalogue.queries.iter().any(|q| q.seed_count == seeds);
        let missing =
            |plan: &EvaluationKey| asked(plan.seed_count) && !self.data.overall.contains_key(plan);
        let missing = self.wanted().into_iter().find(missing);
        self.evaluations.stopped = None;
        match missing {
            Some(wanted) if self.evaluations.current != Some(wanted) => {
                self.give_up_search_in(wanted);
                self.evaluations.current = Some(wanted);
                self.engine
                    .send(RequestClass::Evaluate, RequestKind::Evaluate(wanted));
            }
            Some(_) => {}
            None => self.compare(),
        }
        self.find_failures();
    }

    /// A search through the lists of an evaluation that another one replaces ends with it.
    fn give_up_search_in(&mut self, next: EvaluationKey) {
        let is_replaced = |searching: &EvaluationKey| {
            *searching != next && !self.data.overall.contains_key(searching)
        };
        if self.failures.searching.as_ref().is_some_and(is_replaced) {
            self.failures.searching = None;
            self.engine.pending.forget(RequestClass::Failures);
            self.engine.progress.remove(&RequestClass::Failures);
        }
    }

    /// Whether what the screen wants was stopped. It stays so until it is asked to go on, or until
    /// something else is wanted.
    pub fn is_stopped(&self) -> bool {
        self.evaluations
            .stopped
            .as_ref()
            .is_some_and(|(screen, wanted)| *screen == self.screen && *wanted == self.wanted())
    }

    /// Stops what runs in the background and what waits for it; where that was stopped, it goes on.
    pub(crate) fn stop_evaluation(&mut self) {
        let [evaluates, searches] = [RequestClass::Evaluate, RequestClass::Failures]
            .map(|kind| self.engine.pending.runs(kind));
        if evaluates || searches {
            for kind in [RequestClass::Evaluate, RequestClass::Failures] {
                self.engine.pending.forget(kind);
                self.engine.progress.remove(&kind);
            }
            (self.evaluations.current, self.failures.searching) = (None, None);
            // a search that was left running behind another screen is not missed there
            let missed = evaluates || self.screen == Screen::Failures;
            self.evaluations.stopped = missed.then(|| (self.screen, self.wanted()));
            self.engine.send(RequestClass::Stop, RequestKind::Stop);
            self.notify("stopped; what is measured stays");
        } else if self.is_stopped() {
            self.evaluations.stopped = None;
            self.evaluate();
        } else {
            self.notify("nothing is being evaluated");
        }
    }
}
