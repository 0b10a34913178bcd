//! Runs the program on the demo in a pseudo-terminal: the start, every screen, random keys, the
//! latency of keys, and the end. Prints what it measures
//! (`cargo test --release --test terminal -- --nocapture`).

mod answers;
mod latency;
mod leaving;
mod pty;
mod random;
mod sessions;

use std::time::{Duration, Instant};

use pty::{ESCAPE, HELP, Setup, Terminal};

/// Starts the explorer in its own home folder.
fn start(home: &tempfile::TempDir, columns_and_rows: (u16, u16), images: &'static str) -> Terminal {
    Setup {
        columns_and_rows,
        images,
        ..Setup::new(home.path())
    }
    .start()
}

/// Visits every screen and popup.
fn visit_every_screen(size: (u16, u16), images: &'static str) {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = start(&home, size, images);
    let first_frame = terminal.until("multiexpan");
    let loaded = terminal.until(" · both");
    terminal.keys("/");
    terminal.keys("carniv");
    terminal.until("carniv");
    let entered = Instant::now();
    terminal.keys("\r");
    terminal.until("query 1 of 5");
    terminal.until(" ranked");
    println!(
        "{}x{} {images}: first frame {:.0} ms, index open {:.0} ms, expansion of a class {:.0} ms",
        size.0,
        size.1,
        first_frame.as_secs_f64() * 1e3,
        loaded.as_secs_f64() * 1e3,
        entered.elapsed().as_secs_f64() * 1e3
    );
    terminal.keys("]");
    terminal.until("query 2 of 5");
    terminal.keys("m");
    terminal.until("vs both");
    terminal.keys("jj");
    terminal.until("score  ");
    terminal.keys("yy");
    terminal.until("copied: ");
    assert!(
        String::from_utf8_lossy(&terminal.raw).contains("\x1b]52;c;"),
        "no copy sequence was written"
    );
    terminal.keys("2");
    terminal.until("both against text");
    terminal.until("wins");
    terminal.keys("jj");
    terminal.keys("3");
    terminal.until("false positives");
    terminal.keys("jjc");
    terminal.until("gold↓");
    terminal.keys("c4");
    terminal.until("all queries");
    terminal.keys("s");
    terminal.keys("1");
    terminal.until("query 2 of 5");
    terminal.keys("w");
    terminal.until("Explanation: ");
    terminal.keys("qi");
    terminal.until("What if");
    terminal.keys("q:");
    terminal.until("Actions");
    // a single esc, which is not the beginning of another key
    terminal.keys("\x1b");
    terminal.until_gone("Actions");
    terminal.keys("?");
    terminal.until(HELP);
    terminal.keys(ESCAPE);
    terminal.until_gone(HELP);
    assert!(!redraw_differs(&mut terminal));
    terminal.keys("q");
    terminal.wait_for_end();
}

/// Returns true if a complete redraw gives another screen than the incremental updates before it.
fn redraw_differs(terminal: &mut Terminal) -> bool {
    const SILENCE: Duration = Duration::from_millis(120);
    const ATTEMPTS: usize = 20;
    // Work in the background may change the screen in between.
    for _ in 0..ATTEMPTS {
        terminal.wait_for_silence(SILENCE);
        let before = terminal.screen.screen().contents_formatted();
        terminal.redraw();
        if comes_back(terminal, &before) {
            return false;
        }
    }
    true
}

/// Reads until the screen is the same as before. Returns false if it is not, and nothing more is
/// written. Images are encoded again after a redraw, and are drawn with later frames.
fn comes_back(terminal: &mut Terminal, before: &str) -> bool {
    while terminal.screen.screen().contents_formatted() != before {
        if !terminal.read(Duration::from_secs(1)) {
            return false;
        }
    }
    true
}

#[test]
fn every_screen_at_80_by_24() {
    visit_every_screen((80, 24), "off");
}

#[test]
fn every_screen_at_160_by_50() {
    visit_every_screen((160, 50), "halfblocks");
}

#[test]
fn every_screen_with_images_in_the_protocol_of_the_terminal() {
    visit_every_screen((160, 50), "auto");
}

#[test]
fn a_hang_up_restores_the_terminal_and_saves_the_session() {
    assert_session_survives(|terminal| {
        terminal.signal("HUP");
        terminal.wait_for_end();
    });
}

#[test]
fn a_lost_connection_ends_the_explorer_and_saves_the_session() {
    assert_session_survives(Terminal::disconnect);
}

/// Ends the explorer in the middle of typing, and checks that the next one shows the same session.
fn assert_session_survives(end: impl FnOnce(Terminal)) {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = start(&home, (120, 40), "off");
    terminal.until(" · both");
    terminal.keys("/fruits\r");
    terminal.until(" ranked");
    terminal.keys("3");
    terminal.until("by tag");
    terminal.keys("jjx");
    terminal.until("* ");
    terminal.keys("alooks alike\r");
    terminal.until("“looks alike”");
    terminal.keys("1alion\r");
    terminal.until("lion ✕");
    terminal.keys("tig");
    terminal.until("tig");
    let seeds = seeds_line(&terminal);
    end(terminal);
    let mut again = start(&home, (120, 40), "off");
    again.until("lion ✕");
    again.until(" ranked");
    let restored = seeds_line(&again);
    let chips = |line: &str| -> Vec<String> {
        line.split('✕')
            .filter_map(|chip| chip.rsplit(['│', '┃']).next())
            .map(|chip| chip.trim().to_owned())
            .collect()
    };
    assert_eq!(chips(&restored)[..4], chips(&seeds)[..4]);
    again.keys("3");
    again.until("by tag");
    again.keys("X");
    again.until("“looks alike”");
    again.keys("q");
    again.wait_for_end();
}

fn seeds_line(terminal: &Terminal) -> String {
    terminal
        .contents()
        .lines()
        .find(|line| line.contains('✕'))
        .unwrap()
        .to_owned()
}

#[test]
fn the_explorer_does_not_load_libtorch_and_outlives_the_engine() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = start(&home, (120, 40), "off");
    terminal.until("825 entities");
    let pid = terminal.child.process_id().unwrap();
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    assert!(
        !maps.contains("libtorch"),
        "the first frame waits for libtorch"
    );
    let children = std::fs::read_dir(format!("/proc/{pid}/task"))
        .unwrap()
        .flatten();
    let engine = children
        .map(|thread| std::fs::read_to_string(thread.path().join("children")).unwrap())
        .collect::<String>();
    let killed = std::process::Command::new("kill")
        .args(["-KILL", engine.trim()])
        .status()
        .unwrap();
    assert!(killed.success());
    terminal.until("the engine has ended");
    terminal.keys("q");
    terminal.wait_for_end();
}
