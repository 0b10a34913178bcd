//! AP@K and P@K of the golden rankings under the published protocol.

use std::collections::{BTreeMap, HashSet};

use multiexpan::eval::{average_precision, precision, ranking_metrics};
use multiexpan::types::{CUTOFFS, EntityId, EvaluationProtocol};
use serde::Deserialize;

const TOLERANCE: f64 = 1e-9;

#[derive(Deserialize)]
struct Expected {
    class_of: Vec<i64>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    seeds: Vec<Vec<u32>>,
    reranked: Vec<Vec<u32>>,
    metrics: Vec<BTreeMap<String, f64>>,
}

fn read() -> Expected {
    let path = super::golden("expansion/expected.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// Returns the ranking, the gold (the class without the seeds) and the expected metrics of each
/// query.
fn queries(
    expected: &Expected,
) -> impl Iterator<Item = (Vec<EntityId>, HashSet<EntityId>, &BTreeMap<String, f64>)> {
    expected.cases.iter().flat_map(|case| {
        assert_eq!(
            (case.seeds.len(), case.seeds.len()),
            (case.reranked.len(), case.metrics.len())
        );
        case.seeds
            .iter()
            .zip(&case.reranked)
            .zip(&case.metrics)
            .map(|((seeds, list), metrics)| {
                let class = expected.class_of[seeds[0] as usize];
                let of_class = (0u32..)
                    .zip(&expected.class_of)
                    .filter(|(_, c)| **c == class);
                let gold = of_class
                    .map(|(e, _)| e)
                    .filter(|e| !seeds.contains(e))
                    .map(EntityId)
                    .collect();
                (list.iter().copied().map(EntityId).collect(), gold, metrics)
            })
    })
}

#[test]
fn every_golden_metric_is_met() {
    let expected = read();
    let mut compared = 0;
    for (list, gold, metrics) in queries(&expected) {
        for (name, &want) in metrics {
            let (metric, k) = name.split_once('@').unwrap();
            let k = k.parse().unwrap();
            let found = match metric {
                "ap" => average_precision(&list, &gold, k, EvaluationProtocol::Published),
                "p" => precision(&list, &gold, k, EvaluationProtocol::Published),
                other => panic!("no metric is called {other}"),
            };
            assert!(
                (found - want).abs() <= TOLERANCE,
                "{name} of {} results: {found}, not {want}",
                list.len()
            );
            compared += 1;
        }
    }
    assert!(compared > 0, "the golden file has no metrics");
}

#[test]
fn measures_are_the_metrics_at_the_cutoffs() {
    let expected = read();
    for (list, gold, metrics) in queries(&expected) {
        let measures = ranking_metrics(&list, &gold, gold.len(), EvaluationProtocol::Published);
        for (at, k) in CUTOFFS.iter().enumerate() {
            for (name, found) in [
                (format!("ap@{k}"), measures.ap[at]),
                (format!("p@{k}"), measures.p[at]),
            ] {
                assert!(
                    metrics
                        .get(&name)
                        .is_none_or(|want| (found - want).abs() <= TOLERANCE),
                    "{name}: {found}"
                );
            }
            assert_eq!(measures.ceiling[at], 1.0);
        }
    }
}
