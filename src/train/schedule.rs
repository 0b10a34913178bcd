//! The steps of one epoch: contrast, then clustering, then masked entity prediction, never one
//! summed loss. Image–text contrast has steps of its own.

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::features::loaded_pairs::LoadedPairs;
use crate::features::samples::Sample;
use crate::train::config::{MinedFrom, TrainConfig};
use crate::train::mining::MinedQuery;
use crate::train::sampler;
use crate::train::task::Task;
use crate::types::Row;

/// One step of the optimizer.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainStep {
    pub task: Task,
    pub samples: Vec<Sample>,
    /// The other view of each sample, where the task compares views; else empty.
    pub others: Vec<Sample>,
}

impl TrainStep {
    /// Pairs that go through the network.
    pub fn pairs(&self) -> usize {
        self.samples.len() + self.others.len()
    }
}

/// All steps of this epoch: a function of settings and epoch alone, so that a resumed training sees
/// what the unbroken one sees. Without groups there is nothing to compare yet, and masked entity
/// prediction is alone.
pub fn steps(
    pairs: &LoadedPairs,
    config: &TrainConfig,
    groups: Option<&[MinedQuery]>,
    epoch: usize,
) -> Vec<TrainStep> {
    let mut steps = Vec::new();
    for (task, passes) in [
        (Task::Contrastive, config.contrastive_passes),
        (Task::Clustering, config.clustering_passes),
    ] {
        let (Some(groups), true) = (groups, config.tasks.has(task)) else {
            continue;
        };
        for pass in 0..passes {
            let mut rng =
                ChaCha8Rng::seed_from_u64(config.seed ^ (task as u64) << 56 ^ (pass as u64) << 48);
            rng.set_stream(epoch as u64 + 1);
            steps.extend(comparisons(pairs, config, groups, task, &mut rng));
        }
    }
    let samples = sampler::epoch(pairs, config, epoch);
    let batches = sampler::batches(&samples, pairs, config, epoch);
    for task in over_pairs(config) {
        steps.extend(batches.iter().map(|samples| TrainStep {
            task,
            samples: samples.clone(),
            others: Vec::new(),
        }));
    }
    steps
}

/// Tasks whose steps go over the pairs.
fn over_pairs(config: &TrainConfig) -> impl Iterator<Item = Task> {
    [Task::Itc, Task::Mep]
        .into_iter()
        .filter(|&task| config.tasks.has(task))
}

/// One pass over the groups: of each, two of its positives as the two views of one row, and one
/// hard negative with itself as another row, which is there to be told from the first.
fn comparisons(
    pairs: &LoadedPairs,
    config: &TrainConfig,
    groups: &[MinedQuery],
    task: Task,
    rng: &mut ChaCha8Rng,
) -> Vec<TrainStep> {
    let mut order: Vec<&MinedQuery> = groups.iter().collect();
    order.shuffle(rng);
    let batches = order.chunks(groups_at_once(config));
    batches
        .map(|batch| {
            let mut step = TrainStep {
                task,
                samples: Vec::new(),
                others: Vec::new(),
            };
            for group in batch {
                let positives: Vec<Row> = group.positives.sample(rng, 2).copied().collect();
                let negative = group.negatives.choose(rng).copied();
                if let [a, b] = positives[..] {
                    step.samples.push(view(pairs, config, a, None, rng));
                    step.others.push(view(pairs, config, b, None, rng));
                }
                if let Some(negative) = negative {
                    let sample = view(pairs, config, negative, None, rng);
                    step.others
                        .push(view(pairs, config, negative, Some(sample.pair), rng));
                    step.samples.push(sample);
                }
            }
            step
        })
        .collect()
}

/// A pair of this entity, other than `but`, as it is shown: two views are never one sentence twice.
fn view(
    pairs: &LoadedPairs,
    config: &TrainConfig,
    row: Row,
    but: Option<usize>,
    rng: &mut ChaCha8Rng,
) -> Sample {
    let own = pairs.pairs_of(row.index());
    // an entity has at least two pairs, so that another one is left
    let among = own.len() - usize::from(but.is_some());
    let mut pair = own.start + rng.random_range(0..among);
    pair += usize::from(but.is_some_and(|but| pair >= but));
    sampler::shown(pairs, config, pair, rng)
}

/// How many steps the whole training has. `queries`: of the data set.
pub fn steps_in_all(pairs: &LoadedPairs, config: &TrainConfig, queries: usize) -> usize {
    let entities = pairs.entities.len();
    let samples = config
        .pairs_per_entity
        .map_or(pairs.pairs.len(), |n| n * entities);
    let groups = match config.mining.from {
        MinedFrom::Entities => entities,
        MinedFrom::Queries => queries,
    };
    let passes = |task, passes| if config.tasks.has(task) { passes } else { 0 };
    let comparisons = passes(Task::Contrastive, config.contrastive_passes)
        + passes(Task::Clustering, config.clustering_passes);
    let compared = comparisons * groups.div_ceil(groups_at_once(config));
    let paired = over_pairs(config).count() * samples.div_ceil(config.batch);
    (0..config.epochs_in_all())
        .map(|e| paired + if config.stage(e) == 2 { compared } else { 0 })
        .sum()
}

/// Each gives two rows of two views.
fn groups_at_once(config: &TrainConfig) -> usize {
    config.batch.div_ceil(2).max(2)
}
