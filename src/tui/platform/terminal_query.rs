//! Queries a terminal in which the explorer does not run, for the commands `doctor` and `show`.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::config::{Drawing, Environment, Images, Multiplexer};
use crate::tui::platform::capabilities::{Answers, QUERY, image_setup};
use crate::tui::platform::input::{InputParser, TerminalInput};
use crate::tui::platform::terminal_size::kernel_cell_size;
use crate::tui::platform::tmux;

/// The longest time to wait for the answer. Nothing else waits meanwhile, and a late answer would
/// appear as typed text in the shell.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Queries the terminal and returns how images would be drawn in it with the setting `images`.
pub fn detect_drawing(images: Images) -> Drawing {
    let environment = Environment::current();
    let mut answers = query_in_raw_mode();
    if environment.multiplexer == Some(Multiplexer::Tmux) {
        answers.outer = tmux::outer_terminal();
    }
    let ascii = !environment.is_utf8();
    image_setup(images, &answers, &environment, ascii, kernel_cell_size()).drawing
}

/// Queries the terminal in raw mode. Returns no answers if raw mode cannot be entered.
fn query_in_raw_mode() -> Answers {
    if enable_raw_mode().is_err() {
        return Answers::default();
    }
    let answers = query();
    // An error is ignored, since raw mode could be entered a moment ago.
    let _ = disable_raw_mode();
    answers
}

/// Sends the query and reads until the last answer. The terminal must be in raw mode.
fn query() -> Answers {
    let mut answers = Answers::default();
    if send_query().is_err() {
        return answers;
    }
    let mut parser = InputParser::default();
    let deadline = Instant::now() + ANSWER_TIMEOUT;
    let mut buffer = [0; 1024];
    while answers.attributes.is_none() && wait_for_input(deadline) {
        let Ok(length @ 1..) = rustix::io::read(rustix::stdio::stdin(), &mut buffer) else {
            break;
        };
        for input in parser.feed(&buffer[..length], Instant::now()) {
            if let TerminalInput::Report(report) = input {
                answers.record(report);
            }
        }
    }
    answers
}

fn send_query() -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(QUERY.as_bytes())?;
    out.flush()
}

/// Waits for input; returns false if none came before the deadline, or if none can come.
fn wait_for_input(deadline: Instant) -> bool {
    let stdin = rustix::stdio::stdin();
    loop {
        let remaining = deadline.saturating_duration_since(Instant::now());
        let Ok(timeout) = Timespec::try_from(remaining) else {
            return false;
        };
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&timeout)) {
            Ok(1..) => return true,
            Err(rustix::io::Errno::INTR) => {}
            Ok(0) | Err(_) => return false,
        }
    }
}
