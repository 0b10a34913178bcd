//! The evaluations that the screens show, and those that are running.

use crate::engine::protocol::{EvaluationKey, Ranker};
use crate::tui::parts::Screen;
use crate::types::{MetricValues, Mode, RankingKind, SeedCount};

/// The mean over all queries, and its 95 % confidence interval if there are enough classes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overall {
    pub mean: MetricValues,
    pub interval: Option<(MetricValues, MetricValues)>,
}

/// The evaluations that are computed one after the other, and those that were stopped.
#[derive(Debug)]
pub struct EvaluationQueue {
    /// The queries that Compare, Failures and Metrics evaluate.
    pub seed_count: SeedCount,
    /// The rankings that Compare, Failures and Metrics evaluate.
    pub ranking: RankingKind,
    pub(crate) current: Option<EvaluationKey>,
    /// The two evaluations of the running comparison.
    pub(crate) comparing: Option<[EvaluationKey; 2]>,
    /// The screen and its evaluations at the time when the user stopped them.
    pub(crate) stopped: Option<(Screen, Vec<EvaluationKey>)>,
}

impl Default for EvaluationQueue {
    fn default() -> Self {
        EvaluationQueue {
            seed_count: SeedCount::Three,
            ranking: RankingKind::default(),
            current: None,
            comparing: None,
            stopped: None,
        }
    }
}

impl EvaluationQueue {
    /// Returns the evaluation of the index's own rankings in a mode.
    pub(crate) fn key(&self, mode: Mode) -> EvaluationKey {
        self.key_of(Ranker::OpenIndex(mode))
    }

    /// Returns the evaluation of a ranker: by the chosen kind of ranking, except that an imported
    /// run has one kind only.
    pub(crate) fn key_of(&self, ranker: Ranker) -> EvaluationKey {
        let ranking = match ranker {
            Ranker::ImportedRun(_) => RankingKind::Window,
            _ => self.ranking,
        };
        EvaluationKey {
            ranker,
            seed_count: self.seed_count,
            ranking,
        }
    }

    /// Returns true if the user stopped these evaluations on this screen. They stay stopped until
    /// the user lets them go on, or until the screen needs others.
    pub(crate) fn is_stopped(&self, screen: Screen, needed: &[EvaluationKey]) -> bool {
        match &self.stopped {
            Some((stopped_screen, stopped)) => *stopped_screen == screen && stopped == needed,
            None => false,
        }
    }

    /// Returns the queries and the kind of ranking, as titles show them.
    pub fn title(&self) -> String {
        format!(
            "{} seeds · {}",
            self.seed_count.as_usize(),
            self.ranking_name()
        )
    }

    pub(crate) fn ranking_name(&self) -> &'static str {
        ranking_name(self.ranking)
    }
}

/// The kinds of rankings in the order in which keys switch between them.
const RANKINGS: [RankingKind; 4] = [
    RankingKind::Feedback,
    RankingKind::Window,
    RankingKind::SeedSimilarity,
    RankingKind::Joint,
];

/// Returns the next (`by` 1) or previous (−1) kind of ranking that is possible.
pub(crate) fn next_ranking(
    ranking: RankingKind,
    by: isize,
    is_possible: impl Fn(RankingKind) -> bool,
) -> RankingKind {
    let len = RANKINGS.len() as isize;
    let present = RANKINGS.iter().position(|&kind| kind == ranking);
    let present = present.unwrap_or(0) as isize;
    let others = (1..len).map(|step| RANKINGS[(present + by * step).rem_euclid(len) as usize]);
    others
        .into_iter()
        .find(|&kind| is_possible(kind))
        .unwrap_or(ranking)
}

/// Returns the name of a kind of ranking, as titles show it.
pub(crate) fn ranking_name(ranking: RankingKind) -> &'static str {
    match ranking {
        RankingKind::Feedback => "by feedback",
        RankingKind::Window => "window search",
        RankingKind::SeedSimilarity => "ranked by seeds",
        RankingKind::Joint => "expanded jointly",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rankings_that_are_not_possible_are_skipped() {
        let all = |_| true;
        let alone = |kind| kind != RankingKind::Joint;
        assert_eq!(
            next_ranking(RankingKind::Feedback, 1, all),
            RankingKind::Window
        );
        assert_eq!(
            next_ranking(RankingKind::Feedback, -1, all),
            RankingKind::Joint
        );
        assert_eq!(
            next_ranking(RankingKind::SeedSimilarity, 1, alone),
            RankingKind::Feedback
        );
        assert_eq!(
            next_ranking(RankingKind::Feedback, -1, alone),
            RankingKind::SeedSimilarity
        );
    }
}
