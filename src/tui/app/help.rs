//! What help says: the keys where they are pressed, then those that act everywhere.

use super::App;
use crate::config::Context;

/// A line of help: a heading where it has no keys, empty where it has no text either.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HelpLine {
    pub keys: String,
    pub text: String,
}

impl App {
    pub fn help_lines(&self) -> Vec<HelpLine> {
        let heading = |text: String| HelpLine { text, keys: String::new() };
        let here = self.context_below();
        let mut lines = Vec::new();
        for (context, title) in [(here, sentence(here.place())), (Context::Global, "Everywhere".to_owned())] {
            if !lines.is_empty() {
                lines.push(HelpLine::default());
            }
            lines.push(heading(title));
            for (action, keys) in self.settings.keymap.listing(context) {
                if context != Context::Global || self.acts_here(action) {
                    lines.push(HelpLine { keys, text: action.help().into() });
                }
            }
        }
        lines
    }

    pub(super) fn help_labels(&self) -> Vec<String> {
        self.help_lines().into_iter().map(|line| format!("{} {}", line.keys, line.text)).collect()
    }
}

/// With a capital at its beginning.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
