//! Themes as they are read, for what this terminal can show.

use std::path::PathBuf;

use crate::config::{Depth, Theme};
use crate::error::Result;

/// Where themes come from.
pub struct ThemeFiles {
    /// The user's, beside the settings.
    folder: Option<PathBuf>,
    depth: Depth,
}

impl ThemeFiles {
    /// Themes of `folder` and the shipped ones, for a terminal of so many colours.
    pub fn new(folder: Option<PathBuf>, depth: Depth) -> Self {
        ThemeFiles { folder, depth }
    }

    pub fn names(&self) -> Vec<String> {
        Theme::names(self.folder.as_deref())
    }

    /// The theme that a name stands for.
    pub fn meant(&self, name: &str) -> String {
        Theme::meant(name, self.depth).to_owned()
    }

    /// Errors: as [`Theme::load`].
    pub fn load(&self, name: &str) -> Result<Theme> {
        Theme::load(
            Theme::meant(name, self.depth),
            self.folder.as_deref(),
            self.depth,
        )
    }
}
