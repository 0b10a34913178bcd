//! The terminal while the explorer runs: set up at the start, and restored however the explorer
//! ends.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossterm::Command;
use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::Show;
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
    EnableFocusChange,
};
use crossterm::execute;
use crossterm::style::{Attribute, Print, SetAttribute};
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use nix::unistd::{Pid, getpgid, getpgrp, getppid, getsid};
use ratatui::Frame;
use ratatui::backend::Backend;
use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{QueueSelector, tcflush};

use crate::config::Environment;
use crate::error::{Error, Result};
use crate::tui::platform::capabilities::QUERY;
use crate::tui::platform::compact_backend::CompactBackend;
use crate::tui::platform::{reader, tmux};

/// Enables reports of button presses, drags and the wheel, in the encoding that does not limit the
/// number of columns. Motion without a button (mode 1003) is not used: it would only be input that
/// arrives after the explorer has ended.
const ENABLE_MOUSE: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
/// Writes a character of two bytes on the second line and asks for the position of the cursor: it
/// is in the second column if the terminal reads UTF-8. The first frame covers the character.
const UTF8_PROBE: &str = "\x1b[2;1H\u{e9}\x1b[6n";
/// Frees every image that a terminal with kitty's protocol stores for this program.
const FREE_IMAGES: &str = "\x1b_Ga=d,d=A,q=2\x1b\\";
/// Cancels a sequence that was cut off (CAN, ST).
const CANCEL_SEQUENCE: &str = "\x18\x1b\\";

/// Before the terminal is restored, input is discarded until none has arrived for this time.
const DRAIN_SILENCE: Duration = Duration::from_millis(50);
/// The shortest limit on the time for which input is discarded.
const MIN_DRAIN: Duration = Duration::from_millis(100);
/// The longest limit on the time for which input is discarded.
const MAX_DRAIN: Duration = Duration::from_secs(1);

/// True while the terminal is set up for the explorer. The panic hook reads it.
static ACTIVE: AtomicBool = AtomicBool::new(false);
/// The location of the stored images, which must be freed at the end.
static STORED_IMAGES: AtomicU8 = AtomicU8::new(NO_IMAGES);
const NO_IMAGES: u8 = 0;
const IMAGES_IN_TERMINAL: u8 = 1;
const IMAGES_OUTSIDE_TMUX: u8 = 2;
/// The time that the terminal took to answer the query, in milliseconds; 0 before it has answered.
static LATENCY: AtomicU64 = AtomicU64::new(0);

/// The terminal, set up for the explorer. It is restored when this is dropped.
pub struct Terminal {
    inner: ratatui::Terminal<CompactBackend<BufWriter<Stdout>>>,
    mouse: bool,
    /// True if the terminal is asked whether it reads UTF-8.
    probe_utf8: bool,
    queried_at: Instant,
}

impl Terminal {
    /// Sets up the terminal and sends the query. With `ascii`, only ASCII is written, unless the
    /// terminal turns out to read UTF-8.
    ///
    /// Errors: `Argument` if there is no terminal, or one on which no screen can be drawn; `Io`.
    pub fn open(mouse: bool, ascii: bool, environment: &Environment) -> Result<Terminal> {
        check_terminal(environment)?;
        install_panic_hook();
        let out = BufWriter::with_capacity(1 << 16, io::stdout());
        let mut backend = CompactBackend::new(out);
        backend.set_ascii(ascii);
        let inner = ratatui::Terminal::new(backend).map_err(terminal_error("open"))?;
        let mut terminal = Terminal {
            inner,
            mouse,
            // A multiplexer answers for itself, and not for the terminal outside.
            probe_utf8: ascii && environment.multiplexer.is_none(),
            queried_at: Instant::now(),
        };
        terminal.set_up()?;
        Ok(terminal)
    }

    /// Switches all modes on and sends the query. The screen is cleared afterwards, so that nothing
    /// is visible of what a terminal prints because of a sequence that it does not know.
    fn set_up(&mut self) -> Result<()> {
        ACTIVE.store(true, Ordering::SeqCst);
        enable_raw_mode().map_err(terminal_error("set up"))?;
        let mouse = if self.mouse { ENABLE_MOUSE } else { "" };
        let probe = if self.probe_utf8 { UTF8_PROBE } else { "" };
        execute!(
            io::stdout(),
            EnterAlternateScreen,
            EnableBracketedPaste,
            EnableFocusChange,
            Print(mouse),
            Print(probe)
        )
        .map_err(terminal_error("set up"))?;
        self.send_query()?;
        self.clear()
    }

    /// Asks the terminal for its name and the size of its cells. The answers arrive as input.
    pub fn send_query(&mut self) -> Result<()> {
        self.queried_at = Instant::now();
        execute!(io::stdout(), Print(QUERY)).map_err(terminal_error("ask"))
    }

    /// Records how long the terminal took to answer the query.
    pub fn record_latency(&self) {
        let milliseconds = self.queried_at.elapsed().as_millis() as u64;
        LATENCY.store(milliseconds.max(1), Ordering::Relaxed);
    }

    /// Notes that images are sent which must be freed at the end.
    pub fn free_images_at_end(&self, through_tmux: bool) {
        let location = if through_tmux {
            IMAGES_OUTSIDE_TMUX
        } else {
            IMAGES_IN_TERMINAL
        };
        STORED_IMAGES.store(location, Ordering::Relaxed);
    }

    /// Chooses between ASCII and all characters, and clears the screen.
    pub fn set_ascii(&mut self, ascii: bool) -> Result<()> {
        self.inner.backend_mut().set_ascii(ascii);
        self.clear()
    }

    /// Draws a frame.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame)) -> Result<()> {
        self.inner.draw(draw).map_err(terminal_error("draw on"))?;
        Ok(())
    }

    /// Clears the screen, so that the next frame is drawn completely.
    pub fn clear(&mut self) -> Result<()> {
        // `ratatui::Terminal::clear` would wait for the terminal to report the position of the
        // cursor, which not every terminal does.
        self.inner.swap_buffers();
        self.inner
            .backend_mut()
            .clear()
            .map_err(terminal_error("clear"))
    }

    /// Asks the terminal to put `text` on its clipboard (OSC 52). A terminal does not say whether
    /// it does.
    pub fn copy(&mut self, text: &str) -> Result<()> {
        let mut sequence = String::new();
        CopyToClipboard::to_clipboard_from(text)
            .write_ansi(&mut sequence)
            .map_err(|e| terminal_error("copy to")(io::Error::other(e)))?;
        // tmux accepts the plain sequence with `set-clipboard on`, and passes the wrapped one on
        // with `allow-passthrough on`.
        if std::env::var_os("TMUX").is_some() {
            sequence += &tmux::wrap_passthrough(&sequence);
        }
        let mut out = io::stdout();
        out.write_all(sequence.as_bytes())
            .and_then(|()| out.flush())
            .map_err(terminal_error("copy to"))
    }

    /// Restores the terminal, stops the process group, and sets the terminal up again when the
    /// group is resumed. Returns false and does nothing if no shell could resume it (see
    /// [`can_resume`]).
    pub fn suspend(&mut self) -> Result<bool> {
        if !can_resume() {
            return Ok(false);
        }
        restore();
        kill_current_process_group(Signal::STOP).map_err(|e| terminal_error("leave")(e.into()))?;
        self.set_up()?;
        Ok(true)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Returns an error unless standard input and output are a terminal on which a screen can be drawn.
fn check_terminal(environment: &Environment) -> Result<()> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(Error::Argument(
            "the explorer needs a terminal; use `multiexpan expand` without one".into(),
        ));
    }
    if environment.draws_screens() {
        return Ok(());
    }
    let term = match environment.term.as_str() {
        "" => "not set".to_owned(),
        name => format!("`{name}`"),
    };
    Err(Error::Argument(format!(
        "TERM is {term}, and no screen can be drawn on such a terminal; set TERM to the name of \
         yours (for example xterm-256color), or use `multiexpan expand`"
    )))
}

fn terminal_error(action: &'static str) -> impl FnOnce(io::Error) -> Error {
    Error::io(action, "the terminal")
}

/// Switches off everything that was switched on; a second call does nothing. Errors are ignored,
/// since the terminal may be disconnected.
fn restore() {
    if !ACTIVE.swap(false, Ordering::SeqCst) {
        return;
    }
    let free_images = match STORED_IMAGES.swap(NO_IMAGES, Ordering::Relaxed) {
        IMAGES_IN_TERMINAL => FREE_IMAGES.to_owned(),
        IMAGES_OUTSIDE_TMUX => tmux::wrap_passthrough(FREE_IMAGES),
        _ => String::new(),
    };
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        Print(free_images),
        SetAttribute(Attribute::Reset),
        DisableMouseCapture,
        DisableBracketedPaste,
        DisableFocusChange,
        LeaveAlternateScreen,
        Show
    );
    drain_input();
    let _ = disable_raw_mode();
    tmux::restore();
}

/// Waits until everything has been read that the terminal sent before it switched its modes off.
/// Otherwise mouse reports would be typed into the shell.
fn drain_input() {
    let latency = LATENCY.load(Ordering::Relaxed);
    let is_answering = latency > 0;
    let previous_answers = reader::answer_count();
    let start = Instant::now();
    let mut limit = MIN_DRAIN;
    // A terminal that has not answered before might answer too late, into the shell.
    if is_answering {
        let _ = execute!(io::stdout(), Print("\x1b[c"));
        limit = (MIN_DRAIN + 2 * Duration::from_millis(latency)).min(MAX_DRAIN);
    }
    while start.elapsed() < limit {
        let has_answered = is_answering && reader::answer_count() > previous_answers;
        let is_silent = reader::time_since_input().is_none_or(|time| time >= DRAIN_SILENCE);
        if has_answered && is_silent {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = tcflush(rustix::stdio::stdin(), QueueSelector::IFlush);
}

/// Restores the terminal while its output is blocked, because the user pressed ctrl-s or nothing
/// reads it. Output that was not written yet is discarded, and so is what cannot be written at once.
pub fn restore_without_waiting() {
    use rustix::fs::{Mode, OFlags, open};
    if !ACTIVE.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = tcflush(rustix::stdio::stdout(), QueueSelector::OFlush);
    // A file description of its own: that of the shell stays blocking.
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    if let Ok(tty) = open("/dev/tty", flags, Mode::empty()) {
        let sequence = [
            CANCEL_SEQUENCE.to_owned(),
            ansi_sequence(DisableMouseCapture),
            ansi_sequence(DisableBracketedPaste),
            ansi_sequence(DisableFocusChange),
            ansi_sequence(LeaveAlternateScreen),
            ansi_sequence(Show),
        ]
        .concat();
        let _ = rustix::io::write(&tty, sequence.as_bytes());
    }
    let _ = disable_raw_mode();
    tmux::restore();
}

/// Returns the escape sequence of a command.
fn ansi_sequence(command: impl Command) -> String {
    let mut sequence = String::new();
    // Writing to a string cannot fail.
    let _ = command.write_ansi(&mut sequence);
    sequence
}

/// Returns true if a shell with job control could resume this process group once it is stopped: a
/// process of the group has a parent in the same session and in another group (POSIX calls other
/// groups orphaned). With `ssh -t host multiexpan` or `xterm -e multiexpan` there is no such shell.
fn can_resume() -> bool {
    let group = getpgrp();
    let Ok(session) = getsid(None) else {
        return false;
    };
    // Outside a container's process namespace, the system reports process 0 and session 0.
    let mut parent = Some(getppid()).filter(|pid| pid.as_raw() > 0);
    // A wrapper such as make or cargo belongs to this group; the shell is above it.
    while let Some(pid) = parent {
        if getsid(Some(pid)) != Ok(session) {
            return false;
        }
        match getpgid(Some(pid)) {
            Ok(parent_group) if parent_group == group => {}
            Ok(_) => return true,
            Err(_) => return false,
        }
        parent = parent_of(pid);
    }
    false
}

/// Returns the parent of a process, if the system has a `/proc` file system.
fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses, and may contain any character.
    let (_, after_name) = stat.rsplit_once(')')?;
    let parent = after_name.split_whitespace().nth(1)?.parse().ok()?;
    (parent > 0).then(|| Pid::from_raw(parent))
}

/// Restores the terminal before a panic of this thread is reported. A panic of another thread does
/// not restore it and is not reported: the explorer goes on, and the message would appear in the
/// middle of the screen.
fn install_panic_hook() {
    let explorer_thread = std::thread::current().id();
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == explorer_thread {
            restore();
        }
        if !ACTIVE.load(Ordering::SeqCst) {
            report(info);
        }
    }));
}
