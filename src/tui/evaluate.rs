//! The evaluations that the screen shows: sent one after the other, stopped and continued.

use crate::engine::protocol::{EvaluationKey, Failures, RequestKind};
use crate::tui::app::App;
use crate::tui::evaluations::next_ranking;
use crate::tui::parts::Screen;
use crate::tui::requests::RequestClass;

impl App {
    /// Evaluates the next kind of ranking.
    pub(crate) fn next_ranking(&mut self) {
        let present = self.shared.evaluations.ranking;
        self.shared.evaluations.ranking = next_ranking(present, 1, |_| true);
        self.evaluate();
    }

    /// Evaluates the queries with the other number of seeds.
    pub(crate) fn next_seed_count(&mut self) {
        self.shared.evaluations.seed_count = self.shared.evaluations.seed_count.other();
        self.evaluate();
    }

    /// Returns the evaluations that the screen shows.
    fn shown_evaluations(&self) -> Vec<EvaluationKey> {
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

    /// Starts the first evaluation that the screen still needs, unless the user stopped it.
    pub(crate) fn evaluate(&mut self) {
        let Some(catalogue) = &self.shared.catalogue else {
            return;
        };
        if self.is_stopped() {
            return;
        }
        let has_queries = |seeds| {
            catalogue
                .queries
                .iter()
                .any(|query| query.seed_count == seeds)
        };
        let is_missing = |key: &EvaluationKey| {
            has_queries(key.seed_count) && !self.shared.overall.contains_key(key)
        };
        let missing = self.shown_evaluations().into_iter().find(is_missing);
        self.shared.evaluations.stopped = None;
        match missing {
            Some(next) if self.shared.evaluations.current != Some(next) => {
                self.cancel_failure_search(next);
                self.shared.evaluations.current = Some(next);
                let request = RequestKind::Evaluate(next);
                self.shared.engine.send(RequestClass::Evaluate, request);
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

    /// Cancels the search for failures in an unfinished evaluation that another one replaces.
    fn cancel_failure_search(&mut self, next: EvaluationKey) {
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
            self.shared.engine.discard(RequestClass::Failures);
        }
    }

    /// Returns whether the user stopped the evaluations that the screen shows.
    pub fn is_stopped(&self) -> bool {
        let evaluations = &self.shared.evaluations;
        evaluations.is_stopped(self.screen, &self.shown_evaluations())
    }

    /// Stops the evaluation and the search for failures, or continues them.
    pub(crate) fn stop_evaluation(&mut self) {
        let pending = &self.shared.engine.pending;
        let is_evaluating = pending.is_running(RequestClass::Evaluate);
        let is_searching = pending.is_running(RequestClass::Failures);
        if is_evaluating || is_searching {
            self.shared.engine.discard(RequestClass::Evaluate);
            self.shared.engine.discard(RequestClass::Failures);
            self.shared.evaluations.current = None;
            self.failures.found.searching = None;
            // a search for failures is needed on their screen only
            let is_needed = is_evaluating || self.screen == Screen::Failures;
            let stopped = is_needed.then(|| (self.screen, self.shown_evaluations()));
            self.shared.evaluations.stopped = stopped;
            let request = RequestKind::Stop;
            self.shared.engine.send(RequestClass::Stop, request);
            self.notify("stopped; the results so far stay");
        } else if self.is_stopped() {
            self.shared.evaluations.stopped = None;
            self.evaluate();
        } else {
            self.notify("nothing is being evaluated");
        }
    }
}
