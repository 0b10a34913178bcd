//! The training loop: epochs of steps, mining between the two stages, what is told and kept after
//! each epoch.

use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};
use tch::{Device, Tensor};

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::features::samples::{FeatureSources, Sample};
use crate::model::checkpoint;
use crate::model::{ModelFolder, NetworkInput};
use crate::progress::{Observer, Progress};
use crate::train::config::TrainConfig;
use crate::train::log;
use crate::train::log::EpochLine;
use crate::train::loss::{clustering, contrastive, distillation, masked_entity};
use crate::train::mining::mine;
use crate::train::schedule;
use crate::train::schedule::TrainStep;
use crate::train::task::Task;
use crate::train::train_state::Training;
use crate::train::validation::ValidationSet;

/// Where a training reads and writes.
#[derive(Debug, Clone)]
pub struct TrainPaths {
    pub dataset: PathBuf,
    /// The model folder.
    pub out: PathBuf,
    /// Features of frozen encoders are kept here.
    pub cache: PathBuf,
}

/// What came of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// Mean loss of masked entity prediction over the last epoch, else of image–text contrast.
    pub loss: f64,
    pub steps: usize,
    /// The epoch, from 1, whose model was kept, and its MAP@10 on the held-out queries; none where
    /// there are no such queries, or none is to be chosen.
    pub kept: Option<(usize, f64)>,
    pub took: Duration,
    /// What was left out of the data set, and how many.
    pub left_out: Vec<(String, usize)>,
}

/// The state of a training that is not done.
const CHECKPOINT: &str = "training.safetensors";
/// One JSON line an epoch.
const LOG: &str = "training.jsonl";
/// Where the model so far is indexed for mining, for as long as that takes.
const SCRATCH: &str = "mining";
/// A checkpoint is written at each epoch's end and whenever this has passed.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(300);
/// Steps whose input is brought while another is computed.
const LOADED_AHEAD: usize = 2;

/// Trains a model, or goes on with one whose training was stopped. With tasks that compare views
/// there are two stages: masked entity prediction alone for `mining.after` epochs, mining, then
/// `epochs` epochs of all tasks.
///
/// Stopped by the observer it writes a checkpoint and gives [`Error::Stopped`]; killed, it goes on
/// from the last one. The same seed on the same machine and number of threads gives the same model,
/// however often it was stopped on the way.
pub fn train(
    places: &TrainPaths,
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
    std::fs::create_dir_all(&places.out).map_err(Error::io("create", &places.out))?;
    if resume {
        training.restore(&checkpoint)?;
    } else {
        training.begin(observe)?;
    }
    log::cut(&places.out.join(LOG), training.at.epoch)?;
    let held = ValidationSet::new(&dataset, &training.sources.pairs.entities);
    let mut run = Run {
        training,
        dataset: &dataset,
        held,
        out: &places.out,
        begun: Instant::now(),
        done: 0,
    };
    let loss = run.all(observe)?;
    let Run { training, .. } = run;
    if training.at.best.is_none() {
        checkpoint::save(&places.out, &training.describe(&dataset), &training.store)?;
    }
    remove(&checkpoint)?;
    let left_out = training.sources.pairs.left_out.clone();
    Ok(Trained {
        loss,
        steps: training.at.step_in_all,
        kept: training.at.best,
        took: begun.elapsed(),
        left_out,
    })
}

/// Trains a model unless one with these settings is there already; one that was stopped or killed
/// goes on where it was.
///
/// Errors: `Format` for a folder that holds a model, or half of one, of other settings or another
/// data set; those of [`train`].
pub fn to_the_end(
    places: &TrainPaths,
    config: &TrainConfig,
    device: Device,
    observe: &mut dyn Observer<Progress>,
) -> Result<()> {
    let begun = places.out.join(CHECKPOINT).is_file();
    match ModelFolder::open(&places.out) {
        Ok(folder) if !begun => {
            let dataset = Dataset::open(&places.dataset)?.hash()?;
            // a setting that the model's version did not have is as by default
            let settings = serde_json::from_value::<TrainConfig>(folder.config.training).ok();
            match settings.as_ref() == Some(config) && folder.config.dataset_hash == Some(dataset) {
                true => Ok(()),
                false => Err(Error::format(
                    &places.out,
                    "holds a model of other settings or another data set: name another folder, or give its own settings",
                )),
            }
        }
        _ => train(places, config, begun, device, observe).map(drop),
    }
}

/// Removes a file, if it is there.
fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path)(e)),
        _ => Ok(()),
    }
}

struct Run<'a> {
    training: Training<'a>,
    dataset: &'a Dataset,
    held: ValidationSet<'a>,
    out: &'a Path,
    begun: Instant,
    /// Steps since then.
    done: usize,
}

impl Run<'_> {
    /// All epochs that are left; gives the last one's loss.
    fn all(&mut self, observe: &mut dyn Observer<Progress>) -> Result<f64> {
        let mut last = f64::NAN;
        while self.training.at.epoch < self.training.config.epochs_in_all() {
            if self.training.groups.is_none()
                && self.training.config.stage(self.training.at.epoch) == 2
            {
                self.mine(observe)?;
            }
            last = self.epoch(observe)?;
        }
        Ok(last)
    }

    fn mine(&mut self, observe: &mut dyn Observer<Progress>) -> Result<()> {
        let Training {
            network,
            sources,
            config,
            ..
        } = &self.training;
        let groups = mine(
            network,
            sources,
            self.dataset,
            config,
            &self.out.join(SCRATCH),
            observe,
        )?;
        self.training.groups = Some(groups);
        self.training.save(&self.out.join(CHECKPOINT))
    }

    /// The steps of one epoch that are left, then validation, log and checkpoint.
    fn epoch(&mut self, observe: &mut dyn Observer<Progress>) -> Result<f64> {
        let checkpoint = self.out.join(CHECKPOINT);
        let (sources, config) = (self.training.sources.clone(), self.training.config);
        let steps = schedule::steps(
            &sources.pairs,
            config,
            self.training.groups.as_deref(),
            self.training.at.epoch,
        );
        let (first, begun) = (self.training.at.batch, Instant::now());
        let mut written = Instant::now();
        std::thread::scope(|scope| {
            let (sender, loaded) = sync_channel(LOADED_AHEAD);
            let (left, sources) = (&steps[first.min(steps.len())..], &sources);
            scope.spawn(move || {
                left.iter()
                    .map(|s| load(sources, s, config))
                    .try_for_each(|l| sender.send(l))
            });
            for step in left {
                let parts = loaded
                    .recv()
                    .map_err(|_| Error::Mismatch("loading a batch ended early".into()))??;
                self.training.step(step, &parts)?;
                self.done += 1;
                if let Err(stopped) = observe.report(self.progress(&steps, first, begun)) {
                    self.training.save(&checkpoint)?;
                    return Err(stopped);
                }
                if written.elapsed() > CHECKPOINT_EVERY {
                    self.training.save(&checkpoint)?;
                    written = Instant::now();
                }
            }
            Ok(())
        })?;
        let pairs: usize = steps[first.min(steps.len())..]
            .iter()
            .map(TrainStep::pairs)
            .sum();
        let line = self.finish_epoch(pairs, begun.elapsed(), observe)?;
        self.training.save(&checkpoint)?;
        let told = [Task::Mep, Task::Itc]
            .iter()
            .find_map(|task| line.loss.get(task.name()));
        Ok(told.copied().unwrap_or(f64::NAN))
    }

    /// Measures the model on the held-out queries, keeps it where it is the best yet, and writes
    /// the log.
    fn finish_epoch(
        &mut self,
        pairs: usize,
        took: Duration,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<EpochLine> {
        let training = &mut self.training;
        let maps = match self.held.is_empty() || !training.config.keep_best {
            true => Vec::new(),
            false => self.held.map(training, observe)?,
        };
        let shown = training.config.shown();
        let map = maps
            .iter()
            .find(|(mode, _)| *mode == shown)
            .map(|(_, map)| *map);
        let epoch = training.at.epoch + 1;
        if let Some(map) = map.filter(|map| training.at.best.is_none_or(|b| *map > b.1)) {
            training.at.best = Some((epoch, map));
            checkpoint::save(self.out, &training.describe(self.dataset), &training.store)?;
        }
        let line = EpochLine {
            epoch,
            stage: training.config.stage(epoch - 1),
            loss: training.at.losses.means(),
            learning_rate: training.config.learning_rate * training.rate(),
            seconds: took.as_secs_f64(),
            pairs_per_second: pairs as f64 / took.as_secs_f64(),
            map10: maps
                .into_iter()
                .map(|(mode, map)| (mode.name(), map))
                .collect(),
        };
        log::append(&self.out.join(LOG), &line)?;
        training.at.next_epoch();
        Ok(line)
    }

    fn progress(&self, steps: &[TrainStep], first: usize, begun: Instant) -> Progress {
        let Training { at, config, .. } = &self.training;
        let per_step = self.begun.elapsed().as_secs_f64() / self.done as f64;
        let pairs: usize = steps[first..at.batch].iter().map(TrainStep::pairs).sum();
        let speed = pairs as f64 / begun.elapsed().as_secs_f64();
        let losses: Vec<String> = at
            .losses
            .means()
            .iter()
            .map(|(task, loss)| format!("{task} {loss:.3}"))
            .collect();
        let rate = config.learning_rate * self.training.rate();
        Progress {
            stage: format!("epoch {} of {}", at.epoch + 1, config.epochs_in_all()),
            done: at.batch as u64,
            total: steps.len() as u64,
            details: format!("{} · lr {rate:.1e} · {speed:.0} pairs/s", losses.join(", ")),
            remaining: Some(Duration::from_secs_f64(
                per_step * (self.training.steps_in_all - at.step_in_all) as f64,
            )),
        }
    }
}

/// Part of a step as the network takes it.
pub(super) struct StepBatch {
    pub input: NetworkInput,
    pub labels: Tensor,
    /// Of the step's pairs.
    share: f64,
}

/// Brings a step's input, in parts where the settings ask for it.
fn load(
    sources: &FeatureSources,
    step: &TrainStep,
    config: &TrainConfig,
) -> Result<Vec<StepBatch>> {
    let part = |samples: &[Sample], of: usize| {
        let (input, labels) = (sources.input(samples)?, sources.labels(samples));
        Ok(StepBatch {
            input,
            labels,
            share: samples.len() as f64 / of as f64,
        })
    };
    if step.task == Task::Mep {
        let most = config.pairs_at_once.unwrap_or(step.samples.len()).max(1);
        return step
            .samples
            .chunks(most)
            .map(|samples| part(samples, step.samples.len()))
            .collect();
    }
    let all = [step.samples.as_slice(), step.others.as_slice()].concat();
    Ok(vec![part(&all, all.len())?])
}

impl Training<'_> {
    /// One step of the optimizer.
    fn step(&mut self, step: &TrainStep, parts: &[StepBatch]) -> Result<()> {
        // dropout draws from torch's own generator: seeded by the step, a resumed training draws
        // what an unbroken one does
        tch::manual_seed((self.config.seed << 32 | self.at.step_in_all as u64) as i64);
        self.optimizer.zero_grad();
        for part in parts {
            let mut weighted = Vec::new();
            for (task, loss) in self.losses(step, part) {
                let value = loss.double_value(&[]);
                if !value.is_finite() {
                    return Err(Error::Mismatch(format!(
                        "the loss of {} became {value} at epoch {}, batch {}; a smaller learning rate helps",
                        task.name(),
                        self.at.epoch + 1,
                        self.at.batch + 1
                    )));
                }
                self.at.losses.add(task, value, part.share);
                weighted.push(loss * (part.share * self.config.tasks.weight(task)));
            }
            weighted.into_iter().sum::<Tensor>().f_backward()?;
        }
        if let Some(most) = self.config.gradient_norm {
            self.optimizer.clip(most, |name| step.task.trains(name));
        }
        self.optimizer
            .step(self.rate(), |name| step.task.trains(name));
        if let Some(teacher) = &mut self.teacher {
            teacher.follow(self.config.momentum);
        }
        self.at.stepped();
        Ok(())
    }

    /// The losses of a step's task, not yet weighted: one, but where tasks share their steps.
    fn losses(&self, step: &TrainStep, part: &StepBatch) -> Vec<(Task, Tensor)> {
        match (step.task, &self.network.alignment) {
            (Task::Itc | Task::Itm | Task::Mlm, Some(alignment)) => {
                self.aligned(alignment, step, part)
            }
            (task, _) => vec![(task, self.loss(task, part))],
        }
    }

    fn loss(&self, task: Task, StepBatch { input, labels, .. }: &StepBatch) -> Tensor {
        let tower = &self.network.student;
        let state = tower.hidden(input, true);
        let halves = |x: Tensor| {
            let n = x.size()[0] / 2;
            (x.narrow(0, 0, n), x.narrow(0, n, n))
        };
        match task {
            Task::Contrastive => {
                let (a, b) = halves(self.network.projection.forward(&state, true));
                contrastive(&a, &b, &self.config.nce)
            }
            Task::Clustering => {
                let (a, b) = halves(self.network.cluster.forward(&state, true));
                clustering(&a, &b, &self.config.nce)
            }
            _ => {
                let pre_head = tower.head.pre_head(&state, true);
                let log_prob = tower
                    .head
                    .log_prob(&pre_head, true, self.config.score_dropout);
                self.masked_entity(&log_prob, input, labels)
            }
        }
    }

    /// Masked entity prediction, with what goes to neighbours and to the teacher where the settings
    /// have them.
    fn masked_entity(&self, log_prob: &Tensor, input: &NetworkInput, labels: &Tensor) -> Tensor {
        let mut loss = masked_entity(log_prob, labels, self.config.label_smoothing);
        if let Some(likeness) = &self.likeness {
            let share = likeness.share();
            loss = loss * (1.0 - share) + likeness.loss(log_prob, labels) * share;
        }
        if let Some(tower) = &self.network.teacher {
            let share = self.config.distillation_share;
            let taught = tch::no_grad(|| tower.head.log_prob(&tower.pre_head(input), false, 0.0));
            loss = loss * (1.0 - share) + distillation(log_prob, &taught) * share;
        }
        loss
    }
}
