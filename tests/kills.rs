//! Killed at any moment, `train` and `index` leave what opens, or what is refused in a sentence;
//! and they go on.

mod formula;
mod world;

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

use world::World;

const KILLS: usize = 20;

/// The program that computes, with its cache in the world.
fn engine(world: &World, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_multiexpan-engine"));
    command
        .args(args)
        .env("XDG_CACHE_HOME", world.at("cache"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Runs it for a random while and kills it; true where it had ended well before that.
fn killed(mut command: Command, rng: &mut ChaCha8Rng) -> bool {
    let mut child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(rng.random_range(250..1500)));
    if let Some(status) = child.try_wait().unwrap() {
        return status.success();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    false
}

/// Whatever this opening says of a folder half written, it is one sentence that names it.
fn opens_or_is_refused<T>(path: &Path, opened: multiexpan::error::Result<T>) -> bool {
    match opened {
        Ok(_) => true,
        Err(why) => {
            let why = why.to_string();
            assert!(
                why.contains(path.file_name().unwrap().to_str().unwrap()),
                "{why}"
            );
            false
        }
    }
}

#[test]
fn training() {
    let world = World::new();
    let config = TrainConfig {
        epochs: 40,
        ..world.config(&Task::PAPER)
    };
    fs::write(world.at("settings.toml"), toml::to_string(&config).unwrap()).unwrap();
    let (data, settings) = (world.at("data"), world.at("settings.toml"));
    let (data, settings) = (data.to_str().unwrap(), settings.to_str().unwrap());
    let train = |out: &str, more: &[&str]| {
        let out = world.at(out);
        let fixed = [
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
            &world,
            &[&fixed, ["--deterministic"].as_slice(), more].concat(),
        )
    };
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let folder = world.at("killed");
    let begun = || folder.join("training.safetensors").is_file();
    let go_on = || train("killed", if begun() { &["--resume"] } else { &[] });
    for _ in 0..KILLS {
        killed(go_on(), &mut rng);
        opens_or_is_refused(&folder, ModelFolder::open(&folder));
    }
    // a busy machine may not have come to a checkpoint
    if begun() || !folder.join("model.safetensors").is_file() {
        assert!(go_on().status().unwrap().success());
    }
    assert!(train("whole", &[]).status().unwrap().success());
    assert!(
        world.model("whole") == world.model("killed"),
        "the models differ"
    );
    assert_eq!(world.log("killed").len(), world.log("whole").len());
}

#[test]
fn indexing() {
    let world = World::new();
    world.train(
        "model",
        &TrainConfig {
            epochs: 1,
            ..world.config(&[Task::Mep])
        },
    );
    let at = |name: &str| world.at(name).to_string_lossy().into_owned();
    let (data, model, out) = (at("data"), at("model"), at("index"));
    let index = || engine(&world, &["index", &data, "--model", &model, "--out", &out]);
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    for _ in 0..KILLS {
        killed(index(), &mut rng);
        opens_or_is_refused(Path::new(&out), Index::open(Path::new(&out), Device::Cpu));
    }
    assert!(index().status().unwrap().success());
    assert!(opens_or_is_refused(
        Path::new(&out),
        Index::open(Path::new(&out), Device::Cpu)
    ));
}
