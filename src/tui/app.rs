//! The explorer's state, and how a message changes it, without I/O, locks or tensors.

use crate::config::{Context, Key, Settings};
use crate::engine::protocol::{Request, RequestKind};
use crate::tui::compare::Compare;
use crate::tui::explore::Explore;
use crate::tui::failures::FailuresScreen;
use crate::tui::jump_list::JumpList;
use crate::tui::message::{Effect, LoopCommand, Message};
use crate::tui::metrics::Metrics;
use crate::tui::notice::Status;
use crate::tui::overlay::Overlay;
use crate::tui::parts::{Popup, Screen};
use crate::tui::persist::session::SavedSession;
use crate::tui::persist::view_file::ViewFile;
use crate::tui::requests::{ExploreOptions, RequestClass};
use crate::tui::shared::Shared;

/// The state to restore once the index is open.
#[derive(Debug, Default)]
pub(crate) struct Restore {
    /// The session of the last start.
    pub(crate) session: Option<SavedSession>,
    /// A view file to open in place of the session's query.
    pub(crate) view_file: Option<ViewFile>,
}

/// The keys of an unfinished sequence, and the places that the user jumped from.
#[derive(Debug, Default)]
pub struct Navigation {
    pub pending_keys: Vec<Key>,
    pub(crate) jumps: JumpList,
    /// Set while going through the jump list, so that the jump is not recorded again.
    pub(crate) returning: bool,
}

/// The explorer.
pub struct App {
    /// The state that every component may read.
    pub shared: Shared,
    pub screen: Screen,
    pub explore: Explore,
    pub compare: Compare,
    pub failures: FailuresScreen,
    pub metrics: Metrics,
    pub overlay: Overlay,
    pub navigation: Navigation,
    pub status: Status,
    /// The command that the event loop carries out next.
    pub command: Option<LoopCommand>,
    /// The state to restore once the index is open.
    pub(crate) restore: Restore,
}

impl App {
    /// Creates an explorer that has opened nothing yet. The session is restored once the index is
    /// open.
    pub fn new(settings: Settings, options: ExploreOptions, session: Option<SavedSession>) -> Self {
        let explore = Explore::new(&settings);
        let mut compare = Compare::default();
        compare.rankers.pending_imports = options.imports.clone();
        App {
            shared: Shared::new(settings, options),
            screen: Screen::Explore,
            explore,
            compare,
            failures: FailuresScreen::default(),
            metrics: Metrics::default(),
            overlay: Overlay::default(),
            navigation: Navigation::default(),
            status: Status::default(),
            command: None,
            restore: Restore {
                session,
                view_file: None,
            },
        }
    }

    /// Opens a view file once the index is open.
    pub fn open_view(&mut self, file: ViewFile) {
        self.restore.view_file = Some(file);
    }

    /// Returns the first request, which opens the index.
    pub fn start(&mut self) -> Vec<Request> {
        let engine = &mut self.shared.engine;
        let options = engine.options.clone();
        let request = RequestKind::Open {
            index: options.index,
            dataset: options.dataset,
            device: options.device,
        };
        engine.send(RequestClass::Open, request);
        std::mem::take(&mut engine.outbox)
    }

    /// Handles one message; returns the requests to send to the engine.
    pub fn update(&mut self, message: Message) -> Vec<Request> {
        match message {
            Message::Key(key) => self.handle_key(key),
            Message::Mouse(event) => self.handle_mouse(event),
            Message::Paste(text) => self.paste(&text),
            Message::Resize(size) => self.shared.frame.size = size,
            Message::Reply(reply) => self.handle_reply(reply),
            Message::Tick => self.status.tick(),
            Message::Drawn(frame) => self.handle_frame(frame),
        }
        self.request_details();
        self.request_baseline();
        std::mem::take(&mut self.shared.engine.outbox)
    }

    /// Carries out the effects of a component. A command for the event loop is left to it.
    pub(crate) fn apply(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Notify(sentence) => self.notify(sentence),
                Effect::Send(class, kind) => self.shared.engine.send(class, kind),
                Effect::GoTo(screen) => self.go_to(screen),
                Effect::NextRanking => self.next_ranking(),
                Effect::NextSeedCount => self.next_seed_count(),
                Effect::ShowQuery {
                    class,
                    number,
                    mode,
                } => self.show_query(class, number, mode),
                Effect::ShowCandidate {
                    entity,
                    reranked,
                    inspect,
                } => self.show_candidate(entity, reranked, inspect),
                Effect::Evaluate => self.evaluate(),
                Effect::Import(path) => self.import(path),
                Effect::OpenPopup(popup) => self.open_popup(popup),
                Effect::Act(action) => self.act(action),
                Effect::ClosePopup => self.overlay.popup = None,
                Effect::Close => self.close(),
                Effect::ChangeQuery(query) => self.change(*query),
                Effect::Inspect(entity) => self.inspect_entity(entity),
                Effect::Discard(class) => self.shared.engine.discard(class),
                Effect::Loop(command) => self.command = Some(command),
            }
        }
    }

    /// Returns whether ticks are needed: a request is running, or a notice will expire.
    pub fn needs_ticks(&self) -> bool {
        self.shared.engine.pending.first_running().is_some() || self.status.notice.is_some()
    }

    /// Returns the context that keys are looked up in.
    pub fn context(&self) -> Context {
        match self.overlay.popup {
            _ if self.compare.rankers.path.is_some() => Context::Path,
            _ if self.overlay.search.is_typing => Context::Searching,
            Some(Popup::Palette) => Context::Palette,
            Some(Popup::Explain) => Context::Explain,
            Some(Popup::WhatIf) => Context::WhatIf,
            Some(Popup::SaveQuery) => Context::SaveQuery,
            Some(_) => Context::Popup,
            None => self.screen_context(),
        }
    }

    /// Returns the context of the screen, whether or not a popup lies over it.
    pub(crate) fn screen_context(&self) -> Context {
        match self.screen {
            // a text field keeps the keys until it is closed
            _ if self.explore.is_typing() => self.explore.context(),
            Screen::Explore => self.explore.context(),
            Screen::Compare => Context::Compare,
            Screen::Failures => self.failures.context(),
            Screen::Metrics => Context::Metrics,
        }
    }

    /// Shows a message in the status line for a while.
    pub fn notify(&mut self, message: impl Into<String>) {
        self.status.notify(message);
    }

    /// Shows a message in the status line at least until a key is pressed.
    pub fn warn(&mut self, message: impl Into<String>) {
        self.status.warn(message);
    }
}
