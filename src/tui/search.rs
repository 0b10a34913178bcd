//! The search of a list: its text, the matches, and the line in which it is typed.
//!
//! ` /jag  1 of 3   ↓ next  ↑ previous  enter done  esc cancel`

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::{Action, Context, Role};
use crate::tui::text_input::TextInput;
use crate::tui::ui::draw_context::{DrawContext, split_last_line};
use crate::tui::ui::text_search::occurrences;
use crate::tui::ui::{key_hints, text};

/// The columns before the text.
const LEAD: usize = 3;

/// The labels of a list from top to bottom, and the index of the selected one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchableList {
    pub labels: Vec<String>,
    pub cursor: usize,
}

/// The search of the list that has the keys. It stays until it is closed, and then applies to
/// whichever list has the keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListSearch {
    pub input: TextInput,
    pub is_typing: bool,
    /// Set while the last line shows the text and the number of the match.
    pub is_shown: bool,
    /// The position of the cursor when the search began.
    start: usize,
    /// Set if the search began in a popup.
    in_popup: bool,
    /// The line that was found last, for lists that scroll and have no cursor.
    pub line: usize,
}

impl ListSearch {
    /// Creates a search that starts at the cursor of a list. `line` is the first visible line of a
    /// list without a cursor.
    pub(crate) fn new(list: &SearchableList, in_popup: bool, line: usize) -> Self {
        ListSearch {
            is_typing: true,
            is_shown: true,
            start: list.cursor,
            in_popup,
            line,
            ..ListSearch::default()
        }
    }

    /// Returns whether the search has a text.
    pub(crate) fn is_active(&self) -> bool {
        !self.input.is_empty()
    }

    /// Returns whether the search is closed before anything else.
    pub(crate) fn closes_first(&self, has_popup: bool) -> bool {
        self.is_typing || self.is_active() && self.in_popup == has_popup
    }

    /// Returns the position of the cursor when the search began, if it is still being typed.
    pub(crate) fn position_before(&self) -> Option<usize> {
        self.is_typing.then_some(self.start)
    }

    /// Returns the first match from the position where the search began; without a match, that
    /// position.
    pub(crate) fn first_match(&self, list: &SearchableList) -> usize {
        let matches = self.matches(list);
        let after = matches.iter().find(|&&index| index >= self.start);
        after.or(matches.first()).copied().unwrap_or(self.start)
    }

    /// Returns the next match (`by` > 0) or the previous one, starting again at the end of the
    /// list.
    pub(crate) fn next_match(&self, list: &SearchableList, by: isize) -> Option<usize> {
        let matches = self.matches(list);
        let next = if by > 0 {
            let after = matches.iter().find(|&&index| index > list.cursor);
            after.or(matches.first())
        } else {
            let before = matches.iter().rev().find(|&&index| index < list.cursor);
            before.or(matches.last())
        };
        next.copied()
    }

    fn matches(&self, list: &SearchableList) -> Vec<usize> {
        let mut matches = Vec::new();
        for (index, label) in list.labels.iter().enumerate() {
            if !occurrences(label, self.input.text()).is_empty() {
                matches.push(index);
            }
        }
        matches
    }

    /// Returns the number of the selected match and of all: "3 of 12", "12 matches", "no match".
    fn count(&self, list: &SearchableList) -> String {
        if !self.is_active() {
            return String::new();
        }
        let matches = self.matches(list);
        if matches.is_empty() {
            return "no match".into();
        }
        match matches.iter().position(|&index| index == list.cursor) {
            Some(position) => format!("{} of {}", position + 1, matches.len()),
            None => format!("{} matches", matches.len()),
        }
    }

    /// Draws the search in the last line of the screen.
    pub fn draw(&self, canvas: &mut DrawContext, screen: Rect, list: &SearchableList) {
        if !self.is_shown {
            return;
        }
        let (_, line) = split_last_line(screen);
        canvas.clear(line);
        let start = Line::from(vec![
            canvas.span(Role::Quiet, format!("{:^LEAD$}", "/")),
            canvas.span(Role::Title, self.input.text()),
            canvas.span(Role::Warning, format!("  {}", self.count(list))),
            Span::raw("   "),
        ]);
        let next = (Action::NextMatch, "next");
        let previous = (Action::PreviousMatch, "previous");
        let done = (Action::Open, "done");
        let cancel = (Action::Close, "cancel");
        if self.is_typing {
            let hints = [next, previous, done, cancel];
            key_hints::draw(canvas, line, start, Context::Searching, 2, &hints);
            let column = LEAD + text::width(self.input.split_at_cursor().0);
            canvas.place_cursor(line, column);
        } else {
            let hints = [next, previous, cancel];
            key_hints::draw(canvas, line, start, Context::Global, 2, &hints);
        }
    }
}
