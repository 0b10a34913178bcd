//! The explorer: a state that messages change ([`app`]), drawn as a whole ([`screen`]), around which an event loop
//! turns. The engine is a function to send requests with and a channel of replies.

pub mod app;
mod canvas;
mod event;
pub mod pictures;
pub mod screen;
pub mod session;
pub mod state_file;
mod terminal;
pub mod view;
mod widget;

use std::path::PathBuf;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::config::{Depth, Images, Settings, Theme, config_dir};
use crate::engine::api::{Reply, Request};
use crate::error::{Error, Result};
use crate::types::DeviceChoice;

use app::{App, Source};
use session::Session;
use state_file::StateFile;

/// What the command line says of the explorer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    pub index: PathBuf,
    pub dataset: Option<PathBuf>,
    pub device: DeviceChoice,
    /// Over the settings' own, where given.
    pub images: Option<Images>,
    pub theme: Option<String>,
    /// A view to open in the place of the session's.
    pub view: Option<StateFile>,
}

/// Runs the explorer until the user leaves it. The first frame is drawn before any reply is awaited.
///
/// Errors: settings or a theme that cannot be used (before the terminal is touched), no terminal, a terminal that
/// fails. A session that cannot be read is said on the screen and passed over.
pub fn run(options: Options, send: Box<dyn Fn(Request) + Send>, replies: UnboundedReceiver<Reply>) -> Result<()> {
    let folder = config_dir();
    let settings = match &folder {
        Some(folder) => Settings::load(&folder.join("config.toml"))?,
        None => Settings::default(),
    };
    let depth = Depth::from_env(|name| std::env::var(name).ok());
    let name = options.theme.as_deref().unwrap_or(&settings.theme);
    let theme = Theme::load(name, folder.map(|f| f.join("themes")).as_deref(), depth)?;
    let session_path = session::path_for(&options.index);
    let session = session_path.as_deref().map(Session::load).transpose();
    let (images, mouse) = (options.images.unwrap_or(settings.images), settings.mouse);
    let source = Source { index: options.index, dataset: options.dataset, device: options.device };
    let (session, complaint) = match session {
        Ok(session) => (session.flatten(), None),
        Err(why) => (None, Some(why.to_string())),
    };
    let mut app = App::new(settings, source, session);
    if let Some(view) = options.view {
        app.open_view(view);
    }
    if let Some(complaint) = complaint {
        app.notify(complaint);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Error::io("start the event loop of", "the terminal"))?;
    let explorer = event::Explorer { app, theme, images, send, session_path };
    let outcome = runtime.block_on(event::run(explorer, mouse, replies));
    // A picture still being decoded does not hold the user back.
    runtime.shutdown_background();
    outcome
}
