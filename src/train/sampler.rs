//! Sampling of the pairs of an epoch: their order, their images and their missing modalities.

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::features::loaded_pairs::LoadedPairs;
use crate::features::samples::Sample;
use crate::train::train_config::TrainConfig;
use crate::types::Mode;

/// The number of batches whose samples are sorted by length together.
const SORT_WINDOW: usize = 8;

/// Returns the samples of one epoch of masked entity prediction. They depend on the seed and the
/// epoch alone, so that a resumed training has the same samples as an uninterrupted one.
pub fn epoch_samples(pairs: &LoadedPairs, config: &TrainConfig, epoch: usize) -> Vec<Sample> {
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    rng.set_stream(epoch as u64 + 1);
    let mut samples = Vec::new();
    for row in 0..pairs.entities.len() {
        let mut entity_pairs: Vec<usize> = pairs.pairs_of(row).collect();
        if let Some(count) = config.pairs_per_entity {
            // whole rounds over the entity's pairs and a part of one: as even as the count allows
            entity_pairs.shuffle(&mut rng);
            entity_pairs = entity_pairs.into_iter().cycle().take(count).collect();
        }
        for pair in entity_pairs {
            samples.push(sample_pair(pairs, config, pair, &mut rng));
        }
    }
    samples.shuffle(&mut rng);
    samples
}

/// Returns a pair as it is shown to the network: with its own image or a random one of its entity,
/// and perhaps without one modality.
pub fn sample_pair(
    pairs: &LoadedPairs,
    config: &TrainConfig,
    pair: usize,
    rng: &mut ChaCha8Rng,
) -> Sample {
    let entity_pairs: Vec<usize> = pairs.pairs_of(pairs.row(pair)).collect();
    let image_pair = if config.redraw_images {
        *entity_pairs.choose(rng).unwrap_or(&pair)
    } else {
        pair
    };
    let draw: f64 = rng.random();
    let mode = if draw < config.drop_text {
        Mode::Image
    } else if draw < config.drop_text + config.drop_image {
        Mode::Text
    } else {
        Mode::Both
    };
    Sample {
        pair,
        image: pairs.pairs[image_pair].image,
        mode,
    }
}

/// Splits the samples of an epoch into batches of pairs of similar lengths, which need less
/// padding. Windows of a few batches are sorted, then the batches are shuffled, so that the pairs of
/// a batch stay random.
pub fn batches(
    samples: &[Sample],
    pairs: &LoadedPairs,
    config: &TrainConfig,
    epoch: usize,
) -> Vec<Vec<Sample>> {
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    rng.set_stream(u64::MAX - epoch as u64);
    let mut batches: Vec<Vec<Sample>> = Vec::new();
    for window in samples.chunks(config.batch * SORT_WINDOW) {
        let mut window = window.to_vec();
        window.sort_by_key(|s| pairs.length(s.pair));
        batches.extend(window.chunks(config.batch).map(<[Sample]>::to_vec));
    }
    batches.shuffle(&mut rng);
    batches
}
