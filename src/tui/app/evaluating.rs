//! What the screen wants measured: asked for one after the other, stopped, and gone on with.

use crate::engine::protocol::{Ask, Contender, Evaluation};
use crate::tui::app::App;
use crate::tui::app::asked::Kind;
use crate::tui::screen::Screen;
use crate::types::RankingKind;

impl App {
    /// What the screen shows (Explore: the present mode; Metrics: each mode in turn).
    fn wanted(&self) -> Vec<Evaluation> {
        match self.screen {
            Screen::Explore => vec![self.explored()],
            Screen::Compare if self.contenders.chosen.len() < 2 => Vec::new(),
            Screen::Compare => self
                .contenders
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
    pub(super) fn explored(&self) -> Evaluation {
        let of = Contender::Own(self.mode);
        Evaluation {
            of,
            seed_count: self.seeds.count,
            ranking: RankingKind::Expanded,
        }
    }

    /// Has every class measured as the screen shows it, unless that is done, under way or stopped.
    pub(super) fn evaluate(&mut self) {
        let Some(catalogue) = &self.catalogue else {
            return;
        };
        if self.is_stopped() {
            return;
        }
        let asked = |seeds| catalogue.queries.iter().any(|q| q.seed_count == seeds);
        let missing =
            |plan: &Evaluation| asked(plan.seed_count) && !self.overall.contains_key(plan);
        let missing = self.wanted().into_iter().find(missing);
        self.stopped = None;
        match missing {
            Some(wanted) if self.evaluating != Some(wanted) => {
                self.give_up_search_in(wanted);
                self.evaluating = Some(wanted);
                self.ask(Kind::Evaluate, Ask::Evaluate(wanted));
            }
            Some(_) => {}
            None => self.compare(),
        }
        self.find_failures();
    }

    /// A search through the lists of an evaluation that another one replaces ends with it.
    fn give_up_search_in(&mut self, next: Evaluation) {
        let is_replaced =
            |searching: &Evaluation| *searching != next && !self.overall.contains_key(searching);
        if self.failures.searching.as_ref().is_some_and(is_replaced) {
            self.failures.searching = None;
            self.asked.forget(Kind::Failures);
            self.progress.remove(&Kind::Failures);
        }
    }

    /// Whether what the screen wants was stopped. It stays so until it is asked to go on, or until
    /// something else is wanted.
    pub fn is_stopped(&self) -> bool {
        self.stopped
            .as_ref()
            .is_some_and(|(screen, wanted)| *screen == self.screen && *wanted == self.wanted())
    }

    /// Stops what runs in the background and what waits for it; where that was stopped, it goes on.
    pub(super) fn stop_evaluation(&mut self) {
        let [evaluates, searches] =
            [Kind::Evaluate, Kind::Failures].map(|kind| self.asked.runs(kind));
        if evaluates || searches {
            for kind in [Kind::Evaluate, Kind::Failures] {
                self.asked.forget(kind);
                self.progress.remove(&kind);
            }
            (self.evaluating, self.failures.searching) = (None, None);
            // a search that was left running behind another screen is not missed there
            let missed = evaluates || self.screen == Screen::Failures;
            self.stopped = missed.then(|| (self.screen, self.wanted()));
            self.ask(Kind::Stop, Ask::Stop);
            self.notify("stopped; what is measured stays");
        } else if self.is_stopped() {
            self.stopped = None;
            self.evaluate();
        } else {
            self.notify("nothing is being evaluated");
        }
    }
}
