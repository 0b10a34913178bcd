//! What help says: the keys where they are pressed, then those that act everywhere.

use crate::config::{Action, Context};
use crate::tui::app::reach::{ANYWHERE, acts_in_popup};
use crate::tui::app::{App, Below, Popup};

/// A line of help: a heading where it has no keys, empty where it has no text either.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HelpLine {
    pub keys: String,
    pub text: String,
}

impl App {
    /// Lays help over the screen, or over a popup that fills it and has keys of its own.
    pub(super) fn open_help(&mut self) {
        let below = match self.popup {
            Some(Popup::Explain) => Below::Explain,
            Some(Popup::WhatIf(cursor)) => Below::WhatIf(cursor),
            _ => Below::Screen,
        };
        self.open_popup(Popup::Help(below));
    }

    pub fn help_lines(&self) -> Vec<HelpLine> {
        let below = if let Some(Popup::Help(below)) = self.popup {
            below
        } else {
            Below::Screen
        };
        let here = match below {
            Below::Screen => self.context_below(),
            Below::Explain => Context::Explain,
            Below::WhatIf(_) => Context::WhatIf,
        };
        let acts = |action: Action| match below.popup() {
            Some(popup) => ANYWHERE.contains(&action) || acts_in_popup(popup, action),
            None => self.acts_here(action),
        };
        let keymap = &self.settings.keymap;
        let everywhere = keymap
            .everywhere(here)
            .into_iter()
            .filter(|(action, _)| acts(*action))
            .collect();
        let mut lines = Vec::new();
        for (title, listing) in [
            (sentence(here.place()), keymap.listing(here)),
            ("Everywhere".into(), everywhere),
        ] {
            if !lines.is_empty() {
                lines.push(HelpLine::default());
            }
            lines.push(HelpLine {
                text: title,
                keys: String::new(),
            });
            lines.extend(listing.into_iter().map(|(action, keys)| HelpLine {
                keys,
                text: action.help().into(),
            }));
        }
        lines
    }

    pub(super) fn help_labels(&self) -> Vec<String> {
        self.help_lines()
            .into_iter()
            .map(|line| format!("{} {}", line.keys, line.text))
            .collect()
    }
}

/// With a capital at its beginning.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
