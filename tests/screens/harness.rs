//! An explorer over the fake engine, which is driven by keys and draws into a buffer.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use multiexpan::config::{Depth, Environment, Images, Sequence, Settings, Theme};
use multiexpan::engine::protocol::{
    Catalogue, Failures, Reply, ReplyKind, Request, RequestId, RequestKind,
};
use multiexpan::tui::app::App;
use multiexpan::tui::draw as screens;
use multiexpan::tui::message::{LoopCommand, Message};
use multiexpan::tui::persist::session::SavedSession;
use multiexpan::tui::persist::view_file::ViewFile;
use multiexpan::tui::platform::capabilities::{Answers, image_setup};
use multiexpan::tui::requests::ExploreOptions;
use multiexpan::tui::ui::image_cache::ImageCache;
use multiexpan::types::{ClassId, DeviceChoice, MetricValues};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Size};

use crate::fake::FakeEngine;

/// An explorer in a terminal that is a buffer.
pub struct Screens {
    app: App,
    engine: FakeEngine,
    terminal: Terminal<TestBackend>,
    theme: Theme,
    images: ImageCache,
}

/// Returns an explorer that has opened the fake data set.
pub fn screen(width: u16, height: u16) -> Screens {
    Screens::start(width, height, FakeEngine::new(), None)
}

impl Screens {
    /// Returns an explorer over a changed catalogue.
    pub fn with_catalogue(width: u16, height: u16, change: impl FnOnce(&mut Catalogue)) -> Screens {
        Screens::start(width, height, FakeEngine::with_catalogue(change), None)
    }

    /// Returns an explorer that restores a session.
    pub fn with_session(width: u16, height: u16, session: SavedSession) -> Screens {
        Screens::start(width, height, FakeEngine::new(), Some(session))
    }

    /// Returns an explorer that opens a view file.
    pub fn with_view(
        width: u16,
        height: u16,
        view: ViewFile,
        change: impl FnOnce(&mut Catalogue),
    ) -> Screens {
        Screens::begin(
            width,
            height,
            FakeEngine::with_catalogue(change),
            None,
            Some(view),
        )
    }

    fn start(
        width: u16,
        height: u16,
        engine: FakeEngine,
        session: Option<SavedSession>,
    ) -> Screens {
        Screens::begin(width, height, engine, session, None)
    }

    fn begin(
        width: u16,
        height: u16,
        engine: FakeEngine,
        session: Option<SavedSession>,
        view: Option<ViewFile>,
    ) -> Screens {
        let options = ExploreOptions {
            index: "demo".into(),
            dataset: None,
            device: DeviceChoice::Cpu,
            imports: vec![],
        };
        let mut app = App::new(Settings::default(), options, session);
        app.overlay.themes.names = Theme::names(None);
        app.overlay.themes.shown = "dark".into();
        view.into_iter().for_each(|view| app.open_view(view));
        let terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let theme = Theme::load("dark", None, Depth::True).unwrap();
        let mut screens = Screens {
            app,
            engine,
            terminal,
            theme,
            images: ImageCache::new(false, [0, 0, 0]),
        };
        screens
            .app
            .update(Message::Resize(Size::new(width, height)));
        let requests = screens.app.start();
        screens.answer(&requests);
        screens
    }

    /// Draws images in half blocks.
    pub fn with_pictures(&mut self) -> &mut Self {
        self.with_images(Images::Halfblocks)
    }

    /// Draws images in this way, in a terminal with true color whose cells have 10 × 20 pixels.
    pub fn with_images(&mut self, images: Images) -> &mut Self {
        let truecolor = |name: &str| (name == "COLORTERM").then(|| "truecolor".to_owned());
        let environment = Environment::from_variables(truecolor);
        self.images = ImageCache::new(true, [0, 0, 0]);
        self.images.set_up(image_setup(
            images,
            &Answers::default(),
            &environment,
            false,
            Some((10, 20)),
        ));
        self
    }

    /// Returns all failures that a search finds.
    pub fn failures(&self, search: &Request) -> Failures {
        let found = self
            .engine
            .answer(search)
            .into_iter()
            .find_map(|reply| match reply.kind {
                ReplyKind::Failures(found) => Some(*found),
                _ => None,
            });
        found.expect("the search is answered")
    }

    /// Returns made-up metrics of one class.
    pub fn class_metrics(&self) -> (ClassId, MetricValues) {
        (
            ClassId(0),
            MetricValues {
                ap: [0.5; 4],
                p: [0.5; 4],
                ceiling: [1.0; 4],
            },
        )
    }

    pub fn notify(&mut self, text: &str) {
        self.app.notify(text);
    }

    /// Answers requests, and those that follow from the answers, until there are none.
    pub fn answer(&mut self, requests: &[Request]) {
        let mut waiting = requests.to_vec();
        while let Some(request) = waiting.pop() {
            for reply in self.engine.answer(&request) {
                waiting.extend(self.app.update(Message::Reply(reply)));
            }
            waiting.extend(self.draw());
        }
        waiting.extend(self.draw());
        if !waiting.is_empty() {
            self.answer(&waiting);
        }
    }

    /// Sends one reply.
    pub fn send_reply(&mut self, id: RequestId, kind: ReplyKind) {
        let requests = self.app.update(Message::Reply(Reply { id, kind }));
        self.answer(&requests);
    }

    /// Draws until every image of the frame is encoded.
    fn draw(&mut self) -> Vec<Request> {
        let mut requests = Vec::new();
        loop {
            let mut info = None;
            let (app, theme, images) = (&self.app, &self.theme, &self.images);
            self.terminal
                .draw(|frame| info = Some(screens::draw(frame, app, theme, images)))
                .unwrap();
            let info = info.unwrap();
            self.images.request(&info.images);
            requests.extend(self.app.update(Message::Drawn(info)));
            let mut is_changed = false;
            while let Some(job) = self.images.next_job() {
                let result = job.run();
                self.images.finish(job, result);
                is_changed = true;
            }
            if !is_changed {
                return requests;
            }
        }
    }

    /// Presses keys, written as in Helix: letters as they are, others in angle brackets.
    pub fn keys(&mut self, keys: &str) -> &mut Self {
        for key in parse(keys) {
            let requests = self.app.update(Message::Key(key));
            self.answer(&requests);
        }
        self
    }

    /// Presses the keys of a sequence.
    pub fn press(&mut self, keys: &Sequence) -> &mut Self {
        for key in keys.keys() {
            let requests = self.app.update(Message::Key(event(&key.to_string())));
            self.answer(&requests);
        }
        self
    }

    pub fn paste(&mut self, text: &str) -> &mut Self {
        let requests = self.app.update(Message::Paste(text.into()));
        self.answer(&requests);
        self
    }

    pub fn app(&self) -> &App {
        &self.app
    }

    /// Filters the classes and opens the first match.
    pub fn open(&mut self, class: &str) -> &mut Self {
        self.keys(&format!("/{class}<down><down><enter>"))
    }

    /// Presses keys, and returns the requests without answering them.
    pub fn take_requests(&mut self, keys: &str) -> Vec<Request> {
        parse(keys)
            .into_iter()
            .flat_map(|key| self.app.update(Message::Key(key)))
            .collect()
    }

    /// Presses keys, and lets the expansion fail that they request.
    pub fn fail(&mut self, keys: &str, reason: &str) -> &mut Self {
        for request in self.take_requests(keys) {
            match request.kind {
                RequestKind::Expand(_) => {
                    let failed = Reply {
                        id: request.id,
                        kind: ReplyKind::Failed(reason.into()),
                    };
                    let requests = self.app.update(Message::Reply(failed));
                    self.answer(&requests);
                }
                _ => self.answer(&[request]),
            }
        }
        self
    }

    /// Clicks the first occurrence of a text.
    pub fn click_on(&mut self, text: &str) {
        let shown = self.text();
        let (row, line) = shown
            .lines()
            .enumerate()
            .find(|(_, l)| l.contains(text))
            .expect(text);
        let column = line[..line.find(text).unwrap()].chars().count();
        let at = |kind| MouseEvent {
            kind,
            column: column as u16,
            row: row as u16,
            modifiers: KeyModifiers::NONE,
        };
        for kind in [
            MouseEventKind::Down(MouseButton::Left),
            MouseEventKind::Up(MouseButton::Left),
        ] {
            let requests = self.app.update(Message::Mouse(at(kind)));
            self.answer(&requests);
        }
    }

    pub fn text(&mut self) -> String {
        self.draw();
        let buffer = self.terminal.backend().buffer();
        let rows = buffer.content.chunks(usize::from(buffer.area.width));
        let line =
            |row: &[ratatui::buffer::Cell]| row.iter().map(|c| c.symbol()).collect::<String>();
        let mut rows: Vec<String> = rows.map(line).collect();
        if let Some(cursor) = self.app.shared.frame.cursor {
            // the terminal's cursor in a text field
            let row = &mut rows[usize::from(cursor.y)];
            let mut letters: Vec<char> = row.chars().collect();
            letters[usize::from(cursor.x)] = '▏';
            *row = letters.into_iter().collect();
        }
        rows.iter()
            .map(|row| row.trim_end())
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Returns every cell with its style, which may be all that marks a list's cursor, and the
    /// position of the terminal's cursor.
    pub fn drawn(&mut self) -> (Buffer, Option<Position>) {
        self.draw();
        (
            self.terminal.backend().buffer().clone(),
            self.app.shared.frame.cursor,
        )
    }

    pub fn snapshot(&mut self, name: &str) {
        let text = self.text();
        insta::with_settings!({ prepend_module_to_snapshot => false }, { insta::assert_snapshot!(name, text) });
    }

    pub fn seeds(&self) -> Vec<String> {
        self.app
            .explore
            .query
            .seeds
            .seeds
            .iter()
            .map(|s| self.engine.catalogue.entity(*s).unwrap().name.clone())
            .collect()
    }

    pub fn rows(&self) -> Vec<String> {
        self.app
            .explore
            .rows(&self.app.shared)
            .iter()
            .map(|r| self.engine.catalogue.entity(r.entity).unwrap().name.clone())
            .collect()
    }

    /// Returns the command for the event loop.
    pub fn command(&mut self) -> Option<LoopCommand> {
        self.app.command.take()
    }

    pub fn session(&self) -> SavedSession {
        self.app.session().unwrap()
    }
}

fn parse(keys: &str) -> Vec<KeyEvent> {
    let mut out = Vec::new();
    let mut rest = keys;
    while let Some(letter) = rest.chars().next() {
        let (name, tail) = match rest.strip_prefix('<').and_then(|r| r.split_once('>')) {
            Some((name, tail)) => (name, tail),
            None => rest.split_at(letter.len_utf8()),
        };
        out.push(event(name));
        rest = tail;
    }
    out
}

fn event(name: &str) -> KeyEvent {
    let (modifiers, name) = match name.split_once('-') {
        Some(("ctrl", rest)) => (KeyModifiers::CONTROL, rest),
        Some(("alt", rest)) => (KeyModifiers::ALT, rest),
        _ => (KeyModifiers::NONE, name),
    };
    let code = match name {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "backtab" => KeyCode::BackTab,
        "backspace" => KeyCode::Backspace,
        "delete" => KeyCode::Delete,
        "space" => KeyCode::Char(' '),
        "down" => KeyCode::Down,
        "up" => KeyCode::Up,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "pageup" => KeyCode::PageUp,
        "pagedown" => KeyCode::PageDown,
        "f1" => KeyCode::F(1),
        one => KeyCode::Char(one.chars().next().unwrap()),
    };
    KeyEvent::new(code, modifiers)
}
