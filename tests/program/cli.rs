//! Tests the command line: exit codes, one-line errors on standard error, and results on standard
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

/// Returns the program in a folder, without a terminal and without environment variables that would
/// change its output.
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

/// The exit code and the output of the program.
struct Output {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let output = multiexpan(folder).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Output {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// Returns whether the standard error is one line that starts with the name of the program.
fn is_one_line_error(output: &Output) -> bool {
    output.stderr.starts_with("multiexpan: ") && output.stderr.lines().count() == 1
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
fn a_view_that_cannot_be_opened_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let assert_error = |text: &str, reason: &str| {
        std::fs::write(folder.path().join("view.json"), text).unwrap();
        let output = run(folder.path(), &["explore", "--open", "view.json"]);
        assert!(
            output.code == Some(1) && is_one_line_error(&output),
            "{}",
            output.stderr
        );
        assert!(
            output.stderr.contains("view.json") && output.stderr.contains(reason),
            "{}",
            output.stderr
        );
    };
    assert_error("{\"kind\": \"multiexp", "is damaged");
    assert_error(
        "{\"kind\": \"multiexpan-view\", \"version\": 9}",
        "has version 9",
    );
    assert_error("[]", "is not a view of multiexpan");
    assert!(
        run(folder.path(), &["explore", "--open", "none.json"])
            .stderr
            .contains("none.json")
    );
}

#[test]
fn every_command_has_help() {
    let folder = tempfile::tempdir().unwrap();
    let overview = run(folder.path(), &["--help"]);
    assert_eq!(overview.code, Some(0));
    for name in COMMANDS {
        assert!(
            overview.stdout.contains(&format!("\n  {name} ")),
            "--help lists {name}"
        );
        let help = run(folder.path(), &[name, "--help"]);
        assert_eq!(help.code, Some(0), "{name} --help");
        assert!(
            help.stdout.contains(&format!("Usage: multiexpan {name}")),
            "{}",
            help.stdout
        );
        assert!(
            help.stderr.is_empty(),
            "{name} --help is silent on standard error"
        );
    }
}

#[test]
fn the_version_is_that_of_the_crate() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["--version"]);
    assert_eq!(output.code, Some(0));
    assert_eq!(
        output.stdout.trim(),
        format!("multiexpan {}", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn invalid_arguments_exit_with_code_2() {
    let folder = tempfile::tempdir().unwrap();
    for args in [
        &["no-such-command"][..],
        &["expand"],
        &["expand", "INDEX", "--seeds", "lion", "--size", "0"],
        &["expand", "INDEX", "--seeds", "lion", "--mode", "sound"],
        &["evaluate", "INDEX", "--seeds", "4"],
        &["doctor", "--device", "gpu"],
        &["show", "x.png", "--width", "0"],
    ] {
        let output = run(folder.path(), args);
        assert_eq!(output.code, Some(2), "{args:?}: {}", output.stderr);
        assert!(
            output.stdout.is_empty() && !output.stderr.is_empty(),
            "{args:?} speaks on standard error alone"
        );
    }
}

#[test]
fn a_missing_index_is_a_one_line_error() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["explore", "nowhere"]);
    assert_eq!(output.code, Some(1));
    assert!(
        is_one_line_error(&output) && output.stderr.contains("nowhere"),
        "{}",
        output.stderr
    );
}

#[test]
fn show_prints_no_colors_without_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["show", &demo_picture(), "--width", "12"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(
        !output.stdout.contains(['\x1b', '\r']),
        "{:?}",
        output.stdout
    );
    let rows: Vec<usize> = output
        .stdout
        .lines()
        .map(|line| line.chars().count())
        .collect();
    assert!(
        (1..=12).contains(&rows.len())
            && rows
                .iter()
                .all(|&columns| columns == rows[0] && columns <= 12),
        "{rows:?}"
    );
}

#[test]
fn show_of_an_invalid_image_is_a_one_line_error() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("broken.png"),
        b"\x89PNG\r\n\x1a\nand then nothing",
    )
    .unwrap();
    std::fs::write(folder.path().join("empty.png"), b"").unwrap();
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    for name in ["broken.png", "empty.png", "missing.png", "folder"] {
        let output = run(folder.path(), &["show", name]);
        assert_eq!(output.code, Some(1), "{name}");
        assert!(
            is_one_line_error(&output) && output.stderr.contains(name),
            "{name}: {}",
            output.stderr
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn the_doctor_checks_everything() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["doctor", "--device", "cpu"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    for item in [
        "libtorch",
        "cpu threads",
        "cuda",
        "computes on",
        "demo index",
        "terminal",
        "settings",
        "sessions",
    ] {
        let line = output
            .stdout
            .lines()
            .find(|line| line.contains(item))
            .unwrap_or_else(|| panic!("no line on {item}"));
        assert!(
            ["✓", "✗", "–"]
                .iter()
                .any(|mark| line.trim_start().starts_with(mark)),
            "{line}"
        );
    }
    assert!(
        output.stdout.contains("✓ computes on        cpu"),
        "{}",
        output.stdout
    );
}

#[test]
fn the_doctor_reports_a_damaged_demo_index() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("demo/index");
    std::fs::create_dir_all(&index).unwrap();
    std::fs::write(index.join("index.json"), "{").unwrap();
    let output = multiexpan(folder.path())
        .env("MULTIEXPAN_DATA", folder.path())
        .arg("doctor")
        .output()
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(
        out.contains("✗ demo index")
            && out.contains("is damaged")
            && out.contains("→ `make demo-index`"),
        "{out}"
    );
}

#[test]
fn the_printed_settings_can_be_parsed() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["explore", "--print-config"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert_eq!(output.stdout, multiexpan::config::DEFAULT_TOML);
    assert!(multiexpan::config::Settings::parse(&output.stdout).is_ok());
}

#[test]
fn bash_accepts_the_completions() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["completions", "bash"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let script = folder.path().join("multiexpan.bash");
    std::fs::write(&script, &output.stdout).unwrap();
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
fn the_manual_has_an_overview_and_a_page_for_each_command() {
    let folder = tempfile::tempdir().unwrap();
    let overview = run(folder.path(), &["man"]);
    assert!(
        overview.code == Some(0) && overview.stdout.contains("KEYS OF THE EXPLORER"),
        "{}",
        overview.stderr
    );
    for name in COMMANDS {
        let page = run(folder.path(), &["man", name]);
        assert!(
            page.code == Some(0) && page.stdout.contains(".SH SYNOPSIS"),
            "{name}: {}",
            page.stderr
        );
    }
    let unknown = run(folder.path(), &["man", "fly"]);
    assert!(
        unknown.code == Some(2) && is_one_line_error(&unknown),
        "{}",
        unknown.stderr
    );
}

#[cfg(unix)]
#[test]
fn a_closed_output_pipe_is_not_an_error() {
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
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{args:?}: {:?}", output.status);
        assert!(
            output.stderr.is_empty(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
