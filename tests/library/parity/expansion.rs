//! Raw import, factorised rows and expansions, compared with a dense implementation.

use multiexpan::expand::{ExpandConfig, Expansion, expand, expand_joint};
use multiexpan::index::{Index, ModeIndex, TargetSet, import_raw};
use multiexpan::progress::Unobserved;
use multiexpan::types::{Mode, Row};
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

#[derive(Deserialize)]
struct Expected {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    seeds: Vec<Vec<Row>>,
    joint: bool,
    results: usize,
    picks: Vec<Vec<Row>>,
    reranked: Vec<Vec<Row>>,
}

pub(super) fn import(folder: &tempfile::TempDir) -> Index {
    let out = folder.path().join("index");
    let file = super::golden("expansion/index.safetensors");
    import_raw(&file, None, &out, Device::Cpu, &mut Unobserved).unwrap();
    Index::open(&out, Device::Cpu).unwrap()
}

fn cases() -> Vec<Case> {
    let text = std::fs::read(super::golden("expansion/expected.json")).unwrap();
    let cases = serde_json::from_slice::<Expected>(&text).unwrap().cases;
    assert!(!cases.is_empty());
    cases
}

fn dense(name: &str) -> Tensor {
    let file = super::golden("expansion/index.safetensors");
    let tensors = Tensor::read_safetensors(file).unwrap();
    tensors
        .into_iter()
        .find(|(n, _)| n == name)
        .unwrap()
        .1
        .to_kind(Kind::Double)
}

fn run(view: &ModeIndex, case: &Case) -> Vec<Expansion> {
    let config = ExpandConfig {
        size: case.results,
        ..ExpandConfig::default()
    };
    if case.joint {
        return expand_joint(view, &case.seeds, &config, &mut Unobserved).unwrap();
    }
    case.seeds
        .iter()
        .map(|seeds| expand(view, seeds, &[], &config, &mut Unobserved).unwrap())
        .collect()
}

fn assert_expansions(view: &ModeIndex) {
    for (number, case) in cases().iter().enumerate() {
        for (query, found) in run(view, case).iter().enumerate() {
            let picks: Vec<Row> = found.picks.iter().map(|p| p.row).collect();
            let label = format!("case {number} (joint: {}), query {query}", case.joint);
            assert_eq!(picks, case.picks[query], "picks of {label}");
            assert_eq!(
                found.ranking().collect::<Vec<_>>(),
                case.reranked[query],
                "re-ranking of {label}"
            );
        }
    }
}

#[test]
fn expansions_equal_the_golden_ones() {
    let folder = tempfile::tempdir().unwrap();
    let index = import(&folder);
    assert_expansions(&index.view(Mode::Both).unwrap());
}

#[test]
fn expansions_do_not_depend_on_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let mut index = import(&folder);
    let row = 4 * index.len();
    index.disable_neighbor_lists();
    for bytes in [0, 3 * row, 90 * row] {
        index.limit_cache(bytes);
        assert_expansions(&index.view(Mode::Both).unwrap());
    }
}

#[test]
fn factorised_rows_equal_dense_rows() {
    let folder = tempfile::tempdir().unwrap();
    let index = import(&folder);
    let view = index.view(Mode::Both).unwrap();
    let rows: Vec<Row> = (0..index.len() as u32).map(Row).collect();
    let (mean_log_prob, mean_prob) = (dense("mean_log_prob"), dense("mean_prob"));

    let flat: Vec<f64> = view.log_probs(&rows, &rows).concat();
    assert_close(
        &Tensor::from_slice(&flat).view_as(&mean_log_prob),
        &mean_log_prob,
        "mean_log_prob",
    );
    let (prepared, mut targets) = (
        rows.iter().map(|&e| view.prepare(e)).collect::<Vec<_>>(),
        TargetSet::default(),
    );
    rows.iter()
        .for_each(|&row| view.add_target(&mut targets, row));
    let flat = view
        .probabilities(
            &prepared.iter().map(|e| (e, 0)).collect::<Vec<_>>(),
            &targets,
        )
        .concat();
    assert_close(
        &Tensor::from_slice(&flat).view_as(&mean_prob),
        &mean_prob,
        "mean_prob",
    );

    let mean = mean_log_prob.mean_dim([1i64].as_slice(), true, Kind::Double);
    let deviation = mean_log_prob.std_dim([1i64].as_slice(), false, true);
    let z = (&mean_log_prob - mean) / deviation;
    let flat: Vec<f32> = view
        .z_rows(&rows)
        .iter()
        .flat_map(|row| row.to_vec())
        .collect();
    assert_close(&Tensor::from_slice(&flat).view_as(&z), &z, "Z");
    assert_close(
        &Tensor::from_slice(&view.z(&rows, &rows).concat()).view_as(&z),
        &z,
        "Z, one by one",
    );
}

fn assert_close(found: &Tensor, expected: &Tensor, what: &str) {
    let worst = (found - expected).abs().max().double_value(&[]);
    assert!(worst <= 1e-5, "{what} is off by {worst}");
}
