//! A small world to train on: two classes with words and colours of their own, and two small
//! encoders with random weights.
#![allow(dead_code)] // each test uses what it needs

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use multiexpan::model::bert::Bert;
use multiexpan::model::{NetworkConfig, Pooling};
use multiexpan::progress::Unobserved;
use multiexpan::train::paths::TrainPaths;
use multiexpan::train::train_config::{
    Initialization, MiningConfig, QuerySource, SoftTargetConfig, TrainPrecision,
};
use multiexpan::train::trainer::Trained;
use multiexpan::train::{Task, TaskSet, TrainConfig, train};
use tch::nn::VarStore;
use tch::{Device, Tensor};

use crate::formula;

const ENTITIES: usize = 16;
const PAIRS: usize = 3;

/// Its files, for as long as it lives.
pub struct World {
    folder: tempfile::TempDir,
    /// torch's random numbers are of the whole process: one training at a time.
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

impl World {
    pub fn new() -> Self {
        let alone = ALONE.lock().unwrap_or_else(|failed| failed.into_inner());
        tch::set_num_threads(1);
        let world = World {
            folder: tempfile::tempdir().unwrap(),
            _alone: alone,
        };
        world.write_data();
        world.write_encoders();
        world
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write_data(&self) {
        for folder in ["data/gt", "data/query", "data/query_seed=5", "data/image"] {
            fs::create_dir_all(self.at(folder)).unwrap();
        }
        let (mut names, mut sentences, mut gold) =
            (String::new(), String::new(), [String::new(), String::new()]);
        for e in 0..ENTITIES {
            let class = e % 2;
            names += &format!("entity {e}\t{e}\n");
            gold[class] += &format!("{e}\tentity {e}\t1\n");
            let colour = [
                image::Rgb([200, 30 + 10 * e as u8, 20]),
                image::Rgb([20, 30 + 10 * e as u8, 200]),
            ][class];
            image::RgbImage::from_pixel(32, 32, colour)
                .save(self.at(&format!("data/image/{e}.png")))
                .unwrap();
            for s in 0..PAIRS {
                let said = [["the", "americas", "native"], ["zurich", "large", "cat"]][class];
                let tokens =
                    serde_json::json!(["jaguar", "is", said[s % 3], said[(s + e) % 3], ".", "a"]);
                let mention = serde_json::json!([{"entityId": e, "start": 0, "end": 0}]);
                let line = serde_json::json!({"tokens": tokens, "entityMentions": mention, "image": format!("image/{e}.png")});
                sentences += &format!("{line}\n");
            }
        }
        fs::write(self.at("data/entity2id.txt"), names).unwrap();
        fs::write(self.at("data/sentences.json"), sentences).unwrap();
        for (class, name) in ["reds", "blues"].into_iter().enumerate() {
            fs::write(self.at(&format!("data/gt/{name}.txt")), &gold[class]).unwrap();
            let seeds = |n: usize| {
                (0..n)
                    .map(|i| (2 * i + class).to_string())
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            fs::write(self.at(&format!("data/query/{name}.txt")), seeds(3)).unwrap();
            fs::write(self.at(&format!("data/query_seed=5/{name}.txt")), seeds(5)).unwrap();
        }
    }

    fn write_encoders(&self) {
        let text = self.at("text");
        fs::create_dir_all(&text).unwrap();
        let tokenizer =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizer/vocab.txt");
        let words = fs::read_to_string(&tokenizer).unwrap().lines().count() as i64;
        fs::copy(tokenizer, text.join("vocab.txt")).unwrap();
        let sizes = NetworkConfig {
            hidden: 16,
            heads: 2,
            feed_forward: 32,
            bert_layers: 2,
            token_vocabulary: words,
            max_positions: 160,
            ..NetworkConfig::default()
        };
        let config = serde_json::json!({"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 32, "vocab_size": words, "max_position_embeddings": 160});
        fs::write(text.join("config.json"), config.to_string()).unwrap();
        tch::manual_seed(5);
        let store = VarStore::new(Device::Cpu);
        let _bert = Bert::new(store.root(), &sizes);
        let parameters: Vec<(String, Tensor)> = store.variables().into_iter().collect();
        Tensor::write_safetensors(&parameters, text.join("model.safetensors")).unwrap();
        let image: Vec<_> = formula::filled("efficientnet-lite0.txt")
            .into_iter()
            .collect();
        Tensor::write_safetensors(&image, self.at("image.safetensors")).unwrap();
    }

    pub fn config(&self, tasks: &[Task]) -> TrainConfig {
        let path = |name: &str| self.at(name).to_string_lossy().into_owned();
        TrainConfig {
            text_encoder: path("text"),
            image_encoder: path("image.safetensors"),
            vision_layers: 1,
            fusion_layers: 1,
            grid: Some(2),
            pooling: Pooling::Mean,
            drop_text: 0.1,
            drop_image: 0.1,
            initialization: Initialization::Random,
            epochs: 4,
            pairs_per_entity: Some(PAIRS),
            gradient_norm: Some(1.0),
            batch: 16,
            learning_rate: 3e-3,
            encoder_learning_rate: 1e-3,
            head_learning_rate: 3e-3,
            tasks: TaskSet::new(tasks.iter().copied()),
            momentum: 0.9,
            mining: MiningConfig {
                query_source: QuerySource::Entities,
                after_epochs: 1,
                positives: 3,
                ranking_size: 12,
                negatives: 4,
            },
            soft_targets: Some(SoftTargetConfig::default()),
            precision: TrainPrecision::F32,
            ..TrainConfig::default()
        }
    }

    pub fn places(&self, out: &str) -> TrainPaths {
        TrainPaths {
            dataset: self.at("data"),
            out: self.at(out),
            cache: self.at("cache"),
        }
    }

    pub fn train(&self, out: &str, config: &TrainConfig) -> Trained {
        train(
            &self.places(out),
            config,
            false,
            Device::Cpu,
            &mut Unobserved,
        )
        .unwrap()
    }

    /// The log's lines.
    pub fn log(&self, out: &str) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.at(out).join("training.jsonl")).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub fn model(&self, out: &str) -> Vec<u8> {
        fs::read(self.at(out).join("model.safetensors")).unwrap()
    }
}
