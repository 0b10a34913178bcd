//! The explorer: a state that messages change ([`app`]) and that is drawn as a whole ([`draw`]), in
//! an event loop. The engine is a function that sends requests, and a channel of replies.

pub mod action_scope;
pub mod actions;
pub mod app;
pub mod class_tree;
pub mod clipboard;
pub mod compare;
pub mod draw;
pub mod evaluate;
pub mod evaluations;
pub mod explore;
pub mod failures;
pub mod focused_list;
pub mod gold_mark;
pub mod imports;
pub mod jump_list;
pub mod keys;
pub mod message;
pub mod metrics;
pub mod mouse;
pub mod navigation;
pub mod notice;
pub mod overlay;
pub mod parts;
pub mod paste;
pub mod persist;
pub mod platform;
pub mod popups;
pub mod prefetch;
pub mod replies;
pub mod requests;
pub mod restore;
pub mod search;
pub mod shared;
pub mod table_export;
pub mod text_input;
pub mod ui;
pub mod views;

use std::path::{Path, PathBuf};

use ratatui::layout::Size;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::config::{Drawing, Environment, Images, Settings, config_dir};
use crate::engine::protocol::{Reply, Request};
use crate::error::{Error, Result};
use crate::types::DeviceChoice;

use crate::tui::app::App;
use crate::tui::persist::session;
use crate::tui::persist::session::{LoadedSession, SavedSession};
use crate::tui::persist::view_file::ViewFile;
use crate::tui::platform::event_loop;
use crate::tui::platform::theme_files::ThemeFiles;
use crate::tui::requests::ExploreOptions;

/// The explorer's options on the command line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    pub index: PathBuf,
    pub dataset: Option<PathBuf>,
    /// Indexes and runs to import for Compare.
    pub imports: Vec<PathBuf>,
    pub device: DeviceChoice,
    /// The way to draw images; `None` takes the one of the settings.
    pub images: Option<Images>,
    pub theme: Option<String>,
    /// A view to open in place of the session's query.
    pub view: Option<ViewFile>,
}

/// Runs the explorer until the user quits. The first frame is drawn before the first reply.
///
/// Errors: invalid settings or an invalid theme, before anything is drawn; a missing or failing
/// terminal. A session that cannot be read causes a warning on the screen only.
pub fn run(
    options: Options,
    send: Box<dyn Fn(Request) + Send>,
    replies: UnboundedReceiver<Reply>,
) -> Result<()> {
    let folder = config_dir();
    let settings = load_settings(folder.as_deref())?;
    let session_path = session::path_for(&options.index);
    let images = options.images.unwrap_or(settings.images);
    let mouse = settings.mouse;
    let LoadedSession { session, warning } = load_session(session_path.as_deref());
    let environment = Environment::current();
    let themes = ThemeFiles::new(folder.map(|f| f.join("themes")), environment.depth);
    let theme_name = choose_theme(options.theme, session.as_ref(), &themes, &settings);
    let theme = themes.load(&theme_name)?;
    let source = ExploreOptions {
        index: options.index,
        dataset: options.dataset,
        device: options.device,
        imports: options.imports,
    };
    let mut app = App::new(settings, source, session.clone());
    app.overlay.themes.names = themes.names();
    app.overlay.themes.shown = themes.resolve(&theme_name);
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
        image_setting: images,
        environment,
        send,
        session_path,
        session,
    };
    let outcome = runtime.block_on(event_loop::run(explorer, mouse, replies));
    // an image that is still being decoded does not delay the end
    runtime.shutdown_background();
    outcome
}

/// Loads the settings in a folder; without a folder, returns the defaults.
fn load_settings(folder: Option<&Path>) -> Result<Settings> {
    match folder {
        Some(folder) => Settings::load(&folder.join("config.toml")),
        None => Ok(Settings::default()),
    }
}

/// Loads the session, or a warning if the file cannot be read. Such a file is not overwritten: it is
/// read again before the session is saved.
fn load_session(path: Option<&Path>) -> LoadedSession {
    let Some(path) = path else {
        return LoadedSession::default();
    };
    match SavedSession::load(path) {
        Ok(loaded) => loaded,
        Err(error) => LoadedSession {
            session: None,
            warning: Some(format!("cannot read the session: {error}")),
        },
    }
}

/// Returns the name of the theme to start with: that of the command line, else that of the session
/// if there still is such a theme, else that of the settings.
fn choose_theme(
    wanted: Option<String>,
    session: Option<&SavedSession>,
    themes: &ThemeFiles,
    settings: &Settings,
) -> String {
    let of_session = session
        .and_then(|session| session.theme.clone())
        .filter(|name| themes.names().contains(name));
    wanted
        .or(of_session)
        .unwrap_or_else(|| settings.theme.clone())
}

/// Draws an image in half blocks within a number of columns and rows; without colours or UTF-8, in
/// shades of grey.
///
/// Errors: a message about an image that cannot be drawn.
pub fn draw_text(
    image: image::DynamicImage,
    (columns, rows): (u16, u16),
    environment: &Environment,
) -> std::result::Result<String, String> {
    platform::images::draw_text(image, Size::new(columns, rows), environment)
}

/// Returns the way in which the explorer would draw images in this terminal. It queries the
/// terminal.
pub fn query_image_support() -> Drawing {
    let settings = config_dir()
        .and_then(|folder| Settings::load(&folder.join("config.toml")).ok())
        .unwrap_or_default();
    platform::terminal_query::detect_drawing(settings.images)
}
