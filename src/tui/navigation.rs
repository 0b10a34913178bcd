//! Navigation between screens, queries and entities, and the way back.

use crate::tui::app::App;
use crate::tui::explore::expansion::RowFilter;
use crate::tui::explore::query::ExpansionQuery;
use crate::tui::jump_list::JumpPoint;
use crate::tui::parts::{Pane, Screen};
use crate::types::{ClassId, EntityId, Mode};

impl App {
    /// Opens a screen, and evaluates what it shows.
    pub(crate) fn go_to(&mut self, screen: Screen) {
        if self.screen == screen {
            return;
        }
        if self.screen == Screen::Explore {
            self.shared.evaluations.seed_count = self.explore.query.seeds.count;
        }
        self.screen = screen;
        self.overlay.popup = None;
        self.explore.stop_typing();
        self.failures.input = None;
        self.evaluate();
        self.failures.rebuild_list(&self.shared);
    }

    /// Opens an evaluated query in Explore, in a mode or the present one, and by the ranking that was
    /// evaluated.
    pub(crate) fn show_query(&mut self, class: ClassId, number: usize, mode: Option<Mode>) {
        self.screen = Screen::Explore;
        self.overlay.popup = None;
        self.explore.query.mode = mode.unwrap_or(self.explore.query.mode);
        self.explore.query.ranking = self.shared.evaluations.ranking;
        let before = self.explore.query.seeds.clone();
        let count = self.shared.evaluations.seed_count;
        let effects = self.explore.open_query(class, count, number, &self.shared);
        self.apply(effects);
        if self.explore.query.seeds == before {
            // the seeds are the same, but may have been ranked in another way
            self.expand();
            self.evaluate();
        }
        self.explore.cursor_to_class(&self.shared);
        self.explore.focus = Pane::Candidates;
    }

    /// Puts the cursor of Explore on an entity, among all candidates of the query.
    pub(crate) fn show_candidate(&mut self, entity: EntityId, reranked: bool, inspect: bool) {
        let candidates = &mut self.explore.candidates;
        candidates.reranked = reranked;
        candidates.filter = RowFilter::All;
        candidates.selected = Some(entity);
        if inspect {
            self.explore.entity.inspected = Some(entity);
            self.explore.focus = Pane::Entity;
        }
    }

    /// Shows an entity in Explore, and records the jump.
    pub(crate) fn inspect_entity(&mut self, entity: EntityId) {
        if self.explore.subject(&self.shared) != Some(entity) {
            let place = self.place();
            self.navigation.jumps.push(place);
        }
        self.explore.inspect(entity, &self.shared);
    }

    /// Returns the present place.
    pub(crate) fn place(&self) -> JumpPoint {
        JumpPoint {
            screen: self.screen,
            query: self.explore.query.clone(),
            focus: self.explore.focus,
            selected: self.explore.candidates.selected,
            inspected: self.explore.entity.inspected,
        }
    }

    /// Records the place before an event if the event led to another screen or query.
    pub(crate) fn remember_jump(&mut self, before: JumpPoint) {
        let is_return = std::mem::take(&mut self.navigation.returning);
        if !is_return && before.is_jump_to(&self.place()) {
            self.navigation.jumps.push(before);
        }
    }

    pub(crate) fn jump_back(&mut self) {
        let now = self.place();
        match self.navigation.jumps.back(now) {
            Some(place) => self.jump_to(place),
            None => self.notify("there is no place to go back to"),
        }
    }

    pub(crate) fn jump_forward(&mut self) {
        let now = self.place();
        match self.navigation.jumps.forward(now) {
            Some(place) => self.jump_to(place),
            None => self.notify("there is no place to go forward to"),
        }
    }

    fn jump_to(&mut self, place: JumpPoint) {
        self.navigation.returning = true;
        self.explore.stop_typing();
        self.go_to(place.screen);
        let effects = self.explore.change(place.query, &self.shared);
        self.apply(effects);
        self.explore.focus = place.focus;
        self.explore.candidates.selected = place.selected;
        self.explore.entity.inspected = place.inspected;
    }
}

// Operations of Explore whose effects are carried out at once.
impl App {
    /// Returns the entity that the entity pane shows.
    pub fn subject(&self) -> Option<EntityId> {
        self.explore.subject(&self.shared)
    }

    /// Changes the query, which can be undone, and expands it.
    pub(crate) fn change(&mut self, query: ExpansionQuery) {
        let effects = self.explore.change(query, &self.shared);
        self.apply(effects);
    }

    /// Puts the cursor of the class tree on the class of the query.
    pub(crate) fn cursor_to_class(&mut self) {
        self.explore.cursor_to_class(&self.shared);
    }

    /// Expands the query.
    pub(crate) fn expand(&mut self) {
        let effects = self.explore.expand(&self.shared);
        self.apply(effects);
    }
}
