//! The signals that end, suspend or resize the explorer.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::{Error, Result};
use crate::tui::platform::saver::Pending;
use crate::tui::platform::terminal::give_back_without_waiting;

/// How long the loop has to end by itself after a signal that ends it: its output may be blocked.
const GRACE: Duration = Duration::from_millis(1200);

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Received {
    End,
    Stop,
    Resize,
}

/// The signals that end, suspend or resize the explorer.
pub(super) struct Signals {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
    stop: Signal,
    resize: Signal,
}

impl Signals {
    pub(super) fn new() -> Result<Signals> {
        Ok(Signals {
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
            interrupt: listen(SignalKind::interrupt())?,
            stop: listen(SignalKind::from_raw(libc::SIGTSTP))?,
            resize: listen(SignalKind::window_change())?,
        })
    }

    pub(super) async fn next(&mut self) -> Received {
        tokio::select! {
            _ = self.terminate.recv() => Received::End,
            _ = self.hang_up.recv() => Received::End,
            _ = self.interrupt.recv() => Received::End,
            _ = self.stop.recv() => Received::Stop,
            _ = self.resize.recv() => Received::Resize,
        }
    }
}

fn listen(kind: SignalKind) -> Result<Signal> {
    signal(kind).map_err(Error::io("listen to signals at", "the terminal"))
}

/// Ends the program after a signal even where the event loop cannot, since the terminal takes no
/// more output: saves what is not saved, gives the terminal back as far as that goes, and exits as
/// a shell reports a signal.
pub(super) fn end_when_stuck(pending: Pending) -> Result<()> {
    let failed = || Error::io("start a thread for signals at", "the terminal");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed())?;
    let run = move || {
        runtime.block_on(async {
            let all = [
                SignalKind::terminate(),
                SignalKind::hangup(),
                SignalKind::interrupt(),
            ];
            let [Ok(mut terminate), Ok(mut hang_up), Ok(mut interrupt)] = all.map(listen) else {
                return;
            };
            let number = tokio::select! {
                _ = terminate.recv() => libc::SIGTERM,
                _ = hang_up.recv() => libc::SIGHUP,
                _ = interrupt.recv() => libc::SIGINT,
            };
            tokio::time::sleep(GRACE).await;
            pending.write();
            give_back_without_waiting();
            std::process::exit(128 + number);
        });
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(run)
        .map(drop)
        .map_err(failed())
}
