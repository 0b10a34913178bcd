//! The terminal while the explorer has it: taken whole, and given back whole whatever happens.

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
use ratatui::Frame;
use ratatui::backend::Backend;
use rustix::termios::{QueueSelector, tcflush};

use crate::config::Environment;
use crate::error::{Error, Result};
use crate::tui::platform::capabilities::QUERY;
use crate::tui::platform::compact_backend::CompactBackend;
use crate::tui::platform::{reader, tmux};

/// Button presses, drags and the wheel, in the encoding without a limit on columns. Motion without
/// a button (1003) is not used, and would only be input that arrives after leaving.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
/// Writes a letter of two bytes on the second line and asks where the cursor is: in the second
/// column, if the terminal reads UTF-8. The frame that follows covers it.
const UTF8_PROBE: &str = "\x1b[2;1H\u{e9}\x1b[6n";
/// Frees every image that kitty holds for this program.
const FORGET_IMAGES: &str = "\x1b_Ga=d,d=A,q=2\x1b\\";

/// Before the line is given back, input that is on its way is read and thrown away until none came
/// for so long, but no longer than the terminal may need.
const QUIET: Duration = Duration::from_millis(50);
const LEAST_DRAIN: Duration = Duration::from_millis(100);
const LONGEST_DRAIN: Duration = Duration::from_secs(1);

/// Whether the terminal is ours, for the panic hook.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether images were sent that the terminal holds, and whether through tmux.
static HOLDS_IMAGES: AtomicU8 = AtomicU8::new(NO_IMAGES);
const NO_IMAGES: u8 = 0;
const OWN_IMAGES: u8 = 1;
const IMAGES_OUTSIDE_TMUX: u8 = 2;
/// How long the terminal took to answer its query, in milliseconds; 0 while it has not.
static LATENCY: AtomicU64 = AtomicU64::new(0);

/// The terminal while it is ours. Dropped, it is given back.
pub struct Terminal {
    inner: ratatui::Terminal<CompactBackend<BufWriter<Stdout>>>,
    mouse: bool,
    /// Whether the terminal is to be asked which letters it knows.
    probes_utf8: bool,
    asked: Instant,
}

impl Terminal {
    /// Takes the terminal and asks it what it can draw. `ascii`: nothing beyond ASCII is written,
    /// unless the terminal turns out to read UTF-8.
    ///
    /// Errors: `Argument` where there is no terminal, or one that draws no screens; `Io`.
    pub fn take(mouse: bool, ascii: bool, environment: &Environment) -> Result<Terminal> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(Error::Argument(
                "the explorer needs a terminal; `multiexpan expand` does not".into(),
            ));
        }
        if !environment.draws_screens() {
            let name = if environment.term.is_empty() {
                "not set".to_owned()
            } else {
                format!("`{}`", environment.term)
            };
            return Err(Error::Argument(format!(
                "TERM is {name}, which is no terminal that a screen can be drawn on; set TERM to yours (xterm-256color, for \
                 example), or use `multiexpan expand`"
            )));
        }
        give_back_on_panic();
        let out = BufWriter::with_capacity(1 << 16, io::stdout());
        let mut backend = CompactBackend::new(out);
        backend.set_ascii(ascii);
        let inner = ratatui::Terminal::new(backend).map_err(failed("open"))?;
        // a multiplexer answers for itself, and not for the terminal around it
        let probes_utf8 = ascii && environment.multiplexer.is_none();
        let mut terminal = Terminal {
            inner,
            mouse,
            probes_utf8,
            asked: Instant::now(),
        };
        terminal.enter()?;
        Ok(terminal)
    }

    /// Sets everything up and sends the queries, before the screen is cleared: whatever a terminal
    /// makes of them is not seen.
    fn enter(&mut self) -> Result<()> {
        TAKEN.store(true, Ordering::SeqCst);
        enable_raw_mode().map_err(failed("set up"))?;
        let mouse = if self.mouse { MOUSE_ON } else { "" };
        let probe = if self.probes_utf8 { UTF8_PROBE } else { "" };
        execute!(
            io::stdout(),
            EnterAlternateScreen,
            EnableBracketedPaste,
            EnableFocusChange,
            Print(mouse),
            Print(probe)
        )
        .map_err(failed("set up"))?;
        self.ask()?;
        self.clear()
    }

    /// Asks the terminal what it is and how large its cells are; the answers come with the input.
    pub fn ask(&mut self) -> Result<()> {
        self.asked = Instant::now();
        execute!(io::stdout(), Print(QUERY)).map_err(failed("ask"))
    }

    /// The terminal has answered its query.
    pub fn answered(&self) {
        LATENCY.store(
            (self.asked.elapsed().as_millis() as u64).max(1),
            Ordering::Relaxed,
        );
    }

    /// Images are sent that are to be freed on leaving.
    pub fn holds_images(&self, through_tmux: bool) {
        HOLDS_IMAGES.store(
            if through_tmux {
                IMAGES_OUTSIDE_TMUX
            } else {
                OWN_IMAGES
            },
            Ordering::Relaxed,
        );
    }

    /// Writes letters beyond ASCII from the next frame on, which is drawn whole.
    pub fn set_ascii(&mut self, ascii: bool) -> Result<()> {
        self.inner.backend_mut().set_ascii(ascii);
        self.clear()
    }

    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame)) -> Result<()> {
        self.inner.draw(draw).map(drop).map_err(failed("draw on"))
    }

    /// Forgets what is on the screen, so that the next frame is drawn whole.
    pub fn clear(&mut self) -> Result<()> {
        // not `Terminal::clear`: it waits for the terminal to tell the cursor's place, and not
        // every one answers
        self.inner.swap_buffers();
        self.inner.backend_mut().clear().map_err(failed("clear"))
    }

    /// Asks the terminal to take this as its clipboard (OSC 52). Whether it does, it does not say.
    pub fn copy(&mut self, text: &str) -> Result<()> {
        let mut sequence = String::new();
        CopyToClipboard::to_clipboard_from(text)
            .write_ansi(&mut sequence)
            .map_err(|e| failed("copy to")(io::Error::other(e)))?;
        let mut out = io::stdout();
        // tmux takes the plain one with `set-clipboard on`, and hands the wrapped one on with
        // `allow-passthrough on`
        if std::env::var_os("TMUX").is_some() {
            sequence += &tmux::wrapped(&sequence);
        }
        out.write_all(sequence.as_bytes())
            .and_then(|()| out.flush())
            .map_err(failed("copy to"))
    }

    /// Gives the terminal back, stops the process group, and takes the terminal again when it goes
    /// on. False, and nothing is done, where no shell could have it go on (see [`can_resume`]).
    pub fn suspend(&mut self) -> Result<bool> {
        if !can_resume() {
            return Ok(false);
        }
        give_back();
        rustix::process::kill_current_process_group(rustix::process::Signal::STOP)
            .map_err(|e| failed("leave")(e.into()))?;
        self.enter()?;
        Ok(true)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

fn failed(doing: &'static str) -> impl FnOnce(io::Error) -> Error {
    Error::io(doing, "the terminal")
}

/// Everything that was set, unset; once. Errors are passed over: the line may be gone.
fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let images = match HOLDS_IMAGES.swap(NO_IMAGES, Ordering::Relaxed) {
        OWN_IMAGES => FORGET_IMAGES.to_owned(),
        IMAGES_OUTSIDE_TMUX => tmux::wrapped(FORGET_IMAGES),
        _ => String::new(),
    };
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        Print(images),
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

/// Waits until what the terminal sent before it was told to stop has been read: mouse reports would
/// be typed into the shell.
fn drain_input() {
    let latency = LATENCY.load(Ordering::Relaxed);
    let (answers, began) = (reader::answers(), Instant::now());
    let limit = match latency {
        // it never answers, and would now answer into the shell
        0 => LEAST_DRAIN,
        latency => {
            let _ = execute!(io::stdout(), Print("\x1b[c"));
            (LEAST_DRAIN + 2 * Duration::from_millis(latency)).min(LONGEST_DRAIN)
        }
    };
    while began.elapsed() < limit {
        let answered = latency > 0 && reader::answers() > answers;
        if answered && reader::since_input().is_none_or(|since| since >= QUIET) {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = tcflush(rustix::stdio::stdin(), QueueSelector::IFlush);
}

/// Gives the terminal back while its output is blocked (the user pressed ctrl-s, or nobody reads):
/// what waits to be written is thrown away, and what cannot be written now is not waited for.
pub fn give_back_without_waiting() {
    use rustix::fs::{Mode, OFlags, open};
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = tcflush(rustix::stdio::stdout(), QueueSelector::OFlush);
    // a description of its own: the shell's stays as it is
    if let Ok(line) = open(
        "/dev/tty",
        OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY,
        Mode::empty(),
    ) {
        // ends whatever sequence was cut off
        let mut sequence = "\x18\x1b\\".to_owned();
        for part in [
            mouse_off(),
            plain(DisableBracketedPaste),
            plain(DisableFocusChange),
            plain(LeaveAlternateScreen),
        ] {
            sequence += &part;
        }
        sequence += &plain(Show);
        let _ = rustix::io::write(&line, sequence.as_bytes());
    }
    let _ = disable_raw_mode();
    tmux::restore();
}

fn mouse_off() -> String {
    plain(DisableMouseCapture)
}

/// The sequence of a command.
fn plain(command: impl Command) -> String {
    let mut sequence = String::new();
    // writing to a string cannot fail
    let _ = command.write_ansi(&mut sequence);
    sequence
}

/// Whether a shell with job control waits for this process group, so that a stopped one can be
/// brought back: a process of the group has a parent in the same session and in another group
/// (POSIX calls other groups orphaned). Over `ssh -t host multiexpan` or in `xterm -e multiexpan`
/// there is none.
fn can_resume() -> bool {
    use rustix::process::{Pid, getpgid, getpgrp, getppid, getsid};
    let (group, Ok(session)) = (getpgrp(), getsid(None)) else {
        return false;
    };
    let mut parent = getppid();
    // a wrapper such as make or cargo is in our group; who waits is above it
    while let Some(pid) = parent {
        match (getsid(Some(pid)), getpgid(Some(pid))) {
            (Ok(its_session), Ok(its_group)) if its_session == session => {
                if its_group != group {
                    return true;
                }
            }
            _ => return false,
        }
        parent = parent_of(pid).and_then(Pid::from_raw);
    }
    false
}

/// The parent of a process, where the system tells.
fn parent_of(pid: rustix::process::Pid) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // the name, in parentheses, may hold anything
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(1)?.parse().ok()
}

/// A panic of this thread gives the terminal back before it is told. A panic of another thread must
/// not: the explorer lives on, and the message would land in the middle of the screen.
fn give_back_on_panic() {
    let explorer = std::thread::current().id();
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == explorer {
            give_back();
        }
        if !TAKEN.load(Ordering::SeqCst) {
            report(info);
        }
    }));
}
