//! The event loop: input, replies, finished pictures, signals and time become messages; frames are
//! drawn when something changed: at once after a key, at most 60 a second for what comes by itself.

use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::{Event, KeyEventKind};
use ratatui::layout::Size;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use crate::config::{Environment, Images, Multiplexer, Theme};
use crate::engine::protocol::{Reply, ReplyKind, Request};
use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::tui::app::App;
use crate::tui::draw;
use crate::tui::message::{LoopCommand, Message};
use crate::tui::persist::session::SavedSession;
use crate::tui::platform::capabilities::{Answers, GraphicsProtocol, image_setup};
use crate::tui::platform::input::{TerminalInput, TerminalReport};
use crate::tui::platform::reader;
use crate::tui::platform::saver::{Saved, Saver};
use crate::tui::platform::signals::{Received, Signals, end_when_stuck};
use crate::tui::platform::terminal::Terminal;
use crate::tui::platform::theme_files::ThemeFiles;
use crate::tui::platform::tmux;
use crate::tui::platform::tmux::Outside;
use crate::tui::ui::image_cache::{EncodeJob, EncodeResult, ImageCache};

/// Between two frames.
const FRAME: Duration = Duration::from_micros(16_667);
/// Between a frame and the one that shows a key.
const KEY_FRAME: Duration = Duration::from_millis(2);
/// Between two frames that only show how far something is.
const PROGRESS_FRAME: Duration = Duration::from_millis(50);
/// Between two ticks, while something moves.
const TICK: Duration = Duration::from_millis(100);
/// How long images wait for the terminal's answer. A later one is taken up when it comes.
const ANSWER_WITHIN: Duration = Duration::from_millis(700);
/// tmux tells a pane of a client that attaches only if it is set to; so it is asked so often, while
/// images go through it.
const ASK_TMUX: Duration = Duration::from_secs(2);
/// tmux itself asks a terminal that attaches for its name, and knows it only when the answer is
/// there.
const TMUX_KNOWS_AFTER: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(4),
];

/// What the loop turns around.
pub struct Explorer {
    pub app: App,
    pub theme: Theme,
    pub themes: ThemeFiles,
    pub images: Images,
    pub environment: Environment,
    pub send: Box<dyn Fn(Request) + Send>,
    /// Where the session is kept; `None` where there is no such place.
    pub session_path: Option<PathBuf>,
    /// The session as it was read.
    pub session: Option<SavedSession>,
}

/// The loop's own state.
struct Loop {
    explorer: Explorer,
    terminal: Terminal,
    answers: Answers,
    /// Nothing beyond ASCII is written.
    ascii: bool,
    pictures: ImageCache,
    made: UnboundedSender<(EncodeJob, EncodeResult)>,
    outside: UnboundedSender<Outside>,
    /// Images go through tmux to the terminal outside.
    draws_through_tmux: bool,
    /// When images are drawn without an answer.
    answers_due: Option<Instant>,
    /// What changed since the last frame may be shown so long after it; `None`: nothing changed.
    changed: Option<Duration>,
    /// The name of the theme that is drawn with.
    theme: String,
    last_frame: Instant,
    saver: Saver,
}

/// The channels, signals and clocks that the loop waits for, beside its own timers.
struct Sources {
    inputs: UnboundedReceiver<TerminalInput>,
    replies: UnboundedReceiver<Reply>,
    /// The engine has not closed `replies` yet.
    engine_lives: bool,
    pictures_made: UnboundedReceiver<(EncodeJob, EncodeResult)>,
    asked_outside: UnboundedReceiver<Outside>,
    signals: Signals,
    ticks: Interval,
    tmux_ticks: Interval,
}

/// Runs until the user or a signal ends it. Errors: the terminal's, and a session that could not be
/// saved.
pub async fn run(
    mut explorer: Explorer,
    mouse: bool,
    replies: UnboundedReceiver<Reply>,
) -> Result<()> {
    let signals = Signals::new()?;
    let (made, pictures_made) = unbounded_channel();
    let (outside, asked_outside) = unbounded_channel();
    let (send_input, inputs) = unbounded_channel();
    let mut sources = Sources {
        inputs,
        replies,
        engine_lives: true,
        pictures_made,
        asked_outside,
        signals,
        ticks: clock(TICK, MissedTickBehavior::Skip),
        tmux_ticks: clock(ASK_TMUX, MissedTickBehavior::Delay),
    };
    let saver = Saver::new(explorer.session_path.clone(), explorer.session.take());
    end_when_stuck(saver.pending())?;
    let ascii = !explorer.environment.is_utf8();
    let terminal = Terminal::take(mouse, ascii, &explorer.environment)?;
    reader::start(send_input);
    let mut state = Loop {
        pictures: ImageCache::new(explorer.images != Images::Off, explorer.theme.paper()),
        theme: explorer.app.overlay.themes.shown.clone(),
        explorer,
        terminal,
        answers: Answers::default(),
        ascii,
        made,
        outside,
        draws_through_tmux: false,
        answers_due: Some(Instant::now() + ANSWER_WITHIN),
        changed: Some(FRAME),
        last_frame: Instant::now(),
        saver,
    };
    state.start()?;
    while !state.turn(&mut sources).await? {}
    Ok(())
}

/// Returns a clock that ticks for the first time at once.
fn clock(period: Duration, missed: MissedTickBehavior) -> Interval {
    let mut clock = interval(period);
    clock.set_missed_tick_behavior(missed);
    clock
}

impl Loop {
    /// Sends the first request to the engine and draws the first frame.
    fn start(&mut self) -> Result<()> {
        if self.ascii {
            let warning = self.locale_warning();
            self.explorer.app.warn(warning);
        }
        self.ask_tmux();
        self.take(Message::Resize(screen_size()), FRAME);
        let first = self.explorer.app.start();
        self.send(first);
        self.draw()
    }

    /// Waits for the next event, handles it and grants what the app then wishes. Returns true at
    /// the end, once the session is saved.
    async fn turn(&mut self, sources: &mut Sources) -> Result<bool> {
        let now = Instant::now();
        let frame_at = self.last_frame + self.changed.unwrap_or(FRAME);
        let save_due = self.saver.due();
        let mut drawn = Ok(());
        tokio::select! {
            input = sources.inputs.recv() => match input {
                Some(input) => self.input(input)?,
                // the line is gone
                None => self.explorer.app.command = Some(LoopCommand::Quit),
            },
            reply = sources.replies.recv(), if sources.engine_lives => match reply {
                Some(reply) => self.replies(reply, &mut sources.replies),
                // its last reply has said why
                None => sources.engine_lives = false,
            },
            Some((job, made)) = sources.pictures_made.recv() => self.picture(job, made),
            Some(outside) = sources.asked_outside.recv() => self.heard_of_outside(outside)?,
            _ = sources.ticks.tick(), if self.explorer.app.moves() => self.take(Message::Tick, FRAME),
            _ = sources.tmux_ticks.tick(), if self.draws_through_tmux => self.ask_tmux(),
            () = sleep_until(frame_at), if self.changed.is_some() => drawn = self.draw(),
            () = sleep_until(save_due.unwrap_or(now)), if save_due.is_some() => self.save(),
            () = sleep_until(self.answers_due.unwrap_or(now)), if self.answers_due.is_some() => self.set_up_images()?,
            signal = sources.signals.next() => self.signal(signal)?,
        }
        let ends = drawn.and_then(|()| self.grant());
        if matches!(ends, Ok(false)) {
            return Ok(false);
        }
        // The session is saved even if the last frame could not be drawn because the line is gone.
        ends.map(drop).and(self.finish())?;
        Ok(true)
    }

    fn input(&mut self, input: TerminalInput) -> Result<()> {
        match input {
            TerminalInput::Event(event) => self.event(event),
            TerminalInput::Report(report) => self.report(report),
        }
    }

    fn event(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                self.take(Message::Key(key), KEY_FRAME)
            }
            Event::Mouse(mouse) => self.take(Message::Mouse(mouse), KEY_FRAME),
            Event::Paste(text) => self.take(Message::Paste(text), KEY_FRAME),
            // tmux may have shown this pane to a terminal that has no images of it
            Event::FocusGained => self.ask_tmux(),
            _ => {}
        }
        Ok(())
    }

    /// Takes in an answer of the terminal. What it changes is drawn; keys are not touched by it.
    fn report(&mut self, report: TerminalReport) -> Result<()> {
        if let TerminalReport::Cursor { row: 2, column } = report {
            // the probe of the letters: one column for one letter of two bytes
            return if column == 2 {
                self.allow_unicode()
            } else {
                Ok(())
            };
        }
        let ends_query = matches!(report, TerminalReport::Attributes(_));
        if ends_query {
            self.terminal.answered();
        }
        let is_new = self.answers.take(report);
        let is_complete = self.answers.attributes.is_some()
            && (!self.in_tmux() || self.answers.outside.is_some());
        if is_complete && (is_new || ends_query) {
            self.set_up_images()?;
        }
        Ok(())
    }

    /// Decides how images are drawn by what the terminal has answered so far.
    fn set_up_images(&mut self) -> Result<()> {
        self.answers_due = None;
        let Explorer {
            images,
            environment,
            ..
        } = &self.explorer;
        let setup = image_setup(*images, &self.answers, environment, self.ascii, line_cell());
        let is_kitty = matches!(
            setup.protocol,
            Some(GraphicsProtocol::Kitty | GraphicsProtocol::KittyPlaced)
        );
        self.draws_through_tmux = is_kitty && setup.through_tmux;
        if is_kitty {
            self.terminal.holds_images(setup.through_tmux);
        }
        if self.draws_through_tmux {
            tmux::allow_passthrough();
        }
        self.pictures.set_up(setup);
        self.make_pictures();
        self.change(FRAME);
        Ok(())
    }

    fn in_tmux(&self) -> bool {
        self.explorer.environment.multiplexer == Some(Multiplexer::Tmux)
    }

    /// Asks tmux which terminal is outside, where there is tmux and images are drawn.
    fn ask_tmux(&self) {
        if !self.in_tmux() || !self.pictures.is_enabled() {
            return;
        }
        let answer = self.outside.clone();
        tokio::spawn(async move {
            for wait in TMUX_KNOWS_AFTER {
                tokio::time::sleep(wait).await;
                let Ok(Some(outside)) = tokio::task::spawn_blocking(tmux::outside).await else {
                    return;
                };
                let is_known = !outside.version.is_empty();
                // nobody listens any more when the explorer is left
                if answer.send(outside).is_err() || is_known {
                    return;
                }
            }
        });
    }

    /// Another terminal outside, or the same one attached again, has none of the images.
    fn heard_of_outside(&mut self, outside: Outside) -> Result<()> {
        if outside.utf8 {
            self.allow_unicode()?;
        }
        let before = self.answers.outside.replace(outside);
        if before.as_ref() != self.answers.outside.as_ref() {
            self.set_up_images()?;
            if before.is_some() {
                self.pictures.clear();
                self.terminal.clear()?;
            }
        }
        Ok(())
    }

    fn signal(&mut self, signal: Received) -> Result<()> {
        match signal {
            Received::End => self.explorer.app.command = Some(LoopCommand::Quit),
            Received::Stop => self.explorer.app.command = Some(LoopCommand::Suspend),
            Received::Resize => {
                // another font has other cells
                if self.pictures.is_enabled() {
                    self.terminal.ask()?;
                    self.set_up_images_if_asked()?;
                }
                self.take(Message::Resize(screen_size()), FRAME);
            }
        }
        Ok(())
    }

    /// Where the terminal does not answer, the size of its cells is known from the line.
    fn set_up_images_if_asked(&mut self) -> Result<()> {
        if self.answers_due.is_none() {
            self.set_up_images()
        } else {
            Ok(())
        }
    }

    /// The terminal reads UTF-8, whatever the locale says.
    fn allow_unicode(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.ascii) {
            return Ok(());
        }
        let warning = self.locale_warning();
        self.explorer.app.withdraw(&warning);
        self.change(FRAME);
        self.terminal.set_ascii(false)
    }

    fn locale_warning(&self) -> String {
        let environment = &self.explorer.environment;
        let locale = environment.locale.as_deref().unwrap_or("LANG is not set");
        let better = environment.utf8_setting();
        format!(
            "the locale is not UTF-8 ({locale}): borders are drawn in ASCII, other letters as ?; {better} shows all"
        )
    }

    /// Takes in a reply, and those that have come after it by now.
    fn replies(&mut self, first: Reply, later: &mut UnboundedReceiver<Reply>) {
        self.reply(first);
        while let Ok(reply) = later.try_recv() {
            self.reply(reply);
        }
    }

    /// Takes in a picture that is done, and begins with the next ones.
    fn picture(&mut self, job: EncodeJob, made: EncodeResult) {
        self.pictures.finish(job, made);
        self.make_pictures();
        self.change(FRAME);
    }

    fn reply(&mut self, reply: Reply) {
        let within = if let ReplyKind::Progress(_) = reply.kind {
            PROGRESS_FRAME
        } else {
            FRAME
        };
        self.take(Message::Reply(reply), within);
    }

    /// Takes it in; what it changed is shown at most so long after the last frame.
    fn take(&mut self, msg: Message, within: Duration) {
        let requests = self.explorer.app.update(msg);
        self.send(requests);
        self.change_theme();
        self.change(within);
    }

    fn change(&mut self, within: Duration) {
        self.changed = Some(self.changed.map_or(within, |sooner| sooner.min(within)));
    }

    /// Loads the theme that the app names, where it is another. One with faults is told and the
    /// present one stays.
    fn change_theme(&mut self) {
        let Explorer {
            app, theme, themes, ..
        } = &mut self.explorer;
        if app.overlay.themes.shown == self.theme {
            return;
        }
        self.theme.clone_from(&app.overlay.themes.shown);
        match themes.load(&self.theme) {
            Ok(loaded) => {
                *theme = loaded;
                self.pictures.set_background(theme.paper());
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
        self.terminal
            .draw(|frame| view = Some(draw::draw(frame, app, theme, pictures)))?;
        (self.changed, self.last_frame) = (None, Instant::now());
        let Some(mut view) = view else { return Ok(()) };
        // The large ones are what is looked at.
        view.images
            .sort_by_key(|key| std::cmp::Reverse(key.size.area()));
        self.pictures.request(&view.images);
        self.make_pictures();
        let requests = self.explorer.app.update(Message::Drawn(view));
        self.send(requests);
        if let Some(session) = self.explorer.app.session() {
            self.saver.notice(&session);
        }
        Ok(())
    }

    fn make_pictures(&mut self) {
        while let Some(job) = self.pictures.next_job() {
            let made = self.made.clone();
            tokio::task::spawn_blocking(move || {
                let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job.run()));
                let result =
                    result.unwrap_or_else(|_| Err("this picture cannot be decoded".into()));
                // Nobody listens any more when the explorer is left.
                let _ = made.send((job, result));
            });
        }
    }

    /// Does what the app wishes; true at the end.
    fn grant(&mut self) -> Result<bool> {
        match self.explorer.app.command.take() {
            Some(LoopCommand::Quit) => return Ok(true),
            Some(LoopCommand::Suspend) => {
                self.save();
                if !self.terminal.suspend()? {
                    self.explorer.app.notify(
                        "no shell waits that could bring a suspended explorer back; q leaves it",
                    );
                    self.change(FRAME);
                    return Ok(false);
                }
                self.answers_due = Some(Instant::now() + ANSWER_WITHIN);
                self.ask_tmux();
                self.take(Message::Resize(screen_size()), FRAME);
            }
            Some(LoopCommand::Redraw) => self.terminal.clear()?,
            Some(LoopCommand::Copy(text)) => {
                self.terminal.copy(&text)?;
                return Ok(false);
            }
            Some(LoopCommand::Write { stem, ending, text }) => {
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

    /// Writes the session where it changed. A failure is told once, and tried again until it
    /// succeeds.
    fn save(&mut self) {
        let Some(session) = self.explorer.app.session() else {
            return;
        };
        let app = &mut self.explorer.app;
        match self.saver.save(&session) {
            Ok(None) => return,
            Ok(Some(Saved { merged, recovered })) => {
                if (&merged.states, &merged.annotations) != (&session.states, &session.annotations)
                {
                    app.merge_session(&merged);
                }
                if recovered {
                    app.notify("the session is saved again");
                }
            }
            Err(why) => app.notify(format!(
                "the session is not saved, and will be tried again: {why}"
            )),
        }
        self.change(FRAME);
    }

    fn finish(&mut self) -> Result<()> {
        match self.explorer.app.session() {
            Some(session) => self.saver.finish(&session),
            None => Ok(()),
        }
    }
}

/// Columns and rows of the screen; a usual size where the line does not tell.
fn screen_size() -> Size {
    let (columns, rows) = crossterm::terminal::size().unwrap_or((80, 24));
    Size::new(columns, rows)
}

/// The size of a cell by the size of the screen in pixels, where the line tells it.
pub fn line_cell() -> Option<(u16, u16)> {
    let size = crossterm::terminal::window_size().ok()?;
    Some((
        size.width.checked_div(size.columns)?,
        size.height.checked_div(size.rows)?,
    ))
}

/// Writes `stem.ending`, or `stem-2.ending` and so on where there is such a file: nothing is
/// written over.
fn write(stem: &str, ending: &str, text: &str) -> Result<PathBuf> {
    let name = |n: usize| {
        if n == 1 {
            format!("{stem}.{ending}")
        } else {
            format!("{stem}-{n}.{ending}")
        }
    };
    let here = std::env::current_dir()
        .map_err(Error::io("find", "the folder that this was started in"))?;
    let free = (1..)
        .map(|n| here.join(name(n)))
        .find(|path| !path.exists());
    let path = free.unwrap_or_else(|| here.join(name(1)));
    write_atomic(&path, text.as_bytes())?;
    Ok(path)
}
