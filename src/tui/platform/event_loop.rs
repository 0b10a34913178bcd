//! The event loop. Input, replies, encoded images, signals and timers become messages to the app. A
//! frame is drawn only if something changed: at once after a key, otherwise at most 60 times a
//! second.

use std::cmp::Reverse;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::{Event, KeyEventKind};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep, sleep_until};

use crate::config::{Environment, Images, Multiplexer, Theme};
use crate::engine::protocol::{Reply, ReplyKind, Request};
use crate::error::Result;
use crate::tui::app::App;
use crate::tui::draw;
use crate::tui::message::{LoopCommand, Message};
use crate::tui::persist::session::SavedSession;
use crate::tui::platform::capabilities::{Answers, GraphicsProtocol, image_setup};
use crate::tui::platform::input::{TerminalInput, TerminalReport};
use crate::tui::platform::new_file::write_new_file;
use crate::tui::platform::reader;
use crate::tui::platform::saver::{SaveOutcome, Saver};
use crate::tui::platform::signals::{SignalRequest, Signals, start_exit_watchdog};
use crate::tui::platform::terminal::Terminal;
use crate::tui::platform::terminal_size::{kernel_cell_size, screen_size};
use crate::tui::platform::theme_files::ThemeFiles;
use crate::tui::platform::tmux;
use crate::tui::platform::tmux::OuterTerminal;
use crate::tui::ui::image_cache::{EncodeJob, EncodeResult, ImageCache};

/// The shortest time between two frames.
const FRAME: Duration = Duration::from_micros(16_667);
/// The shortest time between a frame and the one that shows the effect of a key.
const KEY_FRAME: Duration = Duration::from_millis(2);
/// The shortest time between two frames that only show progress.
const PROGRESS_FRAME: Duration = Duration::from_millis(50);
/// The time between two ticks, while something on the screen moves.
const TICK: Duration = Duration::from_millis(100);
/// The time for which images wait for the answers of the terminal. Later answers are used when they
/// arrive.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(700);
/// The time between two queries to tmux, while images are drawn through it. tmux reports that a
/// client attached only if it is configured to.
const TMUX_QUERY_INTERVAL: Duration = Duration::from_secs(2);
/// The delays between attempts to learn from tmux which terminal is outside. tmux queries a terminal
/// that attaches, and knows its name only once the terminal has answered.
const TMUX_QUERY_DELAYS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(4),
];
/// The row on which the UTF-8 probe leaves the cursor, from 1.
const UTF8_PROBE_ROW: u16 = 2;

/// The app, and what the event loop needs to run it.
pub struct Explorer {
    pub app: App,
    pub theme: Theme,
    pub themes: ThemeFiles,
    /// The user's setting for images.
    pub image_setting: Images,
    pub environment: Environment,
    pub send: Box<dyn Fn(Request) + Send>,
    /// The file in which the session is saved; `None` if it is not saved.
    pub session_path: Option<PathBuf>,
    /// The session as it was loaded.
    pub session: Option<SavedSession>,
}

/// The state of the event loop.
struct Loop {
    explorer: Explorer,
    terminal: Terminal,
    answers: Answers,
    /// True if only ASCII is written.
    ascii: bool,
    images: ImageCache,
    results: ResultSenders,
    /// True if images are sent through tmux to the terminal outside.
    draws_through_tmux: bool,
    /// The time at which images are drawn even without an answer of the terminal.
    answer_deadline: Option<Instant>,
    /// The delay after the last frame with which the next one is drawn; `None` if nothing changed.
    frame_delay: Option<Duration>,
    last_frame: Instant,
    /// The name of the theme in use.
    theme_name: String,
    saver: Saver,
}

/// The channels by which background tasks send their results to the loop.
struct ResultSenders {
    images: UnboundedSender<(EncodeJob, EncodeResult)>,
    outer_terminal: UnboundedSender<OuterTerminal>,
}

/// The channels, signals and clocks that the loop waits for.
struct Sources {
    inputs: UnboundedReceiver<TerminalInput>,
    replies: UnboundedReceiver<Reply>,
    /// False once the engine has closed `replies`.
    engine_is_running: bool,
    images: UnboundedReceiver<(EncodeJob, EncodeResult)>,
    outer_terminal: UnboundedReceiver<OuterTerminal>,
    signals: Signals,
    ticks: Interval,
    tmux_ticks: Interval,
}

/// The timers that the loop waits for; `None` if one does not run.
struct Timers {
    frame: Option<Instant>,
    save: Option<Instant>,
    answers: Option<Instant>,
    ticks: bool,
    tmux_ticks: bool,
}

/// The next thing that the loop has to handle.
enum LoopEvent {
    Input(TerminalInput),
    /// The terminal is disconnected.
    Disconnected,
    Reply(Reply),
    EngineExited,
    ImageEncoded(EncodeJob, EncodeResult),
    OuterTerminal(OuterTerminal),
    Signal(SignalRequest),
    Tick,
    TmuxTick,
    FrameDue,
    SaveDue,
    AnswersOverdue,
}

/// Runs the explorer until the user or a signal ends it.
///
/// Errors: those of the terminal, and a session that could not be saved.
pub async fn run(
    mut explorer: Explorer,
    mouse: bool,
    replies: UnboundedReceiver<Reply>,
) -> Result<()> {
    let signals = Signals::new()?;
    let (image_sender, images) = unbounded_channel();
    let (outer_terminal_sender, outer_terminal) = unbounded_channel();
    let (input_sender, inputs) = unbounded_channel();
    let mut sources = Sources {
        inputs,
        replies,
        engine_is_running: true,
        images,
        outer_terminal,
        signals,
        ticks: clock(TICK, MissedTickBehavior::Skip),
        tmux_ticks: clock(TMUX_QUERY_INTERVAL, MissedTickBehavior::Delay),
    };
    let results = ResultSenders {
        images: image_sender,
        outer_terminal: outer_terminal_sender,
    };
    let saver = Saver::new(explorer.session_path.clone(), explorer.session.take());
    start_exit_watchdog(saver.unsaved_changes())?;
    let ascii = !explorer.environment.is_utf8();
    let terminal = Terminal::open(mouse, ascii, &explorer.environment)?;
    reader::start(input_sender);
    let mut event_loop = Loop::new(explorer, terminal, results, saver);
    event_loop.start()?;
    while !event_loop.turn(&mut sources).await? {}
    Ok(())
}

/// Returns a clock whose first tick is immediate.
fn clock(period: Duration, missed: MissedTickBehavior) -> Interval {
    let mut clock = interval(period);
    clock.set_missed_tick_behavior(missed);
    clock
}

/// Waits until a deadline; without one, forever.
async fn wait_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

impl Sources {
    /// Waits for the next event.
    async fn next(&mut self, timers: Timers) -> LoopEvent {
        tokio::select! {
            input = self.inputs.recv() => match input {
                Some(input) => LoopEvent::Input(input),
                None => LoopEvent::Disconnected,
            },
            reply = self.replies.recv(), if self.engine_is_running => match reply {
                Some(reply) => LoopEvent::Reply(reply),
                None => LoopEvent::EngineExited,
            },
            Some((job, result)) = self.images.recv() => LoopEvent::ImageEncoded(job, result),
            Some(outer) = self.outer_terminal.recv() => LoopEvent::OuterTerminal(outer),
            signal = self.signals.next() => LoopEvent::Signal(signal),
            _ = self.ticks.tick(), if timers.ticks => LoopEvent::Tick,
            _ = self.tmux_ticks.tick(), if timers.tmux_ticks => LoopEvent::TmuxTick,
            () = wait_until(timers.frame) => LoopEvent::FrameDue,
            () = wait_until(timers.save) => LoopEvent::SaveDue,
            () = wait_until(timers.answers) => LoopEvent::AnswersOverdue,
        }
    }
}

impl Loop {
    fn new(explorer: Explorer, terminal: Terminal, results: ResultSenders, saver: Saver) -> Loop {
        let is_enabled = explorer.image_setting != Images::Off;
        Loop {
            images: ImageCache::new(is_enabled, explorer.theme.paper()),
            theme_name: explorer.app.overlay.themes.shown.clone(),
            ascii: !explorer.environment.is_utf8(),
            explorer,
            terminal,
            answers: Answers::default(),
            results,
            draws_through_tmux: false,
            answer_deadline: Some(Instant::now() + ANSWER_TIMEOUT),
            frame_delay: Some(FRAME),
            last_frame: Instant::now(),
            saver,
        }
    }

    /// Sends the first requests to the engine and draws the first frame.
    fn start(&mut self) -> Result<()> {
        if self.ascii {
            let warning = self.locale_warning();
            self.explorer.app.warn(warning);
        }
        self.query_tmux();
        self.update(Message::Resize(screen_size()), FRAME);
        let requests = self.explorer.app.start();
        self.send(requests);
        self.draw()
    }

    /// Waits for the next event, handles it, and carries out the command that the app then gives.
    /// Returns true at the end, once the session is saved.
    async fn turn(&mut self, sources: &mut Sources) -> Result<bool> {
        let event = sources.next(self.timers()).await;
        let handled = match event {
            LoopEvent::FrameDue => self.draw(),
            other => {
                self.handle(other, sources)?;
                Ok(())
            }
        };
        let outcome = handled.and_then(|()| self.run_command());
        if matches!(outcome, Ok(false)) {
            return Ok(false);
        }
        // The session is saved even if the last frame could not be drawn because the terminal is
        // disconnected.
        let saved = self.save_at_end();
        outcome?;
        saved?;
        Ok(true)
    }

    fn timers(&self) -> Timers {
        Timers {
            frame: self.frame_delay.map(|delay| self.last_frame + delay),
            save: self.saver.due_at(),
            answers: self.answer_deadline,
            ticks: self.explorer.app.needs_ticks(),
            tmux_ticks: self.draws_through_tmux,
        }
    }

    fn handle(&mut self, event: LoopEvent, sources: &mut Sources) -> Result<()> {
        match event {
            LoopEvent::Input(TerminalInput::Event(event)) => self.handle_event(event),
            LoopEvent::Input(TerminalInput::Report(report)) => self.handle_report(report)?,
            LoopEvent::Disconnected => self.explorer.app.command = Some(LoopCommand::Quit),
            LoopEvent::Reply(reply) => self.handle_replies(reply, &mut sources.replies),
            // The last reply has informed the app.
            LoopEvent::EngineExited => sources.engine_is_running = false,
            LoopEvent::ImageEncoded(job, result) => self.finish_image(job, result),
            LoopEvent::OuterTerminal(outer) => self.set_outer_terminal(outer)?,
            LoopEvent::Signal(request) => self.handle_signal(request)?,
            LoopEvent::Tick => self.update(Message::Tick, FRAME),
            LoopEvent::TmuxTick => self.query_tmux(),
            LoopEvent::FrameDue => self.draw()?,
            LoopEvent::SaveDue => self.save(),
            LoopEvent::AnswersOverdue => self.set_up_images(),
        }
        Ok(())
    }

    fn handle_event(&mut self, event: Event) {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                self.update(Message::Key(key), KEY_FRAME);
            }
            Event::Mouse(mouse) => self.update(Message::Mouse(mouse), KEY_FRAME),
            Event::Paste(text) => self.update(Message::Paste(text), KEY_FRAME),
            // tmux may now show this pane in a terminal that does not have its images.
            Event::FocusGained => self.query_tmux(),
            _ => {}
        }
    }

    /// Takes in a report of the terminal. It never acts like a key.
    fn handle_report(&mut self, report: TerminalReport) -> Result<()> {
        if let TerminalReport::Cursor { row, column } = report
            && row == UTF8_PROBE_ROW
        {
            return self.handle_utf8_probe(column);
        }
        let ends_query = matches!(report, TerminalReport::Attributes(_));
        if ends_query {
            self.terminal.record_latency();
        }
        let is_new = self.answers.record(report);
        let is_complete =
            self.answers.attributes.is_some() && (!self.in_tmux() || self.answers.outer.is_some());
        if is_complete && (is_new || ends_query) {
            self.set_up_images();
        }
        Ok(())
    }

    /// Takes in the column of the cursor after the UTF-8 probe. A terminal that reads UTF-8 has
    /// moved it by one column for one character of two bytes.
    fn handle_utf8_probe(&mut self, column: u16) -> Result<()> {
        if column != 2 {
            return Ok(());
        }
        self.leave_ascii()
    }

    /// Decides how images are drawn, by the answers of the terminal so far.
    fn set_up_images(&mut self) {
        self.answer_deadline = None;
        let setup = image_setup(
            self.explorer.image_setting,
            &self.answers,
            &self.explorer.environment,
            self.ascii,
            kernel_cell_size(),
        );
        let is_kitty = matches!(
            setup.protocol,
            Some(GraphicsProtocol::Kitty | GraphicsProtocol::KittyPlaced)
        );
        self.draws_through_tmux = is_kitty && setup.through_tmux;
        if is_kitty {
            self.terminal.free_images_at_end(setup.through_tmux);
        }
        if self.draws_through_tmux {
            tmux::allow_passthrough();
        }
        self.images.set_up(setup);
        self.encode_images();
        self.redraw_within(FRAME);
    }

    fn in_tmux(&self) -> bool {
        self.explorer.environment.multiplexer == Some(Multiplexer::Tmux)
    }

    /// Asks tmux which terminal is outside, if there is tmux and images are drawn.
    fn query_tmux(&self) {
        if self.in_tmux() && self.images.is_enabled() {
            tokio::spawn(find_outer_terminal(self.results.outer_terminal.clone()));
        }
    }

    /// Takes in the terminal outside of tmux. Another terminal has none of the images, and neither
    /// has the same one after it was attached again.
    fn set_outer_terminal(&mut self, outer: OuterTerminal) -> Result<()> {
        if outer.utf8 {
            self.leave_ascii()?;
        }
        if self.answers.outer.as_ref() == Some(&outer) {
            return Ok(());
        }
        let previous = self.answers.outer.replace(outer);
        self.set_up_images();
        if previous.is_some() {
            self.images.clear();
            self.terminal.clear()?;
        }
        Ok(())
    }

    fn handle_signal(&mut self, request: SignalRequest) -> Result<()> {
        match request {
            SignalRequest::Quit => self.explorer.app.command = Some(LoopCommand::Quit),
            SignalRequest::Suspend => self.explorer.app.command = Some(LoopCommand::Suspend),
            SignalRequest::Resize => {
                if self.images.is_enabled() {
                    self.update_cell_size()?;
                }
                self.update(Message::Resize(screen_size()), FRAME);
            }
        }
        Ok(())
    }

    /// Asks for the size of a cell again, since another font changes it. If the terminal does not
    /// answer, the kernel reports the size.
    fn update_cell_size(&mut self) -> Result<()> {
        self.terminal.send_query()?;
        if self.answer_deadline.is_none() {
            self.set_up_images();
        }
        Ok(())
    }

    /// Writes all characters from now on: the terminal reads UTF-8, although the locale is another.
    fn leave_ascii(&mut self) -> Result<()> {
        if !self.ascii {
            return Ok(());
        }
        self.ascii = false;
        let warning = self.locale_warning();
        self.explorer.app.status.withdraw(&warning);
        self.redraw_within(FRAME);
        self.terminal.set_ascii(false)
    }

    fn locale_warning(&self) -> String {
        let environment = &self.explorer.environment;
        let locale = environment.locale.as_deref().unwrap_or("LANG is not set");
        let utf8_setting = environment.utf8_setting();
        format!(
            "the locale is not UTF-8 ({locale}): borders are drawn in ASCII, other characters as ?; set {utf8_setting} to see them"
        )
    }

    /// Takes in a reply, and those that have arrived after it by now.
    fn handle_replies(&mut self, first: Reply, others: &mut UnboundedReceiver<Reply>) {
        self.handle_reply(first);
        while let Ok(reply) = others.try_recv() {
            self.handle_reply(reply);
        }
    }

    fn handle_reply(&mut self, reply: Reply) {
        let delay = match reply.kind {
            ReplyKind::Progress(_) => PROGRESS_FRAME,
            _ => FRAME,
        };
        self.update(Message::Reply(reply), delay);
    }

    /// Takes in an image that is encoded, and starts with the next ones.
    fn finish_image(&mut self, job: EncodeJob, result: EncodeResult) {
        self.images.finish(job, result);
        self.encode_images();
        self.redraw_within(FRAME);
    }

    /// Sends a message to the app. What it changes is shown within `delay` after the last frame.
    fn update(&mut self, message: Message, delay: Duration) {
        let requests = self.explorer.app.update(message);
        self.send(requests);
        self.change_theme();
        self.redraw_within(delay);
    }

    /// Has the next frame drawn within `delay` after the last one.
    fn redraw_within(&mut self, delay: Duration) {
        let delay = match self.frame_delay {
            Some(earlier) => earlier.min(delay),
            None => delay,
        };
        self.frame_delay = Some(delay);
    }

    /// Loads the theme that the app names, if it is another one. If it cannot be loaded, a notice
    /// says why, and the present theme stays.
    fn change_theme(&mut self) {
        let explorer = &mut self.explorer;
        let name = &explorer.app.overlay.themes.shown;
        if *name == self.theme_name {
            return;
        }
        self.theme_name.clone_from(name);
        match explorer.themes.load(&self.theme_name) {
            Ok(theme) => {
                self.images.set_background(theme.paper());
                explorer.theme = theme;
            }
            Err(error) => explorer.app.notify(error.to_string()),
        }
    }

    fn send(&self, requests: Vec<Request>) {
        for request in requests {
            (self.explorer.send)(request);
        }
    }

    fn draw(&mut self) -> Result<()> {
        let app = &self.explorer.app;
        let theme = &self.explorer.theme;
        let images = &self.images;
        let mut drawn = None;
        self.terminal
            .draw(|frame| drawn = Some(draw::draw(frame, app, theme, images)))?;
        self.frame_delay = None;
        self.last_frame = Instant::now();
        let Some(mut frame_info) = drawn else {
            return Ok(());
        };
        // The user is most likely to look at the large images.
        frame_info
            .images
            .sort_by_key(|key| Reverse(key.size.area()));
        self.images.request(&frame_info.images);
        self.encode_images();
        let requests = self.explorer.app.update(Message::Drawn(frame_info));
        self.send(requests);
        if let Some(session) = self.explorer.app.session() {
            self.saver.record(&session);
        }
        Ok(())
    }

    /// Starts as many image jobs as may run now.
    fn encode_images(&mut self) {
        while let Some(job) = self.images.next_job() {
            let sender = self.results.images.clone();
            spawn_blocking(move || {
                let result = catch_unwind(AssertUnwindSafe(|| job.run()))
                    .unwrap_or_else(|_| Err("this image cannot be decoded".into()));
                // The receiver is gone when the explorer exits.
                let _ = sender.send((job, result));
            });
        }
    }

    /// Carries out the command of the app. Returns true if the explorer is to end.
    fn run_command(&mut self) -> Result<bool> {
        let Some(command) = self.explorer.app.command.take() else {
            return Ok(false);
        };
        match command {
            LoopCommand::Quit => return Ok(true),
            LoopCommand::Suspend => self.suspend()?,
            LoopCommand::Redraw => {
                self.terminal.clear()?;
                self.redraw_images();
            }
            LoopCommand::Copy(text) => self.terminal.copy(&text)?,
            LoopCommand::Write { stem, ending, text } => self.write(&stem, ending, &text),
        }
        Ok(false)
    }

    fn suspend(&mut self) -> Result<()> {
        self.save();
        if !self.terminal.suspend()? {
            self.explorer
                .app
                .notify("cannot suspend: no shell could resume the explorer; q quits");
            self.redraw_within(FRAME);
            return Ok(());
        }
        self.answer_deadline = Some(Instant::now() + ANSWER_TIMEOUT);
        self.query_tmux();
        self.update(Message::Resize(screen_size()), FRAME);
        self.redraw_images();
        Ok(())
    }

    /// Encodes and draws all images again, since the terminal may have lost them.
    fn redraw_images(&mut self) {
        self.images.clear();
        self.redraw_within(FRAME);
    }

    fn write(&mut self, stem: &str, extension: &str, text: &str) {
        let notice = match write_new_file(stem, extension, text) {
            Ok(path) => format!("written to {}", path.display()),
            Err(error) => error.to_string(),
        };
        self.explorer.app.notify(notice);
        self.redraw_within(FRAME);
    }

    /// Saves the session if it changed. A failure is reported once, and the save is retried until
    /// it succeeds.
    fn save(&mut self) {
        let Some(session) = self.explorer.app.session() else {
            return;
        };
        match self.saver.save(&session) {
            Ok(None) => return,
            Ok(Some(outcome)) => self.apply_saved(&session, outcome),
            Err(error) => self.explorer.app.notify(format!(
                "the session could not be saved (trying again): {error}"
            )),
        }
        self.redraw_within(FRAME);
    }

    /// Takes over what another explorer has added to the file, and reports that saving works again.
    fn apply_saved(&mut self, session: &SavedSession, outcome: SaveOutcome) {
        let SaveOutcome { merged, recovered } = outcome;
        let app = &mut self.explorer.app;
        if merged.named_queries != session.named_queries
            || merged.annotations != session.annotations
        {
            app.merge_session(&merged);
        }
        if recovered {
            app.notify("the session is saved again");
        }
    }

    fn save_at_end(&mut self) -> Result<()> {
        match self.explorer.app.session() {
            Some(session) => self.saver.finish(&session),
            None => Ok(()),
        }
    }
}

/// Asks tmux repeatedly which terminal is outside, until tmux knows, and sends the answers.
async fn find_outer_terminal(sender: UnboundedSender<OuterTerminal>) {
    for delay in TMUX_QUERY_DELAYS {
        sleep(delay).await;
        let Ok(Some(outer)) = spawn_blocking(tmux::outer_terminal).await else {
            return;
        };
        let is_known = !outer.version.is_empty();
        // The receiver is gone when the explorer exits.
        if sender.send(outer).is_err() || is_known {
            return;
        }
    }
}
