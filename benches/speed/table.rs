//! A table of each time with the time of its matrix products alone, then memory and growth.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use multiexpan::engine::Session;
use multiexpan::engine::protocol::ExpandRequest;
use multiexpan::index::Index;
use multiexpan::types::{DeviceChoice, EntityId, Mode, RankingKind, Row, SearchSettings};
use tch::{Device, Kind, Tensor};

use crate::indexes::{CASES, Case, MESED, Shape, build, build_estimated};
use crate::{clear_cache, evaluate, run_expansion, run_feedback};

/// The option to run one expansion of the index in the next argument and print its memory.
pub const ONE_EXPANSION: &str = "--one-expansion";
const RUNS: usize = 5;
/// The number of candidates of an expansion.
const SIZE: usize = 100;
const GROWTH: [usize; 3] = [10_000, 100_000, 1_000_000];
const GROWTH_WIDTH: usize = 128;

/// Returns the shortest time of some runs, in milliseconds.
fn shortest_time(runs: usize, mut run: impl FnMut()) -> f64 {
    let times = (0..runs).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64() * 1e3
    });
    times.fold(f64::INFINITY, f64::min)
}

/// Returns GFLOP/s of one large f32 product on this machine.
fn library_gflops() -> f64 {
    let n = 2048;
    let square = || Tensor::randn([n, n], (Kind::Float, Device::Cpu));
    let (a, b) = (square(), square());
    2.0 * (n * n * n) as f64 / shortest_time(5, || drop(a.matmul(&b))) / 1e6
}

/// Returns GFLOP/s of many rows of Z.
fn row_gflops() -> f64 {
    let index = Case::Mesed.open();
    let view = index.view(Mode::Both).expect("the index has the mode");
    let rows: Vec<_> = (0..352).map(Row).collect();
    let time = shortest_time(3, || {
        clear_cache(&index);
        view.z_rows(&rows);
    });
    product_flops(&MESED, rows.len()) / time / 1e6
}

/// Returns the FLOPs of `rows` rows of Z.
fn product_flops(shape: &Shape, rows: usize) -> f64 {
    2.0 * (shape.entities * shape.width * rows) as f64
}

fn line(what: &str, case: impl std::fmt::Display, measured: f64, bound: Option<f64>) {
    let bound = bound.map_or("| – | –".to_owned(), |b| {
        format!("| {b:.1} ms | {:.1} ×", measured / b)
    });
    println!("| {what} | {case} | {measured:.1} ms {bound} |");
}

pub fn print() {
    Case::Mesed.path();
    let (library, rows) = (library_gflops(), row_gflops());
    let rate = library.max(rows);
    println!(
        "{} threads; {library:.0} GFLOP/s by libtorch's product, {rows:.0} by rows of Z; bounds are at {rate:.0}\n",
        tch::get_num_threads()
    );
    println!("| task | index | least of {RUNS} | products alone | ratio |\n|---|---|---|---|---|");
    for case in CASES {
        times(case, rate);
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let shape = Shape {
        entities: 3_600,
        ..MESED
    };
    let flops = 2.0 * (shape.entities * shape.pairs * shape.entities * shape.width) as f64;
    line(
        "building an index, one mode",
        "3600 × 768 × 4",
        shortest_time(1, || build(shape, folder.path())),
        Some(flops / rate / 1e6),
    );
    memory();
    growth();
}

fn times(case: Case, rate: f64) {
    let mut index = case.open();
    let seeds = case.seeds(&index);
    let states = index
        .meta
        .modes
        .iter()
        .find(|m| m.mode == Mode::Both)
        .map_or(0, |m| m.states);
    // P of every pick at every member of the set, from each of its states
    let dots = (SIZE * (SIZE + seeds.len()) * states) as f64 / index.len() as f64;
    let probabilities = 2.0 * dots * index.width() as f64 / rate / 1e6;
    let path = case.path();
    line(
        "opening",
        case,
        shortest_time(RUNS, || drop(Index::open(&path, Device::Cpu))),
        None,
    );
    let shape = Shape {
        entities: index.len(),
        width: index.width(),
        pairs: 1,
    };
    // The seeds and the 8 candidates that are fed back, each in both directions.
    let similarities = 2.0 * product_flops(&shape, seeds.len() + 8) / rate / 1e6;
    let cold = || {
        clear_cache(&index);
        run_feedback(&index, &seeds);
    };
    line(
        "feedback ranking of 100, caches empty",
        case,
        shortest_time(RUNS, cold),
        Some(similarities),
    );
    line(
        "the same again",
        case,
        shortest_time(RUNS, || drop(run_feedback(&index, &seeds))),
        None,
    );
    let mut queries = 0;
    let time = shortest_time(1, || queries = evaluate(&path, RankingKind::Feedback));
    line(
        &format!("evaluating {queries} queries by feedback"),
        case,
        time,
        Some(similarities * queries as f64),
    );
    let cold = || {
        clear_cache(&index);
        run_expansion(&index, &seeds);
    };
    line(
        "window search of 100, caches empty",
        case,
        shortest_time(RUNS, cold),
        Some(probabilities),
    );
    line(
        "the same again",
        case,
        shortest_time(RUNS, || drop(run_expansion(&index, &seeds))),
        Some(probabilities),
    );
    let time = shortest_time(1, || queries = evaluate(&path, RankingKind::Window));
    line(
        &format!("evaluating {queries} queries by window search"),
        case,
        time,
        Some(probabilities * queries as f64),
    );
    index.disable_neighbor_lists();
    let rows = probabilities + product_flops(&shape, SIZE + seeds.len()) / rate / 1e6;
    let cold = || {
        clear_cache(&index);
        run_expansion(&index, &seeds);
    };
    line(
        "window search of 100 by whole rows, caches empty",
        case,
        shortest_time(RUNS, cold),
        Some(rows),
    );
    line(
        "the same again",
        case,
        shortest_time(RUNS, || drop(run_expansion(&index, &seeds))),
        Some(probabilities),
    );
}

/// Prints the peak memory of a process that opens an index and expands once.
fn memory() {
    let baseline = peak(&Case::Demo.path());
    let mesed = peak(&Case::Mesed.path());
    let dense = 2.0 * (MESED.entities * MESED.entities * size_of::<f32>()) as f64 / 1e6;
    println!(
        "\nmemory of a process that opens an index and expands once, at its peak: {mesed:.0} MB on mesed, {baseline:.0} on the"
    );
    println!(
        "demo (libtorch, nearly all), so {:.0} MB of data; two dense V×V matrices of f32: {dense:.0} MB, {:.1} × that",
        mesed - baseline,
        dense / (mesed - baseline)
    );
}

/// Returns the peak memory in MB as the system counts it, which includes the parts of mapped files
/// that were read.
fn peak(index: &Path) -> f64 {
    let program = std::env::current_exe().expect("this program has a path");
    let done = Command::new(program)
        .arg(ONE_EXPANSION)
        .arg(index)
        .output()
        .expect("it starts");
    let text = String::from_utf8_lossy(&done.stdout);
    text.split_whitespace()
        .next()
        .and_then(|kb| kb.parse::<f64>().ok())
        .expect("a number")
        / 1e3
}

/// Does the work of `multiexpan expand`, then prints the peak memory in kB and the times of opening
/// and expanding in ms.
pub fn expand_once(index: &Path) {
    let start = Instant::now();
    let session = Session::open(index, None, DeviceChoice::Cpu).expect("the index opens");
    let opened = start.elapsed();
    let seeds: Vec<EntityId> = session
        .catalogue
        .entities
        .iter()
        .step_by(70)
        .take(3)
        .map(|e| e.id)
        .collect();
    let request = ExpandRequest {
        mode: Mode::Both,
        ranking: RankingKind::Feedback,
        seeds,
        accepted: Vec::new(),
        rejected: Vec::new(),
        size: 100,
        class: None,
        joint: None,
        settings: SearchSettings::default(),
    };
    let start = Instant::now();
    let found = session.list(&request).expect("it ranks").candidates;
    let took = start.elapsed();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kb = |name| {
        status
            .lines()
            .find_map(|l| l.strip_prefix(name))
            .map_or("0", |l| l.trim().trim_end_matches(" kB"))
    };
    let [peak, own, mapped] = ["VmHWM:", "RssAnon:", "RssFile:"].map(kb);
    println!(
        "{peak} {} {} {} {own} {mapped}",
        opened.as_millis(),
        took.as_millis(),
        found.len()
    );
}

/// Expands for each input line of three rows (JSON) with empty caches, and prints a line with
/// seconds, picks and re-ranked list.
pub fn queries(index: &Path) {
    let index = Index::open(index, Device::Cpu).expect("the index opens");
    for line in std::io::stdin().lines() {
        let seeds: Vec<Row> =
            serde_json::from_str(&line.expect("it reads")).expect("a list of rows");
        clear_cache(&index);
        let start = Instant::now();
        let found = run_expansion(&index, &seeds);
        let seconds = start.elapsed().as_secs_f64();
        let picks: Vec<Row> = found.picks.iter().map(|p| p.row).collect();
        let reranked: Vec<Row> = found.ranking().collect();
        println!(
            "{}",
            serde_json::json!({"seconds": seconds, "picks": picks, "reranked": reranked})
        );
    }
}

/// Ranks by feedback for each input line of three rows (JSON), with empty caches and again, and
/// prints a line with both times in seconds, k, the first 100 and the boundary.
pub fn feedback_queries(index: &Path) {
    let index = Index::open(index, Device::Cpu).expect("the index opens");
    for line in std::io::stdin().lines() {
        let seeds: Vec<Row> =
            serde_json::from_str(&line.expect("it reads")).expect("a list of rows");
        clear_cache(&index);
        let start = Instant::now();
        let (ranking, boundary) = run_feedback(&index, &seeds);
        let cold = start.elapsed().as_secs_f64();
        let start = Instant::now();
        run_feedback(&index, &seeds);
        let warm = start.elapsed().as_secs_f64();
        println!(
            "{}",
            serde_json::json!({
                "seconds": cold,
                "warm": warm,
                "k": ranking.neighborhood(),
                "ranking": ranking.ranking,
                "boundary": boundary.map(|boundary| boundary.size),
            })
        );
    }
}

/// Prints the growth with V for one pair of width 128 for each entity, each size in its own
/// process.
pub fn growth() {
    println!(
        "\n| V (128 wide, 1 pair) | opening | first feedback ranking of 100 | again from empty caches | per entity | peak |\n|---|---|---|---|---|---|"
    );
    for entities in GROWTH {
        let path = build_estimated(entities, GROWTH_WIDTH);
        let program = std::env::current_exe().expect("this program has a path");
        let done = Command::new(program)
            .arg(ONE_EXPANSION)
            .arg(&path)
            .output()
            .expect("it starts");
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let numbers: Vec<f64> = text
            .split_whitespace()
            .filter_map(|n| n.parse().ok())
            .collect();
        let index = Index::open(&path, Device::Cpu).expect("the index opens");
        let seeds = [0u32, 70, 140].map(Row);
        let cold = shortest_time(RUNS, || {
            clear_cache(&index);
            run_feedback(&index, &seeds);
        });
        let per_entity = cold * 1e6 / entities as f64;
        println!(
            "| {entities} | {:.0} ms | {:.0} ms | {cold:.0} ms | {per_entity:.0} ns | {:.0} MB |",
            numbers[1],
            numbers[2],
            numbers[0] / 1e3
        );
    }
}
