//! The query that defines an expansion, and its changes from the class's own query.

use crate::engine::protocol::{Catalogue, EvaluationKey, ExpandRequest, JointScope, Ranker};
use crate::tui::explore::seed_set::SeedSet;
use crate::types::{EntityId, Mode, RankingKind, SearchSettings};

/// Everything that defines an expansion. A change of any part of it can be undone.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpansionQuery {
    pub seeds: SeedSet,
    pub mode: Mode,
    /// True if the class's queries are expanded jointly, so that each entity goes to one of them.
    pub joint: bool,
    pub settings: SearchSettings,
}

impl Default for ExpansionQuery {
    fn default() -> Self {
        ExpansionQuery {
            seeds: SeedSet::default(),
            mode: Mode::Both,
            joint: false,
            settings: SearchSettings::default(),
        }
    }
}

/// One difference between a query and the class's own query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryChange {
    Dropped(EntityId),
    Added(EntityId),
    Rejected(EntityId),
    Mode(Mode),
    Joint,
    Window(u32),
    Weights([u32; 2]),
}

impl ExpansionQuery {
    /// Returns the class's own query in the index's first mode, not joint and with the published
    /// settings. Free seeds stay as they are.
    pub fn unchanged(&self, catalogue: &Catalogue) -> ExpansionQuery {
        let seeds = match (self.seeds.class, self.seeds.number) {
            (Some(class), Some(number)) => {
                SeedSet::from_query(catalogue, class, self.seeds.count, number)
            }
            _ => SeedSet {
                rejected: Vec::new(),
                ..self.seeds.clone()
            },
        };
        let mode = catalogue.modes.first().copied().unwrap_or(self.mode);
        ExpansionQuery {
            seeds,
            mode,
            joint: false,
            settings: SearchSettings::default(),
        }
    }

    /// Returns the differences from [`ExpansionQuery::unchanged`].
    pub fn changes(&self, catalogue: &Catalogue) -> Vec<QueryChange> {
        let from = self.unchanged(catalogue);
        let dropped = without(&from.seeds.seeds, &self.seeds.seeds);
        let added = without(&self.seeds.seeds, &from.seeds.seeds);
        let rejected = self.seeds.rejected.iter().copied();
        let mut changes: Vec<QueryChange> = Vec::new();
        changes.extend(dropped.into_iter().map(QueryChange::Dropped));
        changes.extend(added.into_iter().map(QueryChange::Added));
        changes.extend(rejected.map(QueryChange::Rejected));
        if self.mode != from.mode {
            changes.push(QueryChange::Mode(self.mode));
        }
        if self.joint_scope(catalogue).is_some() {
            changes.push(QueryChange::Joint);
        }
        changes.extend(self.settings.window.map(QueryChange::Window));
        changes.extend(self.settings.weights.map(QueryChange::Weights));
        changes
    }

    /// Returns the evaluation that the classes' MAP@10 comes from: all queries with as many seeds,
    /// each expanded alone in this mode.
    pub fn evaluation_key(&self) -> EvaluationKey {
        EvaluationKey {
            ranker: Ranker::OpenIndex(self.mode),
            seed_count: self.seeds.count,
            ranking: RankingKind::Window,
        }
    }

    /// Returns the request for the first `size` candidates; `None` without seeds.
    pub fn request(&self, catalogue: &Catalogue, size: usize) -> Option<ExpandRequest> {
        (!self.seeds.seeds.is_empty()).then(|| ExpandRequest {
            mode: self.mode,
            ranking: if self.joint {
                RankingKind::Joint
            } else {
                RankingKind::Window
            },
            seeds: self.seeds.seeds.clone(),
            accepted: Vec::new(),
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
            .filter(|_| self.joint && self.seeds.is_query(catalogue))?;
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
            joint: false,
            settings: SearchSettings::default(),
        }
    }

    #[test]
    fn changes_are_relative_to_the_own_query_of_the_class() {
        assert_eq!(unchanged().changes(&catalogue()), []);
        let mut state = ExpansionQuery {
            joint: true,
            ..unchanged()
        };
        assert_eq!(state.changes(&catalogue()), [QueryChange::Joint]);
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
            QueryChange::Window(1),
            QueryChange::Weights([1, 0]),
        ];
        assert_eq!(
            state.changes(&catalogue()),
            expected,
            "changed seeds are not expanded jointly"
        );
        assert_eq!(state.unchanged(&catalogue()), unchanged());
    }
}
