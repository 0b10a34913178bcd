//! A line of text that is being typed.

use tui_input::{Input, InputRequest};

use crate::config::Action;

/// The text and the cursor in it.
#[derive(Debug, Clone, Default)]
pub struct TextInput {
    input: Input,
}

/// The text with the cursor at its end.
impl From<&str> for TextInput {
    fn from(text: &str) -> TextInput {
        TextInput { input: text.into() }
    }
}

impl PartialEq for TextInput {
    fn eq(&self, other: &TextInput) -> bool {
        self.split_at_cursor() == other.split_at_cursor()
    }
}

impl Eq for TextInput {}

impl TextInput {
    pub fn text(&self) -> &str {
        self.input.value()
    }

    pub fn is_empty(&self) -> bool {
        self.text().is_empty()
    }

    /// Returns the text before the cursor and the text after it.
    pub fn split_at_cursor(&self) -> (&str, &str) {
        let text = self.text();
        let index = text.char_indices().nth(self.input.cursor());
        text.split_at(index.map_or(text.len(), |(index, _)| index))
    }

    /// Inserts text at the cursor.
    pub fn insert(&mut self, text: &str) {
        for character in text.chars() {
            self.input.handle(InputRequest::InsertChar(character));
        }
    }

    /// Edits the text. Returns false if the action does not edit text.
    pub fn edit(&mut self, action: Action) -> bool {
        match action {
            Action::Left => self.input.handle(InputRequest::GoToPrevChar),
            Action::Right => self.input.handle(InputRequest::GoToNextChar),
            Action::LineStart => self.input.handle(InputRequest::GoToStart),
            Action::LineEnd => self.input.handle(InputRequest::GoToEnd),
            Action::Erase => self.input.handle(InputRequest::DeletePrevChar),
            Action::EraseAll => self.input.handle(InputRequest::DeleteLine),
            Action::EraseWord => {
                self.erase_word();
                None
            }
            _ => return false,
        };
        true
    }

    /// Erases from the cursor back to the space before it. A word ends only at a space, unlike in
    /// [`InputRequest::DeletePrevWord`].
    fn erase_word(&mut self) {
        let (before, after) = self.split_at_cursor();
        let start = before.trim_end().rfind(' ').map_or(0, |space| space + 1);
        let left = &before[..start];
        let cursor = left.chars().count();
        self.input = Input::new(format!("{left}{after}")).with_cursor(cursor);
    }
}

/// Erases from the end of a text as an input field does.
pub(crate) fn erase_from_end(text: &mut String, action: Action) {
    let mut input = TextInput::from(text.as_str());
    input.edit(action);
    input.text().clone_into(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_edited_at_the_cursor() {
        let mut input = TextInput::default();
        input.insert("sea liön");
        for action in [Action::Left, Action::Left, Action::Erase] {
            assert!(input.edit(action));
        }
        input.insert("虎");
        assert_eq!(input.split_at_cursor(), ("sea l虎", "ön"));
        input.edit(Action::EraseWord);
        assert_eq!(input.split_at_cursor(), ("sea ", "ön"));
        input.edit(Action::EraseWord);
        assert_eq!(input.split_at_cursor(), ("", "ön"));
        input.edit(Action::Erase);
        input.edit(Action::Left);
        input.edit(Action::LineEnd);
        input.edit(Action::Right);
        assert_eq!(input.split_at_cursor(), ("ön", ""));
        input.edit(Action::EraseAll);
        assert_eq!(input, TextInput::default());
        assert!(!input.edit(Action::Open));
    }
}
