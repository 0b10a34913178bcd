//! Training on a small world: every task learns, and a stopped training goes on as if it had not been stopped.

mod formula;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use multiexpan::error::Error;
use multiexpan::job::{Progress, Unobserved};
use multiexpan::model::bert::Bert;
use multiexpan::model::{Config, State};
use multiexpan::train::config::{MinedFrom, Mining, Neighbours, Precision, Start};
use multiexpan::train::trainer::{Places, Trained};
use multiexpan::train::{Task, Tasks, TrainConfig, train};
use tch::nn::VarStore;
use tch::{Device, Tensor};

const ENTITIES: usize = 16;
const PAIRS: usize = 3;

/// A data set of two classes with words and colours of their own, and two small encoders with random weights.
struct World {
    folder: tempfile::TempDir,
    /// torch's random numbers are of the whole process: one training at a time.
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

impl World {
    fn new() -> Self {
        let alone = ALONE.lock().unwrap_or_else(|failed| failed.into_inner());
        tch::set_num_threads(1);
        let world = World { folder: tempfile::tempdir().unwrap(), _alone: alone };
        world.write_data();
        world.write_encoders();
        world
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write_data(&self) {
        for folder in ["data/gt", "data/query", "data/query_seed=5", "data/image"] {
            fs::create_dir_all(self.at(folder)).unwrap();
        }
        let (mut names, mut sentences, mut gold) = (String::new(), String::new(), [String::new(), String::new()]);
        for e in 0..ENTITIES {
            let class = e % 2;
            names += &format!("entity {e}\t{e}\n");
            gold[class] += &format!("{e}\tentity {e}\t1\n");
            let colour = [image::Rgb([200, 30 + 10 * e as u8, 20]), image::Rgb([20, 30 + 10 * e as u8, 200])][class];
            image::RgbImage::from_pixel(32, 32, colour).save(self.at(&format!("data/image/{e}.png"))).unwrap();
            for s in 0..PAIRS {
                let said = [["the", "americas", "native"], ["zurich", "large", "cat"]][class];
                let tokens = serde_json::json!(["jaguar", "is", said[s % 3], said[(s + e) % 3], ".", "a"]);
                let mention = serde_json::json!([{"entityId": e, "start": 0, "end": 0}]);
                let line =
                    serde_json::json!({"tokens": tokens, "entityMentions": mention, "image": format!("image/{e}.png")});
                sentences += &format!("{line}\n");
            }
        }
        fs::write(self.at("data/entity2id.txt"), names).unwrap();
        fs::write(self.at("data/sentences.json"), sentences).unwrap();
        for (class, name) in ["reds", "blues"].into_iter().enumerate() {
            fs::write(self.at(&format!("data/gt/{name}.txt")), &gold[class]).unwrap();
            let seeds = |n: usize| (0..n).map(|i| (2 * i + class).to_string()).collect::<Vec<_>>().join(" ");
            fs::write(self.at(&format!("data/query/{name}.txt")), seeds(3)).unwrap();
            fs::write(self.at(&format!("data/query_seed=5/{name}.txt")), seeds(5)).unwrap();
        }
    }

    fn write_encoders(&self) {
        let text = self.at("text");
        fs::create_dir_all(&text).unwrap();
        let tokenizer = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizer/vocab.txt");
        let words = fs::read_to_string(&tokenizer).unwrap().lines().count() as i64;
        fs::copy(tokenizer, text.join("vocab.txt")).unwrap();
        let sizes = Config {
            hidden: 16,
            heads: 2,
            feed_forward: 32,
            bert_layers: 2,
            token_vocabulary: words,
            max_positions: 160,
            ..Config::default()
        };
        let config = serde_json::json!({"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 32, "vocab_size": words, "max_position_embeddings": 160});
        fs::write(text.join("config.json"), config.to_string()).unwrap();
        tch::manual_seed(5);
        let store = VarStore::new(Device::Cpu);
        let _bert = Bert::new(store.root(), &sizes);
        let parameters: Vec<(String, Tensor)> = store.variables().into_iter().collect();
        Tensor::write_safetensors(&parameters, text.join("model.safetensors")).unwrap();
        let image: Vec<_> = formula::filled("efficientnet-lite0.txt").into_iter().collect();
        Tensor::write_safetensors(&image, self.at("image.safetensors")).unwrap();
    }

    fn config(&self, tasks: &[Task]) -> TrainConfig {
        let path = |name: &str| self.at(name).to_string_lossy().into_owned();
        TrainConfig {
            text_encoder: path("text"),
            image_encoder: path("image.safetensors"),
            vision_layers: 1,
            fusion_layers: 1,
            grid: Some(2),
            state: State::Mean,
            drop_text: 0.1,
            drop_image: 0.1,
            start: Start::Random,
            epochs: 4,
            pairs_per_entity: None,
            batch: 16,
            learning_rate: 3e-3,
            encoder_learning_rate: 1e-3,
            head_learning_rate: 3e-3,
            tasks: Tasks::new(tasks.iter().copied()),
            momentum: 0.9,
            mining: Mining { from: MinedFrom::Entities, after: 1, positives: 3, size: 12, negatives: 4 },
            neighbours: Some(Neighbours::default()),
            precision: Precision::F32,
            ..TrainConfig::default()
        }
    }

    fn places(&self, out: &str) -> Places {
        Places { dataset: self.at("data"), out: self.at(out), cache: self.at("cache") }
    }

    fn train(&self, out: &str, config: &TrainConfig) -> Trained {
        train(&self.places(out), config, false, Device::Cpu, &mut Unobserved).unwrap()
    }

    /// The log's lines.
    fn log(&self, out: &str) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.at(out).join("training.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn model(&self, out: &str) -> Vec<u8> {
        fs::read(self.at(out).join("model.safetensors")).unwrap()
    }
}

#[test]
fn each_task_lowers_its_own_loss() {
    let world = World::new();
    for task in Task::ALL {
        let out = task.name();
        let passes = 8;
        let config = TrainConfig {
            epochs: 8,
            contrastive_passes: passes,
            clustering_passes: passes,
            // by then the classes show
            mining: Mining { after: 4, ..world.config(&[]).mining },
            ..world.config(&[Task::Mep, task])
        };
        world.train(out, &config);
        let log = world.log(out);
        // distillation is a part of masked entity prediction's loss
        let name = if task == Task::Distillation { "mep" } else { out };
        let losses: Vec<f64> = log.iter().filter_map(|line| line["loss"][name].as_f64()).collect();
        assert!(losses.len() >= 8, "{log:?}");
        assert!(losses[losses.len() - 1] < losses[0] - 0.02, "{out}: {losses:?}");
        let stages: Vec<_> = log.iter().map(|line| line["stage"].as_u64().unwrap()).collect();
        let compared = matches!(task, Task::Contrastive | Task::Clustering);
        assert_eq!(stages.contains(&2), compared);
        assert!(log.iter().all(|line| line["map@10"]["both"].as_f64().is_some()));
    }
}

#[test]
fn a_stopped_training_goes_on_as_if_unbroken() {
    let world = World::new();
    let config = TrainConfig { epochs: 2, ..world.config(&Task::ALL) };
    let whole = world.train("whole", &config);
    world.train("again", &config);
    assert!(world.model("whole") == world.model("again"), "the models differ from run to run");
    // stopped again and again: in the first stage, once while mining, and in each kind of step
    let (mut stops, mut mining) = (0, true);
    loop {
        let mut steps = 0;
        let mut stop = |progress: Progress| {
            steps += usize::from(progress.stage.starts_with("epoch"));
            let enough = steps == 3 || mining && progress.stage == "mining";
            mining &= progress.stage != "mining";
            if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        match train(&world.places("parts"), &config, stops > 0, Device::Cpu, &mut stop) {
            Err(Error::Stopped) => stops += 1,
            done => {
                assert_eq!(done.unwrap().steps, whole.steps);
                break;
            }
        }
        assert!(stops < 100, "it does not end");
    }
    assert!(stops > 3, "{stops}");
    assert!(world.model("whole") == world.model("parts"), "the models differ");
    let timeless = |out: &str| -> Vec<_> {
        world.log(out).into_iter().map(|l| (l["epoch"].clone(), l["loss"].clone(), l["map@10"].clone())).collect()
    };
    assert_eq!(timeless("whole"), timeless("parts"));
}

#[test]
fn parts_of_a_batch_add_up() {
    let world = World::new();
    // with dropout, parts would draw other numbers than the whole
    let still =
        TrainConfig { epochs: 1, dropout: 0.0, head_dropout: 0.0, score_dropout: 0.0, ..world.config(&[Task::Mep]) };
    world.train("whole", &still);
    world.train("parts", &TrainConfig { pairs_at_once: Some(5), ..still.clone() });
    let loss = |out: &str| world.log(out)[0]["loss"]["mep"].as_f64().unwrap();
    assert!((loss("whole") - loss("parts")).abs() < 1e-3, "{} {}", loss("whole"), loss("parts"));
}

#[test]
fn bf16_learns_too() {
    let world = World::new();
    let config = TrainConfig { epochs: 6, precision: Precision::Bf16, ..world.config(&[Task::Mep]) };
    world.train("half", &config);
    let losses: Vec<f64> = world.log("half").iter().map(|l| l["loss"]["mep"].as_f64().unwrap()).collect();
    assert!(losses[5] < losses[0] - 0.02, "{losses:?}");
}

#[test]
fn a_loss_that_is_no_number_names_its_task_and_batch() {
    let world = World::new();
    let config = TrainConfig { learning_rate: 1e30, gradient_norm: None, ..world.config(&[Task::Mep]) };
    let failed = train(&world.places("wild"), &config, false, Device::Cpu, &mut Unobserved).unwrap_err().to_string();
    assert!(failed.contains("mep") && failed.contains("batch"), "{failed}");
}
