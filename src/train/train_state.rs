//! Everything that a training is at one moment, and the file that it goes on from.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::features::load_pairs::{Encoders, load_pairs};
use crate::features::loaded_pairs::LoadedPairs;
use crate::features::patch_store::PatchStore;
use crate::features::profiles::Profiles;
use crate::features::samples::FeatureSources;
use crate::model::checkpoint;
use crate::model::checkpoint::{ImageSource, ModelConfig, frozen_names, write_tensors};
use crate::model::weights::Weights;
use crate::model::{Network, NetworkConfig};
use crate::progress::{Observer, Progress};
use crate::train::config::{Start, TrainConfig, TrainPrecision};
use crate::train::entity_states::mean_states;
use crate::train::mining::MinedQuery;
use crate::train::optimizer::AdamW;
use crate::train::schedule;
use crate::train::soft_targets::SoftTargets;
use crate::train::task::Task;
use crate::train::teacher::Teacher;
use crate::train::trainer::TrainPaths;
use crate::types::Row;

/// Sums over this epoch so far, by task.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Losses([(f64, f64); Task::ALL.len()]);

impl Losses {
    /// A task's loss on this share of a step's pairs.
    pub fn add(&mut self, task: Task, loss: f64, share: f64) {
        let (sum, steps) = &mut self.0[task as usize];
        (*sum, *steps) = (*sum + loss * share, *steps + share);
    }

    /// Each task that had a step, with its mean loss.
    pub fn means(&self) -> BTreeMap<&'static str, f64> {
        let met = Task::ALL
            .iter()
            .zip(&self.0)
            .filter(|(_, (_, steps))| *steps > 0.0);
        met.map(|(task, (sum, steps))| (task.name(), sum / steps))
            .collect()
    }
}

/// How far a training is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Position {
    pub epoch: usize,
    /// Steps of this epoch that are done.
    pub batch: usize,
    pub step_in_all: usize,
    pub losses: Losses,
    /// The epoch (from 1) with the best MAP@10 on the held-out queries, and that.
    pub best: Option<(usize, f64)>,
}

impl Position {
    pub fn stepped(&mut self) {
        self.batch += 1;
        self.step_in_all += 1;
    }

    pub fn next_epoch(&mut self) {
        *self = Position {
            epoch: self.epoch + 1,
            batch: 0,
            losses: Losses::default(),
            ..*self
        };
    }

    fn numbers(&self) -> Vec<f64> {
        let (epoch, map) = self.best.unwrap_or_default();
        let counts = [self.epoch, self.batch, self.step_in_all, epoch].map(|n| n as f64);
        counts
            .into_iter()
            .chain([map])
            .chain(self.losses.0.iter().flat_map(|(s, n)| [*s, *n]))
            .collect()
    }

    fn of(numbers: &[f64]) -> Option<Self> {
        let [epoch, batch, step_in_all, best, map, losses @ ..] = numbers else {
            return None;
        };
        let mut sums = [(0.0, 0.0); Task::ALL.len()];
        if losses.len() != 2 * sums.len() {
            return None;
        }
        sums.iter_mut()
            .zip(losses.chunks_exact(2))
            .for_each(|(to, from)| *to = (from[0], from[1]));
        Some(Position {
            epoch: *epoch as usize,
            batch: *batch as usize,
            step_in_all: *step_in_all as usize,
            losses: Losses(sums),
            best: (*best > 0.0).then_some((*best as usize, *map)),
        })
    }
}

/// All that a training is made of and changes.
pub struct Training<'a> {
    pub config: &'a TrainConfig,
    pub dataset_hash: String,
    pub encoders: Encoders,
    pub sources: Arc<FeatureSources>,
    pub store: VarStore,
    pub network: Network,
    pub teacher: Option<Teacher>,
    pub likeness: Option<SoftTargets>,
    pub optimizer: AdamW,
    /// What mining gave, once it was done.
    pub groups: Option<Vec<MinedQuery>>,
    pub at: Position,
    pub steps_in_all: usize,
}

impl<'a> Training<'a> {
    pub fn prepare(
        dataset: &Dataset,
        places: &TrainPaths,
        config: &'a TrainConfig,
        device: Device,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<Self> {
        let cache = &places.cache;
        let encoders = open_encoders(config, device)?;
        let (pairs, patches) = load_pairs(dataset, &encoders, config.grid, cache, None, observe)?;
        let sizes = sizes(dataset, config, &encoders, &pairs, &patches, device);
        sizes.validate()?;
        tch::manual_seed(config.seed as i64);
        let store = VarStore::new(device);
        let network = Network::new(&store.root(), &sizes, config.tasks.has(Task::Distillation));
        checkpoint::load_encoder(&store, &encoders.text.weights)?;
        let bert = &network.student.bert;
        let texts = encoders.text.states(cache, &pairs, bert, device, observe)?;
        let sources = FeatureSources {
            pairs,
            texts,
            patches,
            device,
        };
        let likeness = likeness(config, cache, &sources, &network, &encoders, observe)?;
        let teacher = network.teacher.as_ref().map(|_| Teacher::of(&store));
        let optimizer = optimizer(&store, &sizes, config);
        let steps_in_all = schedule::steps_in_all(&sources.pairs, config, dataset.queries.len());
        Ok(Training {
            config,
            dataset_hash: dataset.hash()?,
            encoders,
            sources: Arc::new(sources),
            store,
            network,
            teacher,
            likeness,
            optimizer,
            groups: None,
            at: Position::default(),
            steps_in_all,
        })
    }

    /// Sets the new parameters to where training begins.
    pub fn begin(&mut self, observe: &mut dyn Observer<Progress>) -> Result<()> {
        if let Start::Encoders { gain, scale } = self.config.start {
            self.network.start_from_encoders(gain);
            if self.config.tasks.has(Task::Mep) {
                let means = mean_states(
                    &self.network,
                    &self.sources,
                    self.config.tells_best(),
                    usize::MAX,
                    observe,
                )?;
                self.network.student.head.start_as_similarity(&means, scale);
            }
        }
        if let Some(teacher) = &mut self.teacher {
            teacher.copy();
        }
        Ok(())
    }

    /// What the learning rates are multiplied by at this step.
    pub fn rate(&self) -> f64 {
        let done = self.at.step_in_all as f64 / self.steps_in_all.max(1) as f64;
        let rise = if self.config.warm_up > 0.0 {
            (done / self.config.warm_up).min(1.0)
        } else {
            1.0
        };
        let fall = if self.config.linear_decay {
            (1.0 - done).max(0.0)
        } else {
            1.0
        };
        rise * fall
    }

    /// Parameters, optimizer, mined groups and position in one file, which appears whole or not at
    /// all.
    pub fn save(&self, path: &Path) -> Result<()> {
        let frozen = frozen_names(self.network.config.bert_layers);
        let mut tensors: Vec<(String, Tensor)> = self
            .store
            .variables()
            .into_iter()
            .filter(|(name, _)| !frozen(name))
            .map(|(name, value)| (format!("model.{name}"), value))
            .chain(
                self.optimizer
                    .state()
                    .into_iter()
                    .map(|(name, value)| (format!("optimizer.{name}"), value)),
            )
            .collect();
        if let Some(groups) = &self.groups {
            let lists = |of: fn(&MinedQuery) -> &[Row]| lists(groups.iter().map(of));
            tensors.push(("groups.positives".into(), lists(|g| &g.positives)));
            tensors.push(("groups.negatives".into(), lists(|g| &g.negatives)));
        }
        tensors.push(("position".into(), Tensor::from_slice(&self.at.numbers())));
        tensors.push((
            "settings".into(),
            Tensor::from_slice(self.settings().as_bytes()),
        ));
        tensors.sort_by(|a, b| a.0.cmp(&b.0));
        write_tensors(path, &tensors)
    }

    /// What must be equal for a training to go on: the settings, the data set and the entities that
    /// can be trained.
    fn settings(&self) -> String {
        let Training {
            config,
            dataset_hash,
            sources,
            ..
        } = self;
        blake3::hash(format!("{config:?} {dataset_hash} {:?}", sources.pairs.entities).as_bytes())
            .to_hex()
            .to_string()
    }

    pub fn restore(&mut self, path: &Path) -> Result<()> {
        let saved = Weights::open(path)?;
        let settings: Vec<u8> = numbers(&saved.get("settings")?)?;
        if settings != self.settings().as_bytes() {
            return Err(Error::format(
                path,
                "is of a training with other settings or on another data set",
            ));
        }
        let frozen = frozen_names(self.network.config.bert_layers);
        for (name, mut variable) in self.store.variables() {
            if !frozen(&name) {
                checkpoint::copy_parameter(
                    &name,
                    &mut variable,
                    &saved.get(&format!("model.{name}"))?,
                )?;
            }
        }
        self.optimizer.restore(&saved.take_prefix("optimizer."))?;
        if let Ok(positives) = saved.get("groups.positives") {
            let both = rows(&positives)?
                .into_iter()
                .zip(rows(&saved.get("groups.negatives")?)?);
            self.groups = Some(
                both.map(|(positives, negatives)| MinedQuery {
                    positives,
                    negatives,
                })
                .collect(),
            );
        }
        self.at = Position::of(&numbers(&saved.get("position")?)?)
            .ok_or_else(|| Error::format(path, "has no position"))?;
        Ok(())
    }

    pub fn describe(&self, dataset: &Dataset) -> ModelConfig {
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
            dataset_hash: Some(self.dataset_hash.clone()),
            training: serde_json::to_value(self.config).unwrap_or_default(),
        }
    }
}

/// The sizes of the network: the encoders', the data set's, and those that the settings choose.
fn sizes(
    dataset: &Dataset,
    config: &TrainConfig,
    encoders: &Encoders,
    pairs: &LoadedPairs,
    patches: &PatchStore,
    device: Device,
) -> NetworkConfig {
    NetworkConfig {
        entities: pairs.entities.len() as i64,
        clusters: dataset.classes.len() as i64 + 1,
        patches: patches.patches(),
        patch_features: patches.features(),
        vision_layers: config.vision_layers,
        fusion_layers: config.fusion_layers,
        pooling: config.state,
        alignment: config.tasks.has(Task::Itc).then_some(config.alignment),
        dropout: config.dropout,
        head_dropout: config.head_dropout,
        compute: compute(config.precision, device),
        ..encoders.text.sizes.clone()
    }
}

fn open_encoders(config: &TrainConfig, device: Device) -> Result<Encoders> {
    Encoders::open(
        &config.text_encoder,
        &config.image_encoder,
        config.normalize,
        device,
    )
}

/// The likeness of entities as the frozen encoders see them; none where the settings do not ask for
/// it.
fn likeness(
    config: &TrainConfig,
    cache: &Path,
    sources: &FeatureSources,
    network: &Network,
    encoders: &Encoders,
    observe: &mut dyn Observer<Progress>,
) -> Result<Option<SoftTargets>> {
    let Some(settings) = config.neighbours else {
        return Ok(None);
    };
    let profiles = Profiles::open(
        cache,
        &sources.pairs,
        &sources.patches,
        &network.student.bert,
        &encoders.text.source.hash,
        sources.device,
        observe,
    )?;
    Ok(Some(SoftTargets::new(&profiles, settings)))
}

/// Lists of rows as one tensor: how many there are, each one's length, then all rows.
fn lists<'r>(lists: impl Iterator<Item = &'r [Row]> + Clone) -> Tensor {
    let lengths = lists.clone().map(|l| l.len() as i64);
    let rows = lists.clone().flatten().map(|r| i64::from(r.0));
    let numbers: Vec<i64> = [lists.clone().count() as i64]
        .into_iter()
        .chain(lengths)
        .chain(rows)
        .collect();
    Tensor::from_slice(&numbers)
}

fn rows(tensor: &Tensor) -> Result<Vec<Vec<Row>>> {
    let broken = || Error::Mismatch("the checkpoint's mined groups are damaged".into());
    let numbers: Vec<i64> = numbers(tensor)?;
    let (count, rest) = numbers.split_first().ok_or_else(broken)?;
    let (lengths, mut rest) = rest.split_at_checked(*count as usize).ok_or_else(broken)?;
    lengths
        .iter()
        .map(|&length| {
            let (list, after) = rest.split_at_checked(length as usize).ok_or_else(broken)?;
            rest = after;
            Ok(list.iter().map(|&r| Row(r as u32)).collect())
        })
        .collect()
}

/// bf16 where the machine multiplies it faster than f32, and the settings allow it.
fn compute(precision: TrainPrecision, device: Device) -> Kind {
    let faster = || match device {
        Device::Cuda(_) => true,
        #[cfg(target_arch = "x86_64")]
        Device::Cpu => std::is_x86_feature_detected!("avx512bf16"),
        _ => false,
    };
    match precision {
        TrainPrecision::F32 => Kind::Float,
        TrainPrecision::Bf16 => Kind::BFloat16,
        TrainPrecision::Auto if faster() => Kind::BFloat16,
        TrainPrecision::Auto => Kind::Float,
    }
}

/// Groups the parameters: the new layers, BERT's last layer, the entity head, and the heads of the
/// tasks that there are.
fn optimizer(store: &VarStore, sizes: &NetworkConfig, config: &TrainConfig) -> AdamW {
    let frozen = frozen_names(sizes.bert_layers);
    let mut optimizer = AdamW::default();
    let mut variables: Vec<(String, Tensor)> = store.variables().into_iter().collect();
    variables.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, mut value) in variables {
        let rate = match name.split('.').next().unwrap_or_default() {
            "bert" if !frozen(&name) => config.encoder_learning_rate,
            "head" if config.tasks.has(Task::Mep) => config.head_learning_rate,
            "visual_linear"
            | "visual_pos_embedding"
            | "visual_transformer"
            | "cross_transformer" => config.learning_rate,
            "projection_head" if config.tasks.has(Task::Contrastive) => config.learning_rate,
            "cluster_head" if config.tasks.has(Task::Clustering) => config.learning_rate,
            "text_proj" | "vision_proj" | "temp" => config.learning_rate,
            "itm_head" if config.tasks.has(Task::Itm) => config.learning_rate,
            "mlm_head" if config.tasks.has(Task::Mlm) => config.learning_rate,
            _ => {
                let _ = value.requires_grad_(false);
                continue;
            }
        };
        // the running statistics of a batch norm are kept, not trained
        if value.requires_grad() {
            let decay = if value.dim() > 1 {
                config.weight_decay
            } else {
                0.0
            };
            optimizer.add(name, value, rate, decay);
        }
    }
    optimizer
}

fn numbers<T: tch::kind::Element>(tensor: &Tensor) -> Result<Vec<T>>
where
    Vec<T>: for<'t> TryFrom<&'t Tensor, Error = tch::TchError>,
{
    Ok(Vec::try_from(tensor)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_goes_there_and_back() {
        let mut at = Position {
            epoch: 3,
            best: Some((2, 0.71)),
            ..Position::default()
        };
        for (task, loss) in [(Task::Clustering, -2.5), (Task::Mep, 4.0)] {
            at.losses.add(task, loss, 1.0);
            at.stepped();
        }
        assert_eq!(Position::of(&at.numbers()), Some(at));
        assert_eq!(
            at.losses.means(),
            BTreeMap::from([("clustering", -2.5), ("mep", 4.0)])
        );
        at.next_epoch();
        assert_eq!(
            (at.epoch, at.batch, at.step_in_all, at.best),
            (4, 0, 2, Some((2, 0.71)))
        );
        assert_eq!(Position::of(&[1.0]), None);
    }

    #[test]
    fn groups_go_there_and_back() {
        let given = [vec![Row(3), Row(1)], vec![], vec![Row(7)]];
        let tensor = lists(given.iter().map(Vec::as_slice));
        assert_eq!(rows(&tensor).unwrap(), given);
        assert!(rows(&Tensor::from_slice(&[2i64, 5, 1])).is_err());
    }
}
