//! Loads themes by name, reduced to the colours that the terminal can show.

use std::path::PathBuf;

use crate::config::{Depth, Theme};
use crate::error::Result;

/// The source of themes: the user's folder and the themes that come with the program.
pub struct ThemeFiles {
    /// The user's folder of themes, which lies in the folder of the settings.
    folder: Option<PathBuf>,
    depth: Depth,
}

impl ThemeFiles {
    /// Uses the themes of `folder` and those of the program, in a terminal of this colour depth.
    pub fn new(folder: Option<PathBuf>, depth: Depth) -> Self {
        ThemeFiles { folder, depth }
    }

    /// Returns the names of all themes.
    pub fn names(&self) -> Vec<String> {
        Theme::names(self.folder.as_deref())
    }

    /// Returns the name of the theme that is used for `name` at this colour depth.
    pub fn resolve(&self, name: &str) -> String {
        Theme::resolve(name, self.depth).to_owned()
    }

    /// Loads a theme.
    ///
    /// Errors: those of [`Theme::load`].
    pub fn load(&self, name: &str) -> Result<Theme> {
        Theme::load(
            Theme::resolve(name, self.depth),
            self.folder.as_deref(),
            self.depth,
        )
    }
}
