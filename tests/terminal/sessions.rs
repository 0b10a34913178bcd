//! Sessions that outlive the explorer: of two explorers at once, and in a home folder that cannot be
//! written for a while.

use crate::pty::{STATE, Setup, Terminal};

/// Starts the explorer and expands a class.
fn opened(home: &std::path::Path) -> Terminal {
    let mut terminal = Setup::new(home).start();
    terminal.until(" · both");
    terminal.keys("/fruits\r");
    terminal.until(" ranked");
    terminal
}

/// Starts the explorer, which opens the class of the last session.
fn reopened(home: &std::path::Path) -> Terminal {
    let mut terminal = Setup::new(home).start();
    terminal.until(" ranked");
    terminal
}

/// Gives a name to the present query.
fn name_query(terminal: &mut Terminal, name: &str) {
    terminal.keys(",n");
    terminal.until("Save the query as");
    terminal.keys(&format!("{name}\r"));
    terminal.until(&format!("“{name}”"));
}

#[test]
fn two_explorers_keep_the_named_queries_of_both() {
    let home = tempfile::tempdir().unwrap();
    let (mut one, mut other) = (opened(home.path()), opened(home.path()));
    name_query(&mut one, "of the first");
    name_query(&mut other, "of the second");
    for mut terminal in [other, one] {
        terminal.keys("q");
        terminal.wait_for_end();
    }
    let mut third = reopened(home.path());
    third.keys(",l");
    third.until("of the first");
    third.until("of the second");
    third.keys("qq");
    third.wait_for_end();
}

#[test]
fn a_session_is_saved_as_soon_as_it_can_be() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(STATE);
    // With a file instead of the folder, nothing can be written there.
    std::fs::write(&folder, "").unwrap();
    let mut terminal = Setup::new(home.path()).start();
    terminal.until("cannot read the session");
    // Only one word, because the notice is wrapped.
    terminal.until("(trying");
    terminal.until(" · both");
    terminal.keys("/fruits\r");
    terminal.until(" ranked");
    name_query(&mut terminal, "saved later");
    std::fs::remove_file(&folder).unwrap();
    terminal.until("saved again");
    terminal.signal("KILL");
    terminal.read_to_end();
    let mut again = reopened(home.path());
    again.keys(",l");
    again.until("saved later");
    again.keys("qq");
    again.wait_for_end();
}

#[test]
fn each_pasted_line_is_a_seed() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = opened(home.path());
    terminal.keys("a");
    terminal.keys("\x1b[200~\rlion\rtiger\rleopard\rzzzunheardof\r\x1b[201~");
    terminal.until("leopard ✕");
    terminal.until("zzzunheardof");
    terminal.until("lion ✕");
    terminal.until("tiger ✕");
    terminal.keys("qq");
    terminal.wait_for_end();
}
