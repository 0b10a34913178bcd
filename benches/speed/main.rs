//! How fast and how large. `make bench`; `docs/PERFORMANCE.md` says what bounds each line.
//!
//! * `cargo bench --profile release --bench speed` – times by divan (`-- cold` and the like: only
//!   those)
//! * `… --bench speed -- --table` – each time beside its bound, memory, and growth with V
//! * `… --bench speed -- --growth` – the last of these alone
//! * `… --bench speed -- --queries INDEX` – for `scripts/bench_reference.sh`

mod sample;
mod table;

use divan::{Bencher, black_box};
use multiexpan::engine::{EvaluationPlan, Session};
use multiexpan::expand::{ExpandConfig, Expansion, expand};
use multiexpan::index::Index;
use multiexpan::jobs::evaluate;
use multiexpan::progress::Unobserved;
use multiexpan::types::{DeviceChoice, EvaluationProtocol, Mode, RankingKind, Row, SeedCount};
use sample::{CASES, Case, Shape};
use std::path::Path;

/// What the program keeps in memory by default.
const ROW_BYTES: usize = 256 << 20;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--table"] => table::print(),
        ["--growth"] => table::growth(),
        [table::ONE_EXPANSION, index] => table::expand_once(Path::new(index)),
        ["--queries", index] => table::queries(Path::new(index)),
        _ => divan::main(),
    }
}

/// An expansion of 100.
fn expanded(index: &Index, seeds: &[Row]) -> Expansion {
    let view = index.view(Mode::Both).expect("the index has the mode");
    expand(&view, seeds, &[], &ExpandConfig::default(), &mut Unobserved).expect("it expands")
}

fn forget(index: &Index) {
    index.limit_cache(ROW_BYTES);
}

/// All queries of 3 seeds, as `multiexpan evaluate` runs them. Gives how many.
fn evaluate(index: &Path) -> usize {
    let session = Session::open(index, None, DeviceChoice::Cpu).expect("the index opens");
    let (mode, seed_count) = (Mode::Both, SeedCount::Three);
    let plan = EvaluationPlan {
        mode,
        seed_count,
        ranking: RankingKind::Expanded,
        protocol: EvaluationProtocol::Standard,
        class: None,
    };
    evaluate::evaluate(&session, &plan, None, &mut Unobserved)
        .expect("it evaluates")
        .results
        .len()
}

/// Index open, caches empty.
#[divan::bench(args = CASES, sample_count = 5, sample_size = 1)]
fn expand_cold(bencher: Bencher, case: Case) {
    let index = case.open();
    let seeds = case.seeds(&index);
    bencher
        .with_inputs(|| forget(&index))
        .bench_local_values(|()| black_box(expanded(&index, &seeds)));
}

/// The same query again.
#[divan::bench(args = CASES, sample_count = 10, sample_size = 1)]
fn expand_warm(bencher: Bencher, case: Case) {
    let index = case.open();
    let seeds = case.seeds(&index);
    expanded(&index, &seeds);
    bencher.bench_local(|| black_box(expanded(&index, &seeds)));
}

#[divan::bench(args = CASES, sample_count = 5, sample_size = 1)]
fn open(bencher: Bencher, case: Case) {
    let path = case.path();
    bencher.bench_local(|| Index::open(&path, tch::Device::Cpu));
}

/// Every query of the data set, opening included.
#[divan::bench(args = CASES, sample_count = 1, sample_size = 1)]
fn evaluate_all(bencher: Bencher, case: Case) {
    let path = case.path();
    bencher.bench_local(|| evaluate(&path));
}

/// From states to a folder, at the demo's size and a quarter of MESED's.
#[divan::bench(args = [(825, 384, 7), (3_600, 768, 4)], sample_count = 1, sample_size = 1)]
fn build((entities, width, pairs): (usize, usize, usize)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    sample::build(
        Shape {
            entities,
            width,
            pairs,
        },
        folder.path(),
    );
}
