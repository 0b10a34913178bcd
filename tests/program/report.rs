//! The commands `analyse` and `report`, on runs of the demo.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

fn multiexpan(args: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("multiexpan-engine")
        .unwrap()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args)
        .assert()
}

fn out(args: &[&str]) -> String {
    String::from_utf8(multiexpan(args).success().get_output().stdout.clone()).unwrap()
}

/// Evaluates seed rankings, which are quick, and returns the path of the run.
fn run(folder: &Path, mode: &str) -> String {
    let path = folder
        .join(format!("{mode}.run"))
        .to_string_lossy()
        .into_owned();
    out(&[
        "evaluate",
        "data/demo/index",
        "--device",
        "cpu",
        "--ranking",
        "seeds",
        "--mode",
        mode,
        "--out",
        &path,
    ]);
    path
}

/// Copies a run under another name, with changed settings.
fn copied(run: &str, name: &str, change: impl Fn(&mut Value)) -> String {
    let path = Path::new(run)
        .with_file_name(format!("{name}.run"))
        .to_string_lossy()
        .into_owned();
    let mut settings = json(&std::fs::read_to_string(format!("{run}.json")).unwrap());
    change(&mut settings);
    std::fs::copy(run, &path).unwrap();
    std::fs::write(format!("{path}.json"), settings.to_string()).unwrap();
    path
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn lines(file: &Path) -> Vec<String> {
    std::fs::read_to_string(file)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Returns the number of entities whose images are all flags, and their recall@50, from the lines
/// of
/// the run and the files of the data set.
fn recall_of_flags(run: &str) -> (usize, f64) {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo");
    let mut kinds: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for line in &lines(&demo.join("image/SOURCES.tsv"))[1..] {
        // the name of an image begins with its entity
        let (entity, kind) = (
            line.split('_').next().unwrap().parse().unwrap(),
            line.rsplit('\t').next().unwrap(),
        );
        kinds.entry(entity).or_default().insert(kind.to_owned());
    }
    let mut firsts: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for line in lines(Path::new(run)) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if fields[3].parse::<u32>().unwrap() <= 50 {
            firsts
                .entry(fields[0].to_owned())
                .or_default()
                .insert(fields[2].parse().unwrap());
        }
    }
    let (mut entities, mut requests, mut found) = (BTreeSet::new(), 0, 0);
    for file in std::fs::read_dir(demo.join("gt")).unwrap() {
        let path = file.unwrap().path();
        let gold: Vec<u32> = lines(&path)
            .iter()
            .map(|line| line.split('\t').next().unwrap().parse().unwrap())
            .collect();
        for (seeds, number) in lines(&demo.join("query").join(path.file_name().unwrap()))
            .iter()
            .zip(1..)
        {
            let seeds: Vec<u32> = seeds
                .split_whitespace()
                .map(|seed| seed.parse().unwrap())
                .collect();
            let first =
                &firsts[&format!("{}/3/{number}", path.file_stem().unwrap().to_str().unwrap())];
            let is_flag =
                |entity: &&u32| kinds[entity].iter().eq(["flag"]) && !seeds.contains(entity);
            let flags: Vec<u32> = gold.iter().filter(is_flag).copied().collect();
            requests += flags.len();
            found += flags.iter().filter(|flag| first.contains(flag)).count();
            entities.extend(flags);
        }
    }
    (entities.len(), found as f64 / requests as f64)
}

#[test]
fn runs_give_analyses_and_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let (text, image) = (run(folder.path(), "text"), run(folder.path(), "image"));
    for (property, group) in [
        ("pictures", "flag"),
        ("polysemy", "shares no word"),
        ("pairs", "4–5 pairs"),
    ] {
        let all = json(&out(&[
            "analyse", property, &text, &image, "--format", "json",
        ]));
        let row = all["rows"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["name"] == group)
            .unwrap()
            .clone();
        assert_eq!(row["cells"].as_array().unwrap().len(), 2);
        if group != "flag" {
            continue;
        }
        for (run, cell) in [&text, &image]
            .into_iter()
            .zip(row["cells"].as_array().unwrap())
        {
            let (entities, recall) = recall_of_flags(run);
            assert!(
                (cell["value"]["mean"].as_f64().unwrap() - recall).abs() < 1e-12,
                "{run}: {recall}"
            );
            assert_eq!(row["count"], entities);
        }
    }
    let plot = folder.path().join("plot.svg");
    let table = out(&["analyse", "pairs", &text, "--plot", plot.to_str().unwrap()]);
    assert!(
        table.starts_with("Recall@50 by number of pairs") && table.contains("more: By how much")
    );
    assert!(std::fs::read_to_string(plot).unwrap().starts_with("<svg"));

    let page = folder.path().join("page");
    let written = out(&["report", &text, &image, "--out", page.to_str().unwrap()]);
    for name in [
        "metrics.svg",
        "scatter-1.svg",
        "classes-1.svg",
        "analysis-1.svg",
    ] {
        assert!(
            written.contains(name)
                && std::fs::read_to_string(page.join(name))
                    .unwrap()
                    .starts_with("<svg"),
            "{name}"
        );
    }
    let html = std::fs::read_to_string(page.join("report.html")).unwrap();
    assert!(
        html.len() < 5 << 20
            && html.contains("data:image/jpeg;base64,")
            && !html.contains("<script")
    );
    assert!(
        !html.contains("src=") && !html.contains("href=\"http"),
        "nothing from elsewhere"
    );
    assert!(
        std::fs::read_to_string(page.join("report.md"))
            .unwrap()
            .starts_with("# Runs on demo")
    );
    assert!(
        html.contains("Living things (coarse)")
            && html.contains("<summary>Every class, and rolled up</summary>")
    );

    // a report of one run has fewer files, and those of the earlier report are removed
    std::fs::write(page.join("scatter-of-mine.svg"), "mine").unwrap();
    out(&[
        "report",
        &text,
        "--metrics",
        "map@10",
        "--out",
        page.to_str().unwrap(),
    ]);
    let html = std::fs::read_to_string(page.join("report.html")).unwrap();
    assert!(
        !html.contains("id=\"classes\"")
            && !html.contains("corrected over")
            && !html.contains(">P@10<")
    );
    let left = |name: &str| page.join(name).exists();
    assert!(
        !left("scatter-1.svg")
            && !left("rolled-1.svg")
            && left("metrics.svg")
            && left("scatter-of-mine.svg")
    );
}

#[test]
fn an_analysis_in_json_is_added() {
    let folder = tempfile::tempdir().unwrap();
    let text = run(folder.path(), "text");
    let seeds = out(&[
        "analyse",
        "seeds",
        "data/demo/index",
        "--mode",
        "text",
        "--format",
        "json",
    ]);
    let analysis = folder.path().join("seeds.json");
    std::fs::write(&analysis, &seeds).unwrap();
    let page = folder.path().join("page");
    let [added, page_name] = [&analysis, &page].map(|path| path.to_str().unwrap());
    let arguments = ["report", &text, "--out", page_name, "--analysis", added];
    out(&arguments);
    let html = std::fs::read_to_string(page.join("report.html")).unwrap();
    let title = json(&seeds)["title"].as_str().unwrap().to_owned();
    assert!(html.contains(&title) && page.join("analysis-4.svg").exists());

    std::fs::write(&analysis, "{}").unwrap();
    let failed = multiexpan(&arguments).failure();
    let error = String::from_utf8_lossy(&failed.get_output().stderr).into_owned();
    assert!(error.contains("is not an analysis in JSON"), "{error}");
}

#[test]
fn a_run_of_another_data_set_does_not_affect_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let text = run(folder.path(), "text");
    let other = copied(&text, "other", |settings| {
        settings["dataset_hash"] = "0123456789".into()
    });
    let more = ["third", "fourth", "fifth"].map(|name| copied(&text, name, |_| {}));
    let page = folder.path().join("page");
    let [third, fourth, fifth] = &more;
    out(&[
        "report",
        &text,
        &other,
        third,
        fourth,
        fifth,
        "--out",
        page.to_str().unwrap(),
    ]);
    let read = |name: &str| std::fs::read_to_string(page.join(name)).unwrap();
    let html = read("report.html");
    let why = "it is of another data set: 01234567…";
    assert!(
        html.contains(&format!("other against text: not comparable: other: {why}")),
        "in the place of a conclusion"
    );
    assert!(
        html.contains(&format!("No analysis has other: not comparable: {why}"))
            && read("report.md").contains(why)
    );
    assert!(!html.contains("One analysis is not here"));
    assert!(
        html.contains("<details><summary>fifth against text</summary>"),
        "pairs are folded where there are many"
    );
    for plot in [
        "metrics.svg",
        "analysis-1.svg",
        "analysis-2.svg",
        "analysis-3.svg",
    ] {
        let svg = read(plot);
        assert!(
            ["text", "third", "fourth", "fifth"]
                .iter()
                .all(|name| svg.contains(&format!(">{name}</text>")))
        );
        assert!(!svg.contains(">other</text>"), "{plot}");
    }
    // the colour of the first run, with another shape
    let mark = |svg: &str, name: &str| {
        let before = svg
            .split(&format!(">{name}</text>"))
            .next()
            .unwrap()
            .rsplit("<g class=")
            .next()
            .unwrap()
            .to_owned();
        (before[..4].to_owned(), before.contains("<circle"))
    };
    for plot in ["metrics.svg", "analysis-1.svg"] {
        let svg = read(plot);
        assert_eq!(
            (mark(&svg, "text"), mark(&svg, "fifth")),
            (("\"s0\"".into(), true), ("\"s0\"".into(), false))
        );
    }
}

#[test]
fn the_analysis_of_all_seeds_agrees_with_evaluate() {
    let by = [
        "data/demo/index",
        "--device",
        "cpu",
        "--ranking",
        "seeds",
        "--mode",
        "text",
        "--format",
        "json",
    ];
    let all = json(&out(&[&["analyse", "seeds"][..], &by].concat()));
    let means: Vec<f64> = all["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["cells"][0]["value"]["mean"].as_f64().unwrap())
        .collect();
    let evaluated = json(&out(&[&["evaluate", "--seeds", "5"][..], &by].concat()));
    assert_eq!(means.len(), 5);
    assert!(
        (means[4] - evaluated["overall"]["map@10"].as_f64().unwrap()).abs() < 1e-9,
        "{means:?}"
    );
    let changed = all["rows"][4]["cells"][0]["contrast"]["mean"]
        .as_f64()
        .unwrap();
    assert!((means[4] - means[3] - changed).abs() < 1e-9, "{means:?}");
}

#[test]
fn a_run_that_is_not_comparable_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let text = run(folder.path(), "text");
    let mut settings: serde_json::Value =
        serde_json::from_slice(&std::fs::read(format!("{text}.json")).unwrap()).unwrap();
    let other = folder.path().join("other").to_string_lossy().into_owned();
    settings["queries"] = "elsewhere".into();
    settings["queries_hash"] = "0".into();
    std::fs::copy(&text, &other).unwrap();
    std::fs::write(format!("{other}.json"), settings.to_string()).unwrap();

    let why = "other is not comparable: its queries are those of elsewhere, not those that it is compared on (--queries names a folder)";
    let all: serde_json::Value = serde_json::from_str(&out(&[
        "analyse", "polysemy", &text, &other, "--format", "json",
    ]))
    .unwrap();
    assert_eq!(all["columns"], serde_json::json!(["text"]));
    assert_eq!(all["notes"], serde_json::json!([format!("{why}.")]));
    let alone = multiexpan(&["analyse", "polysemy", &other])
        .failure()
        .code(1);
    assert!(String::from_utf8_lossy(&alone.get_output().stderr).contains(why));

    let page = folder.path().join("page");
    out(&["report", &text, &other, "--out", page.to_str().unwrap()]);
    let joint = copied(&text, "joint", |settings| {
        settings["ranking"] = "joint".into()
    });
    let all: serde_json::Value = serde_json::from_str(&out(&[
        "analyse", "polysemy", &text, &joint, "--format", "json",
    ]))
    .unwrap();
    assert!(
        all["notes"][0]
            .as_str()
            .unwrap()
            .starts_with("joint is not comparable: one gives an entity to one class")
    );

    let error = std::fs::read_to_string(page.join("report.md")).unwrap();
    assert!(
        error.contains("No analysis has other: not comparable: its queries are those of elsewhere"),
        "{error}"
    );
}

#[test]
fn an_impossible_analysis_is_an_error() {
    let error = |args: &[&str]| {
        String::from_utf8(multiexpan(args).failure().get_output().stderr.clone()).unwrap()
    };
    assert!(error(&["analyse", "pairs", "none.run"]).contains("no run at none.run"));
    assert!(
        error(&[
            "analyse",
            "seeds",
            "data/demo/index",
            "--at",
            "11",
            "--device",
            "cpu"
        ])
        .contains("unknown cutoff 11")
    );
}
