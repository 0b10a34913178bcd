//! tmux around the explorer: the terminal outside of tmux, and the option that lets images through
//! to it.
//!
//! tmux answers queries itself. The terminal outside is therefore identified by
//! `tmux display-message`, which knows what that terminal answered to tmux. Options are set for this
//! pane only, and restored afterwards.

use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard};

/// The environment variable with the id of the pane that this process runs in.
const PANE: &str = "TMUX_PANE";
/// The option that lets escape sequences through to the terminal outside.
const PASSTHROUGH: &str = "allow-passthrough";
/// The values that let sequences through, the most permissive first. `all` (tmux 3.4) lets a pane
/// draw while its window is hidden.
const PERMISSIVE: [&str; 2] = ["all", "on"];

/// The pane's own value of [`PASSTHROUGH`] before it was set here, or an empty string if the pane
/// had none. `None` while it is not set.
static ORIGINAL_PASSTHROUGH: Mutex<Option<String>> = Mutex::new(None);

/// The terminal outside of tmux, as tmux describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OuterTerminal {
    /// The name and version that the terminal reported to tmux (`kitty(0.41.1)`); empty if it
    /// reported none.
    pub version: String,
    /// True if tmux writes UTF-8 to the terminal.
    pub utf8: bool,
    /// A text that changes when a client attaches.
    pub attachment: String,
}

/// Asks the tmux server that this process runs in. Returns `None` if it cannot be reached, for
/// example over ssh from inside tmux. This takes some milliseconds, and must not run on the event
/// loop.
pub fn outer_terminal() -> Option<OuterTerminal> {
    let format = "#{client_termtype}\t#{client_utf8}\t#{client_pid} #{session_last_attached} #{window_active_clients}";
    let output = run_tmux(&["display-message", "-p", format])?;
    let mut fields = output.trim_end_matches('\n').split('\t');
    Some(OuterTerminal {
        version: fields.next()?.to_owned(),
        utf8: fields.next()? == "1",
        attachment: fields.next()?.to_owned(),
    })
}

/// Lets escape sequences through to the terminal outside until [`restore`]. Does nothing if they
/// are let through already, which includes versions before tmux 3.3, where the option does not
/// exist. Returns false if the option cannot be set.
pub fn allow_passthrough() -> bool {
    let Some(effective) = run_tmux(&["show-options", "-p", "-A", "-v", PASSTHROUGH]) else {
        return true;
    };
    if PERMISSIVE.contains(&effective.trim()) {
        return true;
    }
    let own = run_tmux(&["show-options", "-p", "-v", PASSTHROUGH]).unwrap_or_default();
    for value in PERMISSIVE {
        if run_tmux(&["set-option", "-p", PASSTHROUGH, value]).is_some() {
            *original_passthrough() = Some(own.trim().to_owned());
            return true;
        }
    }
    false
}

/// Restores the option, if it was set here.
pub fn restore() {
    let Some(original) = original_passthrough().take() else {
        return;
    };
    // An error is ignored: tmux may have exited.
    let _ = if original.is_empty() {
        run_tmux(&["set-option", "-p", "-u", PASSTHROUGH])
    } else {
        run_tmux(&["set-option", "-p", PASSTHROUGH, &original])
    };
}

/// Wraps a sequence so that tmux passes it on to the terminal outside.
pub fn wrap_passthrough(sequence: &str) -> String {
    format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b"))
}

fn original_passthrough() -> MutexGuard<'static, Option<String>> {
    ORIGINAL_PASSTHROUGH
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Runs a tmux command on this pane and returns its output; `None` if it fails.
fn run_tmux(arguments: &[&str]) -> Option<String> {
    let pane = std::env::var(PANE).ok()?;
    let (command, rest) = arguments.split_first()?;
    // The target must come before the arguments of the command.
    let output = Command::new("tmux")
        .arg(command)
        .args(["-t", &pane])
        .args(rest)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}
