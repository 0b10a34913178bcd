//! Refinement of the head's rows by the states (ours; `docs/ALGORITHM.md`, "Prototypes"). Training
//! updates a row of the head mostly by its own entity's pairs, so with few pairs the rows know less
//! about other entities than the states do, and expansion scores other entities. Refinement adds to
//! each row its entity's mean state, and then moves it half way to the mean of its nearest rows. It
//! uses states only, no labels.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::features::entity_mean::centred_unit_rows;

/// The settings of the refinement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prototypes {
    /// The weight of an entity's centred mean state, relative to its row; both have the mean length
    /// of a row.
    pub weight: f64,
    /// The number of other entities, with the best Z in both directions, whose rows are averaged
    /// with an entity's own.
    pub nearest: usize,
    /// The fraction of the way from a row to that average: 0 leaves the row, 1 replaces it, so that
    /// entities with the same nearest entities get equal rows.
    #[serde(rename = "share")]
    pub interpolation: f64,
}

impl Default for Prototypes {
    fn default() -> Self {
        Prototypes {
            weight: 1.0,
            nearest: 5,
            interpolation: 0.5,
        }
    }
}

/// The limit of `nearest`.
const MAX_NEAREST: usize = 100;
/// The number of elements of Z in one block.
const BLOCK_ELEMENTS: i64 = 4 << 20;

impl Prototypes {
    /// Refuses invalid settings.
    pub fn validate(&self) -> Result<()> {
        let is_fraction = (0.0..=1.0).contains(&self.interpolation);
        if is_fraction && self.weight.is_finite() && self.nearest <= MAX_NEAREST {
            return Ok(());
        }
        Err(Error::Argument(format!(
            "invalid prototypes: weight is {} (finite), nearest is {} (at most {MAX_NEAREST}), share is {} (between 0 and 1)",
            self.weight, self.nearest, self.interpolation
        )))
    }

    /// Returns the head refined by `states`, the mean of each entity `[V, D]`: weight `[V, D]` and
    /// bias `[V]`.
    pub fn refine(&self, weight: &Tensor, bias: &Tensor, states: &Tensor) -> (Tensor, Tensor) {
        tch::no_grad(|| {
            let mean_state = states.mean_dim(0, true, Kind::Float);
            let centred_weight = weight - weight.mean_dim(0, true, Kind::Float);
            let length = centred_weight
                .norm_scalaropt_dim(2.0, [1i64].as_slice(), true)
                .mean(Kind::Float);
            let added = centred_unit_rows(states) * length * self.weight;
            let weight = weight + &added;
            // the mean of all states gets the same score from every row
            let bias = bias - added.matmul(&mean_state.squeeze_dim(0));
            let nearest = nearest(&weight, &bias, states, self.nearest);
            let mean = |rows: &Tensor, nearest: &Tensor| {
                rows.index_select(0, &nearest.flatten(0, 1))
                    .unflatten(0, nearest.size())
                    .mean_dim([1i64].as_slice(), false, Kind::Float)
            };
            let bias = bias.unsqueeze(1);
            let refined = |rows: &Tensor| rows.lerp(&mean(rows, &nearest), self.interpolation);
            (refined(&weight), refined(&bias).squeeze_dim(1))
        })
    }
}

/// Returns for each entity itself and the `count` entities with the best Z\[e\]\[c\] + Z\[c\]\[e\]:
/// `[V, count + 1]`.
fn nearest(weight: &Tensor, bias: &Tensor, states: &Tensor, count: usize) -> Tensor {
    let v = weight.size()[0];
    let rows = (BLOCK_ELEMENTS / v).max(1);
    let blocks: Vec<(i64, i64)> = (0..v)
        .step_by(rows as usize)
        .map(|from| (from, rows.min(v - from)))
        .collect();
    // the logits of these entities' states, `[count, V]`
    let logits = |from, count| states.narrow(0, from, count).matmul(&weight.tr()) + bias;
    let (mut mean, mut deviation) = (Vec::new(), Vec::new());
    for &(from, count) in &blocks {
        let logits = logits(from, count);
        mean.push(logits.mean_dim([1i64].as_slice(), true, Kind::Float));
        deviation.push(
            logits
                .std_dim([1i64].as_slice(), false, true)
                .clamp_min(1e-12),
        );
    }
    let (mean, deviation) = (Tensor::cat(&mean, 0), Tensor::cat(&deviation, 0));
    let nearest_in_block = |&(from, count_here): &(i64, i64)| {
        let part = |all: &Tensor| all.narrow(0, from, count_here);
        let forward = (logits(from, count_here) - part(&mean)) / part(&deviation);
        let backward = states.matmul(&part(weight).tr()) + part(bias);
        let both = forward + ((backward - &mean) / &deviation).tr();
        let own = Tensor::arange_start(from, from + count_here, (Kind::Int64, weight.device()))
            .unsqueeze(1);
        let (_, best) = both.scatter_value(1, &own, f64::INFINITY).topk(
            (count as i64 + 1).min(v),
            1,
            true,
            true,
        );
        best
    };
    Tensor::cat(&blocks.iter().map(nearest_in_block).collect::<Vec<_>>(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::test_index::random;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// Returns how many of 60 entities in 5 classes have a best candidate of their class according
    /// to the head.
    fn own_class_hits(weight: &Tensor, bias: &Tensor, states: &Tensor) -> usize {
        let logits = states.matmul(&weight.tr()) + bias;
        let own = Tensor::arange(60, (Kind::Int64, weight.device())).unsqueeze(1);
        let best = logits
            .scatter_value(1, &own, f64::NEG_INFINITY)
            .argmax(1, false);
        let best: Vec<i64> = Vec::try_from(&best).unwrap();
        best.iter()
            .enumerate()
            .filter(|(e, b)| (*e as i64 - **b) % 5 == 0)
            .count()
    }

    #[test]
    fn refined_rows_find_more_of_their_class() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let class = Tensor::from_slice(&(0..60i64).map(|e| e % 5).collect::<Vec<_>>());
        let centres = random(&mut rng, 5, 16).index_select(0, &class);
        let states: Tensor = &centres + 3.0 + 0.5 * random(&mut rng, 60, 16);
        // rows that contain much of their own entity and little of its class
        let (weight, bias) = (
            0.2 * &centres + random(&mut rng, 60, 16),
            Tensor::zeros([60], (Kind::Float, states.device())),
        );
        let refined = |prototypes: Prototypes| {
            let (weight, bias) = prototypes.refine(&weight, &bias, &states);
            assert_eq!((weight.size(), bias.size()), (vec![60, 16], vec![60]));
            own_class_hits(&weight, &bias, &states)
        };
        let before = own_class_hits(&weight, &bias, &states);
        let states_alone = refined(Prototypes {
            nearest: 0,
            ..Prototypes::default()
        });
        let both = refined(Prototypes::default());
        assert!(
            before < states_alone && states_alone <= both && both > 45,
            "{before} {states_alone} {both}"
        );
    }

    #[test]
    fn neutral_settings_change_nothing() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let [weight, states] = [(); 2].map(|()| random(&mut rng, 9, 4));
        let bias = random(&mut rng, 1, 9).squeeze_dim(0);
        let (refined, moved) = Prototypes {
            weight: 0.0,
            nearest: 0,
            interpolation: 1.0,
        }
        .refine(&weight, &bias, &states);
        assert!((refined - &weight).abs().max().double_value(&[]) < 1e-6);
        assert!((moved - &bias).abs().max().double_value(&[]) < 1e-6);
    }

    #[test]
    fn there_may_be_fewer_entities_than_neighbours() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let [weight, states] = [(); 2].map(|()| random(&mut rng, 3, 4));
        let (refined, _) = Prototypes::default().refine(
            &weight,
            &Tensor::zeros([3], (Kind::Float, weight.device())),
            &states,
        );
        assert_eq!(refined.size(), [3, 4]);
    }
}
