//! The one reader of the terminal: a thread that waits for input and hands it on in units.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::mpsc::UnboundedSender;

use crate::tui::platform::input::{InputParser, TerminalInput, TerminalReport};

/// How many times the terminal has answered with its device attributes.
static ANSWERS: AtomicUsize = AtomicUsize::new(0);
/// When input last arrived.
static LAST_INPUT: Mutex<Option<Instant>> = Mutex::new(None);

/// How many times the terminal has answered with its device attributes, which end every query.
pub fn answers() -> usize {
    ANSWERS.load(Ordering::SeqCst)
}

/// The time since input last arrived; `None` before any did.
pub fn since_input() -> Option<Duration> {
    LAST_INPUT
        .lock()
        .unwrap_or_else(|broken| broken.into_inner())
        .map(|then| then.elapsed())
}

/// Starts the thread. Its channel closes when the line is gone.
pub fn start(inputs: UnboundedSender<TerminalInput>) {
    std::thread::spawn(move || {
        let mut parser = InputParser::default();
        let mut buffer = [0; 1 << 16];
        loop {
            let found = match wait(parser.deadline()) {
                Arrival::Nothing => parser.expire(),
                Arrival::Input => match rustix::io::read(rustix::stdio::stdin(), &mut buffer) {
                    Ok(0) => return,
                    Ok(length) => {
                        let now = Instant::now();
                        *LAST_INPUT
                            .lock()
                            .unwrap_or_else(|broken| broken.into_inner()) = Some(now);
                        parser.feed(&buffer[..length], now)
                    }
                    Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => continue,
                    Err(_) => return,
                },
                Arrival::HangUp => return,
            };
            for input in found {
                if matches!(input, TerminalInput::Report(TerminalReport::Attributes(_))) {
                    ANSWERS.fetch_add(1, Ordering::SeqCst);
                }
                // nobody listens any more when the explorer is left
                let _ = inputs.send(input);
            }
        }
    });
}

enum Arrival {
    Input,
    /// The deadline passed.
    Nothing,
    HangUp,
}

/// Waits for input until the deadline, where there is one.
fn wait(deadline: Option<Instant>) -> Arrival {
    let stdin = rustix::stdio::stdin();
    loop {
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        let mut line = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut line, timeout.as_ref()) {
            Ok(0) => return Arrival::Nothing,
            // what was sent before the line went is read first
            Ok(_) if line[0].revents().contains(PollFlags::IN) => return Arrival::Input,
            Ok(_) => return Arrival::HangUp,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Arrival::HangUp,
        }
    }
}
