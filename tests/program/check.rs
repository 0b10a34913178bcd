//! `multiexpan check`: what it prints, and how it exits.

use std::fs;
use std::path::Path;

use assert_cmd::Command;

/// (exit code, standard output, standard error)
fn check(dataset: &Path) -> (Option<i32>, String, String) {
    let done = Command::cargo_bin("multiexpan")
        .unwrap()
        .arg("check")
        .arg(dataset)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

#[test]
fn the_demo_is_valid() {
    let (code, out, err) = check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo"));
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("is valid"), "{out}");
    assert!(
        err.contains("images: "),
        "progress goes to standard error: {err}"
    );
}

#[test]
fn an_error_is_named_and_fails_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("entity2id.txt"), "ant\t1\nbee\t2\n").unwrap();
    fs::write(root.join("sentences.json"), "{\"tokens\": [\n").unwrap();
    let (code, out, err) = check(root);
    assert_eq!(code, Some(1));
    let place = format!("{}:1: ", root.join("sentences.json").display());
    assert!(
        out.contains(&place) && out.contains("1 error and "),
        "{out}"
    );
    assert!(
        err.lines()
            .last()
            .is_some_and(|last| last.contains("has 1 error")),
        "{err}"
    );
}

#[test]
fn warnings_alone_do_not_fail() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("entity2id.txt"), "ant\t1\n").unwrap();
    fs::write(root.join("sentences.json"), "").unwrap();
    let (code, out, _) = check(root);
    assert_eq!(code, Some(0));
    assert!(out.contains("no errors and 2 warnings"), "{out}");
}

#[test]
fn what_is_no_data_set_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = check(folder.path());
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(
        err.contains("no entity2id.txt at") && err.lines().count() == 1,
        "{err}"
    );
}
