//! Indexes without a model: every command takes them, and one modality is enough.

use std::fs;
use std::process::{Command, Output};

use crate::common::workspace::Workspace;
use serde_json::Value;

fn run(workspace: &Workspace, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_multiexpan"))
        .current_dir(workspace.path(""))
        .env("XDG_CACHE_HOME", workspace.path("cache"))
        .args(arguments)
        .output()
        .unwrap()
}

fn stdout(workspace: &Workspace, arguments: &[&str]) -> String {
    let output = run(workspace, arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

const ENCODERS: [&str; 4] = [
    "--text-encoder",
    "text",
    "--image-encoder",
    "image.safetensors",
];

fn build(workspace: &Workspace, out: &str) -> String {
    let arguments = [&["index", "data", "--out", out][..], &ENCODERS].concat();
    stdout(workspace, &arguments)
}

fn modes(workspace: &Workspace, index: &str) -> Vec<String> {
    let text = fs::read(workspace.path(index).join("index.json")).unwrap();
    let meta: Value = serde_json::from_slice(&text).unwrap();
    let modes = meta["modes"].as_array().unwrap().iter();
    modes
        .map(|m| m["mode"].as_str().unwrap().to_owned())
        .collect()
}

fn map10(workspace: &Workspace, arguments: &[&str]) -> f64 {
    let all = [&["evaluate"], arguments, &["--format", "json"]].concat();
    let value: Value = serde_json::from_str(&stdout(workspace, &all)).unwrap();
    value["overall"]["map@10"].as_f64().unwrap()
}

/// Rewrites every line of the corpus.
fn edit_corpus(workspace: &Workspace, edit: impl Fn(usize, &mut Value)) {
    let path = workspace.path("data/sentences.json");
    let mut lines = String::new();
    for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
        let mut line: Value = serde_json::from_str(line).unwrap();
        edit(number, &mut line);
        lines += &format!("{line}\n");
    }
    fs::write(path, lines).unwrap();
}

#[test]
fn an_index_without_a_model_is_ranked_evaluated_and_analysed() {
    let workspace = Workspace::new();
    build(&workspace, "index");
    assert_eq!(
        modes(&workspace, "index"),
        ["frozen-text", "frozen-image", "words"]
    );
    // classes of one colour and the same words are easy
    for mode in [
        "both",
        "text",
        "image",
        "frozen-text",
        "frozen-image",
        "words",
    ] {
        let found = map10(&workspace, &["index", "--mode", mode]);
        assert!(found > 0.8, "{mode}: {found}");
    }
    for ranking in ["seeds", "window"] {
        map10(
            &workspace,
            &["index", "--mode", "text", "--ranking", ranking],
        );
        let output = run(&workspace, &["evaluate", "index", "--ranking", ranking]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            error.contains("mode both only in the feedback ranking"),
            "{error}"
        );
    }
    let expanded = stdout(
        &workspace,
        &[
            "expand",
            "index",
            "--seeds",
            "entity 0,entity 2",
            "--format",
            "json",
        ],
    );
    let rows: Vec<Value> = serde_json::from_str(&expanded).unwrap();
    assert_eq!(rows.len(), 14);
    assert!(rows[0]["parts"]["image"].is_number() && rows[0]["parts"]["text"].is_number());
    let seeds = stdout(&workspace, &["analyse", "seeds", "index"]);
    assert!(seeds.contains("5 seeds"), "{seeds}");
    let all = [
        &["analyse", "sentences", "index", "--draws", "2"][..],
        &ENCODERS,
    ]
    .concat();
    let sentences = stdout(&workspace, &all);
    assert!(
        sentences.contains("all sentences") && sentences.contains("2 draws"),
        "{sentences}"
    );
    // the same again from the cache
    let before = fs::read(workspace.path("index/frozen-text.safetensors")).unwrap();
    build(&workspace, "index");
    assert_eq!(
        fs::read(workspace.path("index/frozen-text.safetensors")).unwrap(),
        before
    );
}

#[test]
fn one_modality_is_enough() {
    let workspace = Workspace::new();
    edit_corpus(&workspace, |_, line| line["image"] = Value::Null);
    build(&workspace, "text-only");
    assert_eq!(modes(&workspace, "text-only"), ["frozen-text", "words"]);
    let both = map10(&workspace, &["text-only"]);
    assert_eq!(both, map10(&workspace, &["text-only", "--mode", "text"]));
    let output = run(&workspace, &["evaluate", "text-only", "--mode", "image"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("the index has no mode image"), "{error}");
    let all = [&["analyse", "sentences", "data"][..], &ENCODERS].concat();
    let output = run(&workspace, &all);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        error.contains("does not have both sentences and images"),
        "{error}"
    );
}

#[test]
fn an_entity_needs_a_sentence_or_an_image() {
    let workspace = Workspace::new();
    // Entity 0 has no image, entity 1 one sentence, entity 2 nothing.
    edit_corpus(&workspace, |number, line| match number {
        0..=2 => line["image"] = Value::Null,
        4..=5 => line["entityMentions"] = Value::Array(Vec::new()),
        6..=8 => line["entityMentions"][0]["entityId"] = 15.into(),
        _ => {}
    });
    let arguments = [&["index", "data", "--out", "index"][..], &ENCODERS].concat();
    let output = run(&workspace, &arguments);
    let notes = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{notes}");
    assert!(
        notes.contains("entities without a sentence or an image"),
        "{notes}"
    );
    let listed = stdout(
        &workspace,
        &[
            "expand",
            "index",
            "--seeds",
            "entity 4,entity 6",
            "--format",
            "tsv",
        ],
    );
    assert!(
        listed.contains("entity 0\t") && listed.contains("entity 1\t"),
        "{listed}"
    );
    assert!(!listed.contains("entity 2\t"), "{listed}");
}

#[test]
fn indexes_of_the_same_entities_form_an_ensemble() {
    let workspace = Workspace::new();
    build(&workspace, "one");
    build(&workspace, "two");
    // the mean of twice the same is the same
    let alone = stdout(
        &workspace,
        &["expand", "one", "--seeds", "entity 0,entity 2"],
    );
    let together = [
        "expand",
        "one",
        "--with",
        "two",
        "--seeds",
        "entity 0,entity 2",
    ];
    assert_eq!(stdout(&workspace, &together), alone);
    map10(&workspace, &["one", "--with", "two"]);
    edit_corpus(&workspace, |number, line| {
        if number < 3 {
            line["entityMentions"] = Value::Array(Vec::new());
        }
    });
    build(&workspace, "other");
    let output = run(
        &workspace,
        &["evaluate", "one", "--with", "other", "--dataset", "data"],
    );
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && error.contains("other"),
        "{error}"
    );
    let by_seeds = [
        "evaluate",
        "one",
        "--mode",
        "text",
        "--with",
        "two",
        "--ranking",
        "seeds",
    ];
    assert!(!run(&workspace, &by_seeds).status.success());
}
