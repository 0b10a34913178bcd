//! The model so far over the data set, without gradient.

use tch::Tensor;

use crate::error::{Error, Result};
use crate::features::batch::{Sample, Sources};
use crate::features::mean::EntityMean;
use crate::job::{Observer, Progress};
use crate::model::Network;
use crate::types::Mode;

/// Pairs in one batch where no gradient is kept.
const BATCH: usize = 128;

/// Each entity's mean g in one mode, over at most `most` of its pairs: `[V, D]`, f32, on the device.
pub fn mean_states(
    network: &Network,
    sources: &Sources,
    mode: Mode,
    most: usize,
    observe: &mut dyn Observer<Progress>,
) -> Result<Tensor> {
    let pairs = &sources.pairs;
    let rows = 0..pairs.entities.len();
    let mut samples: Vec<Sample> = rows
        .flat_map(|row| pairs.of(row).take(most))
        .map(|pair| Sample { pair, image: pairs.pairs[pair].image, mode })
        .collect();
    // like lengths together: less padding
    samples.sort_by_key(|s| pairs.length(s.pair));
    let mut mean = EntityMean::new(pairs.entities.len(), sources.device);
    let stage = format!("states, {mode}");
    for (i, batch) in samples.chunks(BATCH).enumerate() {
        mean.add(&sources.labels(batch), &network.student.seen(&sources.input(batch)?));
        let done = (i * BATCH + batch.len()) as u64;
        if observe.on(Progress::new(stage.as_str(), done, samples.len() as u64)).is_break() {
            return Err(Error::Stopped);
        }
    }
    Ok(mean.result())
}
