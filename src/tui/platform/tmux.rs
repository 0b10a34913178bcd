//! tmux around the explorer: which terminal is outside, and the option that lets images through to
//! it.
//!
//! tmux answers queries itself, so the terminal outside is asked through `tmux display-message`,
//! which knows what that terminal answered to tmux. Options are set for this pane alone, and put
//! back as they were found.

use std::process::{Command, Stdio};
use std::sync::Mutex;

/// Names the pane that this process runs in.
const PANE: &str = "TMUX_PANE";
const PASSTHROUGH: &str = "allow-passthrough";
/// The values of the option, the most permissive first: `all` (tmux 3.4) lets a pane draw while its
/// window is hidden.
const PERMISSIVE: [&str; 2] = ["all", "on"];

/// What tmux says of the terminal outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// Its name and version as it gave them to tmux (`kitty(0.41.1)`); empty where it gave none.
    pub version: String,
    /// Whether tmux writes UTF-8 to it.
    pub utf8: bool,
    /// Changes when another client attaches, or the same one again.
    pub attached: String,
}

/// Asks the tmux server that this process runs in. `None` where it is not reachable: over ssh from
/// inside tmux, for example. Takes some milliseconds; not to be called on the event loop.
pub fn outside() -> Option<Outside> {
    let format = "#{client_termtype}\t#{client_utf8}\t#{client_pid} #{session_last_attached} #{window_active_clients}";
    let said = tmux(&["display-message", "-p", format])?;
    let mut fields = said.trim_end_matches('\n').split('\t').map(str::to_owned);
    let (version, utf8) = (fields.next()?, fields.next()?);
    Some(Outside {
        version,
        utf8: utf8 == "1",
        attached: fields.next()?,
    })
}

/// Whether sequences reach the terminal outside: they do where the option allows it, and before
/// tmux 3.3, which has no such option. Otherwise allows it for this pane until [`restore`].
pub fn allow_passthrough() -> bool {
    let Some(effective) = tmux(&["show-options", "-p", "-A", "-v", PASSTHROUGH]) else {
        return true;
    };
    if PERMISSIVE.contains(&effective.trim()) {
        return true;
    }
    // empty where the pane has no value of its own
    let own = tmux(&["show-options", "-p", "-v", PASSTHROUGH])
        .unwrap_or_default()
        .trim()
        .to_owned();
    let allowed = PERMISSIVE
        .into_iter()
        .any(|value| tmux(&["set-option", "-p", PASSTHROUGH, value]).is_some());
    if allowed {
        *found() = Some(own);
    }
    allowed
}

/// Puts the option back as it was found.
pub fn restore() {
    if let Some(own) = found().take() {
        // tmux may be gone
        let _ = match own.as_str() {
            "" => tmux(&["set-option", "-p", "-u", PASSTHROUGH]),
            own => tmux(&["set-option", "-p", PASSTHROUGH, own]),
        };
    }
}

/// A sequence as tmux hands it on to the terminal outside.
pub fn wrapped(sequence: &str) -> String {
    format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b"))
}

/// The pane's own value of the option before it was set here.
fn found() -> std::sync::MutexGuard<'static, Option<String>> {
    static FOUND: Mutex<Option<String>> = Mutex::new(None);
    FOUND.lock().unwrap_or_else(|broken| broken.into_inner())
}

/// Runs a tmux command on this pane: its output, where it succeeded.
fn tmux(arguments: &[&str]) -> Option<String> {
    let pane = std::env::var(PANE).ok()?;
    let (command, rest) = arguments.split_first()?;
    // the target comes before what the command is given
    let output = Command::new("tmux")
        .arg(command)
        .args(["-t", &pane])
        .args(rest)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
