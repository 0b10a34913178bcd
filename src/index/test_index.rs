//! A small synthetic index for tests: clusters and noise, seeded without libtorch's global
//! generator.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::Path;
use tch::Tensor;

use crate::index::builder::Builder;
use crate::index::meta::{Entity, LeftOut, Origin, Provenance};
use crate::index::pair_table::PairTable;
use crate::index::states::{States, StoragePrecision};
use crate::progress::Unobserved;
use crate::types::{EntityId, Mode};

pub const ENTITIES: usize = 60;
pub const WIDTH: usize = 8;
/// The number of pairs of an entity.
pub const PAIRS: usize = 3;

/// Returns entities with the ids 100, 101, …; every fifth entity is of the same class.
pub fn entities() -> Vec<Entity> {
    (0..ENTITIES as u32)
        .map(|n| Entity {
            id: EntityId(100 + n),
            name: format!("entity {n}"),
        })
        .collect()
}

pub fn provenance() -> Provenance {
    let origin = |name: &str| Origin {
        name: name.to_owned(),
        path: format!("../{name}"),
        hash: format!("{name}-hash"),
    };
    let left_out = LeftOut {
        reason: "no pairs".to_owned(),
        count: 1,
        entities: vec![EntityId(7)],
    };
    Provenance {
        dataset: Some(origin("sample")),
        model: Some(origin("model")),
        state: "mask".to_owned(),
        device: "cpu".to_owned(),
        seed: Some(1),
        settings: serde_json::json!({ "normalize": true }),
        left_out: vec![left_out],
    }
}

pub fn random(rng: &mut ChaCha8Rng, rows: usize, width: usize) -> Tensor {
    let values: Vec<f32> = (0..rows * width)
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    Tensor::from_slice(&values).view([rows as i64, width as i64])
}

/// Returns weight, bias and the class centre of each entity.
pub fn head() -> (Tensor, Tensor, Tensor) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let class: Vec<i64> = (0..ENTITIES as i64).map(|e| e % 5).collect();
    let centres = random(&mut rng, 5, WIDTH).index_select(0, &Tensor::from_slice(&class));
    let weight = &centres + 0.3 * random(&mut rng, ENTITIES, WIDTH);
    (
        weight,
        random(&mut rng, 1, ENTITIES).squeeze_dim(0) * 0.1,
        centres,
    )
}

/// Returns one state for each pair; in mode `image` the first two pairs share one, in mode `none`
/// all do.
pub fn states(mode: Mode, precision: StoragePrecision) -> States {
    let mut rng = ChaCha8Rng::seed_from_u64(10 + mode as u64);
    let (_, _, centres) = head();
    let count = ENTITIES * PAIRS;
    let all = 2.0 * centres.repeat_interleave_self_int(PAIRS as i64, 0, None)
        + random(&mut rng, count, WIDTH);
    let offsets: Vec<i64> = (0..=ENTITIES).map(|e| (e * PAIRS) as i64).collect();
    States::from_pairs(all, &offsets, &pair_states(mode), precision)
}

fn pair_states(mode: Mode) -> Vec<i32> {
    let state = |pair: usize| match mode {
        Mode::None => 0,
        Mode::Image if pair % PAIRS == 1 => pair as i32 - 1,
        _ => pair as i32,
    };
    (0..ENTITIES * PAIRS).map(state).collect()
}

pub fn pairs(modes: &[Mode]) -> PairTable {
    let count = ENTITIES * PAIRS;
    PairTable {
        row_offsets: (0..=ENTITIES).map(|e| (e * PAIRS) as i64).collect(),
        offset: (0..count as u64).map(|i| i * 77).collect(),
        mention: (0..count as u32).map(|i| i % 2).collect(),
        states: modes.iter().map(|&m| (m, pair_states(m))).collect(),
    }
}

/// Adds a mode's states to a builder.
pub fn add_mode(builder: &mut Builder, mode: Mode, precision: StoragePrecision) {
    // used by tests only, which are to panic on errors
    builder
        .add_mode(mode, states(mode, precision), &mut Unobserved)
        .unwrap();
}

/// Creates a builder with these modes.
pub fn builder(out: &Path, modes: &[Mode], precision: StoragePrecision) -> Builder {
    let (weight, bias, _) = head();
    // used by tests only, which are to panic on errors
    let mut builder = Builder::new(out, entities(), &weight, &bias, provenance()).unwrap();
    for &mode in modes {
        add_mode(&mut builder, mode, precision);
    }
    builder.add_pairs(&pairs(modes)).unwrap(); // as above
    builder
}

/// Writes an index of many entities in classes of 100, one pair each, in mode `both`.
pub fn large(out: &Path, entities: usize) {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let class: Vec<i64> = (0..entities as i64)
        .map(|e| e % (entities as i64 / 100))
        .collect();
    let centres =
        random(&mut rng, entities / 100, WIDTH).index_select(0, &Tensor::from_slice(&class));
    let weight = &centres + 0.3 * random(&mut rng, entities, WIDTH);
    let bias = random(&mut rng, 1, entities).squeeze_dim(0) * 0.1;
    let offsets: Vec<i64> = (0..=entities as i64).collect();
    let pair_states: Vec<i32> = (0..entities as i32).collect();
    let states = States::from_pairs(
        centres + random(&mut rng, entities, WIDTH),
        &offsets,
        &pair_states,
        StoragePrecision::Single,
    );
    let names = (0..entities as u32)
        .map(|n| Entity {
            id: EntityId(n),
            name: n.to_string(),
        })
        .collect();
    // used by tests only, which are to panic on errors
    let mut builder = Builder::new(out, names, &weight, &bias, Provenance::default()).unwrap();
    builder
        .add_mode(Mode::Both, states, &mut Unobserved)
        .unwrap(); // as above
    builder.finish().unwrap(); // as above
}
