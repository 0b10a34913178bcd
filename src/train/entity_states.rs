//! The model so far over the data set, without gradient.

use tch::Tensor;

use crate::error::{Error, Result};
use crate::features::entity_mean::{EntityMean, centred_unit_rows};
use crate::features::samples::{FeatureSources, Sample};
use crate::model::{Network, NetworkInput};
use crate::progress::{Observer, Progress};
use crate::types::Mode;

/// Pairs in one batch where no gradient is kept.
const BATCH: usize = 128;

/// Each entity's mean g in one mode, over at most `most` of its pairs: `[V, D]`, f32, on the
/// device.
pub fn mean_states(
    network: &Network,
    sources: &FeatureSources,
    mode: Mode,
    most: usize,
    observe: &mut dyn Observer<Progress>,
) -> Result<Tensor> {
    means(sources, mode, most, observe, |input| {
        Ok(network.student.pre_head(input))
    })
}

/// Entities as a network that aligns tells them apart, over at most `most` pairs of each: `[V, E]`.
/// A dot product of two is the cosine of their centred means; where nothing is fused, for both
/// modes the sum of each one's.
///
/// Errors: `Mismatch` for a network that was not trained to align.
pub fn entity_vectors(
    network: &Network,
    sources: &FeatureSources,
    mode: Mode,
    most: usize,
    observe: &mut dyn Observer<Progress>,
) -> Result<Tensor> {
    let apart = mode == Mode::Both && network.config.fusion_layers == 0;
    let seen: &[Mode] = if apart {
        &[Mode::Text, Mode::Image]
    } else {
        &[mode]
    };
    let mut of_modes = Vec::new();
    for &mode in seen {
        let none =
            || Error::Mismatch("the model was not trained to align sentences with pictures".into());
        let represent = |input: &NetworkInput| network.represent(input, mode).ok_or_else(none);
        of_modes.push(centred_unit_rows(&means(
            sources, mode, most, observe, represent,
        )?));
    }
    Ok(Tensor::cat(&of_modes, 1))
}

fn means(
    sources: &FeatureSources,
    mode: Mode,
    most: usize,
    observe: &mut dyn Observer<Progress>,
    state: impl Fn(&NetworkInput) -> Result<Tensor>,
) -> Result<Tensor> {
    let pairs = &sources.pairs;
    let rows = 0..pairs.entities.len();
    let mut samples: Vec<Sample> = rows
        .flat_map(|row| pairs.pairs_of(row).take(most))
        .map(|pair| Sample {
            pair,
            image: pairs.pairs[pair].image,
            mode,
        })
        .collect();
    // like lengths together: less padding
    samples.sort_by_key(|s| pairs.length(s.pair));
    let mut mean = EntityMean::new(pairs.entities.len(), sources.device);
    let stage = format!("states, {mode}");
    for (i, batch) in samples.chunks(BATCH).enumerate() {
        mean.add(&sources.labels(batch), &state(&sources.input(batch)?)?);
        let done = (i * BATCH + batch.len()) as u64;
        observe.report(Progress::new(stage.as_str(), done, samples.len() as u64))?;
    }
    Ok(mean.finish())
}
