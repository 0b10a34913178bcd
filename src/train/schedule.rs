//! The steps of one epoch: contrast, then clustering, then masked entity prediction; each step has
//! one task. Image–text contrast has steps of its own.

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::features::loaded_pairs::LoadedPairs;
use crate::features::samples::Sample;
use crate::train::mining::MinedQuery;
use crate::train::sampler;
use crate::train::task::Task;
use crate::train::train_config::{QuerySource, TrainConfig};
use crate::types::Row;

/// One step of the optimizer.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainStep {
    pub task: Task,
    pub samples: Vec<Sample>,
    /// The other view of each sample if the task compares views, otherwise empty.
    pub others: Vec<Sample>,
}

impl TrainStep {
    /// Returns the number of pairs that go through the network.
    pub fn pairs(&self) -> usize {
        self.samples.len() + self.others.len()
    }
}

/// Returns all steps of an epoch. They depend on the settings and the epoch alone, so that a resumed
/// training has the same steps as an uninterrupted one. Before mining (`mined` is `None`) there are
/// no steps that compare views.
pub fn epoch_steps(
    pairs: &LoadedPairs,
    config: &TrainConfig,
    mined: Option<&[MinedQuery]>,
    epoch: usize,
) -> Vec<TrainStep> {
    let mut steps = Vec::new();
    if let Some(mined) = mined {
        for (task, passes) in comparing_tasks(config) {
            for pass in 0..passes {
                let seed = config.seed ^ (task as u64) << 56 ^ (pass as u64) << 48;
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(epoch as u64 + 1);
                steps.extend(comparison_steps(pairs, config, mined, task, &mut rng));
            }
        }
    }
    let samples = sampler::epoch_samples(pairs, config, epoch);
    let batches = sampler::batches(&samples, pairs, config, epoch);
    for task in pair_tasks(config) {
        steps.extend(batches.iter().map(|samples| TrainStep {
            task,
            samples: samples.clone(),
            others: Vec::new(),
        }));
    }
    steps
}

/// Returns the tasks that compare views, with their passes over the mined queries in one epoch.
fn comparing_tasks(config: &TrainConfig) -> impl Iterator<Item = (Task, usize)> {
    [
        (Task::Contrastive, config.contrastive_passes),
        (Task::Clustering, config.clustering_passes),
    ]
    .into_iter()
    .filter(|&(task, _)| config.tasks.contains(task))
}

/// Returns the tasks whose steps go over the pairs of an epoch.
fn pair_tasks(config: &TrainConfig) -> impl Iterator<Item = Task> {
    [Task::Itc, Task::Mep]
        .into_iter()
        .filter(|&task| config.tasks.contains(task))
}

/// Returns the steps of one pass over the mined queries. Each query gives two of its positives as
/// the two views of one row, and two views of one hard negative as another row, which the loss
/// separates from the first.
fn comparison_steps(
    pairs: &LoadedPairs,
    config: &TrainConfig,
    mined: &[MinedQuery],
    task: Task,
    rng: &mut ChaCha8Rng,
) -> Vec<TrainStep> {
    let mut order: Vec<&MinedQuery> = mined.iter().collect();
    order.shuffle(rng);
    let mut steps = Vec::new();
    for queries in order.chunks(queries_per_step(config)) {
        let mut step = TrainStep {
            task,
            samples: Vec::new(),
            others: Vec::new(),
        };
        for query in queries {
            add_views(&mut step, pairs, config, query, rng);
        }
        steps.push(step);
    }
    steps
}

/// Adds the two rows of a mined query to a step.
fn add_views(
    step: &mut TrainStep,
    pairs: &LoadedPairs,
    config: &TrainConfig,
    query: &MinedQuery,
    rng: &mut ChaCha8Rng,
) {
    let positives: Vec<Row> = query.positives.sample(rng, 2).copied().collect();
    let negative = query.negatives.choose(rng).copied();
    if let [a, b] = positives[..] {
        step.samples.push(sample_view(pairs, config, a, None, rng));
        step.others.push(sample_view(pairs, config, b, None, rng));
    }
    if let Some(negative) = negative {
        let first = sample_view(pairs, config, negative, None, rng);
        let second = sample_view(pairs, config, negative, Some(first.pair), rng);
        step.samples.push(first);
        step.others.push(second);
    }
}

/// Samples a pair of an entity other than `excluded`, so that two views do not share a sentence.
fn sample_view(
    pairs: &LoadedPairs,
    config: &TrainConfig,
    row: Row,
    excluded: Option<usize>,
    rng: &mut ChaCha8Rng,
) -> Sample {
    let entity_pairs = pairs.pairs_of(row.index());
    // an entity has at least two pairs, so at least one is left
    let count = entity_pairs.len() - usize::from(excluded.is_some());
    let mut pair = entity_pairs.start + rng.random_range(0..count);
    pair += usize::from(excluded.is_some_and(|excluded| pair >= excluded));
    sampler::sample_pair(pairs, config, pair, rng)
}

/// Returns the number of steps of the whole training; `queries` is the number of queries of the data
/// set.
pub fn total_steps(pairs: &LoadedPairs, config: &TrainConfig, queries: usize) -> usize {
    let entities = pairs.entities.len();
    let samples = config
        .pairs_per_entity
        .map_or(pairs.pairs.len(), |n| n * entities);
    let mined = match config.mining.query_source {
        QuerySource::Entities => entities,
        QuerySource::Queries => queries,
    };
    let passes: usize = comparing_tasks(config).map(|(_, passes)| passes).sum();
    let comparison_steps = passes * mined.div_ceil(queries_per_step(config));
    let pair_steps = pair_tasks(config).count() * samples.div_ceil(config.batch);
    let epoch_steps = |epoch| match config.stage(epoch) {
        1 => pair_steps,
        _ => pair_steps + comparison_steps,
    };
    (0..config.total_epochs()).map(epoch_steps).sum()
}

/// Returns the number of mined queries in one step; each gives two rows of two views.
fn queries_per_step(config: &TrainConfig) -> usize {
    config.batch.div_ceil(2).max(2)
}
