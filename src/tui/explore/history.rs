//! Undo and redo of changes to the query.

use crate::tui::explore::query::ExpansionQuery;

/// The largest number of changes that can be undone.
const LIMIT: usize = 200;

/// The queries before and after the present one.
#[derive(Debug, Clone, Default)]
pub struct History {
    past: Vec<ExpansionQuery>,
    future: Vec<ExpansionQuery>,
}

impl History {
    /// Records the query before a change. What could be redone is dropped.
    pub fn push(&mut self, before: ExpansionQuery) {
        self.past.push(before);
        if self.past.len() > LIMIT {
            self.past.remove(0);
        }
        self.future.clear();
    }

    /// Returns the query before `now`, which can then be redone.
    pub fn undo(&mut self, now: &ExpansionQuery) -> Option<ExpansionQuery> {
        let previous = self.past.pop()?;
        self.future.push(now.clone());
        Some(previous)
    }

    /// Returns the query that was undone last, if there is one.
    pub fn redo(&mut self, now: &ExpansionQuery) -> Option<ExpansionQuery> {
        let next = self.future.pop()?;
        self.past.push(now.clone());
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Mode;

    #[test]
    fn undo_and_redo_are_each_others_inverse() {
        let (a, b) = (
            ExpansionQuery::default(),
            ExpansionQuery {
                mode: Mode::Text,
                ..ExpansionQuery::default()
            },
        );
        let mut history = History::default();
        history.push(a.clone());
        assert_eq!(history.undo(&b), Some(a.clone()));
        assert_eq!(history.redo(&a), Some(b.clone()));
        history.undo(&b);
        history.push(a);
        assert_eq!(history.redo(&b), None, "a new change ends the future");
    }
}
