//! Sends the evaluations that the screen shows, one after the other; stops them and goes on.

use crate::engine::protocol::{EvaluationKey, Failures, RequestKind};
use crate::table::{Cell, Table, TableFormat};
use crate::tui::app::App;
use crate::tui::message::LoopCommand;
use crate::tui::parts::Screen;
use crate::tui::requests::RequestClass;
use crate::types::RankingKind;

impl App {
    /// The next kind of list.
    pub(crate) fn next_ranking(&mut self) {
        self.shared.evaluations.ranking = match self.shared.evaluations.ranking {
            RankingKind::Expanded => RankingKind::SeedSimilarity,
            RankingKind::SeedSimilarity => RankingKind::Joint,
            RankingKind::Joint => RankingKind::Expanded,
        };
        self.evaluate();
    }

    /// The queries of the other number of seeds.
    pub(crate) fn next_seed_count(&mut self) {
        self.shared.evaluations.seed_count = self.shared.evaluations.seed_count.other();
        self.evaluate();
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

    /// Returns the table of the screen for other programs.
    fn export_table(&self) -> Table {
        match self.screen {
            Screen::Compare => self.compare.export_table(&self.shared),
            Screen::Failures => self.failures.export_table(&self.shared),
            Screen::Explore | Screen::Metrics => self.metrics.export_table(&self.shared),
        }
    }

    /// Writes the table of the screen in the format under the popup's cursor.
    pub(crate) fn export(&mut self, cursor: usize) {
        self.overlay.popup = None;
        let Some(&format) = TableFormat::ALL.get(cursor) else {
            return;
        };
        let table = self.export_table();
        let mut cells = table.rows.iter().flatten();
        if self.screen == Screen::Failures {
            if cells.next().is_none() {
                return self.notify("no failure is shown");
            }
        } else if !cells.any(|cell| matches!(cell, Cell::Number(_))) {
            // counts alone describe the data set
            return self.notify("nothing is evaluated yet");
        }
        self.command = Some(LoopCommand::Write {
            stem: self.export_stem().to_owned(),
            ending: format.extension(),
            text: table.render(format),
        });
    }
}

impl App {
    /// What the screen shows (Explore: the present mode; Metrics: each mode in turn).
    fn wanted(&self) -> Vec<EvaluationKey> {
        match self.screen {
            Screen::Explore => vec![self.explore.query.evaluation_key()],
            Screen::Compare => self.compare.rankers.evaluations(&self.shared),
            Screen::Failures => vec![self.failures.evaluation(&self.shared)],
            Screen::Metrics => self
                .shared
                .modes()
                .into_iter()
                .map(|mode| self.shared.evaluations.key(mode))
                .collect(),
        }
    }

    /// Has every class measured as the screen shows it, unless that is done, under way or stopped.
    pub(crate) fn evaluate(&mut self) {
        let Some(catalogue) = &self.shared.catalogue else {
            return;
        };
        if self.is_stopped() {
            return;
        }
        let asked = |seeds| catalogue.queries.iter().any(|q| q.seed_count == seeds);
        let missing = |plan: &EvaluationKey| {
            asked(plan.seed_count) && !self.shared.overall.contains_key(plan)
        };
        let missing = self.wanted().into_iter().find(missing);
        self.shared.evaluations.stopped = None;
        match missing {
            Some(wanted) if self.shared.evaluations.current != Some(wanted) => {
                self.give_up_search_in(wanted);
                self.shared.evaluations.current = Some(wanted);
                self.shared
                    .engine
                    .send(RequestClass::Evaluate, RequestKind::Evaluate(wanted));
            }
            Some(_) => {}
            None => self.request_comparison(),
        }
        self.search_failures();
    }

    /// Searches the evaluation of the Failures screen for failures, as soon as it has rankings.
    fn search_failures(&mut self) {
        if self.screen != Screen::Failures {
            return;
        }
        if let Some(evaluation) = self.failures.begin_search(&self.shared) {
            let request = RequestKind::Failures(evaluation);
            self.shared.engine.send(RequestClass::Failures, request);
        }
    }

    /// Takes up a part of the failures that the engine found.
    pub(crate) fn add_failures(&mut self, part: Failures) {
        if self.failures.found.add(part) {
            self.shared.engine.finish(RequestClass::Failures);
        }
        self.failures.rebuild_list(&self.shared);
    }

    /// Requests the next comparison that the Compare screen needs, one at a time.
    pub(crate) fn request_comparison(&mut self) {
        if self.screen != Screen::Compare || self.shared.evaluations.comparing.is_some() {
            return;
        }
        let Some([first, second]) = self.compare.rankers.missing_comparison(&self.shared) else {
            return;
        };
        self.shared.evaluations.comparing = Some([first, second]);
        let request = RequestKind::Compare { first, second };
        self.shared.engine.send(RequestClass::Compare, request);
    }

    /// A search through the lists of an evaluation that another one replaces ends with it.
    fn give_up_search_in(&mut self, next: EvaluationKey) {
        let is_replaced = |searching: &EvaluationKey| {
            *searching != next && !self.shared.overall.contains_key(searching)
        };
        if self
            .failures
            .found
            .searching
            .as_ref()
            .is_some_and(is_replaced)
        {
            self.failures.found.searching = None;
            self.shared.engine.pending.discard(RequestClass::Failures);
            self.shared.engine.progress.remove(&RequestClass::Failures);
        }
    }

    /// Whether what the screen wants was stopped. It stays so until it is asked to go on, or until
    /// something else is wanted.
    pub fn is_stopped(&self) -> bool {
        let evaluations = &self.shared.evaluations;
        evaluations.is_stopped(self.screen, &self.wanted())
    }

    /// Stops what runs in the background and what waits for it; where that was stopped, it goes on.
    pub(crate) fn stop_evaluation(&mut self) {
        let [evaluates, searches] = [RequestClass::Evaluate, RequestClass::Failures]
            .map(|kind| self.shared.engine.pending.is_running(kind));
        if evaluates || searches {
            for kind in [RequestClass::Evaluate, RequestClass::Failures] {
                self.shared.engine.pending.discard(kind);
                self.shared.engine.progress.remove(&kind);
            }
            (
                self.shared.evaluations.current,
                self.failures.found.searching,
            ) = (None, None);
            // a search that was left running behind another screen is not missed there
            let missed = evaluates || self.screen == Screen::Failures;
            self.shared.evaluations.stopped = missed.then(|| (self.screen, self.wanted()));
            self.shared
                .engine
                .send(RequestClass::Stop, RequestKind::Stop);
            self.notify("stopped; what is measured stays");
        } else if self.is_stopped() {
            self.shared.evaluations.stopped = None;
            self.evaluate();
        } else {
            self.notify("nothing is being evaluated");
        }
    }
}
