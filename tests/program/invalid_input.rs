//! Invalid input: one error on standard error, exit code 1 (2 for invalid arguments), and nothing
//! is
//! written.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/demo");

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_multiexpan"))
        .args(args)
        .output()
        .unwrap()
}

/// Runs a command that must fail with this exit code, and returns its only error.
fn error_of(code: i32, args: &[&str]) -> String {
    let output = run(args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{args:?} wrote results");
    let errors: Vec<&str> = stderr
        .lines()
        .filter(|l| l.starts_with("multiexpan: "))
        .collect();
    assert_eq!(errors.len(), 1, "{args:?}: {stderr}");
    errors[0].to_owned()
}

fn demo_index() -> String {
    format!("{DEMO}/index")
}

/// Copies the demo's index without its data set.
fn copy_of_index(to: &Path) -> PathBuf {
    let copy = to.join("index");
    std::fs::create_dir(&copy).unwrap();
    for file in std::fs::read_dir(demo_index()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
    copy
}

#[test]
fn a_missing_folder_is_an_error() {
    for args in [
        &["expand", "/no/such", "--seeds", "lion"][..],
        &["evaluate", "/no/such"],
        &["check", "/no/such"],
        &["explore", "/no/such"],
    ] {
        assert!(error_of(1, args).contains("/no/such"));
    }
    let out = tempfile::tempdir().unwrap();
    let model = out.path().join("model");
    error_of(1, &["train", "/no/such", "--out", model.to_str().unwrap()]);
    error_of(
        1,
        &[
            "index",
            DEMO,
            "--model",
            "/no/such",
            "--out",
            model.to_str().unwrap(),
        ],
    );
    assert!(!model.exists(), "nothing is written");
}

#[test]
fn a_data_set_without_a_vocabulary_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().to_str().unwrap(), folder.path().join("model"));
    assert!(error_of(1, &["check", root]).contains("entity2id.txt"));
    assert!(
        error_of(1, &["train", root, "--out", out.to_str().unwrap()]).contains("entity2id.txt")
    );
    assert!(!out.exists(), "nothing is written");
}

#[test]
fn a_truncated_index_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let copy = copy_of_index(folder.path());
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(copy.join("both.safetensors"))
        .unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    let error = error_of(
        1,
        &[
            "expand",
            copy.to_str().unwrap(),
            "--dataset",
            DEMO,
            "--seeds",
            "lion,tiger,leopard",
        ],
    );
    assert!(error.contains("both.safetensors"), "{error}");
}

#[test]
fn an_unknown_seed_is_an_error_with_similar_names() {
    let error = error_of(
        1,
        &["expand", &demo_index(), "--seeds", "lion,tigr,leopard"],
    );
    assert!(error.contains("tigr") && error.contains("tiger"), "{error}");
}

#[test]
fn an_impossible_size_is_an_error() {
    assert_rejected_by_parser(&[
        "expand",
        &demo_index(),
        "--seeds",
        "lion,tiger,leopard",
        "--size",
        "0",
    ]);
    let error = error_of(
        2,
        &[
            "expand",
            &demo_index(),
            "--seeds",
            "lion,tiger,leopard",
            "--size",
            "100000",
        ],
    );
    assert!(error.contains("100000"), "{error}");
}

/// Asserts that the argument parser rejects these arguments.
fn assert_rejected_by_parser(args: &[&str]) {
    let output = run(args);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
}

#[test]
fn an_unknown_class_is_an_error_with_similar_names() {
    let error = error_of(
        1,
        &["evaluate", &demo_index(), "--class", "carnivorus mammals"],
    );
    assert!(error.contains("carnivorous_mammals"), "{error}");
}

#[test]
fn a_checkpoint_of_another_vocabulary_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/model");
    let model = folder.path().join("model");
    std::fs::create_dir(&model).unwrap();
    std::fs::copy(golden.join("config.json"), model.join("config.json")).unwrap();
    std::fs::copy(
        golden.join("checkpoint.safetensors"),
        model.join("model.safetensors"),
    )
    .unwrap();
    let out = folder.path().join("index");
    let error = error_of(
        1,
        &[
            "index",
            DEMO,
            "--model",
            model.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ],
    );
    assert!(error.contains("vocabulary"), "{error}");
    assert!(!out.exists(), "nothing is written");
}

/// The parts of every score sum to it, and so do the contributions of the seeds and of what is fed
/// back.
#[test]
fn the_demo_expands_and_explains() {
    let output = run(&[
        "expand",
        &demo_index(),
        "--seeds",
        "lion,tiger,leopard",
        "--size",
        "30",
        "--format",
        "json",
    ]);
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows.len(), 30);
    for row in &rows {
        let number = |v: &serde_json::Value| v.as_f64().unwrap();
        let score = number(&row["score"]);
        let parts: f64 = ["prior", "text", "image", "hubness", "rejected"]
            .iter()
            .map(|p| number(&row["parts"][p]))
            .sum();
        let seeds: f64 = row["seeds"].as_object().unwrap().values().map(number).sum();
        let seeds = seeds + number(&row["feedback"]);
        assert!(
            (parts - score).abs() < 1e-3 && (seeds - score).abs() < 1e-3,
            "{row}"
        );
    }
    let gold = rows[..10].iter().filter(|r| r["gold"] == true).count();
    assert!(gold >= 8, "{gold} of the first 10 are carnivorous mammals");
}

/// Runs `expand` for three cats in the demo with more arguments, and returns the names of the
/// candidates.
fn expanded_cats(arguments: &[&str]) -> Vec<String> {
    let index = demo_index();
    let mut all = vec!["expand", &index, "--seeds", "lion,tiger,leopard"];
    all.extend(arguments);
    all.extend(["--format", "json"]);
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&run(&all).stdout).unwrap();
    let name = |row: &serde_json::Value| row["entity"].as_str().unwrap().to_owned();
    rows.iter().map(name).collect()
}

#[test]
fn accepted_and_rejected_candidates_change_the_list() {
    let before = expanded_cats(&[]);
    let rejected = before[9].as_str();
    let after = expanded_cats(&["--accept", &before[0], "--reject", rejected]);
    assert!(!after.contains(&before[0]) && !after.contains(&before[9]));
    assert_ne!(after[..20], before[2..22]);
    let until = expanded_cats(&["--until-boundary"]);
    assert!(!until.is_empty() && until.len() < before.len());
    assert_eq!(until, before[..until.len()]);
    let seeds_only = ["--seeds", "lion", "--until-boundary"];
    let index = demo_index();
    let error = error_of(2, &[&["expand", index.as_str()], &seeds_only[..]].concat());
    assert!(
        error.contains("where the class ends is known only"),
        "{error}"
    );
}
