//! Benchmarks of speed and memory: `make bench`. `docs/PERFORMANCE.md` explains the bound of each
//! line.
//!
//! * `cargo bench --profile release --bench speed` – times measured by divan (`-- cold` and the
//!   like select some)
//! * `… --bench speed -- --table` – each time with its bound, memory, and growth with V
//! * `… --bench speed -- --growth` – the growth alone
//! * `… --bench speed -- --queries INDEX` – for `scripts/bench_reference.sh`, by window search;
//!   `--feedback-queries INDEX` – by feedback

mod indexes;
mod table;

use divan::{Bencher, black_box};
use indexes::{CASES, Case, Shape};
use multiexpan::engine::{EvaluationPlan, Session};
use multiexpan::expand::{
    Boundary, ExpandConfig, Expansion, FeedbackConfig, FeedbackQuery, FeedbackRanking, Similarity,
    expand, rank_by_feedback,
};
use multiexpan::index::{BoundaryModel, Index};
use multiexpan::jobs::evaluate;
use multiexpan::progress::Unobserved;
use multiexpan::types::{DeviceChoice, EvaluationProtocol, Mode, RankingKind, Row, SeedCount};
use std::path::Path;

/// The program's default cache size for rows.
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
        ["--feedback-queries", index] => table::feedback_queries(Path::new(index)),
        _ => divan::main(),
    }
}

/// Expands to 100 candidates.
fn run_expansion(index: &Index, seeds: &[Row]) -> Expansion {
    let view = index.view(Mode::Both).expect("the index has the mode");
    expand(&view, seeds, &[], &ExpandConfig::default(), &mut Unobserved).expect("it expands")
}

/// Ranks 100 candidates by feedback in a stored mode, with the boundary of the class.
fn run_feedback<'a>(index: &'a Index, seeds: &[Row]) -> (FeedbackRanking<'a>, Option<Boundary>) {
    let view = index.view(Mode::Both).expect("the index has the mode");
    let similarity = Similarity::of_view(view);
    let (query, config) = (FeedbackQuery::from_seeds(seeds), FeedbackConfig::default());
    let ranking = rank_by_feedback(&similarity, &query, 100, &config).expect("it ranks");
    let boundary = Boundary::of_ranking(&ranking, &BoundaryModel::TRAINED);
    (ranking, boundary)
}

fn clear_cache(index: &Index) {
    index.limit_cache(ROW_BYTES);
}

/// Evaluates all queries of 3 seeds, like `multiexpan evaluate`, and returns their number.
fn evaluate(index: &Path, ranking: RankingKind) -> usize {
    let session = Session::open(index, None, DeviceChoice::Cpu).expect("the index opens");
    let (mode, seed_count) = (Mode::Both, SeedCount::Three);
    let plan = EvaluationPlan {
        mode,
        seed_count,
        ranking,
        protocol: EvaluationProtocol::Standard,
        class: None,
    };
    evaluate::evaluate(&session, &plan, None, &mut Unobserved)
        .expect("it evaluates")
        .results
        .len()
}

/// Measures an expansion with an open index and empty caches.
#[divan::bench(args = CASES, sample_count = 5, sample_size = 1)]
fn expand_cold(bencher: Bencher, case: Case) {
    let index = case.open();
    let seeds = case.seeds(&index);
    bencher
        .with_inputs(|| clear_cache(&index))
        .bench_local_values(|()| black_box(run_expansion(&index, &seeds)));
}

/// Measures the same query again.
#[divan::bench(args = CASES, sample_count = 10, sample_size = 1)]
fn expand_warm(bencher: Bencher, case: Case) {
    let index = case.open();
    let seeds = case.seeds(&index);
    run_expansion(&index, &seeds);
    bencher.bench_local(|| black_box(run_expansion(&index, &seeds)));
}

/// Measures a feedback ranking with empty caches.
#[divan::bench(args = CASES, sample_count = 10, sample_size = 1)]
fn feedback_cold(bencher: Bencher, case: Case) {
    let index = case.open();
    let seeds = case.seeds(&index);
    bencher
        .with_inputs(|| clear_cache(&index))
        .bench_local_values(|()| black_box(run_feedback(&index, &seeds).1));
}

/// Measures the same ranking again.
#[divan::bench(args = CASES, sample_count = 20, sample_size = 1)]
fn feedback_warm(bencher: Bencher, case: Case) {
    let index = case.open();
    let seeds = case.seeds(&index);
    run_feedback(&index, &seeds);
    bencher.bench_local(|| black_box(run_feedback(&index, &seeds).1));
}

#[divan::bench(args = CASES, sample_count = 5, sample_size = 1)]
fn open(bencher: Bencher, case: Case) {
    let path = case.path();
    bencher.bench_local(|| Index::open(&path, tch::Device::Cpu));
}

/// Measures the evaluation of every query of the data set, including opening.
#[divan::bench(args = CASES, sample_count = 1, sample_size = 1)]
fn evaluate_all(bencher: Bencher, case: Case) {
    let path = case.path();
    bencher.bench_local(|| evaluate(&path, RankingKind::Feedback));
}

/// Measures the same evaluation by window search.
#[divan::bench(args = CASES, sample_count = 1, sample_size = 1)]
fn evaluate_all_by_window(bencher: Bencher, case: Case) {
    let path = case.path();
    bencher.bench_local(|| evaluate(&path, RankingKind::Window));
}

/// Measures the build of an index from states, at the demo's size and a quarter of MESED's.
#[divan::bench(args = [(825, 384, 7), (3_600, 768, 4)], sample_count = 1, sample_size = 1)]
fn build((entities, width, pairs): (usize, usize, usize)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    indexes::build(
        Shape {
            entities,
            width,
            pairs,
        },
        folder.path(),
    );
}
