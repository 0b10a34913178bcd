//! AP@K and P@K beside trec_eval's. Where at most K members are gold, both have the same AP; else
//! ours divides by K and trec_eval's by all gold. trec_eval's P divides by K whatever the gold. It
//! takes no notice of ranks, and means over every query that has gold; ours are over those that the
//! run has.

use std::collections::BTreeMap;
use std::path::PathBuf;

use multiexpan::data::Dataset;
use multiexpan::eval::run::{Run, write_qrels};
use multiexpan::eval::{QueryKey, ScoredRun, gold};
use multiexpan::types::{CUTOFFS, EvaluationProtocol, Metric, SeedCount};
use serde::Deserialize;

const TOLERANCE: f64 = 1e-9;

/// Of one run, in one order.
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

/// trec_eval's value of a metric: (its name, what ours is to be multiplied by).
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

/// Every query that the run has: its id, how many gold it has, and whether each metric is as the
/// relation says. Gives how many values were equal outright, and how many only by the relation.
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
            let (found, wanted) = (
                metric.value(measures) * factor,
                expected.queries[&id][&name],
            );
            assert!(
                (found - wanted).abs() <= TOLERANCE,
                "{}: {name} of {id} is {found}, not {wanted}",
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
        // what the run lacks is 0 to trec_eval
        let (found, wanted) = (sum / expected.queries.len() as f64, expected.means[&name]);
        assert!(
            (found - wanted).abs() <= TOLERANCE,
            "{}: mean {name} is {found}, not {wanted}",
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
        // as trec_eval orders: by score, equal ones by the name backwards
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
