//! The Explore screen: classes, seeds, candidates and one entity.

mod boundary_line;
pub mod candidates;
pub mod classes;
pub mod completion;
mod draw;
pub mod entity;
pub mod expansion;
pub mod history;
pub mod metrics_line;
pub mod pane_context;
pub mod query;
pub mod seed_set;
pub mod seeds;
#[cfg(test)]
mod test_catalogue;
mod update;

use crate::config::{Context, Settings};
use crate::engine::protocol::{Missing, ReplyKind, RequestKind};
use crate::tui::explore::candidates::CandidatesPane;
use crate::tui::explore::classes::ClassesPane;
use crate::tui::explore::entity::EntityPane;
use crate::tui::explore::expansion::{CandidateList, CandidateRow};
use crate::tui::explore::history::History;
use crate::tui::explore::pane_context::PaneContext;
use crate::tui::explore::query::ExpansionQuery;
use crate::tui::explore::seed_set::SeedSet;
use crate::tui::explore::seeds::SeedsPane;
use crate::tui::message::Effect;
use crate::tui::parts::Pane;
use crate::tui::requests::RequestClass;
use crate::tui::shared::{Detail, Shared};
use crate::types::EntityId;

/// The Explore screen.
#[derive(Debug, Default)]
pub struct Explore {
    /// The pane that has the keys.
    pub focus: Pane,
    pub classes: ClassesPane,
    pub seeds: SeedsPane,
    /// The query that is expanded.
    pub query: ExpansionQuery,
    pub history: History,
    pub candidates: CandidatesPane,
    pub entity: EntityPane,
}

impl Explore {
    /// Creates the screen with an empty query.
    pub fn new(settings: &Settings) -> Self {
        let mut explore = Explore::default();
        explore.candidates.tall = settings.tall_rows;
        explore
    }

    /// Returns the context that keys are looked up in.
    pub(crate) fn context(&self) -> Context {
        if self.seeds.typing.is_some() {
            return Context::Typing;
        }
        if self.classes.filtering {
            return Context::Filter;
        }
        match self.focus {
            Pane::Classes => Context::Classes,
            Pane::Seeds => Context::Seeds,
            Pane::Candidates => Context::Candidates,
            Pane::Entity => Context::Entity,
        }
    }

    /// Returns whether a name of a seed or a filter of the classes is being typed.
    pub(crate) fn is_typing(&self) -> bool {
        self.seeds.typing.is_some() || self.classes.filtering
    }

    /// Leaves the text fields.
    pub(crate) fn stop_typing(&mut self) {
        self.seeds.typing = None;
        self.classes.filtering = false;
    }

    /// Returns the candidates that are shown.
    pub fn rows(&self, shared: &Shared) -> Vec<CandidateRow> {
        self.candidates.rows(shared)
    }

    /// Returns the entity that the entity pane shows: the inspected one, the seed in focus, the
    /// selected candidate, or the first seed.
    pub fn subject(&self, shared: &Shared) -> Option<EntityId> {
        if let Some(entity) = self.entity.inspected {
            return Some(entity);
        }
        let members = self.query.seeds.members();
        if self.focus == Pane::Seeds
            && let Some(&seed) = members.get(self.seeds.chip)
        {
            return Some(seed);
        }
        let selected = self.candidates.selected_row(shared);
        selected.map(|row| row.entity).or(members.first().copied())
    }

    /// Returns the details of the entity in the entity pane, once they have arrived.
    pub fn detail<'a>(&self, shared: &'a Shared) -> Option<&'a Detail> {
        shared
            .details
            .get(&(self.subject(shared)?, self.query.mode))
    }

    /// Returns the gold entities that the expansion has not found, once they are known.
    pub fn missing(&self) -> Option<&[Missing]> {
        let expansion = self.candidates.expansion.as_ref()?;
        expansion.missing.as_deref()
    }

    /// Returns the state that every pane draws in addition to its own.
    pub(crate) fn pane_context(&self, shared: &Shared) -> PaneContext<'_> {
        PaneContext {
            focus: self.focus,
            query: &self.query,
            expansion: self.candidates.expansion.as_ref(),
            reranked: self.candidates.reranked,
            subject: self.subject(shared),
        }
    }

    /// Changes the query, which can be undone, and expands it.
    pub(crate) fn change(&mut self, query: ExpansionQuery, shared: &Shared) -> Vec<Effect> {
        if query == self.query {
            return Vec::new();
        }
        self.history.push(self.query.clone());
        self.apply(query, shared)
    }

    /// Changes the seeds, which can be undone, and expands them.
    pub(crate) fn change_seeds(&mut self, seeds: SeedSet, shared: &Shared) -> Vec<Effect> {
        let query = ExpansionQuery {
            seeds,
            ..self.query.clone()
        };
        self.change(query, shared)
    }

    /// Replaces the query and expands it.
    fn apply(&mut self, query: ExpansionQuery, shared: &Shared) -> Vec<Effect> {
        if query.seeds != self.query.seeds {
            self.seeds.chip = self.seeds.chip.min(query.seeds.members().len());
            self.entity.show(None);
        }
        self.query = query;
        self.cursor_to_class(shared);
        let mut effects = self.expand(shared);
        effects.push(Effect::Evaluate);
        effects
    }

    /// Restores the query before the last change.
    fn undo(&mut self, shared: &Shared) -> Vec<Effect> {
        match self.history.undo(&self.query) {
            Some(query) => self.apply(query, shared),
            None => vec![Effect::Notify("nothing to undo".into())],
        }
    }

    /// Restores the query that was undone last.
    fn redo(&mut self, shared: &Shared) -> Vec<Effect> {
        match self.history.redo(&self.query) {
            Some(query) => self.apply(query, shared),
            None => vec![Effect::Notify("nothing to redo".into())],
        }
    }

    /// Expands the query. Without seeds the candidates go, and the reply to an older request is
    /// discarded.
    pub(crate) fn expand(&mut self, shared: &Shared) -> Vec<Effect> {
        let Some(catalogue) = &shared.catalogue else {
            return Vec::new();
        };
        match self.query.request(catalogue, shared.settings.candidates) {
            Some(request) => {
                let pending = CandidateList::new(request.clone());
                self.candidates.pending_expansion = Some(pending);
                let request = RequestKind::Expand(request);
                vec![Effect::Send(RequestClass::Expand, request)]
            }
            None => {
                self.candidates.expansion = None;
                self.candidates.pending_expansion = None;
                vec![Effect::Discard(RequestClass::Expand)]
            }
        }
    }

    /// Adds a reply of the engine to the expansion.
    pub(crate) fn add_reply(&mut self, reply: ReplyKind) {
        self.candidates.add_reply(reply);
    }

    /// Puts the cursor of the class tree on the open class, if it is visible.
    pub(crate) fn cursor_to_class(&mut self, shared: &Shared) {
        self.classes.cursor_to_class(&self.query, shared);
    }
}
