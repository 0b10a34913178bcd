//! The explorer: a state that messages change ([`app`]), drawn as a whole ([`screen`]), around
//! which an event loop turns. The engine is a function to send requests with and a channel of
//! replies.

pub mod app;
mod canvas;
pub mod persist;
pub mod pictures;
pub mod platform;
pub mod screen;
mod themes;
pub mod view;
mod widget;

use std::path::PathBuf;

use ratatui::layout::Size;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::config::{Drawing, Environment, Images, Settings, config_dir};
use crate::engine::api::{Reply, Request};
use crate::error::{Error, Result};
use crate::types::DeviceChoice;

use app::{App, Source};
use persist::session::{self, Loaded, Session};
use persist::view_file::StateFile;
use platform::event_loop;

/// What the command line says of the explorer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    pub index: PathBuf,
    pub dataset: Option<PathBuf>,
    /// Indexes and runs to stand beside it in Compare.
    pub beside: Vec<PathBuf>,
    pub device: DeviceChoice,
    /// Over the settings' own, where given.
    pub images: Option<Images>,
    pub theme: Option<String>,
    /// A view to open in the place of the session's.
    pub view: Option<StateFile>,
}

/// Runs the explorer until the user leaves it. The first frame is drawn before any reply is
/// awaited.
///
/// Errors: settings or a theme that cannot be used (before the terminal is touched), no terminal, a
/// terminal that fails. A session that cannot be read is said on the screen and passed over.
pub fn run(
    options: Options,
    send: Box<dyn Fn(Request) + Send>,
    replies: UnboundedReceiver<Reply>,
) -> Result<()> {
    let folder = config_dir();
    let settings = match &folder {
        Some(folder) => Settings::load(&folder.join("config.toml"))?,
        None => Settings::default(),
    };
    let session_path = session::path_for(&options.index);
    let (images, mouse) = (options.images.unwrap_or(settings.images), settings.mouse);
    let Options {
        index,
        dataset,
        beside,
        device,
        ..
    } = options;
    let source = Source {
        index,
        dataset,
        device,
        beside,
    };
    let loaded = session_path.as_deref().map(Session::load).transpose();
    // a save reads the file again before it writes, so that what cannot be read is never written
    // over
    let unread = |why| Loaded {
        session: None,
        warning: Some(format!("the session cannot be read: {why}")),
    };
    let Loaded { session, warning } = loaded.map_or_else(unread, Option::unwrap_or_default);
    let environment = Environment::current();
    let themes = themes::Themes::new(folder.map(|f| f.join("themes")), environment.depth);
    let chosen = session
        .as_ref()
        .and_then(|s| s.theme.clone())
        .filter(|name| themes.names().contains(name));
    let name = options
        .theme
        .or(chosen)
        .unwrap_or_else(|| settings.theme.clone());
    let theme = themes.load(&name)?;
    let mut app = App::new(settings, source, session.clone());
    app.themes.names = themes.names();
    app.themes.shown = themes.meant(&name);
    if let Some(view) = options.view {
        app.open_view(view);
    }
    if let Some(warning) = warning {
        app.warn(warning);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(Error::io("start the event loop of", "the terminal"))?;
    let explorer = event_loop::Explorer {
        app,
        theme,
        themes,
        images,
        environment,
        send,
        session_path,
        session,
    };
    let outcome = runtime.block_on(event_loop::run(explorer, mouse, replies));
    // A picture still being decoded does not hold the user back.
    runtime.shutdown_background();
    outcome
}

/// Draws an image in half blocks or, without colours or UTF-8, in shades of grey: at most so many
/// columns and rows.
///
/// Error: a clause for people.
pub fn draw_text(
    image: image::DynamicImage,
    (columns, rows): (u16, u16),
    environment: &Environment,
) -> std::result::Result<String, String> {
    platform::images::draw_text(image, Size::new(columns, rows), environment)
}

/// What the explorer would draw pictures with in this terminal, by its settings. Asks the terminal.
pub fn ask_for_pictures() -> Drawing {
    let settings = config_dir()
        .and_then(|folder| Settings::load(&folder.join("config.toml")).ok())
        .unwrap_or_default();
    platform::query::drawing(settings.images)
}
