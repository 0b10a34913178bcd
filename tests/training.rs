//! Training on a small world: every task learns, and a stopped training goes on as if it had not
//! been stopped.

mod formula;
mod world;

use multiexpan::error::Error;
use multiexpan::model::network_config::AlignmentConfig;
use multiexpan::progress::{Progress, Unobserved};
use multiexpan::train::train_config::{MiningConfig, TrainPrecision};
use multiexpan::train::{Task, TrainConfig, train};
use tch::Device;

use world::World;

#[test]
fn each_task_lowers_its_own_loss() {
    let world = World::new();
    for task in Task::PAPER {
        let out = task.name();
        let passes = 8;
        let config = TrainConfig {
            epochs: 8,
            contrastive_passes: passes,
            clustering_passes: passes,
            // by then the classes show
            mining: MiningConfig {
                after_epochs: 4,
                ..world.config(&[]).mining
            },
            ..world.config(&[Task::Mep, task])
        };
        world.train(out, &config);
        let log = world.log(out);
        // distillation is a part of masked entity prediction's loss
        let name = if task == Task::Distillation {
            "mep"
        } else {
            out
        };
        let losses: Vec<f64> = log
            .iter()
            .filter_map(|line| line["loss"][name].as_f64())
            .collect();
        assert!(losses.len() >= 8, "{log:?}");
        assert!(
            losses[losses.len() - 1] < losses[0] - 0.02,
            "{out}: {losses:?}"
        );
        let stages: Vec<_> = log
            .iter()
            .map(|line| line["stage"].as_u64().unwrap())
            .collect();
        let compared = matches!(task, Task::Contrastive | Task::Clustering);
        assert_eq!(stages.contains(&2), compared);
        assert!(
            log.iter()
                .all(|line| line["map@10"]["both"].as_f64().is_some())
        );
    }
}

/// A training that aligns before it fuses, or of a dual encoder alone.
fn aligned(world: &World, tasks: &[Task]) -> TrainConfig {
    TrainConfig {
        drop_text: 0.0,
        drop_image: 0.0,
        soft_targets: None,
        distillation_weight: 0.4,
        alignment: AlignmentConfig {
            width: 8,
            queue: 20,
        },
        ..world.config(tasks)
    }
}

const ALBEF: [Task; 4] = [Task::Itc, Task::Itm, Task::Mlm, Task::Distillation];

#[test]
fn aligning_lowers_each_loss() {
    let world = World::new();
    let dual = TrainConfig {
        fusion_layers: 0,
        alignment: AlignmentConfig { width: 8, queue: 0 },
        ..aligned(&world, &[Task::Itc])
    };
    for (out, config) in [("dual", dual), ("albef", aligned(&world, &ALBEF))] {
        world.train(
            out,
            &TrainConfig {
                epochs: 16,
                ..config.clone()
            },
        );
        let log = world.log(out);
        for task in config
            .tasks
            .iter()
            .filter(|&task| task != Task::Distillation)
        {
            let losses: Vec<f64> = log
                .iter()
                .map(|line| line["loss"][task.name()].as_f64().unwrap())
                .collect();
            // in the first epoch the queue fills: a pair is told from ever more others
            assert!(
                losses[losses.len() - 1] < losses[1] - 0.02,
                "{out}, {}: {losses:?}",
                task.name()
            );
        }
        let map = |line: &serde_json::Value| line["map@10"]["both"].as_f64().unwrap();
        assert!(
            map(&log[log.len() - 1]) > 0.9,
            "the two classes are not told apart: {log:?}"
        );
    }
}

#[test]
fn pairs_of_one_entity_have_no_hard_negatives() {
    let world = World::new();
    let config = TrainConfig {
        batch: 1,
        epochs: 1,
        pairs_per_entity: Some(1),
        ..aligned(&world, &ALBEF)
    };
    world.train("alone", &config);
    assert!(
        world.log("alone")[0]["loss"]["itm"]
            .as_f64()
            .unwrap()
            .is_finite()
    );
}

#[test]
fn a_stopped_training_goes_on_as_if_unbroken() {
    let world = World::new();
    stopped_is_unbroken(
        &world,
        "all",
        &TrainConfig {
            epochs: 2,
            ..world.config(&Task::PAPER)
        },
    );
    stopped_is_unbroken(
        &world,
        "albef",
        &TrainConfig {
            epochs: 5,
            ..aligned(&world, &ALBEF)
        },
    );
}

fn stopped_is_unbroken(world: &World, name: &str, config: &TrainConfig) {
    let [whole, again, parts] = ["whole", "again", "parts"].map(|part| format!("{name}-{part}"));
    let trained = world.train(&whole, config);
    world.train(&again, config);
    assert!(
        world.model(&whole) == world.model(&again),
        "the models differ from run to run"
    );
    // stopped again and again: in the first stage, once while mining, and in each kind of step
    let (mut stops, mut mining) = (0, true);
    loop {
        let mut steps = 0;
        let mut stop = |progress: Progress| {
            steps += usize::from(progress.stage.starts_with("epoch"));
            let enough = steps == 3 || mining && progress.stage == "mining";
            mining &= progress.stage != "mining";
            if enough { Err(Error::Stopped) } else { Ok(()) }
        };
        match train(
            &world.places(&parts),
            config,
            stops > 0,
            Device::Cpu,
            &mut stop,
        ) {
            Err(Error::Stopped) => stops += 1,
            done => {
                assert_eq!(done.unwrap().steps, trained.steps);
                break;
            }
        }
        assert!(stops < 100, "it does not end");
    }
    assert!(stops > 3, "{stops}");
    assert!(
        world.model(&whole) == world.model(&parts),
        "the models differ"
    );
    let timeless = |out: &str| -> Vec<_> {
        world
            .log(out)
            .into_iter()
            .map(|l| (l["epoch"].clone(), l["loss"].clone(), l["map@10"].clone()))
            .collect()
    };
    assert_eq!(timeless(&whole), timeless(&parts));
}

#[test]
fn parts_of_a_batch_add_up() {
    let world = World::new();
    // with dropout, parts would draw other numbers than the whole
    let still = TrainConfig {
        epochs: 1,
        dropout: 0.0,
        head_dropout: 0.0,
        score_dropout: 0.0,
        ..world.config(&[Task::Mep])
    };
    world.train("whole", &still);
    world.train(
        "parts",
        &TrainConfig {
            pairs_at_once: Some(5),
            ..still.clone()
        },
    );
    let loss = |out: &str| world.log(out)[0]["loss"]["mep"].as_f64().unwrap();
    assert!(
        (loss("whole") - loss("parts")).abs() < 1e-3,
        "{} {}",
        loss("whole"),
        loss("parts")
    );
}

#[test]
fn bf16_learns_too() {
    let world = World::new();
    let config = TrainConfig {
        epochs: 6,
        precision: TrainPrecision::Bf16,
        ..world.config(&[Task::Mep])
    };
    world.train("half", &config);
    let losses: Vec<f64> = world
        .log("half")
        .iter()
        .map(|l| l["loss"]["mep"].as_f64().unwrap())
        .collect();
    assert!(losses[5] < losses[0] - 0.02, "{losses:?}");
}

#[test]
fn a_loss_that_is_no_number_names_its_task_and_batch() {
    let world = World::new();
    let config = TrainConfig {
        learning_rate: 1e30,
        gradient_norm: None,
        ..world.config(&[Task::Mep])
    };
    let failed = train(
        &world.places("wild"),
        &config,
        false,
        Device::Cpu,
        &mut Unobserved,
    )
    .unwrap_err()
    .to_string();
    assert!(
        failed.contains("mep") && failed.contains("batch"),
        "{failed}"
    );
}
