//! Giving the terminal back: after a key, after signals, while it is suspended, and while nobody
//! reads.

use std::time::Instant;

use crate::pty::{HELP, Setup, Terminal};

/// ctrl-z
const SUSPEND: &str = "\x1a";
/// The mouse moves over a cell, as terminals report it.
const MOUSE: &str = "\x1b[<35;5;5M";

fn loaded(setup: Setup) -> Terminal {
    let mut terminal = setup.start();
    terminal.until("825 entities");
    terminal
}

#[test]
fn without_a_shell_it_is_not_suspended() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = loaded(Setup::new(home.path()));
    terminal.keys(SUSPEND);
    terminal.until("no shell waits");
    terminal.keys("?");
    terminal.until(HELP);
    terminal.keys("q");
    terminal.until_gone(HELP);
    terminal.keys("q");
    terminal.ends();
}

#[test]
fn a_shell_brings_it_back() {
    let home = tempfile::tempdir().unwrap();
    // with job control; `fg` waits for the key
    let script =
        r#"set -m; "$@"; echo "suspended here"; read -r; fg >/dev/null; echo "left with $?""#;
    let mut terminal = loaded(Setup {
        within: Some(script),
        ..Setup::new(home.path())
    });
    terminal.keys(SUSPEND);
    terminal.until("suspended here");
    assert!(
        !terminal.contents().contains("825 entities"),
        "{}",
        terminal.contents()
    );
    terminal.keys("\r");
    terminal.until("825 entities");
    terminal.keys("/carniv\r");
    terminal.until("re-ranked");
    terminal.keys("q");
    terminal.until("left with 0");
}

#[test]
fn signals_end_it_while_nobody_reads() {
    for signal in ["TERM", "HUP", "INT"] {
        let home = tempfile::tempdir().unwrap();
        let mut terminal = loaded(Setup::new(home.path()));
        terminal.block_output();
        let sent = Instant::now();
        terminal.signal(signal);
        terminal.ends_unread();
        println!(
            "{signal} with blocked output: ended after {:.0} ms",
            sent.elapsed().as_secs_f64() * 1e3
        );
    }
}

#[test]
fn what_the_terminal_sends_while_it_is_left_is_not_typed_into_the_shell() {
    let home = tempfile::tempdir().unwrap();
    let script = r#""$@"; IFS= read -r -n 1 -t 0.5 left; printf 'left over: [%q]\n' "$left""#;
    let mut terminal = loaded(Setup {
        within: Some(script),
        ..Setup::new(home.path())
    });
    let from = terminal.raw.len();
    terminal.keys(&format!("q{}", MOUSE.repeat(40)));
    // reported before the terminal has read that it is to stop
    terminal.until_written(b"\x1b[?1000l", from);
    terminal.keys(&MOUSE.repeat(40));
    terminal.until("left over: ['']");
    let raw = String::from_utf8_lossy(&terminal.raw).into_owned();
    for mode in ["1000", "1002", "1006", "2004", "1004"] {
        let (on, off) = (
            raw.rfind(&format!("\x1b[?{mode}h")),
            raw.rfind(&format!("\x1b[?{mode}l")),
        );
        assert!(off >= on, "mode {mode} stays on");
    }
    assert!(
        !raw.contains("\x1b[?1003h"),
        "every movement of the mouse is asked for"
    );
}
