//! The end of the explorer and its suspension: the terminal is restored after a key, after signals,
//! and while its output is blocked.

use std::time::Instant;

use crate::pty::{HELP, Setup, Terminal};

/// ctrl-z
const SUSPEND: &str = "\x1a";
/// The report of a mouse that moves over a cell.
const MOUSE: &str = "\x1b[<35;5;5M";

/// Starts the explorer and waits until the index is open.
fn loaded(setup: Setup) -> Terminal {
    let mut terminal = setup.start();
    terminal.until("825 entities");
    terminal
}

#[test]
fn without_a_shell_the_explorer_is_not_suspended() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = loaded(Setup::new(home.path()));
    terminal.keys(SUSPEND);
    terminal.until("cannot suspend");
    terminal.keys("?");
    terminal.until(HELP);
    terminal.keys("q");
    terminal.until_gone(HELP);
    terminal.keys("q");
    terminal.wait_for_end();
}

#[test]
fn a_shell_resumes_the_explorer() {
    let home = tempfile::tempdir().unwrap();
    // The shell has job control, and runs `fg` after a key.
    let script =
        r#"set -m; "$@"; echo "suspended here"; read -r; fg >/dev/null; echo "left with $?""#;
    let mut terminal = loaded(Setup {
        script: Some(script),
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
    terminal.until(" ranked");
    terminal.keys("q");
    terminal.until("left with 0");
}

#[test]
fn signals_end_the_explorer_while_its_output_is_blocked() {
    for signal in ["TERM", "HUP", "INT"] {
        let home = tempfile::tempdir().unwrap();
        let mut terminal = loaded(Setup::new(home.path()));
        terminal.block_output();
        let sent = Instant::now();
        terminal.signal(signal);
        terminal.wait_for_end_unread();
        println!(
            "{signal} with blocked output: ended after {:.0} ms",
            sent.elapsed().as_secs_f64() * 1e3
        );
    }
}

#[test]
fn input_that_arrives_at_the_end_is_not_typed_into_the_shell() {
    let home = tempfile::tempdir().unwrap();
    let script = r#""$@"; IFS= read -r -n 1 -t 0.5 rest; printf 'left over: [%q]\n' "$rest""#;
    let mut terminal = loaded(Setup {
        script: Some(script),
        ..Setup::new(home.path())
    });
    let from = terminal.raw.len();
    terminal.keys(&format!("q{}", MOUSE.repeat(40)));
    // reports that were sent before the terminal switched its modes off
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
        "reports of every mouse movement are switched on"
    );
}
