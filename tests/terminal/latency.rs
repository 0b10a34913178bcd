//! From a key to its frame while every query is being evaluated, and the screen's memory; from the
//! evaluation to its failures, and from a key to an explanation. Times are printed; what is
//! asserted is the processors' time, which does not depend on what else the machine does.
//!
//! `MULTIEXPAN_LATENCY_INDEX=INDEX cargo test --release --test terminal latency -- --nocapture`:
//! another index than the demo's.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::pty::{Setup, Terminal, demo};

/// The list of candidates begins below this line.
const HEAD: &str = "entity";

/// The line of the candidate under the cursor: the one whose paper is another than that of most.
fn cursor(screen: &vt100::Screen) -> Option<u16> {
    let (rows, cols) = {
        let (rows, cols) = screen.size();
        (rows.get(), cols.get())
    };
    let head = (0..rows).find(|&row| screen.contents_between(row, 0, row, cols).contains(HEAD))?;
    let line = screen.contents_between(head, 0, head, cols);
    let column = line[..line.find(HEAD)?].chars().count() as u16;
    let paper = |row| screen.cell(row, column).map(|cell| cell.bgcolor());
    let plain = paper(head);
    (head + 1..rows).find(|&row| paper(row) != plain)
}

/// Steps down and up the candidates for as long as something is evaluated; how long each took to be
/// seen.
fn step_while_it_evaluates(terminal: &mut Terminal, took: &mut Vec<Duration>) {
    let mut down = true;
    while terminal.contents().contains("evaluating") {
        let from = cursor(terminal.screen.screen()).expect("a candidate is under the cursor");
        let to = if down { from + 1 } else { from - 1 };
        let pressed = Instant::now();
        terminal.keys(if down { "j" } else { "k" });
        terminal.wait("the next candidate", |screen| cursor(screen) == Some(to));
        took.push(pressed.elapsed());
        down = !down;
        terminal.read(Duration::from_millis(10));
    }
}

/// Waits a little for a text: what is done already does not come.
fn appears(terminal: &mut Terminal, text: &str) {
    let deadline = Instant::now() + Duration::from_millis(500);
    while !terminal.contents().contains(text) && Instant::now() < deadline {
        terminal.read(Duration::from_millis(20));
    }
}

/// In which Linux counts processor time.
const TICKS_PER_SECOND: f64 = 100.0;

/// The seconds of processor time that a process has taken.
fn own_processor_time(pid: u32) -> f64 {
    let own = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // after the name, which may hold anything, user and system time are the 12th and 13th number
    let numbers: Vec<&str> = own
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks: f64 = numbers
        .iter()
        .skip(11)
        .take(2)
        .filter_map(|number| number.parse::<f64>().ok())
        .sum();
    ticks / TICKS_PER_SECOND
}

/// The seconds of processor time that a process and those it has started have taken.
fn processor_time(pid: u32) -> f64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let children =
        threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let children: Vec<u32> = children.flat_map(|line| pids(&line)).collect();
    own_processor_time(pid) + children.into_iter().map(processor_time).sum::<f64>()
}

fn pids(line: &str) -> Vec<u32> {
    line.split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

fn memory(pid: u32, what: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(what))
        .unwrap_or("0");
    line.trim()
        .trim_end_matches(" kB")
        .trim()
        .parse::<f64>()
        .unwrap_or(0.0)
        / 1e3
}

/// The program on the index to be timed, where a class's query was just expanded.
fn expanded(home: &Path) -> Terminal {
    let index = std::env::var_os("MULTIEXPAN_LATENCY_INDEX").map_or_else(demo, PathBuf::from);
    let mut terminal = Setup {
        index,
        ..Setup::new(home)
    }
    .start();
    terminal.until(" · both");
    terminal.keys("j\r");
    terminal.until("re-ranked");
    terminal
}

#[test]
fn a_key_is_seen_while_everything_is_evaluated() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = expanded(home.path());
    let pid = terminal.child.process_id().unwrap();
    let own_time = || own_processor_time(pid);
    let (mut took, before) = (Vec::new(), own_time());
    for change in ["", "m", "m", "\t", "m", "m"] {
        terminal.keys(change);
        appears(&mut terminal, "evaluating");
        step_while_it_evaluates(&mut terminal, &mut took);
    }
    let each = (own_time() - before) * 1e3 / took.len().max(1) as f64;
    took.sort();
    // each of these keys was seen before the evaluation had ended, so none waited for it
    assert!(
        took.len() >= 20,
        "only {} keys were seen while it evaluated",
        took.len()
    );
    let at =
        |share: f64| took[((took.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e3;
    let peak = memory(pid, "VmHWM:");
    println!(
        "{} keys while it evaluates: p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms, {each:.1} ms of processor time each; the \
         screen's memory at its peak {peak:.0} MB",
        took.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
    // 16 ms for 99 of 100 are promised
    assert!(each <= 16.0, "a key takes {each:.1} ms of processor time");
    assert!(peak < 150.0, "the screen takes {peak:.0} MB");
    terminal.keys("q");
    terminal.ends();
}

#[test]
fn failures_and_explanations_are_there_soon() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = expanded(home.path());
    let pid = terminal.child.process_id().unwrap();
    appears(&mut terminal, "evaluating");
    terminal.wait("the end of the evaluation", |screen| {
        !screen.contents().contains("evaluating")
    });
    let before = processor_time(pid);
    let mut timed = |keys: &str, shown: &str| {
        let pressed = terminal.begun.elapsed();
        terminal.keys(keys);
        (terminal.until(shown) - pressed).as_secs_f64()
    };
    let table = timed("3", "by tag");
    timed("1", "Candidates");
    // the first one reads its pages from the disk
    let first = timed("w", "score: ΣZ");
    timed("q", "Candidates");
    let next = timed("jw", "score: ΣZ");
    let all = processor_time(pid) - before;
    println!(
        "failures {table:.2} s after the evaluation, an explanation {first:.3} s, the next {next:.3} s; {all:.2} s of \
         processor time in all"
    );
    // a second each is promised
    assert!(all <= 3.0, "they take {all:.1} s of processor time");
    timed("q", "Candidates");
    terminal.keys("q");
    terminal.ends();
}
