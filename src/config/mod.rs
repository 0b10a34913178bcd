//! The user's settings, keys and colours. The embedded `default.toml` is the documentation and the
//! source of every default; `--print-config` prints it.

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

/// Returns `$XDG_CONFIG_HOME/multiexpan`, the folder of `config.toml` and `themes/`; `None` without a
/// home folder.
pub fn config_dir() -> Option<PathBuf> {
    dirs().map(|d| d.config_dir().to_owned())
}

/// Returns `$XDG_STATE_HOME/multiexpan`, the folder of session files. A system without such a folder
/// uses its data folder.
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
