//! The real program in a pseudo-terminal, on the real demo: start, every screen, keys at random,
//! how long a key takes, the end. Prints what it measures (`cargo test --release --test terminal --
//! --nocapture`).

mod answers;
mod latency;
mod leaving;
mod pty;
mod random;
mod sessions;

use std::time::{Duration, Instant};

use pty::{ESCAPE, HELP, Setup, Terminal};

/// In a home of its own.
fn start(home: &tempfile::TempDir, columns_and_rows: (u16, u16), images: &'static str) -> Terminal {
    Setup {
        columns_and_rows,
        images,
        ..Setup::new(home.path())
    }
    .start()
}

fn walk(size: (u16, u16), images: &'static str) {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = start(&home, size, images);
    let first_frame = terminal.until("multiexpan");
    let loaded = terminal.until(" · both");
    terminal.keys("/");
    terminal.keys("carniv");
    terminal.until("carniv");
    let asked = Instant::now();
    terminal.keys("\r");
    terminal.until("query 1 of 5");
    terminal.until("re-ranked");
    println!(
        "{}x{} {images}: first frame {:.0} ms, index open {:.0} ms, a class's expansion {:.0} ms",
        size.0,
        size.1,
        first_frame.as_secs_f64() * 1e3,
        loaded.as_secs_f64() * 1e3,
        asked.elapsed().as_secs_f64() * 1e3
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
        "the terminal is not asked to copy"
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
    terminal.until("Why: ");
    terminal.keys("qi");
    terminal.until("What if");
    terminal.keys("q:");
    terminal.until("Actions");
    // a lone esc, not the beginning of another key
    terminal.keys("\x1b");
    terminal.until_gone("Actions");
    terminal.keys("?");
    terminal.until(HELP);
    terminal.keys(ESCAPE);
    terminal.until_gone(HELP);
    assert!(!repaints_otherwise(&mut terminal));
    terminal.keys("q");
    terminal.ends();
}

/// Whether the screen, drawn anew, is another than it was by small changes.
fn repaints_otherwise(terminal: &mut Terminal) -> bool {
    const REST: Duration = Duration::from_millis(120);
    // what runs in the background may change it in between
    (0..20).all(|_| {
        terminal.quiet(REST);
        let before = terminal.screen.screen().contents_formatted();
        terminal.redraw();
        // images are made anew and come with later frames
        while terminal.screen.screen().contents_formatted() != before {
            if !terminal.read(Duration::from_secs(1)) {
                return true;
            }
        }
        false
    })
}

#[test]
fn every_screen_at_80_by_24() {
    walk((80, 24), "off");
}

#[test]
fn every_screen_at_160_by_50() {
    walk((160, 50), "halfblocks");
}

#[test]
fn every_screen_with_pictures_that_the_terminal_answers_for() {
    walk((160, 50), "auto");
}

#[test]
fn a_hang_up_gives_the_terminal_back_and_keeps_what_was_done() {
    loses_nothing(|terminal| {
        terminal.signal("HUP");
        terminal.ends();
    });
}

#[test]
fn a_line_that_is_cut_ends_it_and_loses_nothing() {
    loses_nothing(Terminal::cut);
}

/// Ends the explorer in the middle of typing; what the next one shows.
fn loses_nothing(end: impl FnOnce(Terminal)) {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = start(&home, (120, 40), "off");
    terminal.until(" · both");
    terminal.keys("/fruits\r");
    terminal.until("re-ranked");
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
    again.until("re-ranked");
    let now = seeds_line(&again);
    let chips = |line: &str| -> Vec<String> {
        line.split('✕')
            .filter_map(|chip| chip.rsplit(['│', '┃']).next())
            .map(|chip| chip.trim().to_owned())
            .collect()
    };
    assert_eq!(chips(&now)[..4], chips(&seeds)[..4]);
    again.keys("3");
    again.until("by tag");
    again.keys("X");
    again.until("“looks alike”");
    again.keys("q");
    again.ends();
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
fn the_screen_needs_no_libtorch_and_outlives_the_engine() {
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
    terminal.ends();
}
