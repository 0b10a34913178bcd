//! The signals that end, suspend or resize the explorer.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::{Error, Result};
use crate::tui::platform::saver::UnsavedChanges;
use crate::tui::platform::terminal::restore_without_waiting;

/// The time that the event loop has to end by itself after a signal. Its output may be blocked.
const GRACE_PERIOD: Duration = Duration::from_millis(1200);

/// The request that a signal makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignalRequest {
    Quit,
    Suspend,
    Resize,
}

/// The signals that the event loop handles.
pub(super) struct Signals {
    termination: TerminationSignals,
    suspend: Signal,
    resize: Signal,
}

/// The signals that end the explorer.
struct TerminationSignals {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn new() -> Result<Signals> {
        Ok(Signals {
            termination: TerminationSignals::new()?,
            suspend: listen(SignalKind::from_raw(libc::SIGTSTP))?,
            resize: listen(SignalKind::window_change())?,
        })
    }

    /// Waits for the next signal.
    pub(super) async fn next(&mut self) -> SignalRequest {
        tokio::select! {
            _ = self.termination.next() => SignalRequest::Quit,
            _ = self.suspend.recv() => SignalRequest::Suspend,
            _ = self.resize.recv() => SignalRequest::Resize,
        }
    }
}

impl TerminationSignals {
    fn new() -> Result<TerminationSignals> {
        Ok(TerminationSignals {
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next signal and returns its number.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.terminate.recv() => libc::SIGTERM,
            _ = self.hang_up.recv() => libc::SIGHUP,
            _ = self.interrupt.recv() => libc::SIGINT,
        }
    }
}

fn listen(kind: SignalKind) -> Result<Signal> {
    signal(kind).map_err(Error::io("listen to signals at", "the terminal"))
}

/// Starts a thread that ends the program after a signal even if the event loop is blocked because
/// the terminal accepts no output.
pub(super) fn start_exit_watchdog(unsaved: UnsavedChanges) -> Result<()> {
    let start_error = || Error::io("start a thread for signals at", "the terminal");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(start_error())?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || runtime.block_on(exit_after_signal(unsaved)))
        .map_err(start_error())?;
    Ok(())
}

/// Waits for a signal that ends the program and gives the event loop some time to end by itself.
/// Then saves the session, restores the terminal as far as possible, and exits with the status by
/// which shells report a signal.
async fn exit_after_signal(unsaved: UnsavedChanges) {
    let Ok(mut signals) = TerminationSignals::new() else {
        return;
    };
    let number = signals.next().await;
    tokio::time::sleep(GRACE_PERIOD).await;
    unsaved.save();
    restore_without_waiting();
    std::process::exit(128 + number);
}
