//! The boundary of classes: `calibrate` and what `evaluate` reports of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/demo");

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_multiexpan"))
        .args(arguments)
        .output()
        .unwrap()
}

fn stdout(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Copies the demo's index without its fitted boundaries.
fn copied_index(folder: &Path) -> PathBuf {
    let copy = folder.join("index");
    std::fs::create_dir(&copy).unwrap();
    for file in std::fs::read_dir(Path::new(DEMO).join("index")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
    // the copy lies elsewhere than the demo
    let path = copy.join("index.json");
    let mut meta: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    meta["provenance"]["dataset"]["path"] = DEMO.into();
    meta["boundaries"] = Value::Array(Vec::new());
    std::fs::write(&path, meta.to_string()).unwrap();
    copy
}

fn boundary(index: &str) -> Value {
    let text = stdout(&["evaluate", index, "--format", "json"]);
    let all: Value = serde_json::from_str(&text).unwrap();
    all["boundary"].clone()
}

#[test]
fn a_fitted_boundary_is_stored_and_used() {
    let folder = tempfile::tempdir().unwrap();
    let index = copied_index(folder.path());
    let index = index.to_str().unwrap();
    let before = boundary(index);
    let number = |cut: &Value, name: &str| cut[name].as_f64().unwrap();
    assert!(number(&before, "f1") > 0.7, "{before}");
    assert!(number(&before, "calibration_error") < 0.03, "{before}");
    assert_eq!(before["queries"], 230);
    let arguments = ["calibrate", index, "--mode", "both"];
    let dry = stdout(&[&arguments[..], &["--dry-run"]].concat());
    assert!(
        dry.contains("fitted on 230 queries of 5 seeds of 46 classes of demo"),
        "{dry}"
    );
    assert_eq!(boundary(index), before, "--dry-run changes nothing");
    assert_eq!(stdout(&arguments), dry);
    let after = boundary(index);
    assert_ne!(after, before);
    assert!(number(&after, "f1") > 0.7, "{after}");
    let text = std::fs::read(Path::new(index).join("index.json")).unwrap();
    let meta: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(meta["boundaries"][0]["mode"], "both");
    // fitting again gives the same
    assert_eq!(stdout(&arguments), dry);
    assert_eq!(boundary(index), after);
}

#[test]
fn other_rankings_have_no_boundary() {
    let index = format!("{DEMO}/index");
    let text = stdout(&["evaluate", &index, "--ranking", "seeds", "--format", "json"]);
    let all: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(all.get("boundary"), None);
}

#[test]
fn without_gold_nothing_can_be_fitted() {
    let folder = tempfile::tempdir().unwrap();
    let raw =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/expansion/index.safetensors");
    let index = folder.path().join("raw");
    let index = index.to_str().unwrap();
    stdout(&["index", "--raw", raw.to_str().unwrap(), "--out", index]);
    let output = run(&["calibrate", index]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("there is no gold to fit the boundary to"),
        "{error}"
    );
}
