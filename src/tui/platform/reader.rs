//! The only reader of the terminal: a thread that waits for input and sends it on unit by unit.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tokio::sync::mpsc::UnboundedSender;

use crate::tui::platform::input::{InputParser, TerminalInput, TerminalReport};

/// The number of times that the terminal has reported its device attributes.
static ANSWER_COUNT: AtomicUsize = AtomicUsize::new(0);
/// The time at which input last arrived.
static LAST_INPUT: Mutex<Option<Instant>> = Mutex::new(None);

/// Returns how many times the terminal has reported its device attributes, which end every query.
pub fn answer_count() -> usize {
    ANSWER_COUNT.load(Ordering::SeqCst)
}

/// Returns the time since input last arrived; `None` if none has arrived yet.
pub fn time_since_input() -> Option<Duration> {
    last_input().map(|time| time.elapsed())
}

fn last_input() -> MutexGuard<'static, Option<Instant>> {
    LAST_INPUT
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Starts the thread. It closes its channel when the terminal is disconnected.
pub fn start(inputs: UnboundedSender<TerminalInput>) {
    std::thread::spawn(move || {
        let mut parser = InputParser::default();
        let mut buffer = [0; 1 << 16];
        while let Some(units) = read_units(&mut parser, &mut buffer) {
            for unit in units {
                send(unit, &inputs);
            }
        }
    });
}

/// Waits for input and returns its units; `None` if the terminal is disconnected.
fn read_units(parser: &mut InputParser, buffer: &mut [u8]) -> Option<Vec<TerminalInput>> {
    match wait(parser.deadline()) {
        WaitResult::DeadlinePassed => return Some(parser.expire()),
        WaitResult::Disconnected => return None,
        WaitResult::Input => {}
    }
    match rustix::io::read(rustix::stdio::stdin(), &mut *buffer) {
        Ok(0) => None,
        Ok(length) => {
            let now = Instant::now();
            *last_input() = Some(now);
            Some(parser.feed(&buffer[..length], now))
        }
        Err(Errno::INTR | Errno::AGAIN) => Some(Vec::new()),
        Err(_) => None,
    }
}

fn send(input: TerminalInput, inputs: &UnboundedSender<TerminalInput>) {
    if matches!(input, TerminalInput::Report(TerminalReport::Attributes(_))) {
        ANSWER_COUNT.fetch_add(1, Ordering::SeqCst);
    }
    // The receiver is gone when the explorer exits.
    let _ = inputs.send(input);
}

enum WaitResult {
    Input,
    DeadlinePassed,
    Disconnected,
}

/// Waits for input until the deadline; without a deadline, for any time.
fn wait(deadline: Option<Instant>) -> WaitResult {
    let stdin = rustix::stdio::stdin();
    loop {
        let remaining = deadline.map(|time| time.saturating_duration_since(Instant::now()));
        let timeout = remaining.and_then(|time| Timespec::try_from(time).ok());
        let mut descriptors = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut descriptors, timeout.as_ref()) {
            Ok(0) => return WaitResult::DeadlinePassed,
            // Input that was sent before the disconnection is read first.
            Ok(_) if descriptors[0].revents().contains(PollFlags::IN) => return WaitResult::Input,
            Ok(_) => return WaitResult::Disconnected,
            Err(Errno::INTR) => {}
            Err(_) => return WaitResult::Disconnected,
        }
    }
}
