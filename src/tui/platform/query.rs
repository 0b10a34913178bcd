//! Asks a terminal that the explorer has not taken: for `doctor` and `show`.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::config::{Drawing, Environment, Images, Multiplexer};
use crate::tui::platform::capabilities::{Answers, QUERY, image_setup};
use crate::tui::platform::event_loop::line_cell;
use crate::tui::platform::input::{InputParser, TerminalInput};
use crate::tui::platform::tmux;

/// How long the terminal may take. Nothing else waits meanwhile, and a late answer would be typed
/// into the shell.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// How images would be drawn in this terminal.
pub fn drawing(images: Images) -> Drawing {
    let environment = Environment::current();
    let mut answers = match enable_raw_mode() {
        Ok(()) => {
            let answers = ask();
            // what the terminal refuses now it refused before
            let _ = disable_raw_mode();
            answers
        }
        Err(_) => Answers::default(),
    };
    if environment.multiplexer == Some(Multiplexer::Tmux) {
        answers.outside = tmux::outside();
    }
    image_setup(
        images,
        &answers,
        &environment,
        !environment.is_utf8(),
        line_cell(),
    )
    .drawing
}

/// Sends the query and reads until the last answer. The line must be raw.
fn ask() -> Answers {
    let mut answers = Answers::default();
    let mut out = io::stdout();
    if out
        .write_all(QUERY.as_bytes())
        .and_then(|()| out.flush())
        .is_err()
    {
        return answers;
    }
    let (mut parser, until) = (InputParser::default(), Instant::now() + ANSWER_WITHIN);
    let stdin = rustix::stdio::stdin();
    let mut buffer = [0; 1024];
    while answers.attributes.is_none() {
        let Ok(left) = Timespec::try_from(until.saturating_duration_since(Instant::now())) else {
            break;
        };
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&left)) {
            Ok(1..) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Ok(0) | Err(_) => break,
        }
        let Ok(length @ 1..) = rustix::io::read(stdin, &mut buffer) else {
            break;
        };
        for input in parser.feed(&buffer[..length], Instant::now()) {
            if let TerminalInput::Report(report) = input {
                answers.take(report);
            }
        }
    }
    answers
}
