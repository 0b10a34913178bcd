//! The failures that the engine found, by evaluation.

use std::collections::HashMap;

use crate::engine::protocol::{EvaluationKey, Failures};
use crate::tui::shared::Shared;
use crate::types::RankingKind;

/// The failures found so far, and the search under way.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FoundFailures {
    by_evaluation: HashMap<EvaluationKey, Failures>,
    pub(crate) searching: Option<EvaluationKey>,
}

impl FoundFailures {
    /// Returns the failures found so far; `None` before the first part.
    pub fn get(&self, evaluation: EvaluationKey) -> Option<&Failures> {
        self.by_evaluation.get(&evaluation)
    }

    /// Begins a search of an evaluation, unless it is searched or under way, or has no rankings
    /// yet. Returns true if the search begins.
    pub(super) fn begin(&mut self, evaluation: EvaluationKey, shared: &Shared) -> bool {
        let found = self.get(evaluation);
        let is_searched = found.is_some_and(Failures::is_complete);
        // the rankings computed so far can be searched, but joint rankings depend on all queries
        let is_computing = shared.evaluations.current == Some(evaluation)
            && evaluation.ranking != RankingKind::Joint;
        let has_rankings = shared.overall.contains_key(&evaluation) || is_computing;
        if is_searched || self.searching == Some(evaluation) || !has_rankings {
            return false;
        }
        self.searching = Some(evaluation);
        true
    }

    /// Adds a part of what the search found. Returns true if it is the last one.
    pub(crate) fn add(&mut self, part: Failures) -> bool {
        let Some(evaluation) = self.searching else {
            return false;
        };
        let is_complete = part.is_complete();
        let found = self.by_evaluation.entry(evaluation).or_default();
        found.extend(part);
        if is_complete {
            self.searching = None;
        }
        is_complete
    }
}
