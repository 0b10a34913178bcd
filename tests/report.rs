//! Analyses and the report as a user meets them, on the demo's runs.

use std::path::Path;

use assert_cmd::Command;

fn multiexpan(args: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("multiexpan-engine").unwrap().current_dir(env!("CARGO_MANIFEST_DIR")).args(args).assert()
}

fn out(args: &[&str]) -> String {
    String::from_utf8(multiexpan(args).success().get_output().stdout.clone()).unwrap()
}

/// Runs by the seeds alone, which are quick.
fn run(folder: &Path, mode: &str) -> String {
    let path = folder.join(mode).to_string_lossy().into_owned();
    out(&["evaluate", "data/demo/index", "--device", "cpu", "--ranking", "seeds", "--mode", mode, "--out", &path]);
    path
}

#[test]
fn runs_become_analyses_and_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let (text, image) = (run(folder.path(), "text"), run(folder.path(), "image"));
    for (property, group) in [("pictures", "flag"), ("polysemy", "shares no word"), ("pairs", "4–5 pairs")] {
        let json = out(&["analyse", property, &text, &image, "--format", "json"]);
        let all: serde_json::Value = serde_json::from_str(&json).unwrap();
        let row = all["rows"].as_array().unwrap().iter().find(|row| row["name"] == group).unwrap().clone();
        assert_eq!(row["cells"].as_array().unwrap().len(), 2);
        assert!((0.0..=1.0).contains(&row["cells"][0]["value"]["mean"].as_f64().unwrap()));
    }
    let plot = folder.path().join("plot.svg");
    let table = out(&["analyse", "pairs", &text, "--plot", plot.to_str().unwrap()]);
    assert!(table.starts_with("Recall@50 by number of pairs") && table.contains("more: By how much"));
    assert!(std::fs::read_to_string(plot).unwrap().starts_with("<svg"));

    let page = folder.path().join("page");
    let written = out(&["report", &text, &image, "--out", page.to_str().unwrap()]);
    for name in ["metrics.svg", "scatter-1.svg", "classes-1.svg", "analysis-1.svg"] {
        assert!(
            written.contains(name) && std::fs::read_to_string(page.join(name)).unwrap().starts_with("<svg"),
            "{name}"
        );
    }
    let html = std::fs::read_to_string(page.join("report.html")).unwrap();
    assert!(html.len() < 5 << 20 && html.contains("data:image/jpeg;base64,") && !html.contains("<script"));
    assert!(!html.contains("src=") && !html.contains("href=\"http"), "nothing from elsewhere");
    assert!(std::fs::read_to_string(page.join("report.md")).unwrap().starts_with("# Runs on demo"));
}

#[test]
fn more_seeds_are_told_apart() {
    let json = out(&[
        "analyse",
        "seeds",
        "data/demo/index",
        "--device",
        "cpu",
        "--ranking",
        "seeds",
        "--mode",
        "text",
        "--format",
        "json",
    ]);
    let all: serde_json::Value = serde_json::from_str(&json).unwrap();
    let means: Vec<f64> =
        all["rows"].as_array().unwrap().iter().map(|row| row["cells"][0]["value"]["mean"].as_f64().unwrap()).collect();
    assert_eq!(means.len(), 5);
    assert!(means[4] > means[0], "{means:?}");
}

#[test]
fn a_run_that_is_not_comparable_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let text = run(folder.path(), "text");
    let mut settings: serde_json::Value =
        serde_json::from_slice(&std::fs::read(format!("{text}.json")).unwrap()).unwrap();
    let other = folder.path().join("other").to_string_lossy().into_owned();
    settings["queries"] = "elsewhere".into();
    std::fs::copy(&text, &other).unwrap();
    std::fs::write(format!("{other}.json"), settings.to_string()).unwrap();

    let why = "other is not comparable: its queries are those of elsewhere, not the data set's";
    let all: serde_json::Value =
        serde_json::from_str(&out(&["analyse", "polysemy", &text, &other, "--format", "json"])).unwrap();
    assert_eq!(all["columns"], serde_json::json!(["text"]));
    assert_eq!(all["notes"], serde_json::json!([format!("{why}.")]));
    let alone = multiexpan(&["analyse", "polysemy", &other]).failure().code(1);
    assert!(String::from_utf8_lossy(&alone.get_output().stderr).contains(why));

    let page = folder.path().join("page");
    out(&["report", &text, &other, "--out", page.to_str().unwrap()]);
    assert!(std::fs::read_to_string(page.join("report.md")).unwrap().contains(why));
}

#[test]
fn what_cannot_be_analysed_is_said() {
    let said = |args: &[&str]| String::from_utf8(multiexpan(args).failure().get_output().stderr.clone()).unwrap();
    assert!(said(&["analyse", "pairs", "none.run"]).contains("no run at none.run"));
    assert!(said(&["analyse", "seeds", "data/demo/index", "--at", "11", "--device", "cpu"]).contains("a cutoff of 11"));
}
