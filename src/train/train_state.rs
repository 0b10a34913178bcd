//! The whole state of a training at one moment, and the checkpoint file that it resumes from.

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
use crate::model::checkpoint::{ImageSource, ModelConfig, write_tensors};
use crate::model::network_config::AlignmentConfig;
use crate::model::parameters;
use crate::model::parameters::is_frozen;
use crate::model::weights::Weights;
use crate::model::{Network, NetworkConfig};
use crate::progress::{Observer, Progress};
use crate::train::entity_states::mean_states;
use crate::train::mining::MinedQuery;
use crate::train::optimizer::AdamW;
use crate::train::paths::TrainPaths;
use crate::train::schedule;
use crate::train::soft_targets::SoftTargets;
use crate::train::task::Task;
use crate::train::teacher::Teacher;
use crate::train::train_config::{Initialization, TrainConfig, TrainPrecision};
use crate::types::Row;

/// The sums of the losses of the current epoch, by task.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LossSums([LossSum; Task::ALL.len()]);

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct LossSum {
    sum: f64,
    /// The number of steps; a batch of a part of a step counts by its fraction.
    steps: f64,
}

impl LossSums {
    /// Adds a task's loss on this fraction of a step's pairs.
    pub fn add(&mut self, task: Task, loss: f64, fraction: f64) {
        let entry = &mut self.0[task as usize];
        entry.sum += loss * fraction;
        entry.steps += fraction;
    }

    /// Returns the mean loss of each task that had a step.
    pub fn means(&self) -> BTreeMap<&'static str, f64> {
        Task::ALL
            .iter()
            .zip(&self.0)
            .filter(|(_, loss)| loss.steps > 0.0)
            .map(|(task, loss)| (task.name(), loss.sum / loss.steps))
            .collect()
    }
}

/// The position of a training between its first and its last step.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TrainingPosition {
    pub epoch: usize,
    /// The number of steps done in this epoch.
    pub batch: usize,
    /// The number of steps done since the beginning.
    pub total_steps: usize,
    pub losses: LossSums,
    /// The epoch (from 1) with the best MAP@10 on the held-out queries, and that MAP@10.
    pub best: Option<(usize, f64)>,
}

impl TrainingPosition {
    pub fn advance_step(&mut self) {
        self.batch += 1;
        self.total_steps += 1;
    }

    pub fn advance_epoch(&mut self) {
        *self = TrainingPosition {
            epoch: self.epoch + 1,
            batch: 0,
            losses: LossSums::default(),
            ..*self
        };
    }

    /// Returns the position as numbers for the checkpoint.
    fn to_numbers(self) -> Vec<f64> {
        let (best_epoch, map) = self.best.unwrap_or_default();
        let counts = [self.epoch, self.batch, self.total_steps, best_epoch];
        let mut numbers: Vec<f64> = counts.iter().map(|&n| n as f64).collect();
        numbers.push(map);
        for loss in &self.losses.0 {
            numbers.extend([loss.sum, loss.steps]);
        }
        numbers
    }

    /// Reads what [`TrainingPosition::to_numbers`] returned; `None` if the numbers are damaged.
    fn from_numbers(numbers: &[f64]) -> Option<Self> {
        let [epoch, batch, total_steps, best_epoch, map, losses @ ..] = numbers else {
            return None;
        };
        let mut sums = LossSums::default();
        if losses.len() != 2 * sums.0.len() {
            return None;
        }
        for (loss, numbers) in sums.0.iter_mut().zip(losses.chunks_exact(2)) {
            (loss.sum, loss.steps) = (numbers[0], numbers[1]);
        }
        Some(TrainingPosition {
            epoch: *epoch as usize,
            batch: *batch as usize,
            total_steps: *total_steps as usize,
            losses: sums,
            best: (*best_epoch > 0.0).then_some((*best_epoch as usize, *map)),
        })
    }
}

/// The state of a training: its data, its model and its position.
pub struct Training<'a> {
    pub config: &'a TrainConfig,
    pub dataset_hash: String,
    pub encoders: Encoders,
    pub sources: Arc<FeatureSources>,
    pub store: VarStore,
    pub network: Network,
    pub teacher: Option<Teacher>,
    pub soft_targets: Option<SoftTargets>,
    pub optimizer: AdamW,
    /// The result of mining; `None` before it.
    pub mined: Option<Vec<MinedQuery>>,
    pub position: TrainingPosition,
    /// The number of steps of the whole training.
    pub total_steps: usize,
}

impl<'a> Training<'a> {
    /// Opens the encoders, loads the data set's features and creates the network.
    pub fn prepare(
        dataset: &Dataset,
        paths: &TrainPaths,
        config: &'a TrainConfig,
        device: Device,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<Self> {
        let cache = &paths.cache;
        let encoders = open_encoders(config, device)?;
        let (pairs, patches) = load_pairs(dataset, &encoders, config.grid, cache, None, observer)?;
        let sizes = network_config(dataset, config, &encoders, &pairs, &patches, device);
        sizes.validate()?;
        tch::manual_seed(config.seed as i64);
        let store = VarStore::new(device);
        let with_teacher = config.tasks.contains(Task::Distillation);
        let network = Network::new(&store.root(), &sizes, with_teacher);
        parameters::load_encoder(&store, &encoders.text.weights)?;
        let bert = &network.student.bert;
        let texts = encoders
            .text
            .states(cache, &pairs, bert, device, observer)?;
        let sources = FeatureSources {
            pairs,
            texts,
            patches,
            device,
        };
        let soft_targets = soft_targets(config, cache, &sources, &network, &encoders, observer)?;
        let teacher = network
            .teacher
            .as_ref()
            .map(|_| Teacher::from_store(&store));
        let optimizer = optimizer(&store, &sizes, config);
        let total_steps = schedule::total_steps(&sources.pairs, config, dataset.queries.len());
        Ok(Training {
            config,
            dataset_hash: dataset.hash()?,
            encoders,
            sources: Arc::new(sources),
            store,
            network,
            teacher,
            soft_targets,
            optimizer,
            mined: None,
            position: TrainingPosition::default(),
            total_steps,
        })
    }

    /// Initializes the new parameters as the settings say, and makes the teacher equal to the
    /// student.
    pub fn initialize(&mut self, observer: &mut dyn Observer<Progress>) -> Result<()> {
        if let Initialization::Encoders { gain, scale } = self.config.initialization {
            self.network.start_from_encoders(gain);
            if self.config.tasks.contains(Task::Mep) {
                let means = mean_states(
                    &self.network,
                    &self.sources,
                    self.config.most_discriminative_mode(),
                    usize::MAX,
                    observer,
                )?;
                self.network.student.head.start_as_similarity(&means, scale);
            }
        }
        if let Some(teacher) = &mut self.teacher {
            teacher.copy_student();
        }
        Ok(())
    }

    /// Returns the factor of all learning rates at this step: warm-up times decay.
    pub fn learning_rate_factor(&self) -> f64 {
        let done = self.position.total_steps as f64 / self.total_steps.max(1) as f64;
        let warm_up = if self.config.warm_up > 0.0 {
            (done / self.config.warm_up).min(1.0)
        } else {
            1.0
        };
        let decay = if self.config.linear_decay {
            (1.0 - done).max(0.0)
        } else {
            1.0
        };
        warm_up * decay
    }

    /// Writes parameters, optimizer, mined queries and position to one file, atomically.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut tensors = self.trained_parameters();
        for (name, value) in self.optimizer.state() {
            tensors.push((format!("optimizer.{name}"), value));
        }
        if let Some(mined) = &self.mined {
            let positives = mined.iter().map(|q| q.positives.as_slice());
            let negatives = mined.iter().map(|q| q.negatives.as_slice());
            tensors.push(("groups.positives".into(), lists_to_tensor(positives)));
            tensors.push(("groups.negatives".into(), lists_to_tensor(negatives)));
        }
        let position = Tensor::from_slice(&self.position.to_numbers());
        tensors.push(("position".into(), position));
        let settings = Tensor::from_slice(self.settings_hash().as_bytes());
        tensors.push(("settings".into(), settings));
        tensors.sort_by(|a, b| a.0.cmp(&b.0));
        write_tensors(path, &tensors)
    }

    /// Returns the parameters that are not frozen, under their names in the checkpoint.
    fn trained_parameters(&self) -> Vec<(String, Tensor)> {
        let bert_layers = self.network.config.bert_layers;
        self.store
            .variables()
            .into_iter()
            .filter(|(name, _)| !is_frozen(name, bert_layers))
            .map(|(name, value)| (format!("model.{name}"), value))
            .collect()
    }

    /// Returns the hash of what must be equal to resume a training: the settings, the data set and
    /// the entities that can be trained.
    fn settings_hash(&self) -> String {
        let entities = &self.sources.pairs.entities;
        let settings = serde_json::json!([self.config, self.dataset_hash, entities]);
        blake3::hash(settings.to_string().as_bytes())
            .to_hex()
            .to_string()
    }

    /// Loads a checkpoint that [`Training::save`] wrote.
    ///
    /// Errors: `Format` for a checkpoint with other settings or of another data set, or a damaged
    /// one.
    pub fn restore(&mut self, path: &Path) -> Result<()> {
        let saved = Weights::open(path)?;
        let settings: Vec<u8> = to_vec(&saved.get("settings")?)?;
        if settings != self.settings_hash().as_bytes() {
            return Err(Error::format(
                path,
                "is the checkpoint of a training with other settings or on another data set",
            ));
        }
        let bert_layers = self.network.config.bert_layers;
        for (name, mut variable) in self.store.variables() {
            if !is_frozen(&name, bert_layers) {
                parameters::copy_parameter(
                    &name,
                    &mut variable,
                    &saved.get(&format!("model.{name}"))?,
                )?;
            }
        }
        self.optimizer.restore(&saved.take_prefix("optimizer."))?;
        if let Ok(positives) = saved.get("groups.positives") {
            let positives = tensor_to_lists(&positives)?;
            let negatives = tensor_to_lists(&saved.get("groups.negatives")?)?;
            let queries = positives.into_iter().zip(negatives);
            self.mined = Some(
                queries
                    .map(|(positives, negatives)| MinedQuery {
                        positives,
                        negatives,
                    })
                    .collect(),
            );
        }
        self.position = TrainingPosition::from_numbers(&to_vec(&saved.get("position")?)?)
            .ok_or_else(|| Error::format(path, "is damaged: it has no valid position"))?;
        Ok(())
    }

    /// Returns the contents of the model folder's `config.json`.
    pub fn model_config(&self, dataset: &Dataset) -> ModelConfig {
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

/// Returns the sizes of the network, from the encoders, the data set and the settings.
fn network_config(
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
        pooling: config.pooling,
        alignment: alignment_config(config),
        dropout: config.dropout,
        head_dropout: config.head_dropout,
        compute: compute_kind(config.precision, device),
        ..encoders.text.sizes.clone()
    }
}

/// Returns the sizes of the alignment heads; `None` if no task has any. Only image–text contrast has
/// a queue.
fn alignment_config(config: &TrainConfig) -> Option<AlignmentConfig> {
    if config.tasks.contains(Task::Itc) {
        return Some(config.alignment);
    }
    let has_heads = config.tasks.contains(Task::Itm) || config.tasks.contains(Task::Mlm);
    has_heads.then_some(AlignmentConfig {
        queue: 0,
        ..config.alignment
    })
}

fn open_encoders(config: &TrainConfig, device: Device) -> Result<Encoders> {
    Encoders::open(
        &config.text_encoder,
        &config.image_encoder,
        config.normalize,
        device,
    )
}

/// Builds the soft targets from the frozen encoders; `None` if the settings do not use them.
fn soft_targets(
    config: &TrainConfig,
    cache: &Path,
    sources: &FeatureSources,
    network: &Network,
    encoders: &Encoders,
    observer: &mut dyn Observer<Progress>,
) -> Result<Option<SoftTargets>> {
    let Some(settings) = config.soft_targets else {
        return Ok(None);
    };
    let profiles = Profiles::open(
        cache,
        &sources.pairs,
        &sources.patches,
        &network.student.bert,
        &encoders.text.source.hash,
        sources.device,
        observer,
    )?;
    Ok(Some(SoftTargets::new(&profiles, settings)))
}

/// Encodes lists of rows as one tensor: the number of lists, the length of each, then all rows.
fn lists_to_tensor<'r>(lists: impl Iterator<Item = &'r [Row]> + Clone) -> Tensor {
    let mut numbers = vec![lists.clone().count() as i64];
    numbers.extend(lists.clone().map(|list| list.len() as i64));
    numbers.extend(lists.flatten().map(|row| i64::from(row.0)));
    Tensor::from_slice(&numbers)
}

/// Decodes what [`lists_to_tensor`] returned.
fn tensor_to_lists(tensor: &Tensor) -> Result<Vec<Vec<Row>>> {
    let damaged = || Error::Mismatch("the checkpoint's mined queries are damaged".into());
    let numbers: Vec<i64> = to_vec(tensor)?;
    let (count, numbers) = numbers.split_first().ok_or_else(damaged)?;
    let (lengths, mut rows) = numbers
        .split_at_checked(*count as usize)
        .ok_or_else(damaged)?;
    let mut lists = Vec::with_capacity(lengths.len());
    for &length in lengths {
        let (list, rest) = rows.split_at_checked(length as usize).ok_or_else(damaged)?;
        lists.push(list.iter().map(|&row| Row(row as u32)).collect());
        rows = rest;
    }
    Ok(lists)
}

/// Returns the number format of the layers' products: bf16 if the settings ask for it, or if they
/// leave the choice and this machine multiplies bf16 faster than f32.
fn compute_kind(precision: TrainPrecision, device: Device) -> Kind {
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

/// Creates the optimizer with a learning rate for each group of parameters: the new layers, BERT's
/// last layer, the entity head, and the heads of the tasks in use. Freezes all other parameters.
fn optimizer(store: &VarStore, sizes: &NetworkConfig, config: &TrainConfig) -> AdamW {
    let mut optimizer = AdamW::default();
    let mut variables: Vec<(String, Tensor)> = store.variables().into_iter().collect();
    variables.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, mut value) in variables {
        let rate = match name.split('.').next().unwrap_or_default() {
            "bert" if !is_frozen(&name, sizes.bert_layers) => config.encoder_learning_rate,
            "head" if config.tasks.contains(Task::Mep) => config.head_learning_rate,
            "visual_linear"
            | "visual_pos_embedding"
            | "visual_transformer"
            | "cross_transformer" => config.learning_rate,
            "projection_head" if config.tasks.contains(Task::Contrastive) => config.learning_rate,
            "cluster_head" if config.tasks.contains(Task::Clustering) => config.learning_rate,
            "text_proj" | "vision_proj" | "temp" => config.learning_rate,
            "itm_head" if config.tasks.contains(Task::Itm) => config.learning_rate,
            "mlm_head" if config.tasks.contains(Task::Mlm) => config.learning_rate,
            _ => {
                let _ = value.requires_grad_(false);
                continue;
            }
        };
        // the running statistics of a batch norm have no gradient
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

fn to_vec<T: tch::kind::Element>(tensor: &Tensor) -> Result<Vec<T>>
where
    Vec<T>: for<'t> TryFrom<&'t Tensor, Error = tch::TchError>,
{
    Ok(Vec::try_from(tensor)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_a_round_trip() {
        let mut position = TrainingPosition {
            epoch: 3,
            best: Some((2, 0.71)),
            ..TrainingPosition::default()
        };
        for (task, loss) in [(Task::Clustering, -2.5), (Task::Mep, 4.0)] {
            position.losses.add(task, loss, 1.0);
            position.advance_step();
        }
        assert_eq!(
            TrainingPosition::from_numbers(&position.to_numbers()),
            Some(position)
        );
        assert_eq!(
            position.losses.means(),
            BTreeMap::from([("clustering", -2.5), ("mep", 4.0)])
        );
        position.advance_epoch();
        assert_eq!(
            (
                position.epoch,
                position.batch,
                position.total_steps,
                position.best
            ),
            (4, 0, 2, Some((2, 0.71)))
        );
        assert_eq!(TrainingPosition::from_numbers(&[1.0]), None);
    }

    #[test]
    fn lists_survive_a_round_trip() {
        let given = [vec![Row(3), Row(1)], vec![], vec![Row(7)]];
        let tensor = lists_to_tensor(given.iter().map(Vec::as_slice));
        assert_eq!(tensor_to_lists(&tensor).unwrap(), given);
        assert!(tensor_to_lists(&Tensor::from_slice(&[2i64, 5, 1])).is_err());
    }
}
