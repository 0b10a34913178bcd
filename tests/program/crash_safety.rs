//! Tests `train` and `index`, killed at random moments: the output opens or gives an error, and the
//! commands can be resumed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use multiexpan::index::Index;
use multiexpan::model::ModelFolder;
use multiexpan::train::{Task, TrainConfig};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::Device;

use crate::common::workspace::Workspace;

const KILLS: usize = 20;

/// Returns a command of the engine program with its cache in the workspace.
fn engine(workspace: &Workspace, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_multiexpan-engine"));
    command
        .args(args)
        .env("XDG_CACHE_HOME", workspace.path("cache"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Runs a command for a random time, then kills it. Returns whether it succeeded before the kill.
fn run_and_kill(mut command: Command, rng: &mut ChaCha8Rng) -> bool {
    let mut child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(rng.random_range(250..1500)));
    if let Some(status) = child.try_wait().unwrap() {
        return status.success();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    false
}

/// Returns whether the folder was opened, and asserts that an error contains its name.
fn opens_or_fails_with_its_name<T>(path: &Path, opened: multiexpan::error::Result<T>) -> bool {
    match opened {
        Ok(_) => true,
        Err(error) => {
            let error = error.to_string();
            assert!(
                error.contains(path.file_name().unwrap().to_str().unwrap()),
                "{error}"
            );
            false
        }
    }
}

#[test]
fn a_killed_training_is_resumed() {
    let workspace = Workspace::new();
    let config = TrainConfig {
        epochs: 40,
        ..workspace.config(&Task::PAPER)
    };
    fs::write(
        workspace.path("settings.toml"),
        toml::to_string(&config).unwrap(),
    )
    .unwrap();
    let (data, settings) = (workspace.path("data"), workspace.path("settings.toml"));
    let (data, settings) = (data.to_str().unwrap(), settings.to_str().unwrap());
    let train = |out: &str, options: &[&str]| {
        let out = workspace.path(out);
        let common_options = [
            "train",
            data,
            "--out",
            out.to_str().unwrap(),
            "--config",
            settings,
            "--preset",
            "base",
        ];
        engine(
            &workspace,
            &[&common_options, ["--deterministic"].as_slice(), options].concat(),
        )
    };
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let folder = workspace.path("killed");
    let has_checkpoint = || folder.join("training.safetensors").is_file();
    let resume = || train("killed", if has_checkpoint() { &["--resume"] } else { &[] });
    for _ in 0..KILLS {
        run_and_kill(resume(), &mut rng);
        opens_or_fails_with_its_name(&folder, ModelFolder::open(&folder));
    }
    // On a busy machine there may be no checkpoint yet.
    if has_checkpoint() || !folder.join("model.safetensors").is_file() {
        assert!(resume().status().unwrap().success());
    }
    assert!(train("whole", &[]).status().unwrap().success());
    assert!(
        workspace.model("whole") == workspace.model("killed"),
        "the models differ"
    );
    assert_eq!(workspace.log("killed").len(), workspace.log("whole").len());
}

#[test]
fn a_killed_index_build_is_resumed() {
    let workspace = Workspace::new();
    workspace.train(
        "model",
        &TrainConfig {
            epochs: 1,
            ..workspace.config(&[Task::Mep])
        },
    );
    let path_text = |name: &str| workspace.path(name).to_string_lossy().into_owned();
    let (data, model, out) = (path_text("data"), path_text("model"), path_text("index"));
    let index = || {
        engine(
            &workspace,
            &["index", &data, "--model", &model, "--out", &out],
        )
    };
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    for _ in 0..KILLS {
        run_and_kill(index(), &mut rng);
        opens_or_fails_with_its_name(Path::new(&out), Index::open(Path::new(&out), Device::Cpu));
    }
    assert!(index().status().unwrap().success());
    assert!(opens_or_fails_with_its_name(
        Path::new(&out),
        Index::open(Path::new(&out), Device::Cpu)
    ));
}
