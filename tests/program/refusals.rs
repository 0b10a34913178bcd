//! Bad input: each is one sentence on standard error, exit 1 (2 where the arguments are refused),
//! and nothing is written.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/demo");

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_multiexpan"))
        .args(args)
        .output()
        .unwrap()
}

/// Runs, and holds the refusal to its form; gives the sentence.
fn refused(code: i32, args: &[&str]) -> String {
    let ran = run(args);
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(code), "{args:?}: {said}");
    assert!(ran.stdout.is_empty(), "{args:?} wrote results");
    let sentences: Vec<&str> = said
        .lines()
        .filter(|l| l.starts_with("multiexpan: "))
        .collect();
    assert_eq!(sentences.len(), 1, "{args:?}: {said}");
    sentences[0].to_owned()
}

fn demo_index() -> String {
    format!("{DEMO}/index")
}

/// A copy of the demo's index, whose data set is named where it is.
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
fn a_missing_folder() {
    for args in [
        &["expand", "/no/such", "--seeds", "lion"][..],
        &["evaluate", "/no/such"],
        &["check", "/no/such"],
        &["explore", "/no/such"],
    ] {
        assert!(refused(1, args).contains("/no/such"));
    }
    let out = tempfile::tempdir().unwrap();
    let model = out.path().join("model");
    refused(1, &["train", "/no/such", "--out", model.to_str().unwrap()]);
    refused(
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
fn a_data_set_without_a_vocabulary() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().to_str().unwrap(), folder.path().join("model"));
    assert!(refused(1, &["check", root]).contains("entity2id.txt"));
    assert!(refused(1, &["train", root, "--out", out.to_str().unwrap()]).contains("entity2id.txt"));
    assert!(!out.exists(), "nothing is written");
}

#[test]
fn a_truncated_index() {
    let folder = tempfile::tempdir().unwrap();
    let copy = copy_of_index(folder.path());
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(copy.join("both.safetensors"))
        .unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    let said = refused(
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
    assert!(said.contains("both.safetensors"), "{said}");
}

#[test]
fn an_unknown_seed_and_its_near_names() {
    let said = refused(
        1,
        &["expand", &demo_index(), "--seeds", "lion,tigr,leopard"],
    );
    assert!(said.contains("tigr") && said.contains("tiger"), "{said}");
}

#[test]
fn a_size_that_cannot_be() {
    refused_by_arguments(&[
        "expand",
        &demo_index(),
        "--seeds",
        "lion,tiger,leopard",
        "--size",
        "0",
    ]);
    let said = refused(
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
    assert!(said.contains("100000"), "{said}");
}

/// Arguments that the parser itself refuses.
fn refused_by_arguments(args: &[&str]) {
    let ran = run(args);
    assert_eq!(ran.status.code(), Some(2));
    assert!(ran.stdout.is_empty());
}

#[test]
fn a_class_that_is_not_there() {
    let said = refused(
        1,
        &["evaluate", &demo_index(), "--class", "carnivorus mammals"],
    );
    assert!(said.contains("carnivorous_mammals"), "{said}");
}

#[test]
fn a_checkpoint_of_another_vocabulary() {
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
    let said = refused(
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
    assert!(said.contains("vocabulary"), "{said}");
    assert!(!out.exists(), "nothing is written");
}

/// The demo's own example: the parts of every score sum to it, and so do the seeds' shares.
#[test]
fn the_demo_expands_and_explains() {
    let ran = run(&[
        "expand",
        &demo_index(),
        "--seeds",
        "lion,tiger,leopard",
        "--size",
        "30",
        "--format",
        "json",
    ]);
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(rows.len(), 30);
    for row in &rows {
        let number = |v: &serde_json::Value| v.as_f64().unwrap();
        let score = number(&row["score"]);
        let parts: f64 = ["prior", "text", "image"]
            .iter()
            .map(|p| number(&row["parts"][p]))
            .sum();
        let seeds: f64 = row["seeds"].as_object().unwrap().values().map(number).sum();
        assert!(
            (parts - score).abs() < 1e-3 && (seeds - score).abs() < 1e-3,
            "{row}"
        );
    }
    let gold = rows[..10].iter().filter(|r| r["gold"] == true).count();
    assert!(gold >= 8, "{gold} of the first 10 are carnivorous mammals");
}
