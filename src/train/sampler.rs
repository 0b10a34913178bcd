//! Which pairs an epoch of masked entity prediction has, in which order, with which picture and
//! without which modality.

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::features::loaded_pairs::LoadedPairs;
use crate::features::samples::Sample;
use crate::train::config::TrainConfig;
use crate::types::Mode;

/// The samples of one epoch: a function of seed and epoch alone, so that a resumed training sees
/// what the unbroken one sees.
pub fn epoch(pairs: &LoadedPairs, config: &TrainConfig, epoch: usize) -> Vec<Sample> {
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    rng.set_stream(epoch as u64 + 1);
    let mut samples = Vec::new();
    for row in 0..pairs.entities.len() {
        let own: Vec<usize> = pairs.pairs_of(row).collect();
        let chosen = match config.pairs_per_entity {
            None => own,
            // whole rounds over the entity's pairs, then a part of one: as even as the number
            // allows
            Some(n) => {
                let mut round = own;
                round.shuffle(&mut rng);
                round.iter().copied().cycle().take(n).collect()
            }
        };
        samples.extend(
            chosen
                .into_iter()
                .map(|pair| shown(pairs, config, pair, &mut rng)),
        );
    }
    samples.shuffle(&mut rng);
    samples
}

/// A pair as it is shown: with its own picture or another of its entity, and perhaps without one
/// modality.
pub fn shown(
    pairs: &LoadedPairs,
    config: &TrainConfig,
    pair: usize,
    rng: &mut ChaCha8Rng,
) -> Sample {
    let own: Vec<usize> = pairs.pairs_of(pairs.row(pair)).collect();
    let from = if config.redraw_pictures {
        *own.choose(rng).unwrap_or(&pair)
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
        image: pairs.pairs[from].image,
        mode,
    }
}

/// Cuts an epoch into batches of pairs of like length: less padding, the same pairs. Windows of
/// `window` batches are sorted, then the batches are shuffled back, so that which pairs meet stays
/// random.
pub fn batches(
    samples: &[Sample],
    pairs: &LoadedPairs,
    config: &TrainConfig,
    epoch: usize,
) -> Vec<Vec<Sample>> {
    const WINDOW: usize = 8;
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    rng.set_stream(u64::MAX - epoch as u64);
    let mut batches: Vec<Vec<Sample>> = samples
        .chunks(config.batch * WINDOW)
        .flat_map(|window| {
            let mut window = window.to_vec();
            window.sort_by_key(|s| pairs.length(s.pair));
            window
                .chunks(config.batch)
                .map(<[Sample]>::to_vec)
                .collect::<Vec<_>>()
        })
        .collect();
    batches.shuffle(&mut rng);
    batches
}
