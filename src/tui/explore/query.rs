//! What defines an expansion, how it differs from the class's own query, and how it is changed,
//! undone and redone.

use crate::engine::protocol::{Catalogue, ExpandRequest, JointScope, RequestKind};
use crate::tui::app::App;
use crate::tui::explore::expansion::CandidateList;
use crate::tui::explore::seed_set::SeedSet;
use crate::tui::requests::RequestClass;
use crate::types::{EntityId, Mode, SearchSettings};

/// What defines an expansion. A change of any of it can be undone.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpansionQuery {
    pub seeds: SeedSet,
    pub mode: Mode,
    pub joint: bool,
    pub tuning: SearchSettings,
}

impl Default for ExpansionQuery {
    fn default() -> Self {
        ExpansionQuery {
            seeds: SeedSet::default(),
            mode: Mode::Both,
            joint: false,
            tuning: SearchSettings::default(),
        }
    }
}

/// One way in which a state differs from another.
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
    /// The class's own query in the index's first mode, alone, as published. Free seeds stay as
    /// they are.
    pub fn unchanged(&self, catalogue: &Catalogue) -> ExpansionQuery {
        let seeds = match (self.seeds.class, self.seeds.number) {
            (Some(class), Some(number)) => {
                SeedSet::of_query(catalogue, class, self.seeds.count, number)
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
            tuning: SearchSettings::default(),
        }
    }

    /// In what it differs from [`ExpansionQuery::unchanged`].
    pub fn changes(&self, catalogue: &Catalogue) -> Vec<QueryChange> {
        let from = self.unchanged(catalogue);
        let without = |all: &[EntityId], less: &[EntityId]| -> Vec<EntityId> {
            all.iter().copied().filter(|e| !less.contains(e)).collect()
        };
        let mut changes: Vec<QueryChange> = Vec::new();
        changes.extend(
            without(&from.seeds.seeds, &self.seeds.seeds)
                .into_iter()
                .map(QueryChange::Dropped),
        );
        changes.extend(
            without(&self.seeds.seeds, &from.seeds.seeds)
                .into_iter()
                .map(QueryChange::Added),
        );
        changes.extend(
            self.seeds
                .rejected
                .iter()
                .copied()
                .map(QueryChange::Rejected),
        );
        changes.extend((self.mode != from.mode).then_some(QueryChange::Mode(self.mode)));
        changes.extend(self.scope(catalogue).map(|_| QueryChange::Joint));
        changes.extend(self.tuning.window.map(QueryChange::Window));
        changes.extend(self.tuning.weights.map(QueryChange::Weights));
        changes
    }

    /// What the engine is asked; none without seeds.
    pub fn ask(&self, catalogue: &Catalogue, size: usize) -> Option<ExpandRequest> {
        (!self.seeds.seeds.is_empty()).then(|| ExpandRequest {
            mode: self.mode,
            seeds: self.seeds.seeds.clone(),
            rejected: self.seeds.rejected.clone(),
            size,
            class: self.seeds.gold_class(catalogue),
            joint: self.scope(catalogue),
            settings: self.tuning,
        })
    }

    /// Only a class's own query can be expanded jointly.
    fn scope(&self, catalogue: &Catalogue) -> Option<JointScope> {
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

impl App {
    pub fn state(&self) -> ExpansionQuery {
        ExpansionQuery {
            seeds: self.explore.query.seeds.clone(),
            mode: self.explore.query.mode,
            joint: self.explore.query.joint,
            tuning: self.explore.query.tuning,
        }
    }

    /// Every change goes through here: it can be undone, and it expands at once.
    pub(crate) fn change(&mut self, to: ExpansionQuery) {
        let before = self.state();
        if to != before {
            self.explore.history.push(before);
            self.adopt(to);
        }
    }

    pub(crate) fn change_seeds(&mut self, seeds: SeedSet) {
        self.change(ExpansionQuery {
            seeds,
            ..self.state()
        });
    }

    pub(crate) fn adopt(&mut self, state: ExpansionQuery) {
        if state.seeds != self.explore.query.seeds {
            self.explore.seeds.chip = self.explore.seeds.chip.min(state.seeds.seeds.len());
            self.explore.entity.inspected = None;
            (self.explore.entity.first_image, self.explore.entity.scroll) = (0, 0);
        }
        (
            self.explore.query.seeds,
            self.explore.query.mode,
            self.explore.query.joint,
            self.explore.query.tuning,
        ) = (state.seeds, state.mode, state.joint, state.tuning);
        self.cursor_to_class();
        self.expand();
        self.evaluate();
    }

    pub(crate) fn go_back(&mut self) {
        match self.explore.history.undo(&self.state()) {
            Some(state) => self.adopt(state),
            None => self.notify("nothing to undo"),
        }
    }

    pub(crate) fn go_forth(&mut self) {
        match self.explore.history.redo(&self.state()) {
            Some(state) => self.adopt(state),
            None => self.notify("nothing to redo"),
        }
    }

    /// Expands the present state; without seeds nothing is shown and what runs goes stale.
    pub(crate) fn expand(&mut self) {
        let Some(catalogue) = self.shared.catalogue.clone() else {
            return;
        };
        let Some(ask) = self
            .state()
            .ask(&catalogue, self.shared.settings.candidates)
        else {
            self.shared.engine.pending.forget(RequestClass::Expand);
            (
                self.explore.candidates.expansion,
                self.explore.candidates.pending_expansion,
            ) = (None, None);
            return;
        };
        self.explore.candidates.pending_expansion = Some(CandidateList::new(ask.clone()));
        self.shared
            .engine
            .send(RequestClass::Expand, RequestKind::Expand(ask));
    }
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
        let seeds = SeedSet::of_query(&catalogue(), ClassId(0), SeedCount::Three, 0);
        ExpansionQuery {
            seeds,
            mode: Mode::Both,
            joint: false,
            tuning: SearchSettings::default(),
        }
    }

    #[test]
    fn changes_are_told_from_the_class_s_own_query() {
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
        state.tuning = SearchSettings {
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
            "and changed seeds are not expanded jointly"
        );
        assert_eq!(state.unchanged(&catalogue()), unchanged());
    }
}
