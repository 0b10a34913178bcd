//! One line of text that is being typed.

use crate::config::Action;

/// The text and the cursor in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextInput {
    text: String,
    /// In bytes, between two letters.
    at: usize,
}

/// The text with the cursor at its end.
impl From<&str> for TextInput {
    fn from(text: &str) -> TextInput {
        TextInput {
            text: text.to_owned(),
            at: text.len(),
        }
    }
}

impl TextInput {
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What stands before the cursor and what after it.
    pub fn halves(&self) -> (&str, &str) {
        self.text.split_at(self.at)
    }

    pub fn insert(&mut self, text: &str) {
        self.text.insert_str(self.at, text);
        self.at += text.len();
    }

    /// Edits; false where the action is none of a field's.
    pub fn edit(&mut self, action: Action) -> bool {
        let (before, after) = self.halves();
        match action {
            Action::Left => self.at -= before.chars().next_back().map_or(0, char::len_utf8),
            Action::Right => self.at += after.chars().next().map_or(0, char::len_utf8),
            Action::LineStart => self.at = 0,
            Action::LineEnd => self.at = self.text.len(),
            Action::Erase => {
                self.erase_from(self.at - before.chars().next_back().map_or(0, char::len_utf8))
            }
            Action::EraseWord => {
                self.erase_from(before.trim_end().rfind(' ').map_or(0, |space| space + 1))
            }
            Action::EraseAll => *self = TextInput::default(),
            _ => return false,
        }
        true
    }

    fn erase_from(&mut self, from: usize) {
        self.text.replace_range(from..self.at, "");
        self.at = from;
    }
}

/// Erases from the end of a text as an input field does.
pub(crate) fn erase_from_end(text: &mut String, action: Action) {
    let mut field = TextInput::default();
    field.insert(text);
    field.edit(action);
    field.text().clone_into(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_edited_at_the_cursor() {
        let mut field = TextInput::default();
        field.insert("sea liön");
        for action in [Action::Left, Action::Left, Action::Erase] {
            assert!(field.edit(action));
        }
        field.insert("虎");
        assert_eq!(field.halves(), ("sea l虎", "ön"));
        field.edit(Action::EraseWord);
        assert_eq!(field.halves(), ("sea ", "ön"));
        field.edit(Action::EraseWord);
        assert_eq!(field.halves(), ("", "ön"));
        field.edit(Action::Erase);
        field.edit(Action::Left);
        field.edit(Action::LineEnd);
        field.edit(Action::Right);
        assert_eq!(field.halves(), ("ön", ""));
        field.edit(Action::EraseAll);
        assert_eq!(field, TextInput::default());
        assert!(!field.edit(Action::Open));
    }
}
