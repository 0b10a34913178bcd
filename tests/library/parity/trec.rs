//! AP@K and P@K, compared with trec_eval. If at most K members are gold, both have the same AP;
//! otherwise AP is divided by K here and by the number of gold members in trec_eval. P is always
//! divided by K in trec_eval. trec_eval ignores the rank column, and its means are over every query
//! with gold; means here are over the queries of the run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use multiexpan::data::Dataset;
use multiexpan::eval::run::{Run, write_qrels};
use multiexpan::eval::{QueryKey, ScoredRun, gold};
use multiexpan::types::{CUTOFFS, EvaluationProtocol, Metric, SeedCount};
use serde::Deserialize;

const TOLERANCE: f64 = 1e-9;

/// The values of one run in one order.
#[derive(Deserialize)]
struct TrecEval {
    queries: BTreeMap<String, BTreeMap<String, f64>>,
    means: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct Orders {
    by_score: TrecEval,
    by_rank: TrecEval,
}

fn at(name: &str) -> PathBuf {
    super::own_golden().join("trec").join(name)
}

fn values() -> BTreeMap<String, Orders> {
    serde_json::from_str(&std::fs::read_to_string(at("values.json")).unwrap()).unwrap()
}

/// Returns the name of trec_eval's metric and the factor between the two definitions.
fn relation(metric: Metric, gold: usize) -> (String, f64) {
    match metric {
        Metric::Map(place) => (
            format!("ap@{}", CUTOFFS[place]),
            gold.min(CUTOFFS[place]) as f64 / gold as f64,
        ),
        Metric::Precision(place) => {
            let k = CUTOFFS[place] as f64;
            (
                format!("p@{}", CUTOFFS[place]),
                gold.min(CUTOFFS[place]) as f64 / k,
            )
        }
    }
}

/// Compares every query of the run, and returns the number of values that are equal and the number
/// that are equal up to the factor.
fn check(run: &Run, dataset: &Dataset, expected: &TrecEval) -> (usize, usize) {
    let measured = ScoredRun::from_run(run, dataset).metric_values(
        dataset,
        SeedCount::Three,
        EvaluationProtocol::Standard,
    );
    let gold_of = |(class, _, number): QueryKey| {
        let query = dataset
            .queries
            .iter()
            .find(|q| (q.class, q.number) == (class, number))
            .unwrap();
        (
            dataset.query_id(query),
            gold(&dataset.classes[class.index()], &query.seeds).len(),
        )
    };
    let (mut equal, mut related) = (0, 0);
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    for (key, measures) in &measured {
        let (id, gold) = gold_of(*key);
        for metric in Metric::ALL {
            let (name, factor) = relation(metric, gold);
            let (found, expected_value) = (
                metric.value(measures) * factor,
                expected.queries[&id][&name],
            );
            assert!(
                (found - expected_value).abs() <= TOLERANCE,
                "{}: {name} of {id} is {found}, not {expected_value}",
                run.tag
            );
            *(if factor == 1.0 {
                &mut equal
            } else {
                &mut related
            }) += 1;
            *sums.entry(name).or_default() += found;
        }
    }
    for (name, sum) in sums {
        // trec_eval counts missing queries as 0
        let (found, expected_value) = (sum / expected.queries.len() as f64, expected.means[&name]);
        assert!(
            (found - expected_value).abs() <= TOLERANCE,
            "{}: mean {name} is {found}, not {expected_value}",
            run.tag
        );
    }
    assert!(
        measured.len() < expected.queries.len(),
        "a query is missing, and is left out"
    );
    (equal, related)
}

#[test]
fn metrics_are_those_of_trec_eval_where_the_definitions_agree() {
    let dataset = Dataset::open(&at("data")).unwrap();
    for (name, expected) in values() {
        let mut run = Run::open(&at(&format!("{name}.run")), &dataset, None)
            .unwrap()
            .run;
        let (equal, related) = check(&run, &dataset, &expected.by_rank);
        assert!(equal > 10 && related > 10, "{equal} {related}");
        // the order of trec_eval: by score, equal scores by descending name
        for ranking in &mut run.rankings {
            ranking.candidates.sort_by(|(a, of_a), (b, of_b)| {
                of_b.total_cmp(of_a)
                    .then_with(|| b.to_string().cmp(&a.to_string()))
            });
        }
        check(&run, &dataset, &expected.by_score);
    }
    let ties = &values()["ties"];
    assert_ne!(
        ties.by_score.means, ties.by_rank.means,
        "equal scores tell the orders apart"
    );
}

#[test]
fn qrels_are_those_that_trec_eval_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("qrels");
    assert_eq!(
        write_qrels(&Dataset::open(&at("data")).unwrap(), &path).unwrap(),
        8
    );
    let sorted = |path: PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(path), sorted(at("qrels")));
}
