//! The explorer's state, and how a message changes it: no I/O, no lock, no tensor.

use crate::config::{Context, Key, Settings};
use crate::engine::protocol::{Request, RequestKind};

use crate::tui::parts::Screen;
use crate::tui::persist::session::SavedSession;
use crate::tui::persist::view_file::StateFile;

use crate::tui::compare::Compare;
use crate::tui::explore::Explore;
use crate::tui::jump_list::JumpList;
use crate::tui::message::{Effect, LoopCommand, Message};
use crate::tui::overlay::Overlay;
use crate::tui::parts::Popup;
use crate::tui::requests::ExploreOptions;
use crate::tui::shared::Shared;

use crate::tui::failures::FailureList;
use crate::tui::metrics::Metrics;
use crate::tui::notice::Status;
use crate::tui::requests::RequestClass;

/// What the next opened index is restored from.
#[derive(Debug, Default)]
pub(crate) struct Restore {
    /// The session of the last start.
    pub(crate) session: Option<SavedSession>,
    /// A view file to open in place of the session's view.
    pub(crate) view_file: Option<StateFile>,
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
    /// What every component may read.
    pub shared: Shared,
    pub screen: Screen,
    pub explore: Explore,
    pub compare: Compare,
    pub failures: FailureList,
    pub metrics: Metrics,
    pub overlay: Overlay,
    pub navigation: Navigation,
    pub status: Status,
    /// What the event loop does next.
    pub command: Option<LoopCommand>,
    /// What the next opened index is restored from.
    pub(crate) restore: Restore,
}

impl App {
    /// An explorer that has opened nothing yet. A session, where there is one, is restored once the
    /// index is open.
    pub fn new(settings: Settings, options: ExploreOptions, session: Option<SavedSession>) -> Self {
        let explore = Explore::new(&settings);
        let mut compare = Compare::default();
        compare.rankers.pending_imports = options.beside.clone();
        App {
            shared: Shared::new(settings, options),
            screen: Screen::Explore,
            explore,
            compare,
            failures: FailureList::default(),
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

    /// Has a view of a file opened once the index is.
    pub fn open_view(&mut self, file: StateFile) {
        self.restore.view_file = Some(file);
    }

    /// The first request: open the index.
    pub fn start(&mut self) -> Vec<Request> {
        let ExploreOptions {
            index,
            dataset,
            device,
            ..
        } = self.shared.engine.options.clone();
        self.shared.engine.send(
            RequestClass::Open,
            RequestKind::Open {
                index,
                dataset,
                device,
            },
        );
        std::mem::take(&mut self.shared.engine.outbox)
    }

    /// Takes in one message; gives what the engine is to be asked.
    pub fn update(&mut self, msg: Message) -> Vec<Request> {
        match msg {
            Message::Key(key) => self.key(key),
            Message::Mouse(event) => self.mouse(event),
            Message::Paste(text) => self.paste(&text),
            Message::Resize(size) => self.shared.frame.size = size,
            Message::Reply(reply) => self.reply(reply),
            Message::Tick => self.status.tick(),
            Message::Drawn(view) => self.drawn(view),
        }
        self.inspect();
        self.measure_unchanged();
        std::mem::take(&mut self.shared.engine.outbox)
    }

    /// Does what a component asks for; what the event loop does is left to it.
    pub(crate) fn apply(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Notify(sentence) => self.notify(sentence),
                Effect::Send(class, kind) => self.shared.engine.send(class, kind),
                Effect::GoTo(screen) => self.go_to(screen),
                Effect::NextRanking => self.switch_ranking(),
                Effect::NextSeedCount => self.switch_measured(),
                Effect::ShowQuery {
                    class,
                    number,
                    mode,
                } => self.show_query(class, number, mode),
                Effect::Evaluate => self.evaluate(),
                Effect::Import(path) => self.import(path),
                Effect::OpenPopup(popup) => self.open_popup(popup),
                Effect::ClosePopup => self.overlay.popup = None,
                Effect::Close => self.close(),
                Effect::ChangeQuery(query) => self.change(*query),
                Effect::Inspect(entity) => self.inspect_entity(entity),
                Effect::Discard(class) => self.shared.engine.pending.forget(class),
                Effect::Loop(command) => self.command = Some(command),
            }
        }
    }

    /// Whether ticks are needed: something runs, or a notice is to go.
    pub fn moves(&self) -> bool {
        self.shared.engine.pending.running().is_some() || self.status.notice.is_some()
    }

    /// Where keys go.
    pub fn context(&self) -> Context {
        match self.overlay.popup {
            _ if self.compare.rankers.path.is_some() => Context::Path,
            _ if self.overlay.search.typing => Context::Searching,
            Some(Popup::Palette) => Context::Palette,
            Some(Popup::Explain) => Context::Explain,
            Some(Popup::WhatIf(_)) => Context::WhatIf,
            Some(Popup::SaveQuery) => Context::SaveQuery,
            Some(_) => Context::Popup,
            None => self.context_below(),
        }
    }

    /// Where keys go when no popup lies over the screen.
    pub(crate) fn context_below(&self) -> Context {
        match self.screen {
            // a text field keeps the keys until it is closed
            _ if self.explore.is_typing() => self.explore.context(),
            Screen::Explore => self.explore.context(),
            Screen::Compare => Context::Compare,
            Screen::Failures => self.failures_context(),
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
