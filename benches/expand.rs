//! How long an expansion takes on one thread. `cargo bench --bench expand`
//!
//! The indices are synthetic (clusters and noise) and made first; `MULTIEXPAN_BENCH_INDEX` adds one of your own.

use divan::Bencher;
use multiexpan::expand::{Config, expand};
use multiexpan::index::{Builder, Entity, Index, Precision, Provenance, States};
use multiexpan::job::Unobserved;
use multiexpan::types::{EntityId, Mode, Row};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tch::{Device, Kind, Tensor};

/// Entities, width, pairs of an entity.
const SHAPES: [(i64, i64, i64); 2] = [(825, 384, 7), (14_489, 768, 4)];
const CLASSES: i64 = 70;

fn main() {
    tch::set_num_threads(1);
    divan::main();
}

/// The index at this place of [`SHAPES`], or after them the one of the variable.
fn index(case: usize) -> Index {
    static MADE: OnceLock<(tempfile::TempDir, Vec<PathBuf>)> = OnceLock::new();
    let (_, paths) = MADE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut paths: Vec<PathBuf> = SHAPES.iter().map(|s| folder.path().join(s.0.to_string())).collect();
        SHAPES.iter().zip(&paths).for_each(|(shape, path)| make(*shape, path));
        paths.extend(std::env::var_os("MULTIEXPAN_BENCH_INDEX").map(PathBuf::from));
        (folder, paths)
    });
    Index::open(&paths[case], Device::Cpu).expect("the index opens")
}

fn cases() -> std::ops::Range<usize> {
    0..SHAPES.len() + std::env::var_os("MULTIEXPAN_BENCH_INDEX").iter().count()
}

fn make((v, d, s): (i64, i64, i64), out: &Path) {
    tch::manual_seed(1);
    let normal = |size: [i64; 2]| Tensor::randn(size, (Kind::Float, Device::Cpu));
    let class = Tensor::randint(CLASSES, [v], (Kind::Int64, Device::Cpu));
    let centres = normal([CLASSES, d]).index_select(0, &class);
    let weight = (&centres + 1.5 * normal([v, d])) / (d as f64).sqrt();
    let states = centres.repeat_interleave_self_int(s, 0, None) + 1.5 * normal([v * s, d]);
    let bias = normal([1, v]).squeeze_dim(0) * 0.1;
    let offsets: Vec<i64> = (0..=v).map(|e| e * s).collect();
    let pairs: Vec<i32> = (0..(v * s) as i32).collect();
    let states = States::of_pairs(states, &offsets, &pairs, Precision::Half);
    let entities = (0..v as u32).map(|n| Entity { id: EntityId(n), name: n.to_string() }).collect();
    let built = Builder::new(out, entities, &weight, &bias, Provenance::default()).and_then(|mut builder| {
        builder.mode(Mode::Both, states, &mut Unobserved)?;
        builder.finish()
    });
    built.expect("the index is written");
}

fn run(index: &Index, seeds: [u32; 3]) {
    let view = index.view(Mode::Both).expect("the index has the mode");
    let found = expand(&view, &seeds.map(Row), &[], &Config::default(), &mut Unobserved).expect("it expands");
    divan::black_box(found);
}

/// Opened, mapped and centred, nothing in its cache.
#[divan::bench(args = cases(), sample_count = 5, sample_size = 1)]
fn cold(bencher: Bencher, case: usize) {
    let index = index(case);
    run(&index, [1, 2, 3]);
    bencher.with_inputs(|| index.limit_cache(256 << 20, 2_000_000)).bench_local_values(|()| run(&index, [10, 20, 30]));
}

/// The same query again.
#[divan::bench(args = cases(), sample_count = 10, sample_size = 1)]
fn warm(bencher: Bencher, case: usize) {
    let index = index(case);
    run(&index, [10, 20, 30]);
    bencher.bench_local(|| run(&index, [10, 20, 30]));
}

/// Opening alone.
#[divan::bench(args = cases(), sample_count = 5, sample_size = 1)]
fn open(bencher: Bencher, case: usize) {
    drop(index(case));
    bencher.bench_local(|| index(case));
}
