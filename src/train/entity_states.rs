//! Entity vectors of the current model over the data set, without gradients.

use tch::Tensor;

use crate::error::{Error, Result};
use crate::features::entity_mean::{EntityMean, centred_unit_rows};
use crate::features::samples::{FeatureSources, Sample};
use crate::model::{Network, NetworkInput};
use crate::progress::{Observer, Progress};
use crate::types::Mode;

/// The number of pairs in a batch. Without gradients it bounds memory only.
const BATCH: usize = 128;

/// Returns the mean state g of each entity in one mode, over at most `max_pairs` of its pairs:
/// `[V, D]`, f32, on the device.
pub fn mean_states(
    network: &Network,
    sources: &FeatureSources,
    mode: Mode,
    max_pairs: usize,
    observer: &mut dyn Observer<Progress>,
) -> Result<Tensor> {
    entity_means(sources, mode, max_pairs, observer, |input| {
        Ok(network.student.pre_head(input))
    })
}

/// Returns the vectors by which an aligned network compares entities, over at most `max_pairs`
/// pairs of each: `[V, E]`. The dot product of two is the cosine of their centred means; in mode
/// `both` of a network without fusion layers it is the sum of the cosines of both modalities.
///
/// Errors: `Mismatch` for a network that was not trained to align.
pub fn entity_vectors(
    network: &Network,
    sources: &FeatureSources,
    mode: Mode,
    max_pairs: usize,
    observer: &mut dyn Observer<Progress>,
) -> Result<Tensor> {
    let modes: &[Mode] = if mode == Mode::Both && network.config.fusion_layers == 0 {
        &[Mode::Text, Mode::Image]
    } else {
        &[mode]
    };
    let mut vectors = Vec::new();
    for &mode in modes {
        let represent = |input: &NetworkInput| {
            network.represent(input, mode).ok_or_else(|| {
                Error::Mismatch("the model was not trained to align sentences with images".into())
            })
        };
        let means = entity_means(sources, mode, max_pairs, observer, represent)?;
        vectors.push(centred_unit_rows(&means));
    }
    Ok(Tensor::cat(&vectors, 1))
}

/// Returns the mean over the pairs of each entity of what `represent` returns for a batch.
fn entity_means(
    sources: &FeatureSources,
    mode: Mode,
    max_pairs: usize,
    observer: &mut dyn Observer<Progress>,
    represent: impl Fn(&NetworkInput) -> Result<Tensor>,
) -> Result<Tensor> {
    let pairs = &sources.pairs;
    let rows = 0..pairs.entities.len();
    let mut samples: Vec<Sample> = rows
        .flat_map(|row| pairs.pairs_of(row).take(max_pairs))
        .map(|pair| Sample {
            pair,
            image: pairs.pairs[pair].image,
            mode,
        })
        .collect();
    // batches of similar lengths need less padding
    samples.sort_by_key(|s| pairs.length(s.pair));
    let mut mean = EntityMean::new(pairs.entities.len(), sources.device);
    let stage = format!("states, {mode}");
    for (i, batch) in samples.chunks(BATCH).enumerate() {
        mean.add(&sources.labels(batch), &represent(&sources.input(batch)?)?);
        let done = (i * BATCH + batch.len()) as u64;
        observer.report(Progress::new(stage.as_str(), done, samples.len() as u64))?;
    }
    Ok(mean.finish())
}
