//! The training loop: steps, schedule, checkpoints that a stopped training goes on from.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use super::config::{Start, TrainConfig};
use super::loss::masked_entity;
use super::optimizer::AdamW;
use super::sampler;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::features::batch::{Sample, Sources};
use crate::features::prepare::{Encoders, gather};
use crate::job::{Observer, Progress};
use crate::model::checkpoint::{self, ImageSource, ModelConfig, frozen_names, write_tensors};
use crate::model::weights::Weights;
use crate::model::{Config, Network};
use crate::types::Mode;

/// Where a training reads and writes.
#[derive(Debug, Clone)]
pub struct Places {
    pub dataset: PathBuf,
    /// The model folder.
    pub out: PathBuf,
    /// Features of frozen encoders are kept here.
    pub cache: PathBuf,
}

/// What came of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// Mean loss of the last epoch.
    pub loss: f64,
    pub steps: usize,
    pub took: Duration,
    /// What was left out of the data set, and how many.
    pub left_out: Vec<(String, usize)>,
}

/// The state of a training that is not done.
const CHECKPOINT: &str = "training.safetensors";
/// One JSON line an epoch.
const LOG: &str = "training.jsonl";
/// A checkpoint is written at each epoch's end and whenever this has passed.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(300);
/// Pairs in one batch where no gradient is kept.
const FORWARD_BATCH: usize = 128;

/// Trains a model, or goes on with one whose training was stopped.
///
/// Stopped by the observer it writes a checkpoint and gives [`Error::Stopped`]. The same seed on the same machine and
/// number of threads gives the same model, whether or not it was stopped on the way.
pub fn train(
    places: &Places,
    config: &TrainConfig,
    resume: bool,
    device: Device,
    observe: &mut dyn Observer<Progress>,
) -> Result<Trained> {
    config.validate()?;
    let begun = Instant::now();
    let checkpoint = places.out.join(CHECKPOINT);
    if resume && !checkpoint.is_file() {
        return Err(Error::Missing {
            what: "training to go on with",
            path: checkpoint,
            hint: "leave --resume away to begin one".into(),
        });
    }
    let dataset = Dataset::open(&places.dataset)?;
    let mut training = Training::prepare(&dataset, places, config, device, observe)?;
    let log = places.out.join(LOG);
    std::fs::create_dir_all(&places.out).map_err(Error::io("create", &places.out))?;
    if resume {
        training.restore(&checkpoint)?;
    } else {
        training.begin(observe)?;
        std::fs::write(&log, "").map_err(Error::io("write", &log))?;
    }
    let loss = training.run(&checkpoint, &log, observe)?;
    checkpoint::save(&places.out, &training.describe(&dataset), &training.store)?;
    std::fs::remove_file(&checkpoint).or_else(ignore_absent).map_err(Error::io("remove", &checkpoint))?;
    let left_out = training.sources.pairs.left_out.clone();
    Ok(Trained { loss, steps: training.at.step_in_all, took: begun.elapsed(), left_out })
}

fn ignore_absent(e: std::io::Error) -> std::io::Result<()> {
    if e.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(e) }
}

/// How far a training is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Position {
    epoch: usize,
    /// Batches of this epoch that are done.
    batch: usize,
    step_in_all: usize,
    /// Over this epoch so far.
    loss_sum: f64,
}

struct Training<'a> {
    config: &'a TrainConfig,
    encoders: Encoders,
    sources: Sources,
    store: VarStore,
    network: Network,
    optimizer: AdamW,
    at: Position,
}

#[derive(Serialize, Deserialize)]
struct EpochLine {
    epoch: usize,
    loss: f64,
    seconds: f64,
    pairs_per_second: f64,
}

impl<'a> Training<'a> {
    fn prepare(
        dataset: &Dataset,
        places: &Places,
        config: &'a TrainConfig,
        device: Device,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<Self> {
        let encoders = Encoders::open(&config.text_encoder, &config.image_encoder, config.normalize, device)?;
        let (pairs, patches) = gather(dataset, &encoders, config.grid, &places.cache, None, observe)?;
        let sizes = Config {
            entities: pairs.entities.len() as i64,
            clusters: dataset.classes.len() as i64 + 1,
            patches: patches.patches(),
            patch_features: patches.features(),
            vision_layers: config.vision_layers,
            fusion_layers: config.fusion_layers,
            state: config.state,
            dropout: config.dropout,
            head_dropout: config.head_dropout,
            ..encoders.text.sizes.clone()
        };
        sizes.validate()?;
        tch::manual_seed(config.seed as i64);
        let store = VarStore::new(device);
        let network = Network::new(&store.root(), &sizes, false);
        checkpoint::load_encoder(&store, &encoders.text.weights)?;
        let texts = encoders.text.states(&places.cache, &pairs, &network.student.bert, device, observe)?;
        let optimizer = optimizer(&store, &sizes, config);
        Ok(Training {
            config,
            encoders,
            sources: Sources { pairs, texts, patches, device },
            store,
            network,
            optimizer,
            at: Position::default(),
        })
    }

    /// Sets the new parameters to where training begins.
    fn begin(&mut self, observe: &mut dyn Observer<Progress>) -> Result<()> {
        let Start::Encoders { gain, scale } = self.config.start else { return Ok(()) };
        self.network.start_from_encoders(gain);
        let means = self.mean_pre_heads(observe)?;
        self.network.student.head.start_as_similarity(&means, scale);
        Ok(())
    }

    /// Each entity's mean g over its sentences, pictures unseen, `[V, D]`.
    fn mean_pre_heads(&self, observe: &mut dyn Observer<Progress>) -> Result<Tensor> {
        let pairs = &self.sources.pairs;
        let all: Vec<Sample> = (0..pairs.pairs.len())
            .map(|pair| Sample { pair, image: pairs.pairs[pair].image, mode: Mode::Text })
            .collect();
        let sizes = &self.network.config;
        let options = (Kind::Float, self.sources.device);
        let (mut sums, mut counts) =
            (Tensor::zeros([sizes.entities, sizes.hidden], options), Tensor::zeros([sizes.entities, 1], options));
        for (i, batch) in all.chunks(FORWARD_BATCH).enumerate() {
            let pre_head = tch::no_grad(|| {
                let input = self.sources.input(batch)?;
                Ok::<_, Error>(self.network.student.head.pre_head(&self.network.student.state(&input, false), false))
            })?;
            let rows = self.sources.labels(batch);
            let _ = sums.index_add_(0, &rows, &pre_head);
            let _ = counts.index_add_(0, &rows, &Tensor::ones([batch.len() as i64, 1], options));
            if observe.on(Progress::new("first states", (i * FORWARD_BATCH) as u64, all.len() as u64)).is_break() {
                return Err(Error::Stopped);
            }
        }
        Ok(sums / counts)
    }

    /// All steps that are left; gives the last epoch's mean loss.
    fn run(&mut self, checkpoint: &Path, log: &Path, observe: &mut dyn Observer<Progress>) -> Result<f64> {
        let (begun, first) = (Instant::now(), self.at.step_in_all);
        let mut written = Instant::now();
        let mut last_loss = f64::NAN;
        while self.at.epoch < self.config.epochs {
            let samples = sampler::epoch(&self.sources.pairs, self.config, self.at.epoch);
            let batches = sampler::batches(&samples, &self.sources.pairs, self.config, self.at.epoch);
            let steps_in_all = batches.len() * self.config.epochs;
            let epoch_begun = (Instant::now(), self.at.batch);
            while self.at.batch < batches.len() {
                let loss = self.step(&batches[self.at.batch], steps_in_all)?;
                self.at.batch += 1;
                self.at.step_in_all += 1;
                self.at.loss_sum += loss;
                let progress = self.progress(batches.len(), steps_in_all, begun, first, epoch_begun);
                if observe.on(progress).is_break() {
                    self.save(checkpoint)?;
                    return Err(Error::Stopped);
                }
                if written.elapsed() > CHECKPOINT_EVERY {
                    self.save(checkpoint)?;
                    written = Instant::now();
                }
            }
            last_loss = self.at.loss_sum / batches.len() as f64;
            let seconds = epoch_begun.0.elapsed().as_secs_f64();
            let done = samples.len() as f64 * (batches.len() - epoch_begun.1) as f64 / batches.len() as f64;
            append(
                log,
                &EpochLine { epoch: self.at.epoch + 1, loss: last_loss, seconds, pairs_per_second: done / seconds },
            )?;
            self.at = Position { epoch: self.at.epoch + 1, batch: 0, loss_sum: 0.0, ..self.at };
            self.save(checkpoint)?;
            written = Instant::now();
        }
        Ok(last_loss)
    }

    /// One step on one batch; gives its loss.
    fn step(&mut self, batch: &[Sample], steps_in_all: usize) -> Result<f64> {
        // dropout draws from torch's own generator: seeded by the step, a resumed training draws what an unbroken one does
        tch::manual_seed((self.config.seed << 32 | self.at.step_in_all as u64) as i64);
        let tower = &self.network.student;
        let state = tower.state(&self.sources.input(batch)?, true);
        let log_prob = tower.head.log_prob(&tower.head.pre_head(&state, true), true, self.config.score_dropout);
        let loss = masked_entity(&log_prob, &self.sources.labels(batch), self.config.label_smoothing);
        let value = loss.double_value(&[]);
        if !value.is_finite() {
            return Err(Error::Mismatch(format!(
                "the masked entity loss became {value} at epoch {}, batch {}; a smaller learning rate helps",
                self.at.epoch + 1,
                self.at.batch + 1
            )));
        }
        self.optimizer.zero_grad();
        loss.f_backward()?;
        if let Some(most) = self.config.gradient_norm {
            self.optimizer.clip(most);
        }
        self.optimizer.step(self.rate(steps_in_all));
        Ok(value)
    }

    /// What the learning rates are multiplied by at this step.
    fn rate(&self, steps_in_all: usize) -> f64 {
        let done = self.at.step_in_all as f64 / steps_in_all.max(1) as f64;
        let rise = if self.config.warm_up > 0.0 { (done / self.config.warm_up).min(1.0) } else { 1.0 };
        let fall = if self.config.linear_decay { 1.0 - done } else { 1.0 };
        rise * fall
    }

    fn progress(
        &self,
        batches: usize,
        steps_in_all: usize,
        begun: Instant,
        first: usize,
        epoch_begun: (Instant, usize),
    ) -> Progress {
        let steps = (self.at.step_in_all - first) as f64;
        let per_step = begun.elapsed().as_secs_f64() / steps;
        let pairs = (self.at.batch - epoch_begun.1) * self.config.batch;
        let speed = pairs as f64 / epoch_begun.0.elapsed().as_secs_f64();
        Progress {
            stage: format!("epoch {} of {}", self.at.epoch + 1, self.config.epochs),
            done: self.at.batch as u64,
            total: batches as u64,
            note: format!("loss {:.3} · {speed:.0} pairs/s", self.at.loss_sum / self.at.batch as f64),
            left: Some(Duration::from_secs_f64(per_step * (steps_in_all - self.at.step_in_all) as f64)),
        }
    }

    /// Parameters, optimizer and position in one file, which appears whole or not at all.
    fn save(&self, path: &Path) -> Result<()> {
        let frozen = frozen_names(self.network.config.bert_layers);
        let mut tensors: Vec<(String, Tensor)> = self
            .store
            .variables()
            .into_iter()
            .filter(|(name, _)| !frozen(name))
            .map(|(name, value)| (format!("model.{name}"), value))
            .chain(self.optimizer.state().into_iter().map(|(name, value)| (format!("optimizer.{name}"), value)))
            .collect();
        let at = [self.at.epoch, self.at.batch, self.at.step_in_all].map(|n| n as i64);
        tensors.push(("position".into(), Tensor::from_slice(&at)));
        tensors.push(("loss_sum".into(), Tensor::from(self.at.loss_sum)));
        tensors.push(("settings".into(), Tensor::from_slice(self.settings().as_bytes())));
        tensors.sort_by(|a, b| a.0.cmp(&b.0));
        write_tensors(path, &tensors)
    }

    /// What must be equal for a training to go on: the settings and the vocabulary.
    fn settings(&self) -> String {
        blake3::hash(format!("{:?} {:?}", self.config, self.sources.pairs.entities).as_bytes()).to_hex().to_string()
    }

    fn restore(&mut self, path: &Path) -> Result<()> {
        let saved = Weights::open(path)?;
        let settings: Vec<u8> = numbers(&saved.get("settings")?)?;
        if settings != self.settings().as_bytes() {
            return Err(Error::format(path, "is of a training with other settings or another vocabulary"));
        }
        let frozen = frozen_names(self.network.config.bert_layers);
        for (name, mut variable) in self.store.variables() {
            if !frozen(&name) {
                checkpoint::copy_into(&name, &mut variable, &saved.get(&format!("model.{name}"))?)?;
            }
        }
        self.optimizer.restore(&saved.take_prefix("optimizer."))?;
        let at: Vec<i64> = numbers(&saved.get("position")?)?;
        let [epoch, batch, step_in_all] = at[..] else { return Err(Error::format(path, "has no position")) };
        let loss_sum = saved.get("loss_sum")?.double_value(&[]);
        self.at =
            Position { epoch: epoch as usize, batch: batch as usize, step_in_all: step_in_all as usize, loss_sum };
        Ok(())
    }

    fn describe(&self, dataset: &Dataset) -> ModelConfig {
        ModelConfig {
            sizes: self.network.config.clone(),
            text_encoder: Some(self.encoders.text.source.clone()),
            image_encoder: Some(ImageSource {
                encoder: self.encoders.image_source.clone(),
                normalize: self.config.normalize,
                grid: self.config.grid,
            }),
            entity_ids: self.sources.pairs.entities.clone(),
            class_names: dataset.classes.iter().map(|c| c.name.clone()).collect(),
            training: serde_json::to_value(self.config).unwrap_or_default(),
        }
    }
}

/// Groups the parameters: the new layers, BERT's last layer, the entity head. The other heads belong to other tasks.
fn optimizer(store: &VarStore, sizes: &Config, config: &TrainConfig) -> AdamW {
    let frozen = frozen_names(sizes.bert_layers);
    let mut optimizer = AdamW::default();
    let mut variables: Vec<(String, Tensor)> = store.variables().into_iter().collect();
    variables.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, mut value) in variables {
        let rate = match name.split('.').next().unwrap_or_default() {
            "bert" if !frozen(&name) => config.encoder_learning_rate,
            "head" => config.head_learning_rate,
            "visual_linear" | "visual_pos_embedding" | "visual_transformer" | "cross_transformer" => {
                config.learning_rate
            }
            _ => {
                let _ = value.requires_grad_(false);
                continue;
            }
        };
        let decay = if value.dim() > 1 { config.weight_decay } else { 0.0 };
        optimizer.add(name, value, rate, decay);
    }
    optimizer
}

fn numbers<T: tch::kind::Element>(tensor: &Tensor) -> Result<Vec<T>>
where
    Vec<T>: for<'t> TryFrom<&'t Tensor, Error = tch::TchError>,
{
    Ok(Vec::try_from(tensor)?)
}

fn append(path: &Path, line: &EpochLine) -> Result<()> {
    use std::io::Write;
    let mut file =
        std::fs::OpenOptions::new().append(true).create(true).open(path).map_err(Error::io("write", path))?;
    let line = serde_json::to_string(line).map_err(|e| Error::format(path, e.to_string()))?;
    writeln!(file, "{line}").map_err(Error::io("write", path))
}
