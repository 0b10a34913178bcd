//! Tests of reading and writing runs in every format.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::data::{Class, Dataset, Diagnostics, Vocabulary};
use crate::error::{Error, Result};
use crate::eval::run::*;
use crate::types::{ClassId, EntityId, Query, SeedCount};

/// A data set with the entities 1–9 and the classes “small ones” (1–4, with the negatives 8 and 9)
/// and “fish_1_3” (5–7), each with two queries.
struct Fixture {
    folder: tempfile::TempDir,
    dataset: Dataset,
}

impl Fixture {
    fn new() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("data");
        for (name, text) in [
            (
                "entity2id.txt",
                "ant\t1\nbee\t2\nred cow\t3\ndog\t4\neel\t5\nfish\t6\ncod\t7\nEel\t8\n1984\t9\n",
            ),
            (
                "gt/small ones.txt",
                "1\tant\t1\n2\tbee\t1\n3\tred cow\t1\n4\tdog\t1\n8\tEel\t0\n9\t1984\t0\n",
            ),
            ("gt/fish_1_3.txt", "5\teel\t1\n6\tfish\t1\n7\tcod\t1\n"),
            ("query/small ones.txt", "1 8 9\n2 8 9\n"),
            ("query/fish_1_3.txt", "5 8 9\n6 8 9\n"),
            ("query_seed=5/small ones.txt", "1 2 4 8 9\n"),
            ("query_seed=5/fish_1_3.txt", "5 6 7 8 9\n"),
        ] {
            fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs::write(root.join(name), text).unwrap();
        }
        let dataset = Dataset::open(&root).unwrap();
        Fixture { folder, dataset }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn open(&self, path: &Path) -> Result<OpenedRun> {
        Run::open(path, &self.dataset, None)
    }

    /// The warnings, each as kind, line and reason.
    fn warnings(&self, path: &Path) -> Vec<(&'static str, Option<usize>, String)> {
        self.open(path)
            .unwrap()
            .warnings
            .iter()
            .map(|f| (f.kind, f.line, f.reason.clone()))
            .collect()
    }
}

fn run(seeds: &str, queries: &[&str]) -> Run {
    let settings = serde_json::json!({"mode": "both", "seeds": seeds, "size": 100});
    let lists = [vec![7, 3, 4], vec![1, 7, 3]].into_iter().cycle();
    let candidates = |ids: Vec<u32>| {
        (1u32..)
            .zip(ids)
            .map(|(r, id)| (EntityId(id), 1.0 / f64::from(r)))
            .collect()
    };
    Run {
        tag: "mine".into(),
        settings: settings.as_object().unwrap().clone(),
        rankings: queries
            .iter()
            .zip(lists)
            .map(|(q, ids)| Ranking {
                query: q.to_string(),
                candidates: candidates(ids),
            })
            .collect(),
        unknown_entities: BTreeMap::new(),
    }
}

/// The candidates of a run's first ranking.
fn ids(run: &Run) -> Vec<EntityId> {
    run.rankings[0].candidates.iter().map(|c| c.0).collect()
}

#[test]
fn a_written_run_reads_back_unchanged() {
    let fixture = Fixture::new();
    let three = [
        "fish_1_3/3/1",
        "fish_1_3/3/2",
        "small_ones/3/1",
        "small_ones/3/2",
    ];
    let both = [
        "fish_1_3/3/1",
        "fish_1_3/5/1",
        "small_ones/3/2",
        "small_ones/5/1",
    ];
    for (format, name, run) in [
        (RunFormat::Trec, "a/mine", run("3", &both)),
        (RunFormat::Trec, "b/mine.gz", run("3", &three)),
        (RunFormat::Nlpcc, "c/mine", run("3", &both)),
        (RunFormat::Published, "d/mine", run("3", &three)),
        (
            RunFormat::Published,
            "e/mine",
            run("5", &["fish_1_3/5/1", "small_ones/5/1"]),
        ),
    ] {
        let path = fixture.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        run.write_as(format, &path, &fixture.dataset).unwrap();
        let read = fixture.open(&path).unwrap();
        assert_eq!((read.format, read.run), (format, run), "{name}");
        let count = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(
            count, 2,
            "the run and its settings, no temporary file: {name}"
        );
    }
}

#[test]
fn trec_lines_keep_scores_and_unknown_entities() {
    let fixture = Fixture::new();
    let path = fixture.path("own.run");
    let mut run = run("3", &["fish_1_3/3/1"]);
    run.rankings[0].candidates = vec![
        (EntityId(7), 9.1),
        (EntityId(3), 1.0 / 3.0),
        (EntityId(99), -2.5e-17),
    ];
    run.write(&path).unwrap();
    assert_eq!(
        (
            &fixture.open(&path).unwrap().run,
            &Run::read(&path).unwrap()
        ),
        (&run, &run)
    );
    let first = fs::read_to_string(&path)
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .to_string();
    assert_eq!(first, "fish_1_3/3/1 Q0 7 1 9.1 mine");

    let named = fixture.write(
        "named.run",
        "fish_1_3/3/1 Q0 sea_unicorn 1 2 x\nfish_1_3/3/1 Q0 red_cow 2 1 x\n",
    );
    let named = fixture.open(&named).unwrap().run;
    assert_eq!(
        named.unknown_entities.values().collect::<Vec<_>>(),
        ["sea_unicorn"]
    );
    assert_eq!(named.rankings[0].candidates[1].0, EntityId(3));
    for (format, name) in [
        (RunFormat::Trec, "a"),
        (RunFormat::Nlpcc, "b"),
        (RunFormat::Published, "c"),
    ] {
        named
            .write_as(format, &fixture.path(name), &fixture.dataset)
            .unwrap();
        let again = Run::open(
            &fixture.path(name),
            &fixture.dataset,
            Some(SeedCount::Three),
        )
        .unwrap();
        assert_eq!(again.run.unknown_entities, named.unknown_entities, "{name}");
        assert_eq!(ids(&again.run), ids(&named), "{name}");
    }
}

#[test]
fn every_format_keeps_unusual_names_and_counting_ids() {
    let names = [
        "zero",
        "tab\tinside",
        "pipe | pipe",
        "\"q\", '#",
        "1984",
        "0",
        "line\u{2028}sep",
        "ΟΔΟΣ\u{feff}",
        "\\ \x1b[31m",
        "7",
    ];
    let vocabulary: Vocabulary = (0..).map(EntityId).zip(names.map(str::to_owned)).collect();
    let members: Vec<EntityId> = vocabulary.iter().map(|(id, _)| id).collect();
    let class = Class {
        name: "\u{feff}odd\t# one".into(),
        members: members.clone(),
        ..Class::default()
    };
    let query = Query {
        class: ClassId(0),
        seed_count: SeedCount::Three,
        number: 0,
        seeds: vec![],
    };
    let (classes, queries, diagnostics) = (vec![class], vec![query], Diagnostics::default());
    let dataset = Dataset {
        root: "d".into(),
        name: "d".into(),
        vocabulary,
        classes,
        queries,
        diagnostics,
    };
    let folder = tempfile::tempdir().unwrap();
    // in the order of the vocabulary, so that ids look like ranks, and reversed
    for (order, is_reversed) in [("forward", false), ("reversed", true)] {
        let mut ids = members.clone();
        if is_reversed {
            ids.reverse();
        }
        let candidates: Vec<(EntityId, f64)> = (1u32..)
            .zip(ids)
            .map(|(rank, id)| (id, 1.0 / f64::from(rank)))
            .collect();
        let written = Ranking {
            query: run_query_id(&dataset.query_id(&dataset.queries[0])),
            candidates,
        };
        let run = Run {
            tag: "mine".into(),
            rankings: vec![written.clone()],
            ..Run::default()
        };
        for format in RunFormat::ALL {
            let path = folder.path().join(format!("{order} {format}"));
            run.write_as(format, &path, &dataset).unwrap();
            let read = Run::open(&path, &dataset, Some(SeedCount::Three)).unwrap();
            assert_eq!(
                (&read.run.rankings[..], read.run.unknown_entities.len()),
                (&[written.clone()][..], 0),
                "{order} {format}"
            );
            assert_eq!(read.warnings.summary(), [], "{order} {format}");
        }
    }
}

#[test]
fn a_run_of_mostly_unknown_entities_keeps_its_ids() {
    let fixture = Fixture::new();
    // entity 9 is called 1984, and 1984 is no entity; “EEL” is ambiguous
    let text = "fish_1_3/3/1 Q0 3 1 9 x\nfish_1_3/3/1 Q0 sea_unicorn 2 8 x\nfish_1_3/3/1 Q0 EEL 3 7 x\nfish_1_3/3/1 Q0 9 4 6 x\nfish_1_3/3/1 Q0 yeti 5 5 x\n";
    let first = fixture.open(&fixture.write("first.run", text)).unwrap().run;
    assert_eq!((ids(&first)[0], ids(&first)[3]), (EntityId(3), EntityId(9)));
    assert_eq!(
        first
            .unknown_entities
            .values()
            .map(String::as_str)
            .collect::<BTreeSet<_>>(),
        ["EEL", "sea_unicorn", "yeti"].into()
    );
    for format in RunFormat::ALL {
        let path = fixture.path(format.name());
        first.write_as(format, &path, &fixture.dataset).unwrap();
        let again = Run::open(&path, &fixture.dataset, Some(SeedCount::Three))
            .unwrap()
            .run;
        assert_eq!(
            (ids(&again), &again.unknown_entities),
            (ids(&first), &first.unknown_entities),
            "{format}"
        );
    }
}

#[test]
fn published_results_match_the_output_of_the_published_code() {
    let fixture = Fixture::new();
    run("3", &["fish_1_3/3/1", "small_ones/3/2"])
        .write_as(RunFormat::Published, &fixture.path("out"), &fixture.dataset)
        .unwrap();
    // all 3 members are gold: one hit at rank 1
    let third = format!("{:?}", 1.0 / 3.0);
    let expected = format!(
        "{}\n\n7\tcod\t\tfish_1_3\n3\tred cow\t\tsmall ones\n4\tdog\t\tsmall ones\n",
        [third.as_str(); 8].join(" ")
    );
    assert_eq!(
        fs::read_to_string(fixture.path("out/0_fish_1_3.txt")).unwrap(),
        expected
    );
    assert!(fixture.path("out/1_small ones.txt").is_file());
}

#[test]
fn a_run_that_a_format_cannot_store_is_refused_before_writing() {
    let fixture = Fixture::new();
    let path = fixture.path("out");
    let error = run("3", &["fish_1_3/3/1", "fish_1_3/5/1"])
        .write_as(RunFormat::Published, &path, &fixture.dataset)
        .unwrap_err();
    assert!(error.to_string().contains("choose with --seeds"), "{error}");
    let error = run("3", &["birds/3/1"])
        .write_as(RunFormat::Nlpcc, &path, &fixture.dataset)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("birds/3/1 is not a query of data"),
        "{error}"
    );
    fixture.write("out/notes.txt", "mine");
    let error = run("3", &["fish_1_3/3/1"])
        .write_as(RunFormat::Nlpcc, &path, &fixture.dataset)
        .unwrap_err();
    assert!(error.to_string().contains("already exists"), "{error}");
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
}

#[test]
fn candidates_are_sorted_by_rank_then_score() {
    let fixture = Fixture::new();
    let text =
        "a/3/1 Q0 5 0 0.1 x\r\na/3/1 Q0 6 0 0.9 x\n\nb/3/1\tQ0\t2\t2\t7\tx\nb/3/1 Q0 1 1 9 x\n";
    let read = fixture.open(&fixture.write("other.run", text)).unwrap();
    let ids = |r: &Ranking| r.candidates.iter().map(|(e, _)| e.0).collect::<Vec<_>>();
    assert_eq!(
        read.run.rankings.iter().map(ids).collect::<Vec<_>>(),
        [[6, 5], [1, 2]]
    );
    assert!(read.run.settings.is_empty());
    let text = "fish_1_3/3/1 Q0 5 2 9 x\nfish_1_3/3/1 Q0 7 1 3 x\n";
    let warnings = fixture.warnings(&fixture.write("ranks.run", text));
    assert!(
        warnings
            .iter()
            .any(|(kind, line, _)| kind.contains("ranks and scores disagree") && *line == Some(1)),
        "{warnings:?}"
    );
}

#[test]
fn names_may_have_blanks_or_underscores() {
    let fixture = Fixture::new();
    let text = "small_ones/3/1 Q0 red_cow 1 3 x\nsmall ones/3/1\tQ0\tred cow\t2\t2\tx\nsmall_ones/3/1 Q0 1984 3 1 x\n";
    let read = fixture.open(&fixture.write("names.run", text)).unwrap();
    let ids: Vec<u32> = read.run.rankings[0]
        .candidates
        .iter()
        .map(|(e, _)| e.0)
        .collect();
    assert_eq!(
        ids,
        [3, 3, 9],
        "a number among names is looked up as a name first"
    );
    assert!(
        read.warnings
            .iter()
            .any(|f| f.line == Some(2) && f.reason == "3 “red cow” is already in small_ones/3/1")
    );
}

#[test]
fn an_ambiguous_name_is_an_unknown_entity() {
    let fixture = Fixture::new();
    let path = fixture.write(
        "names.run",
        "small_ones/3/1 Q0 EEL 1 3 x\nsmall_ones/3/1 Q0 eel 2 2 x\n",
    );
    let read = fixture.open(&path).unwrap();
    let ids: Vec<EntityId> = read.run.rankings[0]
        .candidates
        .iter()
        .map(|(e, _)| *e)
        .collect();
    assert!(
        !fixture.dataset.vocabulary.contains(ids[0]) && ids[1] == EntityId(5),
        "{ids:?}"
    );
    let warnings = fixture.warnings(&path);
    assert!(
        warnings.iter().any(
            |(_, line, reason)| *line == Some(1) && reason.contains("entity 5 and of entity 8")
        ),
        "{warnings:?}"
    );
}

#[test]
fn an_id_and_a_name_must_agree() {
    let fixture = Fixture::new();
    let text = "1\tant\n2\tbee\n3\tred cow\n4\teel\n5\teal\n6\tfish\n70\tcod\n";
    let path = fixture.write("out/small ones_0_3.txt", text);
    let folder = path.parent().unwrap();
    let ids: Vec<EntityId> = fixture.open(folder).unwrap().run.rankings[0]
        .candidates
        .iter()
        .map(|(e, _)| *e)
        .collect();
    assert_eq!(ids[4], EntityId(5), "another spelling");
    for at in [3, 6] {
        assert!(!fixture.dataset.vocabulary.contains(ids[at]), "{ids:?}");
    }
    let warnings = fixture.warnings(folder);
    for (line, expected) in [
        (4, "entity 4 is “dog”, and “eel” is entity 5"),
        (5, "entity 5 is “eel”, not “eal”"),
        (7, "entity 70"),
    ] {
        assert!(
            warnings
                .iter()
                .any(|(_, at, reason)| *at == Some(line) && reason.contains(expected)),
            "{expected}: {warnings:?}"
        );
    }
}

#[test]
fn the_seed_count_of_a_published_folder_is_inferred() {
    let fixture = Fixture::new();
    let list = |name: &str, ids: &[u32]| {
        let lines: String = ids.iter().map(|id| format!("{id}\n")).collect();
        fixture.write(name, &format!("0.5 0.5 0.5 0.5\n\n{lines}"))
    };
    let seeds = |folder: &str, given| {
        Run::open(&fixture.path(folder), &fixture.dataset, given)
            .map(|read| read.run.rankings[0].query.clone())
    };
    // the first three seeds of 5 are never in a list; of 3 here they are 1, 8, 9
    list("five/0_small ones.txt", &[8, 9, 3]);
    assert_eq!(seeds("five", None).unwrap(), "small_ones/5/1");
    // ProbExpan writes no extension
    list("three/0_small ones", &[2, 4, 3]);
    assert_eq!(seeds("three", None).unwrap(), "small_ones/3/1");
    list("either/0_small ones.txt", &[7, 6, 3]);
    let error = seeds("either", None).unwrap_err().to_string();
    assert!(error.contains("3 or 5 seeds"), "{error}");
    assert_eq!(
        seeds("either", Some(SeedCount::Five)).unwrap(),
        "small_ones/5/1"
    );
    list("results_seed=5/best/0_small ones.txt", &[7, 6, 3]);
    assert_eq!(
        seeds("results_seed=5/best", None).unwrap(),
        "small_ones/5/1"
    );
    // random seeds, or the folder of many runs
    for folder in ["seed=3407", "seed=50/best", "seed=3/of/many"] {
        list(&format!("{folder}/0_small ones.txt"), &[7, 6, 3]);
        let error = seeds(folder, None).unwrap_err().to_string();
        assert!(error.contains("3 or 5 seeds"), "{folder}: {error}");
    }
    list("seed=3407_seed=5/0_small ones.txt", &[7, 6, 3]);
    assert_eq!(seeds("seed=3407_seed=5", None).unwrap(), "small_ones/5/1");
}

#[test]
fn the_seed_count_in_the_settings_takes_precedence() {
    let fixture = Fixture::new();
    let folder = fixture.path("results_seed=5");
    fixture.write("results_seed=5/0_small ones.txt", "7\n6\n3\n");
    let open = |given| Run::open(&folder, &fixture.dataset, given);
    for stated in ["3", "\"3\""] {
        fixture.write("results_seed=5.json", &format!("{{\"seeds\": {stated}}}"));
        assert_eq!(open(None).unwrap().run.rankings[0].query, "small_ones/3/1");
        assert!(
            open(Some(SeedCount::Five)).unwrap().run.rankings.is_empty(),
            "it has no query with 5 seeds"
        );
    }
    fixture.write("results_seed=5.json", "{\"seeds\": null}");
    assert_eq!(open(None).unwrap().run.rankings[0].query, "small_ones/5/1");
    for stated in ["4", "\"three\"", "3.5", "[3]"] {
        fixture.write("results_seed=5.json", &format!("{{\"seeds\": {stated}}}"));
        let error = open(None).unwrap_err().to_string();
        assert!(
            error.contains("results_seed=5.json has") && error.contains("expected one of: 3, 5"),
            "{error}"
        );
    }
}

#[test]
fn an_unknown_entity_counts_towards_the_length_of_its_list() {
    let fixture = Fixture::new();
    let list = |ids: &[u32]| {
        ids.iter()
            .map(|id| format!("small_ones/3/1 Q0 {id} 1 1 x\n"))
            .collect::<String>()
    };
    let short = |ids: &[u32]| {
        let warnings = fixture.warnings(&fixture.write("a.run", &list(ids)));
        warnings
            .into_iter()
            .find(|(kind, ..)| kind.contains("shorter"))
            .map(|(.., reason)| reason)
    };
    assert_eq!(
        short(&[2, 3, 4, 5, 6, 99]),
        None,
        "6 candidates are all there are"
    );
    // a seed, and one twice
    assert_eq!(
        short(&[2, 3, 4, 5, 1, 99, 99]).unwrap(),
        "small_ones/3/1 has 5 candidates of 6"
    );
}

#[test]
fn settings_of_plain_and_gzip_runs_are_found() {
    let fixture = Fixture::new();
    let path = fixture.path("a.run");
    run("3", &["fish_1_3/3/1"]).write(&path).unwrap();
    assert_eq!(
        read_settings(&path).unwrap(),
        read_settings(&fixture.path("a.run.gz")).unwrap()
    );
    assert!(read_settings(&fixture.path("b.run")).unwrap().is_empty());
}

#[test]
fn qrels_have_members_and_negatives_without_seeds() {
    let fixture = Fixture::new();
    let path = fixture.path("qrels");
    assert_eq!(
        write_qrels(&fixture.dataset, &path).unwrap(),
        5,
        "all members of fish_1_3 are seeds of its query of 5"
    );
    let text = fs::read_to_string(&path).unwrap();
    let of = |query: &str| {
        text.lines()
            .filter(|line| line.starts_with(query))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(
        of("small_ones/3/2"),
        "small_ones/3/2 0 1 1\nsmall_ones/3/2 0 3 1\nsmall_ones/3/2 0 4 1"
    );
    assert_eq!(of("small_ones/5/1"), "small_ones/5/1 0 3 1");
}

#[test]
fn a_score_that_is_not_finite_is_refused() {
    let fixture = Fixture::new();
    for score in ["NaN", "inf", "-infinity", "1e999"] {
        let path = fixture.write("score.run", &format!("fish_1_3/3/1 Q0 7 1 {score} x\n"));
        let error = fixture.open(&path).unwrap_err().to_string();
        assert!(
            error.contains("score.run:1:") && error.contains(score),
            "{error}"
        );
    }
    for format in [RunFormat::Trec, RunFormat::Published, RunFormat::Nlpcc] {
        let mut run = run("3", &["fish_1_3/3/1"]);
        run.rankings[0].candidates[1].1 = f64::NAN;
        let path = fixture.path("out");
        let error = run
            .write_as(format, &path, &fixture.dataset)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("the score of entity 3 for query fish_1_3/3/1 is NaN") && !path.exists(),
            "{error}"
        );
        assert!(matches!(run.write(&path), Err(Error::Mismatch(_))) && !path.exists());
    }
}
