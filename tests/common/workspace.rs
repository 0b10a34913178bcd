//! A temporary folder with a small data set and two small encoders with random weights. The data set
//! has two classes with different words and colours.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use multiexpan::model::bert::Bert;
use multiexpan::model::{NetworkConfig, Pooling};
use multiexpan::progress::Unobserved;
use multiexpan::train::paths::TrainPaths;
use multiexpan::train::train_config::{
    Initialization, MiningConfig, MiningRanking, QuerySource, SoftTargetConfig, TrainPrecision,
};
use multiexpan::train::trainer::Trained;
use multiexpan::train::{Task, TaskSet, TrainConfig, train};
use tch::nn::VarStore;
use tch::{Device, Tensor};

use super::formula;

const ENTITIES: usize = 16;
const PAIRS: usize = 3;

/// The folder, which is removed when the workspace is dropped.
pub struct Workspace {
    folder: tempfile::TempDir,
    /// The lock that keeps trainings apart, since torch has one random generator in a process.
    _training_lock: MutexGuard<'static, ()>,
}

static TRAINING_LOCK: Mutex<()> = Mutex::new(());

impl Workspace {
    pub fn new() -> Self {
        let lock = TRAINING_LOCK
            .lock()
            .unwrap_or_else(|failed| failed.into_inner());
        tch::set_num_threads(1);
        let workspace = Workspace {
            folder: tempfile::tempdir().unwrap(),
            _training_lock: lock,
        };
        workspace.write_data();
        workspace.write_encoders();
        workspace
    }

    /// Returns the path of a file or folder in the workspace.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write_data(&self) {
        for folder in ["data/gt", "data/query", "data/query_seed=5", "data/image"] {
            fs::create_dir_all(self.path(folder)).unwrap();
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
                .save(self.path(&format!("data/image/{e}.png")))
                .unwrap();
            for s in 0..PAIRS {
                let words = [["the", "americas", "native"], ["zurich", "large", "cat"]][class];
                let tokens =
                    serde_json::json!(["jaguar", "is", words[s % 3], words[(s + e) % 3], ".", "a"]);
                let mention = serde_json::json!([{"entityId": e, "start": 0, "end": 0}]);
                let line = serde_json::json!({"tokens": tokens, "entityMentions": mention, "image": format!("image/{e}.png")});
                sentences += &format!("{line}\n");
            }
        }
        fs::write(self.path("data/entity2id.txt"), names).unwrap();
        fs::write(self.path("data/sentences.json"), sentences).unwrap();
        for (class, name) in ["reds", "blues"].into_iter().enumerate() {
            fs::write(self.path(&format!("data/gt/{name}.txt")), &gold[class]).unwrap();
            let seeds = |n: usize| {
                (0..n)
                    .map(|i| (2 * i + class).to_string())
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            fs::write(self.path(&format!("data/query/{name}.txt")), seeds(3)).unwrap();
            fs::write(
                self.path(&format!("data/query_seed=5/{name}.txt")),
                seeds(5),
            )
            .unwrap();
        }
    }

    fn write_encoders(&self) {
        let text = self.path("text");
        fs::create_dir_all(&text).unwrap();
        let tokenizer =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizer/vocab.txt");
        let vocabulary_size = fs::read_to_string(&tokenizer).unwrap().lines().count() as i64;
        fs::copy(tokenizer, text.join("vocab.txt")).unwrap();
        let sizes = NetworkConfig {
            hidden: 16,
            heads: 2,
            feed_forward: 32,
            bert_layers: 2,
            token_vocabulary: vocabulary_size,
            max_positions: 160,
            ..NetworkConfig::default()
        };
        let config = serde_json::json!({"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 32, "vocab_size": vocabulary_size, "max_position_embeddings": 160});
        fs::write(text.join("config.json"), config.to_string()).unwrap();
        tch::manual_seed(5);
        let store = VarStore::new(Device::Cpu);
        let _bert = Bert::new(store.root(), &sizes);
        let parameters: Vec<(String, Tensor)> = store.variables().into_iter().collect();
        Tensor::write_safetensors(&parameters, text.join("model.safetensors")).unwrap();
        let image: Vec<_> = formula::filled("efficientnet-lite0.txt")
            .into_iter()
            .collect();
        Tensor::write_safetensors(&image, self.path("image.safetensors")).unwrap();
    }

    /// Returns settings that train a small model quickly.
    pub fn config(&self, tasks: &[Task]) -> TrainConfig {
        let path = |name: &str| self.path(name).to_string_lossy().into_owned();
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
                ranking: MiningRanking::Feedback,
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

    /// Returns the paths of a training with the model folder `out`.
    pub fn paths(&self, out: &str) -> TrainPaths {
        TrainPaths {
            dataset: self.path("data"),
            out: self.path(out),
            cache: self.path("cache"),
        }
    }

    /// Trains a model to the end.
    pub fn train(&self, out: &str, config: &TrainConfig) -> Trained {
        train(
            &self.paths(out),
            config,
            false,
            Device::Cpu,
            &mut Unobserved,
        )
        .unwrap()
    }

    /// Returns the lines of the training log.
    pub fn log(&self, out: &str) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.path(out).join("training.jsonl")).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Returns the content of the model file.
    pub fn model(&self, out: &str) -> Vec<u8> {
        fs::read(self.path(out).join("model.safetensors")).unwrap()
    }
}
