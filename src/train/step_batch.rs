//! The input tensors of one optimizer step, loaded from the feature caches.

use tch::Tensor;

use crate::error::Result;
use crate::features::samples::{FeatureSources, Sample};
use crate::model::NetworkInput;
use crate::train::schedule::TrainStep;
use crate::train::task::Task;
use crate::train::train_config::TrainConfig;

/// All pairs of a step, or a part of them, as the network takes them.
pub struct StepBatch {
    pub samples: Vec<Sample>,
    pub input: NetworkInput,
    /// The entity row of each pair, `[B]`.
    pub labels: Tensor,
    /// The fraction of the step's pairs that are in this batch.
    pub fraction: f64,
}

/// Loads the input of a step. A step of masked entity prediction is split into batches of
/// `pairs_at_once`, if that is set.
pub fn load_step(
    sources: &FeatureSources,
    step: &TrainStep,
    config: &TrainConfig,
) -> Result<Vec<StepBatch>> {
    if step.task == Task::Mep {
        let size = config.pairs_at_once.unwrap_or(step.samples.len()).max(1);
        return step
            .samples
            .chunks(size)
            .map(|samples| load_batch(sources, samples, step.samples.len()))
            .collect();
    }
    let samples = [step.samples.as_slice(), step.others.as_slice()].concat();
    Ok(vec![load_batch(sources, &samples, samples.len())?])
}

/// Loads samples of a step with `step_size` samples in total.
fn load_batch(sources: &FeatureSources, samples: &[Sample], step_size: usize) -> Result<StepBatch> {
    Ok(StepBatch {
        samples: samples.to_vec(),
        input: sources.input(samples)?,
        labels: sources.labels(samples),
        fraction: samples.len() as f64 / step_size as f64,
    })
}
