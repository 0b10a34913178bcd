//! The jump list: the places that the user left for another screen, query or entity.

use crate::tui::explore::query::ExpansionQuery;
use crate::tui::parts::{Pane, Screen};
use crate::types::EntityId;

/// The largest number of places that are remembered.
const LIMIT: usize = 100;

/// A place to jump back to.
#[derive(Debug, Clone)]
pub(crate) struct JumpPoint {
    pub screen: Screen,
    pub query: ExpansionQuery,
    pub focus: Pane,
    pub selected: Option<EntityId>,
    pub inspected: Option<EntityId>,
}

impl JumpPoint {
    /// Returns whether a jump leads from one place to the other: to another screen or query. Edited
    /// seeds are undone, and a cursor is moved, by other keys.
    pub fn is_jump_to(&self, other: &JumpPoint) -> bool {
        let (own, others) = (&self.query.seeds, &other.query.seeds);
        self.screen != other.screen
            || own.class != others.class
            || own.count != others.count
            || own.number != others.number
    }
}

/// The places before and after the present one.
#[derive(Debug, Clone, Default)]
pub(crate) struct JumpList {
    past: Vec<JumpPoint>,
    future: Vec<JumpPoint>,
}

impl JumpList {
    /// Records a place that is left. The places after it are dropped.
    pub fn push(&mut self, place: JumpPoint) {
        self.future.clear();
        self.past.push(place);
        if self.past.len() > LIMIT {
            self.past.remove(0);
        }
    }

    /// Returns the place before `now`, which can then be gone forward to.
    pub fn back(&mut self, now: JumpPoint) -> Option<JumpPoint> {
        let previous = self.past.pop()?;
        self.future.push(now);
        Some(previous)
    }

    /// Returns the place that was left by [`JumpList::back`] last.
    pub fn forward(&mut self, now: JumpPoint) -> Option<JumpPoint> {
        let next = self.future.pop()?;
        self.past.push(now);
        Some(next)
    }
}
