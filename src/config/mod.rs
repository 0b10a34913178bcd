//! What the user may choose: settings, keys and colours. The embedded `default.toml` is the
//! documentation, the source of every default, and what `--print-config` prints.

mod action;
mod environment;
mod key;
mod keymap;
mod settings;
#[cfg(test)]
mod tests;
mod theme;

pub use action::Action;
pub use environment::{Environment, Multiplexer};
pub use key::{Key, Sequence};
pub use keymap::{Bound, Context, Keymap};
pub use settings::{DEFAULT_TOML, Drawing, Images, Settings};
pub use theme::{ANSI_COLOURS, Depth, Role, Theme};

use std::path::PathBuf;

/// `$XDG_CONFIG_HOME/multiexpan`: `config.toml` and `themes/`. None where there is no home.
pub fn config_dir() -> Option<PathBuf> {
    dirs().map(|d| d.config_dir().to_owned())
}

/// `$XDG_STATE_HOME/multiexpan` (where the system has no such place: its data folder): session
/// files.
pub fn state_dir() -> Option<PathBuf> {
    dirs().map(|d| {
        d.state_dir()
            .unwrap_or_else(|| d.data_local_dir())
            .to_owned()
    })
}

fn dirs() -> Option<directories::ProjectDirs> {
    directories::ProjectDirs::from("", "", "multiexpan")
}
