//! `multiexpan compare`: runs that are equal, different, incomplete, and not comparable.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use assert_cmd::cargo::cargo_bin_cmd;
use multiexpan::data::Dataset;
use multiexpan::eval::run::{Ranking, Run};
use serde_json::{Value, json};

/// Returns a path in the golden folder: a data set of four classes with two queries each, and a run
/// without one of them.
fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/trec")
        .join(name)
}

/// A folder for variants of the golden run.
struct Runs(tempfile::TempDir);

impl Runs {
    fn new() -> Runs {
        Runs(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Writes the golden run with these settings and changed rankings.
    fn write(
        &self,
        name: &str,
        settings: Value,
        change: impl Fn(Ranking) -> Option<Ranking>,
    ) -> String {
        let mut run = Run::open(
            &golden("plain.run"),
            &Dataset::open(&golden("data")).unwrap(),
            None,
        )
        .unwrap()
        .run;
        run.settings = settings.as_object().unwrap().clone();
        run.rankings = run.rankings.into_iter().filter_map(change).collect();
        let path = self.at(name);
        run.write(Path::new(&path)).unwrap();
        path
    }

    /// Writes the golden run unchanged and with every ranking reversed.
    fn two(&self) -> [String; 2] {
        let settings = json!({ "dataset": golden("data") });
        [
            self.write("plain.run", settings.clone(), Some),
            self.write("backwards.run", settings, |r| Some(reversed(r))),
        ]
    }

    fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let mut command = cargo_bin_cmd!("multiexpan");
        let done = command
            .current_dir(self.0.path())
            .arg("compare")
            .args(args)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (done.status.code(), text(done.stdout), text(done.stderr))
    }

    fn json(&self, args: &[&str]) -> Value {
        let (code, out, err) = self.run(&[args, &["--format", "json"]].concat());
        assert_eq!((code, &*err), (Some(0), ""), "{args:?}");
        serde_json::from_str(&out).unwrap()
    }
}

fn reversed(mut ranking: Ranking) -> Ranking {
    let scores: Vec<f64> = ranking.candidates.iter().map(|(_, score)| *score).collect();
    let entities = ranking.candidates.iter().rev().map(|(entity, _)| *entity);
    ranking.candidates = entities.zip(scores).collect();
    ranking
}

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn a_run_does_not_differ_from_itself() {
    let runs = Runs::new();
    let [plain, _] = runs.two();
    let found = runs.json(&[&plain, &plain]);
    let pair = &found["pairs"][0];
    assert_eq!(
        (&pair["reference"], &pair["run"]),
        (&json!("plain"), &json!("plain (2)"))
    );
    let done = &pair["result"]["done"];
    assert_eq!(
        (&done["queries"], &done["exchanges"]),
        (&json!(7), &json!([]))
    );
    for (metric, tested) in done["metrics"].as_object().unwrap() {
        for p in ["p", "p_t", "p_holm", "p_t_holm"] {
            assert_eq!(number(&tested[p]), 1.0, "{metric}: {p}");
        }
        let counts = ["wins", "ties", "losses", "difference", "low", "high"]
            .map(|name| number(&tested[name]));
        assert_eq!(counts, [0.0, 4.0, 0.0, 0.0, 0.0, 0.0], "{metric}");
    }
}

#[test]
fn the_json_has_the_documented_keys() {
    let runs = Runs::new();
    let [plain, worse] = runs.two();
    let found = runs.json(&[&plain, &worse]);
    let top = [
        "dataset",
        "dataset_hash",
        "depth",
        "family",
        "metrics",
        "pairs",
        "queries",
        "runs",
        "seeds",
    ];
    assert_eq!(keys(&found), top);
    assert_eq!(
        [&found["queries"], &found["seeds"], &found["family"]],
        [&json!(8), &json!("3"), &json!(8)]
    );
    let metrics = [
        "map@10", "map@20", "map@50", "map@100", "p@10", "p@20", "p@50", "p@100",
    ];
    assert_eq!(found["metrics"], json!(metrics));

    let run = &found["runs"][0];
    assert_eq!(keys(run), ["name", "odd", "path", "scores", "settings"]);
    let warnings: Vec<_> = run["odd"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| warning.as_str().unwrap())
        .collect();
    assert!(
        warnings.contains(&"1 queries of 3 seeds that are missing"),
        "{warnings:?}"
    );
    let scores = &run["scores"]["done"];
    assert_eq!(keys(scores), ["overall", "parts", "queries"]);
    assert_eq!(
        keys(&scores["overall"])
            .into_iter()
            .collect::<BTreeSet<_>>(),
        metrics.into_iter().collect()
    );
    let [low, mean, high] = [
        &scores["overall"]["map@10"]["interval"][0],
        &scores["overall"]["map@10"]["mean"],
        &scores["overall"]["map@10"]["interval"][1],
    ]
    .map(number);
    assert!(low < mean && mean < high, "{low} {mean} {high}");
    let levels: Vec<_> = scores["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["level"].as_str().unwrap())
        .collect();
    assert_eq!(
        levels,
        [
            "class", "class", "class", "class", "middle", "middle", "coarse"
        ]
    );

    let pair = &found["pairs"][0];
    assert_eq!(keys(pair), ["places", "reference", "result", "run"]);
    let done = &pair["result"]["done"];
    assert_eq!(
        keys(done),
        ["alone", "exchanges", "metrics", "parts", "queries"]
    );
    let tested = [
        "difference",
        "high",
        "losses",
        "low",
        "means",
        "p",
        "p_holm",
        "p_t",
        "p_t_holm",
        "ties",
        "wins",
    ];
    assert_eq!(keys(&done["metrics"]["p@20"]), tested);
    let part = &done["parts"][0];
    assert_eq!(keys(part), ["level", "name", "result"]);
    let gap = ["difference", "interval", "losses", "means", "ties", "wins"];
    assert_eq!(keys(&part["result"]["done"]["metrics"]["map@50"]), gap);
    assert_eq!(
        part["result"]["done"]["metrics"]["map@50"]["interval"],
        Value::Null,
        "a single class has no interval"
    );
    let exchange = &done["exchanges"][0];
    assert_eq!(keys(exchange), ["gained", "lost", "query"]);
    assert_eq!(
        keys(&exchange["gained"][0]),
        ["gold", "id", "name", "other_rank", "rank"]
    );
}

#[test]
fn differences_are_run_minus_reference() {
    let runs = Runs::new();
    let [plain, worse] = runs.two();
    let [there, back] = [runs.json(&[&plain, &worse]), runs.json(&[&worse, &plain])];
    let [there_done, back_done] = [&there, &back].map(|found| &found["pairs"][0]["result"]["done"]);
    let tested = &there_done["metrics"]["map@10"];
    let overall =
        |at: usize| number(&there["runs"][at]["scores"]["done"]["overall"]["map@10"]["mean"]);
    assert!(
        (number(&tested["difference"]) - (overall(1) - overall(0))).abs() < 1e-12
            && overall(1) < overall(0)
    );
    assert_eq!(
        number(&back_done["metrics"]["map@10"]["difference"]),
        -number(&tested["difference"])
    );
    assert_eq!(
        (&tested["wins"], &tested["losses"]),
        (
            &back_done["metrics"]["map@10"]["losses"],
            &back_done["metrics"]["map@10"]["wins"]
        )
    );
    let classes = there_done["parts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|part| part["level"] == "class");
    let lost = classes
        .filter(|part| part["result"]["done"]["metrics"]["map@10"]["losses"] == 1)
        .count();
    assert_eq!(
        number(&tested["losses"]),
        lost as f64,
        "each class counts once"
    );
    for (a, b) in there_done["exchanges"]
        .as_array()
        .unwrap()
        .iter()
        .zip(back_done["exchanges"].as_array().unwrap())
    {
        assert_eq!(
            (&a["query"], &a["gained"], &a["lost"]),
            (&b["query"], &b["lost"], &b["gained"])
        );
        let ranks = a["gained"]
            .as_array()
            .unwrap()
            .iter()
            .chain(a["lost"].as_array().unwrap());
        assert!(
            ranks
                .into_iter()
                .all(|e| number(&e["rank"]) <= 10.0 && number(&e["other_rank"]) > 10.0)
        );
    }
}

#[test]
fn the_family_is_all_tests() {
    let runs = Runs::new();
    let [plain, worse] = runs.two();
    let all = ["--all-pairs"];
    let found = runs.json(&[&[&*plain, &*worse, &*plain], &all[..]].concat());
    let names: Vec<_> = found["pairs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| format!("{} {}", p["run"], p["reference"]))
        .collect();
    assert_eq!(
        names,
        [
            "\"backwards\" \"plain\"",
            "\"plain (2)\" \"plain\"",
            "\"plain (2)\" \"backwards\""
        ]
    );
    assert_eq!(found["family"], 24);
    let one = runs.json(&[&plain, &worse, &plain, "--metrics", "map@10"]);
    assert_eq!(
        (&one["family"], &one["metrics"]),
        (&json!(2), &json!(["map@10"]))
    );
    let tested = &one["pairs"][0]["result"]["done"]["metrics"]["map@10"];
    assert_eq!(
        number(&tested["p_holm"]),
        2.0 * number(&tested["p"]),
        "the p-value of the other pair is 1"
    );
}

#[test]
fn a_single_run_has_scores_and_no_tests() {
    let runs = Runs::new();
    let [plain, _] = runs.two();
    let found = runs.json(&[&plain]);
    assert_eq!((&found["pairs"], &found["family"]), (&json!([]), &json!(0)));
    assert!(found["runs"][0]["scores"]["done"].is_object());
    assert_eq!(runs.run(&[&plain]).0, Some(0));
}

#[test]
fn runs_that_are_not_comparable_have_a_reason() {
    let runs = Runs::new();
    let [plain, _] = runs.two();
    let only = |class: &'static str| move |r: Ranking| r.query.starts_with(class).then_some(r);
    let renamed = |from: &'static str, to: &'static str| {
        move |r: Ranking| {
            Some(Ranking {
                query: r.query.replace(from, to),
                ..r
            })
        }
    };
    let other = json!({ "dataset_hash": "0123456789abcdef" });
    let cases = [
        (
            "not_comparable",
            "another data set: 01234567",
            runs.write("hash.run", other, Some),
        ),
        (
            "not_comparable",
            "those of some/queries",
            runs.write("q.run", json!({ "queries": "some/queries" }), Some),
        ),
        (
            "not_comparable",
            "the gold that it was made with",
            runs.write("g.run", json!({ "queries_hash": "0123456789" }), Some),
        ),
        (
            "not_comparable",
            "no query of this data set",
            runs.write("x.run", json!({}), renamed("/3/", "/7/")),
        ),
        (
            "not_comparable",
            "1 queries with gold",
            runs.write("1.run", json!({}), only("few/3/1")),
        ),
        (
            "not_comparable",
            "one class alone",
            runs.write("class.run", json!({}), only("few")),
        ),
        (
            "not_comparable",
            "0 queries with gold",
            runs.write("many.run", json!({}), renamed("many/3/1", "many/3/2")),
        ),
    ];
    for (kind, why, path) in &cases[..6] {
        let found = runs.json(&[&plain, path]);
        let reason = &found["pairs"][0]["result"][kind];
        assert!(
            reason.as_str().is_some_and(|reason| reason.contains(why)),
            "{path}: {}",
            found["pairs"][0]["result"]
        );
        assert_eq!(found["family"], 0, "pairs without a test are not counted");
        let (code, out, _) = runs.run(&[&plain, path]);
        assert!(
            code == Some(0) && out.contains(&kind.replace('_', " ")) && out.contains(why),
            "{out}"
        );
    }
    // one run has the first query of a class, the other the second
    let found = runs.json(&[&plain, &cases[6].2]);
    let many = part(&found["pairs"][0]["result"]["done"], "many");
    assert_eq!(
        many["result"]["not_comparable"],
        "of its 2 queries none is in both"
    );
    assert_eq!(found["pairs"][0]["result"]["done"]["alone"], json!([1, 1]));
}

/// Returns the group of a result with this name.
fn part<'a>(done: &'a Value, name: &str) -> &'a Value {
    let parts = done["parts"].as_array().unwrap();
    parts.iter().find(|part| part["name"] == name).unwrap()
}

#[test]
fn missing_queries_have_a_reason() {
    let runs = Runs::new();
    let [plain, _] = runs.two();
    let data = golden("data");
    let without =
        |class: &'static str| move |r: Ranking| (!r.query.starts_with(class)).then_some(r);
    let fewer = runs.write("fewer.run", json!({}), without("most"));
    let done = runs.json(&[&plain, &fewer])["pairs"][0]["result"]["done"].clone();
    assert_eq!(
        (&done["queries"], &done["alone"]),
        (&json!(5), &json!([0, 2]))
    );
    let most = part(&done, "most");
    assert_eq!(most["result"]["not_run"], "fewer has none of its 2 queries");
    let large = part(&done, "large");
    assert_eq!(
        (
            &large["result"]["done"]["queries"],
            &large["result"]["done"]["alone"]
        ),
        (&json!(1), &json!([0, 2]))
    );

    let both = runs.json(&[&fewer, &fewer, "--dataset", data.to_str().unwrap()])["pairs"][0]["result"]["done"].clone();
    let most = part(&both, "most");
    assert_eq!(
        most["result"]["not_run"],
        "neither has one of its 2 queries"
    );

    let five = runs.json(&[&plain, &fewer, "--seeds", "5"]);
    for run in five["runs"].as_array().unwrap() {
        assert_eq!(run["scores"]["not_run"], "it has no query of 5 seeds");
    }
    assert_eq!(
        five["pairs"][0]["result"]["not_run"],
        "fewer: it has no query of 5 seeds"
    );
    let (_, out, _) = runs.run(&[&plain, &fewer, "--seeds", "5"]);
    assert!(
        out.contains("not run: fewer: it has no query of 5 seeds"),
        "{out}"
    );
}

#[test]
fn tables_have_every_metric_and_class() {
    let runs = Runs::new();
    let [plain, worse] = runs.two();
    for form in ["table", "markdown"] {
        let (code, out, err) = runs.run(&[
            &plain,
            &worse,
            "--format",
            form,
            "--depth",
            "5",
            "--details",
        ]);
        assert_eq!((code, &*err), (Some(0), ""));
        for wanted in [
            "8 queries of 3 seeds",
            "map@10",
            "p@100",
            "corrected over 8 tests",
            "few",
            "large",
            "first 5",
        ] {
            assert!(out.contains(wanted), "{form} has no {wanted}: {out}");
        }
        assert_eq!(out.contains("| --- |"), form == "markdown");
    }
    let (_, out, _) = runs.run(&[&plain, &worse]);
    assert!(
        out.contains("corrected over 8 tests") && !out.contains("first 10"),
        "{out}"
    );
    // with four classes, p is at least .125
    assert!(out.contains("[−60.7, −29.5]  too few classes"), "{out}");
    let (_, out, _) = runs.run(&[&plain]);
    assert!(
        out.contains("map@10") && !out.contains("two-sided"),
        "there is no test: {out}"
    );
}

#[test]
fn joint_and_independent_rankings_are_not_comparable() {
    let runs = Runs::new();
    let written = |name: &str, protocol: &str, ranking: &str| {
        let settings =
            json!({ "dataset": golden("data"), "protocol": protocol, "ranking": ranking });
        runs.write(name, settings, Some)
    };
    let alone = written("alone.run", "standard", "expanded");
    let [plain, _] = runs.two();
    for (name, protocol, ranking) in [
        ("joint", "standard", "joint"),
        ("published", "published", "window"),
        ("older", "published", "expanded"),
    ] {
        let joint = written(name, protocol, ranking);
        let why = runs.json(&[&alone, &joint])["pairs"][0]["result"]["not_comparable"].clone();
        assert!(
            why.as_str()
                .is_some_and(|why| why.contains("one class of a query number alone")),
            "{why}"
        );
        assert!(runs.json(&[&joint, &joint])["pairs"][0]["result"]["done"].is_object());
        assert!(
            runs.json(&[&plain, &joint])["pairs"][0]["result"]["done"].is_object(),
            "a run without settings"
        );
    }
    // seed rankings have no pool
    let seeds = written("seeds.run", "published", "seeds");
    assert!(runs.json(&[&alone, &seeds])["pairs"][0]["result"]["done"].is_object());
}

/// What `evaluate` writes today, which names made by hand could miss.
#[test]
fn published_runs_of_evaluate_are_joint() {
    let folder = tempfile::tempdir().unwrap();
    let index = concat!(env!("CARGO_MANIFEST_DIR"), "/data/demo/index");
    let is_joint = |options: &[&str]| {
        let run = folder.path().join("evaluated.run");
        let status = std::process::Command::new(env!("CARGO_BIN_EXE_multiexpan"))
            .args(["evaluate", index, "--class", "fish", "--out"])
            .arg(&run)
            .args(options)
            .output()
            .unwrap()
            .status;
        assert!(status.success(), "{options:?}");
        multiexpan::eval::run::Run::read(&run).unwrap().is_joint()
    };
    assert_eq!(is_joint(&["--protocol", "published"]), Some(true));
    assert_eq!(is_joint(&["--ranking", "joint"]), Some(true));
    for independent in ["feedback", "window", "seeds"] {
        assert_eq!(is_joint(&["--ranking", independent]), Some(false));
    }
}

#[test]
fn an_unreadable_run_is_one_error() {
    let runs = Runs::new();
    let nameless = runs.write("nameless.run", json!({}), Some);
    let (code, _, err) = runs.run(&[&nameless, &nameless]);
    assert!(
        code == Some(2) && err.contains("name no data set; give it with --dataset"),
        "{err}"
    );
    let (code, _, err) = runs.run(&[
        &nameless,
        "none.run",
        "--dataset",
        golden("data").to_str().unwrap(),
    ]);
    assert!(code == Some(1) && err.contains("none.run"), "{err}");
}

#[test]
fn runs_of_evaluate_keep_their_scores() {
    let runs = Runs::new();
    let index = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/index");
    let evaluated = |mode: &str| {
        let path = runs.at(&format!("{mode}.run"));
        let mut command = cargo_bin_cmd!("multiexpan");
        let args = [
            "--ranking",
            "seeds",
            "--device",
            "cpu",
            "--mode",
            mode,
            "--format",
            "json",
            "--out",
            &path,
        ];
        let done = command
            .arg("evaluate")
            .arg(&index)
            .args(args)
            .output()
            .unwrap();
        let measured: Value = serde_json::from_slice(&done.stdout).unwrap();
        (path, measured["overall"]["map@10"].clone())
    };
    let [(text, of_text), (image, of_image)] = ["text", "image"].map(evaluated);
    let found = runs.json(&[&text, &image]);
    let overall =
        |at: usize| number(&found["runs"][at]["scores"]["done"]["overall"]["map@10"]["mean"]);
    assert!(
        (overall(0) - number(&of_text)).abs() < 1e-12
            && (overall(1) - number(&of_image)).abs() < 1e-12
    );
    let done = &found["pairs"][0]["result"]["done"];
    assert_eq!(
        (&done["queries"], &done["alone"]),
        (&json!(230), &json!([0, 0]))
    );
    let [difference, low, high] =
        ["difference", "low", "high"].map(|name| number(&done["metrics"]["map@10"][name]));
    assert!(
        (difference - (overall(1) - overall(0))).abs() < 1e-12
            && low < difference
            && difference < high
    );
    let levels: BTreeSet<_> = done["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["level"].to_string())
        .collect();
    assert_eq!(levels.len(), 3, "the demo has a hierarchy: {levels:?}");
    assert_eq!(
        found["runs"][0]["settings"]["dataset_hash"],
        found["dataset_hash"]
    );
    let demo = Dataset::open(index.parent().unwrap()).unwrap();
    assert_eq!(
        found["runs"][0]["settings"]["queries_hash"],
        demo.queries_hash(multiexpan::types::SeedCount::Three)
    );

    // with a folder of other queries
    let folder = runs.0.path().join("mine");
    std::fs::create_dir(&folder).unwrap();
    for class in ["fish", "fruits"] {
        let file = format!("query_seed=5/{class}.txt");
        let lines = std::fs::read_to_string(demo.root.join(file)).unwrap();
        let three = lines.lines().map(|line| {
            line.split_whitespace()
                .take(3)
                .collect::<Vec<_>>()
                .join(" ")
                + "\n"
        });
        std::fs::write(
            folder.join(format!("{class}.txt")),
            three.collect::<String>(),
        )
        .unwrap();
    }
    let mine = folder.to_str().unwrap();
    let own = ["text", "image"].map(|mode| {
        let path = runs.at(&format!("own-{mode}.run"));
        let args = [
            "--ranking",
            "seeds",
            "--device",
            "cpu",
            "--mode",
            mode,
            "--queries",
            mine,
            "--out",
            &path,
        ];
        cargo_bin_cmd!("multiexpan")
            .arg("evaluate")
            .arg(&index)
            .args(args)
            .assert()
            .success();
        path
    });
    let result = |more: &[&str]| {
        runs.json(&[&[own[0].as_str(), &own[1]], more].concat())["pairs"][0]["result"].clone()
    };
    assert!(
        result(&[])["not_comparable"]
            .as_str()
            .unwrap()
            .contains("mine, not those"),
        "{}",
        result(&[])
    );
    assert_eq!(result(&["--queries", mine])["done"]["queries"], 10);
}
