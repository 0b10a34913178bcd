//! The choice of a theme, which is tried on while the cursor moves.

use crate::tui::app::{App, Popup};

/// The names to choose from and the one in use. The event loop loads what is named here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Themes {
    /// The shipped ones and the user's.
    pub names: Vec<String>,
    pub shown: String,
    /// Chosen here, and so kept for the next start.
    pub kept: Option<String>,
    /// In use when the choice was opened.
    before: String,
}

impl App {
    pub(super) fn open_themes(&mut self) {
        let themes = &mut self.themes;
        themes.before.clone_from(&themes.shown);
        let cursor = themes
            .names
            .iter()
            .position(|name| *name == themes.shown)
            .unwrap_or(0);
        self.popup = Some(Popup::Theme(cursor));
    }

    /// Moves the cursor, and shows the theme that it is on.
    pub(super) fn try_theme(&mut self, cursor: usize) {
        if let Some(name) = self.themes.names.get(cursor) {
            self.themes.shown.clone_from(name);
            self.popup = Some(Popup::Theme(cursor));
        }
    }

    pub(super) fn keep_theme(&mut self) {
        self.popup = None;
        self.themes.kept = Some(self.themes.shown.clone());
    }

    pub(super) fn restore_theme(&mut self) {
        self.themes.shown.clone_from(&self.themes.before);
    }
}
