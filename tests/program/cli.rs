//! The program as a user meets it: exit codes, one sentence on standard error, results on standard
//! output.

use std::path::Path;

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin_cmd;

const COMMANDS: [&str; 14] = [
    "explore",
    "expand",
    "evaluate",
    "compare",
    "train",
    "convert",
    "convert-run",
    "qrels",
    "index",
    "check",
    "show",
    "doctor",
    "completions",
    "man",
];

/// The program in an empty folder, with no terminal and nothing inherited that would change what it
/// says.
fn multiexpan(folder: &Path) -> Command {
    let mut command = cargo_bin_cmd!("multiexpan");
    command.current_dir(folder);
    for name in [
        "TMUX",
        "ZELLIJ",
        "TERM_PROGRAM",
        "KITTY_WINDOW_ID",
        "RUST_BACKTRACE",
        "MULTIEXPAN_DATA",
    ] {
        command.env_remove(name);
    }
    command.env("HOME", folder).env("TERM", "xterm-256color");
    command
}

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn run(folder: &Path, args: &[&str]) -> Ran {
    let done = multiexpan(folder).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran {
        code: done.status.code(),
        out: text(done.stdout),
        err: text(done.stderr),
    }
}

/// One line that begins with the program's name.
fn one_sentence(ran: &Ran) -> bool {
    ran.err.starts_with("multiexpan: ") && ran.err.lines().count() == 1
}

fn demo_picture() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/image");
    let mut pictures: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    pictures.sort();
    let first = pictures
        .into_iter()
        .find(|path| path.extension().is_some_and(|e| e == "webp"))
        .unwrap();
    first.to_str().unwrap().to_owned()
}

#[test]
fn a_view_that_cannot_be_opened_is_refused_by_name() {
    let here = tempfile::tempdir().unwrap();
    let refused = |text: &str, why: &str| {
        std::fs::write(here.path().join("view.json"), text).unwrap();
        let ran = run(here.path(), &["explore", "--open", "view.json"]);
        assert!(ran.code == Some(1) && one_sentence(&ran), "{}", ran.err);
        assert!(
            ran.err.contains("view.json") && ran.err.contains(why),
            "{}",
            ran.err
        );
    };
    refused("{\"kind\": \"multiexp", "is damaged");
    refused(
        "{\"kind\": \"multiexpan-view\", \"version\": 9}",
        "has version 9",
    );
    refused("[]", "is not a view of multiexpan");
    assert!(
        run(here.path(), &["explore", "--open", "none.json"])
            .err
            .contains("none.json")
    );
}

#[test]
fn every_command_has_help() {
    let here = tempfile::tempdir().unwrap();
    let whole = run(here.path(), &["--help"]);
    assert_eq!(whole.code, Some(0));
    for name in COMMANDS {
        assert!(
            whole.out.contains(&format!("\n  {name} ")),
            "--help lists {name}"
        );
        let help = run(here.path(), &[name, "--help"]);
        assert_eq!(help.code, Some(0), "{name} --help");
        assert!(
            help.out.contains(&format!("Usage: multiexpan {name}")),
            "{}",
            help.out
        );
        assert!(
            help.err.is_empty(),
            "{name} --help is silent on standard error"
        );
    }
}

#[test]
fn the_version_is_the_crates() {
    let here = tempfile::tempdir().unwrap();
    let ran = run(here.path(), &["--version"]);
    assert_eq!(ran.code, Some(0));
    assert_eq!(
        ran.out.trim(),
        format!("multiexpan {}", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn wrong_arguments_exit_2() {
    let here = tempfile::tempdir().unwrap();
    for args in [
        &["no-such-command"][..],
        &["expand"],
        &["expand", "INDEX", "--seeds", "lion", "--size", "0"],
        &["expand", "INDEX", "--seeds", "lion", "--mode", "sound"],
        &["evaluate", "INDEX", "--seeds", "4"],
        &["doctor", "--device", "gpu"],
        &["show", "x.png", "--width", "0"],
    ] {
        let ran = run(here.path(), args);
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.err);
        assert!(
            ran.out.is_empty() && !ran.err.is_empty(),
            "{args:?} speaks on standard error alone"
        );
    }
}

#[test]
fn an_index_that_is_not_there_is_one_sentence() {
    let here = tempfile::tempdir().unwrap();
    let ran = run(here.path(), &["explore", "nowhere"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        one_sentence(&ran) && ran.err.contains("nowhere"),
        "{}",
        ran.err
    );
}

#[test]
fn show_writes_shades_without_colours_where_there_is_no_terminal() {
    let here = tempfile::tempdir().unwrap();
    let ran = run(here.path(), &["show", &demo_picture(), "--width", "12"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(!ran.out.contains(['\x1b', '\r']), "{:?}", ran.out);
    let rows: Vec<usize> = ran.out.lines().map(|line| line.chars().count()).collect();
    assert!(
        (1..=12).contains(&rows.len())
            && rows
                .iter()
                .all(|&columns| columns == rows[0] && columns <= 12),
        "{rows:?}"
    );
}

#[test]
fn show_of_what_is_no_picture_is_one_sentence() {
    let here = tempfile::tempdir().unwrap();
    std::fs::write(
        here.path().join("broken.png"),
        b"\x89PNG\r\n\x1a\nand then nothing",
    )
    .unwrap();
    std::fs::write(here.path().join("empty.png"), b"").unwrap();
    std::fs::create_dir(here.path().join("folder")).unwrap();
    for name in ["broken.png", "empty.png", "missing.png", "folder"] {
        let ran = run(here.path(), &["show", name]);
        assert_eq!(ran.code, Some(1), "{name}");
        assert!(
            one_sentence(&ran) && ran.err.contains(name),
            "{name}: {}",
            ran.err
        );
        assert!(ran.out.is_empty());
    }
}

#[test]
fn the_doctor_looks_at_everything() {
    let here = tempfile::tempdir().unwrap();
    let ran = run(here.path(), &["doctor", "--device", "cpu"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    for what in [
        "libtorch",
        "cpu threads",
        "cuda",
        "computes on",
        "demo index",
        "terminal",
        "settings",
        "sessions",
    ] {
        let line = ran
            .out
            .lines()
            .find(|line| line.contains(what))
            .unwrap_or_else(|| panic!("no line on {what}"));
        assert!(
            ["✓", "✗", "–"]
                .iter()
                .any(|mark| line.trim_start().starts_with(mark)),
            "{line}"
        );
    }
    assert!(ran.out.contains("✓ computes on        cpu"), "{}", ran.out);
}

#[test]
fn a_damaged_demo_index_is_found_by_the_doctor() {
    let here = tempfile::tempdir().unwrap();
    let index = here.path().join("demo/index");
    std::fs::create_dir_all(&index).unwrap();
    std::fs::write(index.join("index.json"), "{").unwrap();
    let done = multiexpan(here.path())
        .env("MULTIEXPAN_DATA", here.path())
        .arg("doctor")
        .output()
        .unwrap();
    let out = String::from_utf8(done.stdout).unwrap();
    assert!(
        out.contains("✗ demo index")
            && out.contains("is damaged")
            && out.contains("→ `make demo-index`"),
        "{out}"
    );
}

#[test]
fn the_settings_are_printed_as_they_are_read() {
    let here = tempfile::tempdir().unwrap();
    let ran = run(here.path(), &["explore", "--print-config"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(ran.out, multiexpan::config::DEFAULT_TOML);
    assert!(multiexpan::config::Settings::parse(&ran.out).is_ok());
}

#[test]
fn bash_reads_its_completions() {
    let here = tempfile::tempdir().unwrap();
    let ran = run(here.path(), &["completions", "bash"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let script = here.path().join("multiexpan.bash");
    std::fs::write(&script, &ran.out).unwrap();
    let read = std::process::Command::new("bash")
        .arg("-n")
        .arg(&script)
        .output()
        .unwrap();
    assert!(
        read.status.success(),
        "{}",
        String::from_utf8_lossy(&read.stderr)
    );
}

#[test]
fn the_manual_has_a_page_of_the_whole_and_of_each_command() {
    let here = tempfile::tempdir().unwrap();
    let whole = run(here.path(), &["man"]);
    assert!(
        whole.code == Some(0) && whole.out.contains("KEYS OF THE EXPLORER"),
        "{}",
        whole.err
    );
    for name in COMMANDS {
        let page = run(here.path(), &["man", name]);
        assert!(
            page.code == Some(0) && page.out.contains(".SH SYNOPSIS"),
            "{name}: {}",
            page.err
        );
    }
    let none = run(here.path(), &["man", "fly"]);
    assert!(none.code == Some(2) && one_sentence(&none), "{}", none.err);
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_is_no_fault() {
    use std::process::{Command as Process, Stdio};
    // The reading end is closed before the program writes.
    for args in [&["doctor"][..], &["show", &demo_picture()]] {
        let mut child = Process::new(env!("CARGO_BIN_EXE_multiexpan"))
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{args:?}: {:?}", done.status);
        assert!(
            done.stderr.is_empty(),
            "{args:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
}
