//! A head whose rows follow the states (ours; `docs/ALGORITHM.md`, "Prototypes"). Training moves a
//! row of the head mostly by its own entity's pairs, so with few pairs the rows lag behind what the
//! states know of the others, and expansion reads the others. Here each row gets its entity's mean
//! state added, and is then drawn half way to the mean of the rows that are nearest to it. It looks
//! at states only, at no label.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::features::entity_mean::centred_unit_rows;

/// How the head's rows are drawn to the states.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prototypes {
    /// What an entity's mean state, centred, counts beside its row, both of a row's usual length.
    pub weight: f64,
    /// A row is drawn to the mean of its own and those of so many entities whose Z, there and back,
    /// is best.
    pub nearest: usize,
    /// How far: 0 leaves it where it is, 1 makes it that mean, and so gives entities that have the
    /// same nearest one row.
    pub share: f64,
}

impl Default for Prototypes {
    fn default() -> Self {
        Prototypes {
            weight: 1.0,
            nearest: 5,
            share: 0.5,
        }
    }
}

/// Rows that one is averaged with at most.
const MOST_NEAREST: usize = 100;
/// Numbers of one block of Z.
const BLOCK: i64 = 4 << 20;

impl Prototypes {
    /// Says what cannot be.
    pub fn check(&self) -> Result<()> {
        let share = (0.0..=1.0).contains(&self.share);
        if share && self.weight.is_finite() && self.nearest <= MOST_NEAREST {
            return Ok(());
        }
        Err(Error::Argument(format!(
            "prototypes: weight is {}, nearest {}, share {}; a weight is finite, nearest at most {MOST_NEAREST}, a share in 0..=1",
            self.weight, self.nearest, self.share
        )))
    }

    /// The head with its rows drawn to `states`, each entity's mean `[V, D]`: weight `[V, D]` and
    /// bias `[V]`.
    pub fn refine(&self, weight: &Tensor, bias: &Tensor, states: &Tensor) -> (Tensor, Tensor) {
        tch::no_grad(|| {
            let centre = states.mean_dim(0, true, Kind::Float);
            let spread = weight - weight.mean_dim(0, true, Kind::Float);
            let length = spread
                .norm_scalaropt_dim(2.0, [1i64].as_slice(), true)
                .mean(Kind::Float);
            let added = centred_unit_rows(states) * length * self.weight;
            let weight = weight + &added;
            // the centre of all states speaks for none
            let bias = bias - added.matmul(&centre.squeeze_dim(0));
            let nearest = nearest(&weight, &bias, states, self.nearest);
            let mean = |rows: &Tensor, nearest: &Tensor| {
                rows.index_select(0, &nearest.flatten(0, 1))
                    .unflatten(0, nearest.size())
                    .mean_dim([1i64].as_slice(), false, Kind::Float)
            };
            let bias = bias.unsqueeze(1);
            let drawn = |rows: &Tensor| rows.lerp(&mean(rows, &nearest), self.share);
            (drawn(&weight), drawn(&bias).squeeze_dim(1))
        })
    }
}

/// Each entity itself and the `count` that are best by Z\[e\]\[c\] + Z\[c\]\[e\]: `[V, count + 1]`.
fn nearest(weight: &Tensor, bias: &Tensor, states: &Tensor, count: usize) -> Tensor {
    let v = weight.size()[0];
    let rows = (BLOCK / v).max(1);
    let blocks: Vec<(i64, i64)> = (0..v)
        .step_by(rows as usize)
        .map(|from| (from, rows.min(v - from)))
        .collect();
    // logits of these entities' states, over all
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
    let of_block = |&(from, count_here): &(i64, i64)| {
        let part = |all: &Tensor| all.narrow(0, from, count_here);
        let there = (logits(from, count_here) - part(&mean)) / part(&deviation);
        let back = states.matmul(&part(weight).tr()) + part(bias);
        let both = there + ((back - &mean) / &deviation).tr();
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
    Tensor::cat(&blocks.iter().map(of_block).collect::<Vec<_>>(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::test_index::random;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// Of 60 entities in 5 classes, those whose best candidate by the head is of their class.
    fn hits(weight: &Tensor, bias: &Tensor, states: &Tensor) -> usize {
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
    fn rows_come_to_know_what_the_states_know() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let class = Tensor::from_slice(&(0..60i64).map(|e| e % 5).collect::<Vec<_>>());
        let centres = random(&mut rng, 5, 16).index_select(0, &class);
        let states: Tensor = &centres + 3.0 + 0.5 * random(&mut rng, 60, 16);
        // rows that know their own entity and little of its class
        let (weight, bias) = (
            0.2 * &centres + random(&mut rng, 60, 16),
            Tensor::zeros([60], (Kind::Float, states.device())),
        );
        let refined = |prototypes: Prototypes| {
            let (weight, bias) = prototypes.refine(&weight, &bias, &states);
            assert_eq!((weight.size(), bias.size()), (vec![60, 16], vec![60]));
            hits(&weight, &bias, &states)
        };
        let before = hits(&weight, &bias, &states);
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
    fn with_nothing_asked_nothing_changes() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let [weight, states] = [(); 2].map(|()| random(&mut rng, 9, 4));
        let bias = random(&mut rng, 1, 9).squeeze_dim(0);
        let (refined, moved) = Prototypes {
            weight: 0.0,
            nearest: 0,
            share: 1.0,
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
