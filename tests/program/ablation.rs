//! Tests `multiexpan ablate` on a small data set: every cell is trained and evaluated, and the same
//! command finishes a run that was killed.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::workspace::Workspace;
use multiexpan::index::Prototypes;
use multiexpan::train::{Task, TrainConfig};

#[test]
fn each_cell_is_computed_once_and_a_killed_run_resumes() {
    let workspace = Workspace::new();
    let config = TrainConfig {
        epochs: 1,
        prototypes: Some(Prototypes {
            nearest: 2,
            ..Prototypes::default()
        }),
        ..workspace.config(&[Task::Mep, Task::Contrastive])
    };
    fs::write(
        workspace.path("recipe.toml"),
        toml::to_string(&config).unwrap(),
    )
    .unwrap();
    let run = |out: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_multiexpan"));
        command
            .current_dir(workspace.path(""))
            .env("XDG_CACHE_HOME", workspace.path("cache"))
            .stderr(Stdio::null());
        command.args([
            "ablate",
            "data",
            "--out",
            out,
            "--config",
            "recipe.toml",
            "--device",
            "cpu",
        ]);
        command.args(["--tasks", "mep,contrastive", "--seeds", "1,2"]);
        command
    };
    let complete = run("whole").output().unwrap();
    assert!(complete.status.success());
    let table = String::from_utf8(complete.stdout).unwrap();
    let names = [
        "all",
        "without contrastive",
        "without pictures",
        "without sentences",
        "without prototypes",
    ];
    let rows: Vec<&str> = table.lines().skip(2).collect();
    assert_eq!(rows.len(), names.len(), "{table}");
    for (row, name) in rows.iter().zip(names) {
        assert!(
            row.starts_with(&format!("| {name} | 2 |")) && row.contains('±'),
            "{row}"
        );
    }
    assert_eq!(
        fs::read_to_string(workspace.path("whole/ablation.md")).unwrap(),
        table
    );
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(workspace.path("whole/ablation.json")).unwrap()).unwrap();
    assert_eq!(report["cells"].as_array().unwrap().len(), 2 * names.len());
    let pictures = &report["cells"]
        .as_array()
        .unwrap()
        .iter()
        .find(|cell| cell["variant"] == "without pictures")
        .unwrap()["map10"];
    assert!(
        pictures.get("text, seeds").is_some() && pictures.get("both, seeds").is_none(),
        "{pictures}"
    );

    // The second run only reads the finished cells.
    let modification_time = |name: &str| {
        fs::metadata(workspace.path(name))
            .unwrap()
            .modified()
            .unwrap()
    };
    let modified_before = modification_time("whole/all-1.json");
    assert!(run("whole").status().unwrap().success());
    assert_eq!(modification_time("whole/all-1.json"), modified_before);

    let mut child = run("killed").stdout(Stdio::null()).spawn().unwrap();
    while !workspace.path("killed/all-1.json").exists() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended without its first cell"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success(), "it was killed on the way");
    assert!(!workspace.path("killed/without-prototypes-2.json").exists());
    assert!(run("killed").status().unwrap().success());
    // The durations are not compared.
    let cells = |out: &str| {
        let path = workspace.path(&format!("{out}/ablation.json"));
        let all: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let cells = all["cells"].as_array().unwrap().clone();
        cells
            .into_iter()
            .map(|cell| {
                (
                    cell["variant"].clone(),
                    cell["seed"].clone(),
                    cell["map10"].clone(),
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(cells("killed"), cells("whole"));
}
