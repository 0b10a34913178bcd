//! The query that defines an expansion, and its changes from the class's own query.

use crate::engine::protocol::{Catalogue, EvaluationKey, ExpandRequest, JointScope, Ranker};
use crate::tui::explore::seed_set::SeedSet;
use crate::types::{EntityId, Mode, RankingKind, SearchSettings};

/// Everything that defines an expansion. A change of any part of it can be undone.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpansionQuery {
    pub seeds: SeedSet,
    pub mode: Mode,
    pub ranking: RankingKind,
    /// The settings of the window search. Other rankings have none.
    pub settings: SearchSettings,
}

impl Default for ExpansionQuery {
    fn default() -> Self {
        ExpansionQuery {
            seeds: SeedSet::default(),
            mode: Mode::Both,
            ranking: RankingKind::default(),
            settings: SearchSettings::default(),
        }
    }
}

/// One difference between a query and the class's own query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryChange {
    Dropped(EntityId),
    Added(EntityId),
    Accepted(EntityId),
    Rejected(EntityId),
    Mode(Mode),
    Ranking(RankingKind),
    Window(u32),
    Weights([u32; 2]),
}

impl ExpansionQuery {
    /// Returns the class's own query in the index's first mode, ranked by feedback. Free seeds stay
    /// as they are.
    pub fn unchanged(&self, catalogue: &Catalogue) -> ExpansionQuery {
        let seeds = match (self.seeds.class, self.seeds.number) {
            (Some(class), Some(number)) => {
                SeedSet::from_query(catalogue, class, self.seeds.count, number)
            }
            _ => SeedSet {
                accepted: Vec::new(),
                rejected: Vec::new(),
                ..self.seeds.clone()
            },
        };
        let mode = catalogue.modes.first().copied().unwrap_or(self.mode);
        ExpansionQuery {
            seeds,
            mode,
            ranking: RankingKind::default(),
            settings: SearchSettings::default(),
        }
    }

    /// Returns the differences from [`ExpansionQuery::unchanged`].
    pub fn changes(&self, catalogue: &Catalogue) -> Vec<QueryChange> {
        let from = self.unchanged(catalogue);
        let dropped = without(&from.seeds.seeds, &self.seeds.seeds);
        let added = without(&self.seeds.seeds, &from.seeds.seeds);
        let accepted = self.seeds.accepted.iter().copied();
        let rejected = self.seeds.rejected.iter().copied();
        let mut changes: Vec<QueryChange> = Vec::new();
        changes.extend(dropped.into_iter().map(QueryChange::Dropped));
        changes.extend(added.into_iter().map(QueryChange::Added));
        changes.extend(accepted.map(QueryChange::Accepted));
        changes.extend(rejected.map(QueryChange::Rejected));
        if self.mode != from.mode {
            changes.push(QueryChange::Mode(self.mode));
        }
        let ranking = self.possible_ranking(catalogue);
        if ranking != from.ranking {
            changes.push(QueryChange::Ranking(ranking));
        }
        if self.is_window_search() {
            changes.extend(self.settings.window.map(QueryChange::Window));
            changes.extend(self.settings.weights.map(QueryChange::Weights));
        }
        changes
    }

    /// Returns the evaluation that the classes' MAP@10 comes from: all queries with as many seeds,
    /// in this mode and by this ranking.
    pub fn evaluation_key(&self) -> EvaluationKey {
        EvaluationKey {
            ranker: Ranker::OpenIndex(self.mode),
            seed_count: self.seeds.count,
            ranking: self.ranking,
        }
    }

    /// Returns whether the query is expanded by a window search, to which the settings apply.
    pub fn is_window_search(&self) -> bool {
        matches!(self.ranking, RankingKind::Window | RankingKind::Joint)
    }

    /// Returns the ranking, or the window search in the place of a joint ranking that is not
    /// possible.
    pub fn possible_ranking(&self, catalogue: &Catalogue) -> RankingKind {
        match self.ranking {
            RankingKind::Joint if self.joint_scope(catalogue).is_none() => RankingKind::Window,
            ranking => ranking,
        }
    }

    /// Returns the request for the first `size` candidates; `None` without seeds. Accepted candidates
    /// are seeds like the others, except that the feedback ranking knows them.
    pub fn request(&self, catalogue: &Catalogue, size: usize) -> Option<ExpandRequest> {
        let seeds = &self.seeds;
        let (seeds, accepted) = match self.ranking {
            RankingKind::Feedback if !seeds.seeds.is_empty() => {
                (seeds.seeds.clone(), seeds.accepted.clone())
            }
            _ => (seeds.members(), Vec::new()),
        };
        (!seeds.is_empty()).then(|| ExpandRequest {
            mode: self.mode,
            ranking: self.ranking,
            seeds,
            accepted,
            rejected: self.seeds.rejected.clone(),
            size,
            class: self.seeds.gold_class(catalogue),
            joint: self.joint_scope(catalogue),
            settings: self.settings,
        })
    }

    /// Returns the queries to expand jointly. Only a class's own query can be expanded so.
    fn joint_scope(&self, catalogue: &Catalogue) -> Option<JointScope> {
        let number = self
            .seeds
            .number
            .filter(|_| self.ranking == RankingKind::Joint && self.seeds.is_query(catalogue))?;
        Some(JointScope {
            seed_count: self.seeds.count,
            number,
        })
    }
}

/// Returns the entities of `all` that are not in `excluded`.
fn without(all: &[EntityId], excluded: &[EntityId]) -> Vec<EntityId> {
    all.iter()
        .copied()
        .filter(|entity| !excluded.contains(entity))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::protocol::{ClassCard, EntityCard};
    use crate::types::{ClassId, Query, SeedCount};

    fn catalogue() -> Catalogue {
        let mut c = Catalogue {
            modes: vec![Mode::Both, Mode::Text],
            ..Catalogue::default()
        };
        for id in 0..5 {
            c.entities.push(EntityCard {
                id: EntityId(id),
                name: format!("e{id}"),
                classes: vec![ClassId(0)],
                pairs: 2,
            });
        }
        c.classes.push(ClassCard {
            name: "a".into(),
            middle: None,
            coarse: None,
            members: (0..5).map(EntityId).collect(),
            negatives: Vec::new(),
        });
        let seeds = [0, 1, 2].map(EntityId).into();
        c.queries.push(Query {
            class: ClassId(0),
            seed_count: SeedCount::Three,
            number: 0,
            seeds,
        });
        c.with_positions()
    }

    fn unchanged() -> ExpansionQuery {
        let seeds = SeedSet::from_query(&catalogue(), ClassId(0), SeedCount::Three, 0);
        ExpansionQuery {
            seeds,
            mode: Mode::Both,
            ranking: RankingKind::Feedback,
            settings: SearchSettings::default(),
        }
    }

    #[test]
    fn changes_are_relative_to_the_own_query_of_the_class() {
        assert_eq!(unchanged().changes(&catalogue()), []);
        let mut state = ExpansionQuery {
            ranking: RankingKind::Joint,
            ..unchanged()
        };
        assert_eq!(
            state.changes(&catalogue()),
            [QueryChange::Ranking(RankingKind::Joint)]
        );
        (state.seeds.seeds, state.seeds.rejected) = (
            vec![EntityId(1), EntityId(2), EntityId(4)],
            vec![EntityId(3)],
        );
        state.mode = Mode::Text;
        state.settings = SearchSettings {
            window: Some(1),
            weights: Some([1, 0]),
        };
        let expected = [
            QueryChange::Dropped(EntityId(0)),
            QueryChange::Added(EntityId(4)),
            QueryChange::Rejected(EntityId(3)),
            QueryChange::Mode(Mode::Text),
            QueryChange::Ranking(RankingKind::Window),
            QueryChange::Window(1),
            QueryChange::Weights([1, 0]),
        ];
        assert_eq!(
            state.changes(&catalogue()),
            expected,
            "changed seeds are not expanded jointly"
        );
        assert_eq!(state.unchanged(&catalogue()), unchanged());
        state.ranking = RankingKind::Feedback;
        assert_eq!(
            state.changes(&catalogue()),
            expected[..4],
            "the settings are those of the window search"
        );
    }

    #[test]
    fn accepted_candidates_are_seeds_of_rankings_that_do_not_know_them() {
        let mut query = unchanged();
        query.seeds.accept(EntityId(4));
        let request = |query: &ExpansionQuery| query.request(&catalogue(), 10).unwrap();
        let feedback = request(&query);
        assert_eq!(feedback.seeds, query.seeds.seeds);
        assert_eq!(feedback.accepted, [EntityId(4)]);
        query.ranking = RankingKind::Window;
        let window = request(&query);
        assert_eq!(window.seeds, [0, 1, 2, 4].map(EntityId));
        assert!(window.accepted.is_empty());
        assert_eq!(
            query.changes(&catalogue())[0],
            QueryChange::Accepted(EntityId(4))
        );
    }
}
