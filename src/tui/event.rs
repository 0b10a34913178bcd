//! The event loop: keys, replies, finished pictures, signals and time become messages; frames are drawn when
//! something changed: at once after a key, at most 60 a second for what comes by itself.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crossterm::event::{Event, EventStream, KeyEventKind};
use futures_util::StreamExt;
use ratatui::layout::Size;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::app::{App, Msg, Wish};
use super::pictures::{Job, Made, Pictures};
use super::screen;
use super::session::Session;
use super::terminal::{Terminal, picker, wait_for_hang_up};
use super::themes::Themes;
use crate::config::{Images, Theme};
use crate::engine::api::{Reply, Request, Say};
use crate::error::{Error, Result};
use crate::file::write_whole;

/// Between two frames.
const FRAME: Duration = Duration::from_micros(16_667);
/// Between a frame and the one that shows a key.
const KEY_FRAME: Duration = Duration::from_millis(2);
/// Between two frames that only show how far something is.
const PROGRESS_FRAME: Duration = Duration::from_millis(50);
/// Between two ticks, while something moves.
const TICK: Duration = Duration::from_millis(100);
/// Changes are gathered for so long before the session is written.
const SAVE_AFTER: Duration = Duration::from_millis(400);

/// What the loop turns around.
pub struct Explorer {
    pub app: App,
    pub theme: Theme,
    pub themes: Themes,
    pub images: Images,
    pub send: Box<dyn Fn(Request) + Send>,
    /// Where the session is kept; none where there is no such place.
    pub session_path: Option<PathBuf>,
}

/// The loop's own state.
struct Loop {
    explorer: Explorer,
    terminal: Terminal,
    pictures: Pictures,
    made: UnboundedSender<(Job, Made)>,
    /// What changed since the last frame may be shown so long after it; none: nothing changed.
    changed: Option<Duration>,
    /// The name of the theme that is drawn with.
    theme: String,
    last_frame: Instant,
    saved: Option<Session>,
    save_at: Option<Instant>,
    /// What is to be saved yet, and where, for the thread that watches the line.
    unsaved: Unsaved,
}

/// A session that is not on the disk yet.
type Unsaved = Arc<Mutex<Option<(PathBuf, Session)>>>;

/// How long the loop has to end by itself once the line is gone.
const GRACE: Duration = Duration::from_millis(700);
/// As a shell tells that SIGHUP ended a program.
const HUNG_UP: i32 = 129;

/// A line that is gone can keep the reading of keys busy for ever, and with it the loop: this saves what is unsaved, and ends
/// the program where the loop does not.
fn watch_line(unsaved: Unsaved) {
    std::thread::spawn(move || {
        wait_for_hang_up();
        std::thread::sleep(GRACE);
        if let Some((path, session)) = lock(&unsaved).take() {
            // there is nobody left to tell
            let _ = session.save(&path);
        }
        std::process::exit(HUNG_UP);
    });
}

fn lock(unsaved: &Unsaved) -> MutexGuard<'_, Option<(PathBuf, Session)>> {
    unsaved.lock().unwrap_or_else(|broken| broken.into_inner())
}

/// Runs until the user or a signal ends it. Errors: the terminal's.
pub async fn run(explorer: Explorer, mouse: bool, mut replies: UnboundedReceiver<Reply>) -> Result<()> {
    let mut signals = Signals::new()?;
    let (made, mut pictures_made) = unbounded_channel();
    let mut state = Loop {
        theme: explorer.app.themes.shown.clone(),
        explorer,
        terminal: Terminal::take(mouse)?,
        pictures: Pictures::default(),
        made,
        changed: Some(FRAME),
        last_frame: Instant::now(),
        saved: None,
        save_at: None,
        unsaved: Unsaved::default(),
    };
    watch_line(state.unsaved.clone());
    let (columns, rows) = crossterm::terminal::size().unwrap_or((80, 24));
    state.take(Msg::Resize(Size::new(columns, rows)), FRAME);
    let first = state.explorer.app.start();
    state.send(first);
    state.draw()?;
    // The terminal is asked once, after the first frame and before anything else reads from it.
    state.pictures = Pictures::new(picker(state.explorer.images), state.explorer.theme.paper());
    let mut events = EventStream::new();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut engine_lives = true;
    loop {
        let save_at = state.save_at.unwrap_or_else(Instant::now);
        let mut outcome = Ok(());
        let frame_at = state.last_frame + state.changed.unwrap_or(FRAME);
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(event)) => state.event(event),
                // The line is gone.
                Some(Err(_)) | None => state.explorer.app.wish = Some(Wish::Quit),
            },
            reply = replies.recv(), if engine_lives => match reply {
                Some(reply) => {
                    state.reply(reply);
                    while let Ok(reply) = replies.try_recv() {
                        state.reply(reply);
                    }
                }
                // its last reply has said why
                None => engine_lives = false,
            },
            Some((job, made)) = pictures_made.recv() => {
                state.pictures.finish(job, made);
                state.make_pictures();
                state.change(FRAME);
            }
            _ = ticks.tick(), if state.explorer.app.moves() => state.take(Msg::Tick, FRAME),
            () = sleep_until(frame_at), if state.changed.is_some() => outcome = state.draw(),
            () = sleep_until(save_at), if state.save_at.is_some() => state.save(),
            wish = signals.next() => state.explorer.app.wish = Some(wish),
        }
        let ends = outcome.and_then(|()| state.grant());
        if !matches!(ends, Ok(false)) {
            // whatever ends it, a line that is gone too
            state.save();
            return ends.map(drop);
        }
    }
}

impl Loop {
    fn event(&mut self, event: Event) {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.take(Msg::Key(key), KEY_FRAME),
            Event::Mouse(mouse) => self.take(Msg::Mouse(mouse), KEY_FRAME),
            Event::Paste(text) => self.take(Msg::Paste(text), KEY_FRAME),
            Event::Resize(columns, rows) => self.take(Msg::Resize(Size::new(columns, rows)), FRAME),
            _ => {}
        }
    }

    fn reply(&mut self, reply: Reply) {
        let within = if let Say::Progress(_) = reply.say { PROGRESS_FRAME } else { FRAME };
        self.take(Msg::Reply(reply), within);
    }

    /// Takes it in; what it changed is shown at most so long after the last frame.
    fn take(&mut self, msg: Msg, within: Duration) {
        let requests = self.explorer.app.update(msg);
        self.send(requests);
        self.change_theme();
        self.change(within);
    }

    fn change(&mut self, within: Duration) {
        self.changed = Some(self.changed.map_or(within, |sooner| sooner.min(within)));
    }

    /// Loads the theme that the app names, where it is another. One with faults is told and the present one stays.
    fn change_theme(&mut self) {
        let Explorer { app, theme, themes, .. } = &mut self.explorer;
        if app.themes.shown == self.theme {
            return;
        }
        self.theme.clone_from(&app.themes.shown);
        match themes.load(&self.theme) {
            Ok(loaded) => {
                *theme = loaded;
                self.pictures.lay_on(theme.paper());
            }
            Err(why) => app.notify(why.to_string()),
        }
    }

    fn send(&self, requests: Vec<Request>) {
        for request in requests {
            (self.explorer.send)(request);
        }
    }

    fn draw(&mut self) -> Result<()> {
        let (app, theme, pictures) = (&self.explorer.app, &self.explorer.theme, &self.pictures);
        let mut view = None;
        self.terminal.draw(|frame| view = Some(screen::draw(frame, app, theme, pictures)))?;
        (self.changed, self.last_frame) = (None, Instant::now());
        let Some(mut view) = view else { return Ok(()) };
        // The large ones are what is looked at.
        view.pictures.sort_by_key(|key| std::cmp::Reverse(key.size.area()));
        self.pictures.wish(&view.pictures);
        self.make_pictures();
        let requests = self.explorer.app.update(Msg::Drawn(view));
        self.send(requests);
        let session = self.explorer.app.session();
        if session != self.saved {
            *lock(&self.unsaved) = self.explorer.session_path.clone().zip(session);
            self.save_at.get_or_insert_with(|| Instant::now() + SAVE_AFTER);
        }
        Ok(())
    }

    fn make_pictures(&mut self) {
        while let Some(job) = self.pictures.begin() {
            let made = self.made.clone();
            tokio::task::spawn_blocking(move || {
                let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job.run()));
                let result = result.unwrap_or_else(|_| Err("this picture cannot be decoded".into()));
                // Nobody listens any more when the explorer is left.
                let _ = made.send((job, result));
            });
        }
    }

    /// Does what the app wishes; true at the end.
    fn grant(&mut self) -> Result<bool> {
        match self.explorer.app.wish.take() {
            Some(Wish::Quit) => return Ok(true),
            Some(Wish::Suspend) => {
                self.save();
                self.terminal.suspend()?;
            }
            Some(Wish::Redraw) => self.terminal.clear()?,
            Some(Wish::Copy(text)) => {
                self.terminal.copy(&text)?;
                return Ok(false);
            }
            Some(Wish::Write { stem, ending, text }) => {
                let said = match write(&stem, ending, &text) {
                    Ok(path) => format!("written to {}", path.display()),
                    Err(why) => why.to_string(),
                };
                self.explorer.app.notify(said);
                self.change(FRAME);
                return Ok(false);
            }
            None => return Ok(false),
        }
        self.pictures.clear();
        self.change(FRAME);
        Ok(false)
    }

    /// Writes the session where it changed. A failure is said once, not at every change.
    fn save(&mut self) {
        self.save_at = None;
        let now = self.explorer.app.session();
        if now == self.saved {
            return;
        }
        let (Some(path), Some(session)) = (&self.explorer.session_path, &now) else { return };
        // held while it is written: the other thread may write too
        let outcome = {
            let mut unsaved = lock(&self.unsaved);
            *unsaved = None;
            session.save(path)
        };
        if let Err(why) = outcome {
            self.explorer.app.notify(format!("the session is not kept: {why}"));
            self.explorer.session_path = None;
            self.change(FRAME);
        }
        self.saved = now;
    }
}

/// Writes `stem.ending`, or `stem-2.ending` and so on where there is such a file: nothing is written over.
fn write(stem: &str, ending: &str, text: &str) -> Result<PathBuf> {
    let name = |n: usize| if n == 1 { format!("{stem}.{ending}") } else { format!("{stem}-{n}.{ending}") };
    let here = std::env::current_dir().map_err(Error::io("find", "the folder that this was started in"))?;
    let free = (1..).map(|n| here.join(name(n))).find(|path| !path.exists());
    let path = free.unwrap_or_else(|| here.join(name(1)));
    write_whole(&path, text.as_bytes())?;
    Ok(path)
}

/// The signals that end or suspend the explorer.
struct Signals {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
    stop: Signal,
}

impl Signals {
    fn new() -> Result<Signals> {
        let listen = |kind| signal(kind).map_err(Error::io("listen to signals at", "the terminal"));
        Ok(Signals {
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
            interrupt: listen(SignalKind::interrupt())?,
            stop: listen(SignalKind::from_raw(libc::SIGTSTP))?,
        })
    }

    async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.terminate.recv() => Wish::Quit,
            _ = self.hang_up.recv() => Wish::Quit,
            _ = self.interrupt.recv() => Wish::Quit,
            _ = self.stop.recv() => Wish::Suspend,
        }
    }
}
