//! The terminal: taken whole, asked once what pictures it can draw, and given back whole whatever happens.

use std::io::{self, BufWriter, IsTerminal, Read, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossterm::Command;
use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crossterm::execute;
use crossterm::style::{Attribute, SetAttribute};
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Frame;
use ratatui::backend::Backend;
use ratatui_image::picker::cap_parser::QueryStdioOptions;
use ratatui_image::picker::{Picker, ProtocolType};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::backend::Lean;
use crate::config::{Drawing, Images};
use crate::error::{Error, Result};

/// How long the terminal may take to say what pictures it can draw. Over a slow line its answer is worth the wait:
/// the first frame is on the screen by then.
const ANSWER_WITHIN: Duration = Duration::from_millis(700);

/// Kitty draws pictures by Unicode placeholders since this version.
const KITTY_WITH_PLACEHOLDERS: (u32, u32) = (0, 28);

/// Whether the terminal is ours, for the panic hook.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours. Dropped, it is given back.
pub struct Terminal {
    inner: ratatui::Terminal<Lean<BufWriter<Stdout>>>,
    mouse: bool,
}

impl Terminal {
    /// Takes the terminal. Errors: `Argument` where there is none.
    pub fn take(mouse: bool) -> Result<Terminal> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(Error::Argument("the explorer needs a terminal; `multiexpan expand` does not".into()));
        }
        give_back_on_panic();
        let out = BufWriter::with_capacity(1 << 16, io::stdout());
        let inner = ratatui::Terminal::new(Lean::new(out)).map_err(failed("open"))?;
        let mut terminal = Terminal { inner, mouse };
        terminal.enter()?;
        Ok(terminal)
    }

    fn enter(&mut self) -> Result<()> {
        TAKEN.store(true, Ordering::SeqCst);
        enable_raw_mode().map_err(failed("set up"))?;
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste).map_err(failed("set up"))?;
        if self.mouse {
            execute!(io::stdout(), EnableMouseCapture).map_err(failed("set up"))?;
        }
        self.clear()
    }

    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame)) -> Result<()> {
        self.inner.draw(draw).map(drop).map_err(failed("draw on"))
    }

    /// Forgets what is on the screen, so that the next frame is drawn whole.
    pub fn clear(&mut self) -> Result<()> {
        // not `Terminal::clear`: it waits for the terminal to tell the cursor's place, and not every one answers
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
        // tmux takes the plain one with `set-clipboard on`, and hands the wrapped one on with `allow-passthrough on`
        if std::env::var_os("TMUX").is_some() {
            sequence += &format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b"));
        }
        out.write_all(sequence.as_bytes()).and_then(|()| out.flush()).map_err(failed("copy to"))
    }

    /// Gives the terminal back, stops the process group, and takes the terminal again when it goes on.
    pub fn suspend(&mut self) -> Result<()> {
        give_back();
        rustix::process::kill_current_process_group(rustix::process::Signal::STOP)
            .map_err(|e| failed("leave")(e.into()))?;
        self.enter()
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
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(
            io::stdout(),
            EndSynchronizedUpdate,
            SetAttribute(Attribute::Reset),
            DisableMouseCapture,
            DisableBracketedPaste,
            LeaveAlternateScreen,
            Show
        );
        let _ = disable_raw_mode();
    }
}

/// A panic of this thread gives the terminal back before it is told. A panic of another thread must not: the
/// explorer lives on, and the message would land in the middle of the screen.
fn give_back_on_panic() {
    let explorer = std::thread::current().id();
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == explorer {
            give_back();
        }
        if !TAKEN.load(Ordering::SeqCst) {
            told(info);
        }
    }));
}

/// Returns once the line to the terminal is gone; never while it is there.
pub fn wait_for_hang_up() {
    let stdin = rustix::stdio::stdin();
    loop {
        // no event is asked for: a hang-up is told all the same
        let mut line = [PollFd::new(&stdin, PollFlags::empty())];
        match poll(&mut line, None) {
            Ok(_) if line[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) => return,
            Ok(_) | Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// What draws pictures; none where they are off. Asks the terminal, so nothing else may read from it yet.
pub fn picker(images: Images) -> Option<Picker> {
    choose(images).0
}

/// What draws pictures, with what the terminal answered and why it is this. The line must be raw.
pub fn choose(images: Images) -> (Option<Picker>, Drawing) {
    let unasked = |chosen, why| Drawing { answered: None, chosen, why };
    let forced = match images {
        Images::Off => return (None, unasked(Images::Off, "as asked for")),
        Images::Halfblocks => return (Some(Picker::halfblocks()), unasked(images, "as asked for")),
        Images::Auto => None,
        Images::Kitty => Some(ProtocolType::Kitty),
        Images::Sixel => Some(ProtocolType::Sixel),
        Images::Iterm2 => Some(ProtocolType::Iterm2),
    };
    if forced.is_none() && std::env::var_os("ZELLIJ").is_some() {
        return (Some(Picker::halfblocks()), unasked(Images::Halfblocks, "Zellij passes nothing else on"));
    }
    let options = QueryStdioOptions {
        timeout_ms: ANSWER_WITHIN.as_millis() as i32,
        // Deflating pays where the line is slow.
        kitty_compression: std::env::var_os("SSH_CONNECTION").is_some(),
        ..QueryStdioOptions::default()
    };
    let Ok(mut picker) = Picker::from_query_stdio_with_options(options) else {
        let mut picker = Picker::halfblocks();
        forced.into_iter().for_each(|protocol| picker.set_protocol_type(protocol));
        let why = if forced.is_some() { "as asked for" } else { "what every terminal draws" };
        let chosen = images_of(picker.protocol_type());
        return (Some(picker), unasked(chosen, why));
    };
    let answered = images_of(picker.protocol_type());
    let (protocol, why) = match (forced, distrust(&picker)) {
        (Some(protocol), _) => (protocol, "as asked for"),
        (None, Some(why)) => (ProtocolType::Halfblocks, why),
        (None, None) => (picker.protocol_type(), "the best that the terminal offers"),
    };
    picker.set_protocol_type(protocol);
    let drawing = Drawing { answered: Some(answered), chosen: images_of(protocol), why };
    (Some(picker), drawing)
}

/// Asks a terminal that is not taken.
pub fn ask_for_pictures(images: Images) -> Drawing {
    let raw = enable_raw_mode().is_ok();
    let drawing = choose(images).1;
    if raw {
        // what the terminal refuses now it refused before
        let _ = disable_raw_mode();
    }
    drawing
}

fn images_of(protocol: ProtocolType) -> Images {
    match protocol {
        ProtocolType::Halfblocks => Images::Halfblocks,
        ProtocolType::Sixel => Images::Sixel,
        ProtocolType::Kitty => Images::Kitty,
        ProtocolType::Iterm2 => Images::Iterm2,
    }
}

/// Protocols that terminals claim and do not draw well, and why not.
fn distrust(picker: &Picker) -> Option<&'static str> {
    match picker.protocol_type() {
        ProtocolType::Sixel if picker.tmux_detected() => Some("tmux does not draw sixel well"),
        ProtocolType::Kitty if !picker.tmux_detected() => {
            let version = terminal_version().as_deref().and_then(kitty_version)?;
            (version < KITTY_WITH_PLACEHOLDERS).then_some("kitty before 0.28 has no placeholders")
        }
        _ => None,
    }
}

/// What the terminal calls itself (XTVERSION), where it answers.
fn terminal_version() -> Option<String> {
    let mut out = io::stdout();
    // Every terminal answers the second question, so that the first need not be waited for.
    out.write_all(b"\x1b[>q\x1b[c").and_then(|()| out.flush()).ok()?;
    let until = Instant::now() + ANSWER_WITHIN;
    let mut answer = Vec::new();
    while !answer.ends_with(b"c") || !answer.windows(3).any(|w| w == b"\x1b[?") {
        let left = Timespec::try_from(until.checked_duration_since(Instant::now())?).ok()?;
        let stdin = rustix::stdio::stdin();
        if poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&left)).ok()? == 0 {
            return None;
        }
        let mut byte = [0];
        io::stdin().read_exact(&mut byte).ok()?;
        answer.push(byte[0]);
    }
    String::from_utf8(answer).ok()
}

/// The version in `…kitty(0.26.5)…`.
fn kitty_version(answer: &str) -> Option<(u32, u32)> {
    let (_, rest) = answer.split_once("kitty(")?;
    let mut numbers = rest.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kitty_tells_its_version() {
        assert_eq!(kitty_version("\x1bP>|kitty(0.26.5)\x1b\\\x1b[?62;c"), Some((0, 26)));
        assert_eq!(kitty_version("\x1bP>|WezTerm 20240203\x1b\\"), None);
    }
}
