//! The way back: every class, query, entity and screen that was opened leaves a place to come back
//! to.

use crate::tui::app::App;
use crate::tui::explore::query::ExpansionQuery;
use crate::tui::explore::seed_set::SeedSet;
use crate::tui::parts::Pane;
use crate::tui::parts::Screen;
use crate::types::EntityId;

/// How many places are kept.
const DEEPEST: usize = 100;

/// Where the user was.
#[derive(Debug, Clone)]
pub(crate) struct JumpPoint {
    screen: Screen,
    state: ExpansionQuery,
    focus: Pane,
    selected: Option<EntityId>,
    looking_at: Option<EntityId>,
}

impl JumpPoint {
    /// Whether another screen or query was opened in between. Edited seeds are undone, and a cursor
    /// is moved, by other keys.
    fn far_from(&self, other: &JumpPoint) -> bool {
        let query = |place: &JumpPoint| {
            let SeedSet {
                class,
                count,
                number,
                ..
            } = place.state.seeds;
            (place.screen, class, count, number)
        };
        query(self) != query(other)
    }
}

/// The places left, and those come back from.
#[derive(Debug, Clone, Default)]
pub(crate) struct JumpList {
    past: Vec<JumpPoint>,
    future: Vec<JumpPoint>,
}

impl App {
    pub(crate) fn place(&self) -> JumpPoint {
        JumpPoint {
            screen: self.screen,
            state: self.state(),
            focus: self.explore.focus,
            selected: self.explore.candidates.selected,
            looking_at: self.explore.entity.inspected,
        }
    }

    /// Keeps the place before where what happened led away from it.
    pub(crate) fn remember_jump(&mut self, before: JumpPoint) {
        if !std::mem::take(&mut self.navigation.returning) && before.far_from(&self.place()) {
            self.keep_place(before);
        }
    }

    pub(crate) fn keep_place(&mut self, before: JumpPoint) {
        self.navigation.jumps.future.clear();
        self.navigation.jumps.past.push(before);
        if self.navigation.jumps.past.len() > DEEPEST {
            self.navigation.jumps.past.remove(0);
        }
    }

    pub(crate) fn jump_back(&mut self) {
        match self.navigation.jumps.past.pop() {
            Some(place) => {
                self.navigation.jumps.future.push(self.place());
                self.jump_to(place);
            }
            None => self.notify("there is no place before this one"),
        }
    }

    pub(crate) fn jump_forward(&mut self) {
        match self.navigation.jumps.future.pop() {
            Some(place) => {
                self.navigation.jumps.past.push(self.place());
                self.jump_to(place);
            }
            None => self.notify("there is no place to go forward to"),
        }
    }

    fn jump_to(&mut self, place: JumpPoint) {
        self.navigation.returning = true;
        (self.explore.seeds.typing, self.explore.classes.filtering) = (None, false);
        self.go_to(place.screen);
        self.change(place.state);
        (
            self.explore.focus,
            self.explore.candidates.selected,
            self.explore.entity.inspected,
        ) = (place.focus, place.selected, place.looking_at);
    }
}
