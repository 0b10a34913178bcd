//! The training loop: epochs of steps, mining between the two stages, and validation, log and
//! checkpoint after each epoch.

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};
use tch::Device;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::features::samples::FeatureSources;
use crate::model::ModelFolder;
use crate::model::checkpoint;
use crate::progress::{Observer, Progress};
use crate::train::epoch_log;
use crate::train::epoch_log::EpochLine;
use crate::train::mining::mine;
use crate::train::paths::TrainPaths;
use crate::train::schedule;
use crate::train::schedule::TrainStep;
use crate::train::step_batch::{StepBatch, load_step};
use crate::train::task::Task;
use crate::train::train_config::TrainConfig;
use crate::train::train_state::Training;
use crate::train::validation::ValidationSet;

/// The result of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The mean loss of the last epoch: of masked entity prediction, or of image–text contrast if
    /// the training does not have the former.
    pub loss: f64,
    pub steps: usize,
    /// The epoch (from 1) whose model was saved and its MAP@10 on the held-out queries; `None` if
    /// there are no such queries or the settings save the last epoch.
    pub best_epoch: Option<(usize, f64)>,
    pub took: Duration,
    /// What was left out of the data set and how often.
    pub left_out: Vec<(String, usize)>,
}

/// The file with the state of an unfinished training.
const CHECKPOINT: &str = "training.safetensors";
/// The log, one JSON line for each epoch.
const LOG: &str = "training.jsonl";
/// The folder of the temporary index that mining expands.
const MINING_INDEX: &str = "mining";
/// The interval between checkpoints within an epoch; there is one at the end of each epoch, too.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(300);
/// The number of steps whose input is loaded while another step is computed.
const LOADED_AHEAD: usize = 2;

/// Trains a model or resumes an interrupted training. With tasks that compare views there are two
/// stages: masked entity prediction alone for `mining.after` epochs, then mining, then `epochs`
/// epochs of all tasks.
///
/// When the observer stops it, this function writes a checkpoint and returns [`Error::Stopped`]; a
/// killed training resumes from its last checkpoint. The same seed on the same machine with the
/// same number of threads gives the same model, however often the training was interrupted.
pub fn train(
    paths: &TrainPaths,
    config: &TrainConfig,
    resume: bool,
    device: Device,
    observer: &mut dyn Observer<Progress>,
) -> Result<Trained> {
    config.validate()?;
    let start = Instant::now();
    let checkpoint = paths.out.join(CHECKPOINT);
    if resume && !checkpoint.is_file() {
        return Err(Error::Missing {
            what: "unfinished training",
            path: checkpoint,
            hint: "omit --resume to start a new one".into(),
        });
    }
    let dataset = Dataset::open(&paths.dataset)?;
    let mut training = Training::prepare(&dataset, paths, config, device, observer)?;
    std::fs::create_dir_all(&paths.out).map_err(Error::io("create", &paths.out))?;
    if resume {
        training.restore(&checkpoint)?;
    } else {
        training.initialize(observer)?;
    }
    epoch_log::truncate(&paths.out.join(LOG), training.position.epoch)?;
    let mut trainer = Trainer::new(training, &dataset, &paths.out);
    let loss = trainer.run(observer)?;
    let training = trainer.training;
    if training.position.best.is_none() {
        checkpoint::save(
            &paths.out,
            &training.model_config(&dataset),
            &training.store,
        )?;
    }
    remove_if_exists(&checkpoint)?;
    Ok(Trained {
        loss,
        steps: training.position.total_steps,
        best_epoch: training.position.best,
        took: start.elapsed(),
        left_out: training.sources.pairs.left_out.clone(),
    })
}

/// Trains a model unless `paths.out` has a finished one with these settings. An interrupted
/// training is resumed.
///
/// Errors: `Format` if the folder has a finished or unfinished model with other settings or of
/// another data set; those of [`train`].
pub fn train_to_completion(
    paths: &TrainPaths,
    config: &TrainConfig,
    device: Device,
    observer: &mut dyn Observer<Progress>,
) -> Result<()> {
    let unfinished = paths.out.join(CHECKPOINT).is_file();
    match ModelFolder::open(&paths.out) {
        Ok(folder) if !unfinished => check_same_training(folder, paths, config),
        _ => train(paths, config, unfinished, device, observer).map(drop),
    }
}

/// Refuses a model that was trained with other settings or on another data set.
fn check_same_training(
    folder: ModelFolder,
    paths: &TrainPaths,
    config: &TrainConfig,
) -> Result<()> {
    let dataset = Dataset::open(&paths.dataset)?.hash()?;
    // a setting that did not exist when the model was trained has its default
    let settings = serde_json::from_value::<TrainConfig>(folder.config.training).ok();
    if settings.as_ref() == Some(config) && folder.config.dataset_hash == Some(dataset) {
        return Ok(());
    }
    Err(Error::format(
        &paths.out,
        "has a model that was trained with other settings or on another data set; use another folder or the same settings",
    ))
}

fn remove_if_exists(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path)(e)),
        _ => Ok(()),
    }
}

/// A running training with what it needs besides its state.
struct Trainer<'a> {
    training: Training<'a>,
    dataset: &'a Dataset,
    validation: ValidationSet<'a>,
    out: &'a Path,
    start: Instant,
    /// The number of steps done since `start`.
    steps_done: usize,
}

/// The steps of one epoch and the state at its (possibly resumed) start.
struct EpochRun {
    steps: Vec<TrainStep>,
    /// The index of the first step to do.
    first: usize,
    start: Instant,
}

impl EpochRun {
    fn remaining(&self) -> &[TrainStep] {
        &self.steps[self.first.min(self.steps.len())..]
    }
}

impl<'a> Trainer<'a> {
    fn new(training: Training<'a>, dataset: &'a Dataset, out: &'a Path) -> Self {
        let validation = ValidationSet::new(dataset, &training.sources.pairs.entities);
        Trainer {
            training,
            dataset,
            validation,
            out,
            start: Instant::now(),
            steps_done: 0,
        }
    }

    /// Runs all remaining epochs and returns the loss of the last one.
    fn run(&mut self, observer: &mut dyn Observer<Progress>) -> Result<f64> {
        let mut loss = f64::NAN;
        while self.training.position.epoch < self.training.config.total_epochs() {
            let stage = self.training.config.stage(self.training.position.epoch);
            if self.training.mined.is_none() && stage == 2 {
                self.mine(observer)?;
            }
            loss = self.run_epoch(observer)?;
        }
        Ok(loss)
    }

    fn mine(&mut self, observer: &mut dyn Observer<Progress>) -> Result<()> {
        let Training {
            network,
            sources,
            config,
            ..
        } = &self.training;
        let mined = mine(
            network,
            sources,
            self.dataset,
            config,
            &self.out.join(MINING_INDEX),
            observer,
        )?;
        self.training.mined = Some(mined);
        self.save_checkpoint()
    }

    /// Runs the remaining steps of the current epoch, then validation, log and checkpoint. Returns
    /// the loss of the epoch.
    fn run_epoch(&mut self, observer: &mut dyn Observer<Progress>) -> Result<f64> {
        let (sources, config) = (self.training.sources.clone(), self.training.config);
        let epoch = EpochRun {
            steps: schedule::epoch_steps(
                &sources.pairs,
                config,
                self.training.mined.as_deref(),
                self.training.position.epoch,
            ),
            first: self.training.position.batch,
            start: Instant::now(),
        };
        std::thread::scope(|scope| {
            let (sender, loaded) = sync_channel(LOADED_AHEAD);
            let (steps, sources) = (epoch.remaining(), &sources);
            scope.spawn(move || load_steps(sources, steps, config, &sender));
            self.run_steps(&epoch, loaded.into_iter(), observer)
        })?;
        let pairs: usize = epoch.remaining().iter().map(TrainStep::pairs).sum();
        let line = self.finish_epoch(pairs, epoch.start.elapsed(), observer)?;
        self.save_checkpoint()?;
        let main_loss = [Task::Mep, Task::Itc]
            .iter()
            .find_map(|task| line.loss.get(task.name()));
        Ok(main_loss.copied().unwrap_or(f64::NAN))
    }

    /// Performs the remaining steps of an epoch on their loaded batches.
    fn run_steps(
        &mut self,
        epoch: &EpochRun,
        mut loaded: impl Iterator<Item = Result<Vec<StepBatch>>>,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<()> {
        let mut last_checkpoint = Instant::now();
        for step in epoch.remaining() {
            let batches = loaded
                .next()
                .unwrap_or_else(|| Err(Error::Mismatch("loading a batch ended early".into())))?;
            self.training.step(step, &batches)?;
            self.steps_done += 1;
            if let Err(stopped) = observer.report(self.progress(epoch)) {
                self.save_checkpoint()?;
                return Err(stopped);
            }
            if last_checkpoint.elapsed() > CHECKPOINT_INTERVAL {
                self.save_checkpoint()?;
                last_checkpoint = Instant::now();
            }
        }
        Ok(())
    }

    /// Evaluates the model on the held-out queries, saves it if it is the best so far, and writes
    /// the log.
    fn finish_epoch(
        &mut self,
        pairs: usize,
        took: Duration,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<EpochLine> {
        let training = &mut self.training;
        let maps = if self.validation.is_empty() || !training.config.keep_best {
            Vec::new()
        } else {
            self.validation.map(training, observer)?
        };
        let epoch = training.position.epoch + 1;
        let input_mode = training.config.input_mode();
        if let Some(&(_, map)) = maps.iter().find(|(mode, _)| *mode == input_mode)
            && training.position.best.is_none_or(|(_, best)| map > best)
        {
            training.position.best = Some((epoch, map));
            let model_config = training.model_config(self.dataset);
            checkpoint::save(self.out, &model_config, &training.store)?;
        }
        let line = EpochLine {
            epoch,
            stage: training.config.stage(epoch - 1),
            loss: training.position.losses.means(),
            learning_rate: training.config.learning_rate * training.learning_rate_factor(),
            seconds: took.as_secs_f64(),
            pairs_per_second: pairs as f64 / took.as_secs_f64(),
            map10: maps
                .into_iter()
                .map(|(mode, map)| (mode.name(), map))
                .collect(),
        };
        epoch_log::append(&self.out.join(LOG), &line)?;
        training.position.advance_epoch();
        Ok(line)
    }

    fn save_checkpoint(&self) -> Result<()> {
        self.training.save(&self.out.join(CHECKPOINT))
    }

    fn progress(&self, epoch: &EpochRun) -> Progress {
        let Training {
            position, config, ..
        } = &self.training;
        let seconds_per_step = self.start.elapsed().as_secs_f64() / self.steps_done as f64;
        let steps_left = self.training.total_steps - position.total_steps;
        let pairs: usize = epoch.steps[epoch.first..position.batch]
            .iter()
            .map(TrainStep::pairs)
            .sum();
        let speed = pairs as f64 / epoch.start.elapsed().as_secs_f64();
        let losses: Vec<String> = position
            .losses
            .means()
            .iter()
            .map(|(task, loss)| format!("{task} {loss:.3}"))
            .collect();
        let rate = config.learning_rate * self.training.learning_rate_factor();
        Progress {
            stage: format!("epoch {} of {}", position.epoch + 1, config.total_epochs()),
            done: position.batch as u64,
            total: epoch.steps.len() as u64,
            details: format!("{} · lr {rate:.1e} · {speed:.0} pairs/s", losses.join(", ")),
            remaining: Some(Duration::from_secs_f64(
                seconds_per_step * steps_left as f64,
            )),
        }
    }
}

/// Loads the input of each step and sends it, until the receiver is gone.
fn load_steps(
    sources: &FeatureSources,
    steps: &[TrainStep],
    config: &TrainConfig,
    sender: &SyncSender<Result<Vec<StepBatch>>>,
) {
    for step in steps {
        if sender.send(load_step(sources, step, config)).is_err() {
            return;
        }
    }
}
