//! What outlives an explorer: two at once, a home that cannot be written for a while.

use crate::pty::{STATE, Setup, Terminal};

/// An explorer where a class's candidates are to be seen.
fn opened(home: &std::path::Path) -> Terminal {
    let mut terminal = Setup::new(home).start();
    terminal.until(" · both");
    terminal.keys("/fruits\r");
    terminal.until("re-ranked");
    terminal
}

/// An explorer that comes back to the class of the last start.
fn reopened(home: &std::path::Path) -> Terminal {
    let mut terminal = Setup::new(home).start();
    terminal.until("re-ranked");
    terminal
}

fn name_state(terminal: &mut Terminal, name: &str) {
    terminal.keys(",n");
    terminal.until("A name for");
    terminal.keys(&format!("{name}\r"));
    terminal.until(&format!("“{name}”"));
}

#[test]
fn two_explorers_keep_the_states_of_both() {
    let home = tempfile::tempdir().unwrap();
    let (mut one, mut other) = (opened(home.path()), opened(home.path()));
    name_state(&mut one, "of the first");
    name_state(&mut other, "of the second");
    for mut terminal in [other, one] {
        terminal.keys("q");
        terminal.ends();
    }
    let mut third = reopened(home.path());
    third.keys(",l");
    third.until("of the first");
    third.until("of the second");
    third.keys("qq");
    third.ends();
}

#[test]
fn a_session_is_saved_as_soon_as_it_can_be() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(STATE);
    // a file in the place of the folder: nothing can be written there
    std::fs::write(&folder, "").unwrap();
    let mut terminal = Setup::new(home.path()).start();
    terminal.until("the session cannot be read");
    // one word: the notice is wrapped
    terminal.until("tried");
    terminal.until(" · both");
    terminal.keys("/fruits\r");
    terminal.until("re-ranked");
    name_state(&mut terminal, "kept all the same");
    std::fs::remove_file(&folder).unwrap();
    terminal.until("saved again");
    terminal.signal("KILL");
    terminal.until_end();
    let mut again = reopened(home.path());
    again.keys(",l");
    again.until("kept all the same");
    again.keys("qq");
    again.ends();
}

#[test]
fn pasted_lines_are_that_many_seeds() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = opened(home.path());
    terminal.keys("a");
    terminal.keys("\x1b[200~\rlion\rtiger\rleopard\rzzzunheardof\r\x1b[201~");
    terminal.until("leopard ✕");
    terminal.until("zzzunheardof");
    terminal.until("lion ✕");
    terminal.until("tiger ✕");
    terminal.keys("qq");
    terminal.ends();
}
