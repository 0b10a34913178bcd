//! Tests of the page and its files.

use crate::data::Dataset;
use crate::eval::comparison::{ComparisonInput, ComparisonSettings, PairSelection, compare};
use crate::eval::run::{Ranking, Run};
use crate::report::Report;
use crate::types::{EntityId, Metric, SeedCount};

const HOSTILE: &str = "<img src=x onerror=alert(1)>\"&'|\u{202e}\x1b[2J";

/// A report on two classes, of which one run finds a hostile entity and the other does not.
fn report() -> Report {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        (
            "entity2id.txt",
            format!("{HOSTILE}\t1\nant\t2\nbee\t3\ncow\t4\nfig\t5\noak\t6\n"),
        ),
        ("sentences.json", String::new()),
        ("gt/animals.txt", "1\tx\t1\n2\tant\t1\n3\tbee\t1\n".into()),
        ("gt/plants.txt", "5\tfig\t1\n6\toak\t1\n".into()),
        ("query/animals.txt", "2\n".into()),
        ("query/plants.txt", "5\n".into()),
    ] {
        std::fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let input = |name: &str, animals: &[u32], plants: &[u32]| {
        let ranking = |query: &str, ids: &[u32]| Ranking {
            query: query.into(),
            candidates: ids.iter().map(|&id| (EntityId(id), 1.0)).collect(),
        };
        let rankings = vec![
            ranking("animals/3/1", animals),
            ranking("plants/3/1", plants),
        ];
        let settings = serde_json::json!({ "mode": HOSTILE })
            .as_object()
            .cloned()
            .unwrap();
        ComparisonInput {
            name: name.into(),
            run: Run {
                rankings,
                settings,
                ..Run::default()
            },
            ..ComparisonInput::default()
        }
    };
    let inputs = [input("first", &[4, 3], &[6]), input(HOSTILE, &[1, 3], &[4])];
    let settings = ComparisonSettings {
        metrics: Metric::ALL.to_vec(),
        pair_selection: PairSelection::WithReference,
        depth: 10,
    };
    let dataset = Dataset::open(folder.path()).unwrap();
    let comparison = compare(&inputs, &dataset, SeedCount::Three, &settings).unwrap();
    let images = [(EntityId(1), "data:image/jpeg;base64,AA==".to_owned())].into();
    Report {
        comparison,
        analyses: Vec::new(),
        notes: vec![HOSTILE.into()],
        images,
        images_left_out: 7,
    }
}

#[test]
fn hostile_names_are_escaped() {
    let report = report();
    let page = report.html();
    assert!(
        page.matches("&lt;img src=x onerror=alert(1)&gt;").count() > 5,
        "{page}"
    );
    assert!(
        !page.contains("<img") && !page.contains("<script"),
        "{page}"
    );
    let markdown = report.markdown(&[]);
    assert!(
        markdown.contains("&lt;img") && !markdown.contains("<img"),
        "{markdown}"
    );
    for (name, text) in report.files() {
        // no version of XML allows control characters
        assert!(
            !text.contains(|c: char| c.is_control() && c != '\n' || c == '\u{202e}'),
            "{name}"
        );
    }
}

#[test]
fn the_page_needs_no_other_file_and_shows_the_changes() {
    let page = report().html();
    assert!(
        !page.contains("src=\"") && !page.contains("@import") && !page.contains("<link"),
        "{page}"
    );
    assert_eq!(
        page.matches("data:image/jpeg;base64,AA==").count(),
        1,
        "an image is in the page once"
    );
    assert!(
        page.contains("class=\"pic p1\"") && page.contains("gold gained 1, lost 0"),
        "{page}"
    );
    let plots = report().plot_files();
    let names: Vec<&str> = plots.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["metrics.svg", "scatter-1.svg", "classes-1.svg"]);
    assert!(
        names
            .iter()
            .all(|name| report().markdown(&names).contains(&format!("]({name})")))
    );
    assert!(page.contains("and none for those of 7 more"), "{page}");
    assert!(
        page.contains("is not found to differ from first (p = "),
        "two classes show no difference"
    );
}
