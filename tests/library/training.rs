//! Training on a small data set: every task learns, and an interrupted training gives the same
//! model as an
//! uninterrupted one.

use multiexpan::error::Error;
use multiexpan::model::network_config::AlignmentConfig;
use multiexpan::progress::{Progress, Unobserved};
use multiexpan::train::train_config::{MiningConfig, TrainPrecision};
use multiexpan::train::{Task, TrainConfig, train};
use tch::Device;

use crate::common::workspace::Workspace;

#[test]
fn each_task_lowers_its_own_loss() {
    let workspace = Workspace::new();
    for task in Task::PAPER {
        let out = task.name();
        let passes = 8;
        let config = TrainConfig {
            epochs: 8,
            contrastive_passes: passes,
            clustering_passes: passes,
            // by then the model separates the classes
            mining: MiningConfig {
                after_epochs: 4,
                ..workspace.config(&[]).mining
            },
            ..workspace.config(&[Task::Mep, task])
        };
        workspace.train(out, &config);
        let log = workspace.log(out);
        // distillation is part of the loss of masked entity prediction
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
        let has_second_stage = matches!(task, Task::Contrastive | Task::Clustering);
        assert_eq!(stages.contains(&2), has_second_stage);
        assert!(
            log.iter()
                .all(|line| line["map@10"]["both"].as_f64().is_some())
        );
    }
}

/// Returns the settings of a training with alignment.
fn alignment_config(workspace: &Workspace, tasks: &[Task]) -> TrainConfig {
    TrainConfig {
        drop_text: 0.0,
        drop_image: 0.0,
        soft_targets: None,
        distillation_weight: 0.4,
        alignment: AlignmentConfig {
            width: 8,
            queue: 20,
        },
        ..workspace.config(tasks)
    }
}

const ALBEF: [Task; 4] = [Task::Itc, Task::Itm, Task::Mlm, Task::Distillation];

#[test]
fn each_alignment_loss_falls() {
    let workspace = Workspace::new();
    let dual = TrainConfig {
        fusion_layers: 0,
        alignment: AlignmentConfig { width: 8, queue: 0 },
        ..alignment_config(&workspace, &[Task::Itc])
    };
    for (out, config) in [
        ("dual", dual),
        ("albef", alignment_config(&workspace, &ALBEF)),
    ] {
        workspace.train(
            out,
            &TrainConfig {
                epochs: 16,
                ..config.clone()
            },
        );
        let log = workspace.log(out);
        for task in config
            .tasks
            .iter()
            .filter(|&task| task != Task::Distillation)
        {
            let losses: Vec<f64> = log
                .iter()
                .map(|line| line["loss"][task.name()].as_f64().unwrap())
                .collect();
            // in the first epoch the queue fills, so the number of negatives grows
            assert!(
                losses[losses.len() - 1] < losses[1] - 0.02,
                "{out}, {}: {losses:?}",
                task.name()
            );
        }
        let map = |line: &serde_json::Value| line["map@10"]["both"].as_f64().unwrap();
        assert!(
            map(&log[log.len() - 1]) > 0.9,
            "the model does not separate the two classes: {log:?}"
        );
    }
}

#[test]
fn tasks_of_albef_can_share_the_steps_of_prediction() {
    let workspace = Workspace::new();
    let tasks = [Task::Mep, Task::Itm, Task::Mlm];
    let config = TrainConfig {
        epochs: 8,
        ..workspace.config(&tasks)
    };
    workspace.train("model", &config);
    let log = workspace.log("model");
    for task in tasks {
        let losses: Vec<f64> = log
            .iter()
            .map(|line| line["loss"][task.name()].as_f64().unwrap())
            .collect();
        assert!(
            losses[losses.len() - 1] < losses[0] - 0.02,
            "{}: {losses:?}",
            task.name()
        );
    }
}

#[test]
fn pairs_of_one_entity_have_no_hard_negatives() {
    let workspace = Workspace::new();
    let config = TrainConfig {
        batch: 1,
        epochs: 1,
        pairs_per_entity: Some(1),
        ..alignment_config(&workspace, &ALBEF)
    };
    workspace.train("alone", &config);
    assert!(
        workspace.log("alone")[0]["loss"]["itm"]
            .as_f64()
            .unwrap()
            .is_finite()
    );
}

#[test]
fn an_interrupted_training_gives_the_same_model() {
    let workspace = Workspace::new();
    check_interrupted(
        &workspace,
        "all",
        &TrainConfig {
            epochs: 2,
            ..workspace.config(&Task::PAPER)
        },
    );
    check_interrupted(
        &workspace,
        "five",
        &TrainConfig {
            epochs: 2,
            pairs_at_once: Some(7),
            ..workspace.config(&[
                Task::Mep,
                Task::Contrastive,
                Task::Clustering,
                Task::Itm,
                Task::Mlm,
            ])
        },
    );
    check_interrupted(
        &workspace,
        "albef",
        &TrainConfig {
            epochs: 5,
            ..alignment_config(&workspace, &ALBEF)
        },
    );
}

fn check_interrupted(workspace: &Workspace, name: &str, config: &TrainConfig) {
    let [whole, again, parts] = ["whole", "again", "parts"].map(|part| format!("{name}-{part}"));
    let trained = workspace.train(&whole, config);
    workspace.train(&again, config);
    assert!(
        workspace.model(&whole) == workspace.model(&again),
        "the models differ from run to run"
    );
    // interrupted repeatedly: in the first stage, once during mining, and in each kind of step
    let (mut stops, mut mining) = (0, true);
    loop {
        let mut steps = 0;
        let mut observer = |progress: Progress| {
            steps += usize::from(progress.stage.starts_with("epoch"));
            let is_enough = steps == 3 || mining && progress.stage == "mining";
            mining &= progress.stage != "mining";
            if is_enough {
                Err(Error::Stopped)
            } else {
                Ok(())
            }
        };
        match train(
            &workspace.paths(&parts),
            config,
            stops > 0,
            Device::Cpu,
            &mut observer,
        ) {
            Err(Error::Stopped) => stops += 1,
            done => {
                assert_eq!(done.unwrap().steps, trained.steps);
                break;
            }
        }
        assert!(stops < 100, "the training does not end");
    }
    assert!(stops > 3, "{stops}");
    assert!(
        workspace.model(&whole) == workspace.model(&parts),
        "the models differ"
    );
    let timeless = |out: &str| -> Vec<_> {
        workspace
            .log(out)
            .into_iter()
            .map(|l| (l["epoch"].clone(), l["loss"].clone(), l["map@10"].clone()))
            .collect()
    };
    assert_eq!(timeless(&whole), timeless(&parts));
}

#[test]
fn parts_of_a_batch_add_up() {
    let workspace = Workspace::new();
    // with dropout, parts of a batch would draw other random numbers
    let without_dropout = TrainConfig {
        epochs: 1,
        dropout: 0.0,
        head_dropout: 0.0,
        score_dropout: 0.0,
        ..workspace.config(&[Task::Mep])
    };
    workspace.train("whole", &without_dropout);
    workspace.train(
        "parts",
        &TrainConfig {
            pairs_at_once: Some(5),
            ..without_dropout.clone()
        },
    );
    let loss = |out: &str| workspace.log(out)[0]["loss"]["mep"].as_f64().unwrap();
    assert!(
        (loss("whole") - loss("parts")).abs() < 1e-3,
        "{} {}",
        loss("whole"),
        loss("parts")
    );
}

#[test]
fn bf16_learns_too() {
    let workspace = Workspace::new();
    let config = TrainConfig {
        epochs: 6,
        precision: TrainPrecision::Bf16,
        ..workspace.config(&[Task::Mep])
    };
    workspace.train("half", &config);
    let losses: Vec<f64> = workspace
        .log("half")
        .iter()
        .map(|l| l["loss"]["mep"].as_f64().unwrap())
        .collect();
    assert!(losses[5] < losses[0] - 0.02, "{losses:?}");
}

#[test]
fn the_error_of_an_infinite_loss_has_task_and_batch() {
    let workspace = Workspace::new();
    let config = TrainConfig {
        learning_rate: 1e30,
        gradient_norm: None,
        ..workspace.config(&[Task::Mep])
    };
    let failed = train(
        &workspace.paths("wild"),
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
