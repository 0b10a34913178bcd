use crate::eval::run::*;

use std::collections::BTreeSet;
use std::fs;

use crate::data::Class;
use crate::types::ClassId;

/// Entities 1–9, classes “small ones” (1–4, with the non-members 8 and 9) and “fish_1_3” (5–7), two
/// queries each.
struct World {
    folder: tempfile::TempDir,
    dataset: Dataset,
}

impl World {
    fn new() -> World {
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
        World { folder, dataset }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn open(&self, path: &Path) -> Result<OpenedRun> {
        Run::open(path, &self.dataset, None)
    }

    /// What is odd: the kind, the line, the reason.
    fn odd(&self, path: &Path) -> Vec<(&'static str, Option<usize>, String)> {
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
fn a_run_comes_back_as_it_was_written() {
    let world = World::new();
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
    for (form, place, run) in [
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
        let path = world.at(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        run.write_as(form, &path, &world.dataset).unwrap();
        let read = world.open(&path).unwrap();
        assert_eq!((read.format, read.run), (form, run), "{place}");
        let left = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(
            left, 2,
            "the run and its settings, no temporary file: {place}"
        );
    }
}

#[test]
fn scores_and_strangers_come_back_as_trec_lines() {
    let world = World::new();
    let path = world.at("own.run");
    let mut run = run("3", &["fish_1_3/3/1"]);
    run.rankings[0].candidates = vec![
        (EntityId(7), 9.1),
        (EntityId(3), 1.0 / 3.0),
        (EntityId(99), -2.5e-17),
    ];
    run.write(&path).unwrap();
    assert_eq!(
        (&world.open(&path).unwrap().run, &Run::read(&path).unwrap()),
        (&run, &run)
    );
    let first = fs::read_to_string(&path)
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .to_string();
    assert_eq!(first, "fish_1_3/3/1 Q0 7 1 9.1 mine");

    let named = world.write(
        "named.run",
        "fish_1_3/3/1 Q0 sea_unicorn 1 2 x\nfish_1_3/3/1 Q0 red_cow 2 1 x\n",
    );
    let named = world.open(&named).unwrap().run;
    assert_eq!(
        named.unknown_entities.values().collect::<Vec<_>>(),
        ["sea_unicorn"]
    );
    assert_eq!(named.rankings[0].candidates[1].0, EntityId(3));
    for (form, name) in [
        (RunFormat::Trec, "a"),
        (RunFormat::Nlpcc, "b"),
        (RunFormat::Published, "c"),
    ] {
        named
            .write_as(form, &world.at(name), &world.dataset)
            .unwrap();
        let again = Run::open(&world.at(name), &world.dataset, Some(SeedCount::Three)).unwrap();
        assert_eq!(again.run.unknown_entities, named.unknown_entities, "{name}");
        assert_eq!(ids(&again.run), ids(&named), "{name}");
    }
}

#[test]
fn odd_names_and_ids_that_count_come_back_in_every_form() {
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
    // as the vocabulary has them, so that ids look like ranks, and the other way round
    for (order, backwards) in [("forth", false), ("back", true)] {
        let mut ids = members.clone();
        if backwards {
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
        for form in RunFormat::ALL {
            let path = folder.path().join(format!("{order} {form}"));
            run.write_as(form, &path, &dataset).unwrap();
            let read = Run::open(&path, &dataset, Some(SeedCount::Three)).unwrap();
            assert_eq!(
                (&read.run.rankings[..], read.run.unknown_entities.len()),
                (&[written.clone()][..], 0),
                "{order} {form}"
            );
            assert_eq!(read.warnings.summary(), [], "{order} {form}");
        }
    }
}

#[test]
fn a_run_of_mostly_strangers_keeps_its_ids() {
    let world = World::new();
    // entity 9 is called 1984, and 1984 is no entity; “EEL” is ambiguous
    let text = "fish_1_3/3/1 Q0 3 1 9 x\nfish_1_3/3/1 Q0 sea_unicorn 2 8 x\nfish_1_3/3/1 Q0 EEL 3 7 x\nfish_1_3/3/1 Q0 9 4 6 x\nfish_1_3/3/1 Q0 yeti 5 5 x\n";
    let first = world.open(&world.write("first.run", text)).unwrap().run;
    assert_eq!((ids(&first)[0], ids(&first)[3]), (EntityId(3), EntityId(9)));
    assert_eq!(
        first
            .unknown_entities
            .values()
            .map(String::as_str)
            .collect::<BTreeSet<_>>(),
        ["EEL", "sea_unicorn", "yeti"].into()
    );
    for form in RunFormat::ALL {
        let path = world.at(form.name());
        first.write_as(form, &path, &world.dataset).unwrap();
        let again = Run::open(&path, &world.dataset, Some(SeedCount::Three))
            .unwrap()
            .run;
        assert_eq!(
            (ids(&again), &again.unknown_entities),
            (ids(&first), &first.unknown_entities),
            "{form}"
        );
    }
}

#[test]
fn published_results_look_as_the_published_code_prints_them() {
    let world = World::new();
    run("3", &["fish_1_3/3/1", "small_ones/3/2"])
        .write_as(RunFormat::Published, &world.at("out"), &world.dataset)
        .unwrap();
    // gold is all 3 members: one hit at rank 1
    let third = format!("{:?}", 1.0 / 3.0);
    let expected = format!(
        "{}\n\n7\tcod\t\tfish_1_3\n3\tred cow\t\tsmall ones\n4\tdog\t\tsmall ones\n",
        [third.as_str(); 8].join(" ")
    );
    assert_eq!(
        fs::read_to_string(world.at("out/0_fish_1_3.txt")).unwrap(),
        expected
    );
    assert!(world.at("out/1_small ones.txt").is_file());
}

#[test]
fn what_a_form_cannot_hold_is_refused_before_anything_is_written() {
    let world = World::new();
    let path = world.at("out");
    let why = run("3", &["fish_1_3/3/1", "fish_1_3/5/1"])
        .write_as(RunFormat::Published, &path, &world.dataset)
        .unwrap_err();
    assert!(why.to_string().contains("choose with --seeds"), "{why}");
    let why = run("3", &["birds/3/1"])
        .write_as(RunFormat::Nlpcc, &path, &world.dataset)
        .unwrap_err();
    assert!(
        why.to_string().contains("birds/3/1 is no query of data"),
        "{why}"
    );
    world.write("out/notes.txt", "mine");
    let why = run("3", &["fish_1_3/3/1"])
        .write_as(RunFormat::Nlpcc, &path, &world.dataset)
        .unwrap_err();
    assert!(why.to_string().contains("is there already"), "{why}");
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
}

#[test]
fn runs_of_other_systems_are_ordered_by_rank_then_score() {
    let world = World::new();
    let text =
        "a/3/1 Q0 5 0 0.1 x\r\na/3/1 Q0 6 0 0.9 x\n\nb/3/1\tQ0\t2\t2\t7\tx\nb/3/1 Q0 1 1 9 x\n";
    let read = world.open(&world.write("other.run", text)).unwrap();
    let ids = |r: &Ranking| r.candidates.iter().map(|(e, _)| e.0).collect::<Vec<_>>();
    assert_eq!(
        read.run.rankings.iter().map(ids).collect::<Vec<_>>(),
        [[6, 5], [1, 2]]
    );
    assert!(read.run.settings.is_empty());
    let text = "fish_1_3/3/1 Q0 5 2 9 x\nfish_1_3/3/1 Q0 7 1 3 x\n";
    let odd = world.odd(&world.write("ranks.run", text));
    assert!(
        odd.iter()
            .any(|(kind, line, _)| kind.contains("ranks and scores disagree") && *line == Some(1)),
        "{odd:?}"
    );
}

#[test]
fn names_are_read_with_blanks_or_without() {
    let world = World::new();
    let text = "small_ones/3/1 Q0 red_cow 1 3 x\nsmall ones/3/1\tQ0\tred cow\t2\t2\tx\nsmall_ones/3/1 Q0 1984 3 1 x\n";
    let read = world.open(&world.write("names.run", text)).unwrap();
    let ids: Vec<u32> = read.run.rankings[0]
        .candidates
        .iter()
        .map(|(e, _)| e.0)
        .collect();
    assert_eq!(ids, [3, 3, 9], "a number among names is a name first");
    assert!(
        read.warnings
            .iter()
            .any(|f| f.line == Some(2) && f.reason == "3 “red cow” came before in small_ones/3/1")
    );
}

#[test]
fn a_name_of_two_entities_is_neither() {
    let world = World::new();
    let path = world.write(
        "names.run",
        "small_ones/3/1 Q0 EEL 1 3 x\nsmall_ones/3/1 Q0 eel 2 2 x\n",
    );
    let read = world.open(&path).unwrap();
    let ids: Vec<EntityId> = read.run.rankings[0]
        .candidates
        .iter()
        .map(|(e, _)| *e)
        .collect();
    assert!(
        !world.dataset.vocabulary.contains(ids[0]) && ids[1] == EntityId(5),
        "{ids:?}"
    );
    let odd = world.odd(&path);
    assert!(
        odd.iter()
            .any(|(_, line, why)| *line == Some(1) && why.contains("entity 5 and of entity 8")),
        "{odd:?}"
    );
}

#[test]
fn an_id_and_a_name_must_be_of_one_entity() {
    let world = World::new();
    let text = "1\tant\n2\tbee\n3\tred cow\n4\teel\n5\teal\n6\tfish\n70\tcod\n";
    let path = world.write("out/small ones_0_3.txt", text);
    let folder = path.parent().unwrap();
    let ids: Vec<EntityId> = world.open(folder).unwrap().run.rankings[0]
        .candidates
        .iter()
        .map(|(e, _)| *e)
        .collect();
    assert_eq!(ids[4], EntityId(5), "another spelling");
    for at in [3, 6] {
        assert!(!world.dataset.vocabulary.contains(ids[at]), "{ids:?}");
    }
    let odd = world.odd(folder);
    for (line, said) in [
        (4, "entity 4 is “dog”, and “eel” is entity 5"),
        (5, "entity 5 is “eel”, not “eal”"),
        (7, "entity 70"),
    ] {
        assert!(
            odd.iter()
                .any(|(_, at, why)| *at == Some(line) && why.contains(said)),
            "{said}: {odd:?}"
        );
    }
}

#[test]
fn published_folders_tell_how_many_seeds() {
    let world = World::new();
    let list = |name: &str, ids: &[u32]| {
        let lines: String = ids.iter().map(|id| format!("{id}\n")).collect();
        world.write(name, &format!("0.5 0.5 0.5 0.5\n\n{lines}"))
    };
    let seeds = |folder: &str, given| {
        Run::open(&world.at(folder), &world.dataset, given)
            .map(|read| read.run.rankings[0].query.clone())
    };
    // the first three seeds of 5 are never in a list; of 3 here they are 1, 8, 9
    list("five/0_small ones.txt", &[8, 9, 3]);
    assert_eq!(seeds("five", None).unwrap(), "small_ones/5/1");
    // of ProbExpan: no ending
    list("three/0_small ones", &[2, 4, 3]);
    assert_eq!(seeds("three", None).unwrap(), "small_ones/3/1");
    list("either/0_small ones.txt", &[7, 6, 3]);
    let why = seeds("either", None).unwrap_err().to_string();
    assert!(why.contains("3 or 5 seeds"), "{why}");
    assert_eq!(
        seeds("either", Some(SeedCount::Five)).unwrap(),
        "small_ones/5/1"
    );
    list("results_seed=5/best/0_small ones.txt", &[7, 6, 3]);
    assert_eq!(
        seeds("results_seed=5/best", None).unwrap(),
        "small_ones/5/1"
    );
    // these are others' seeds, or of a folder of many runs
    for folder in ["seed=3407", "seed=50/best", "seed=3/of/many"] {
        list(&format!("{folder}/0_small ones.txt"), &[7, 6, 3]);
        let why = seeds(folder, None).unwrap_err().to_string();
        assert!(why.contains("3 or 5 seeds"), "{folder}: {why}");
    }
    list("seed=3407_seed=5/0_small ones.txt", &[7, 6, 3]);
    assert_eq!(seeds("seed=3407_seed=5", None).unwrap(), "small_ones/5/1");
}

#[test]
fn settings_tell_how_many_seeds_before_anyone_else() {
    let world = World::new();
    let folder = world.at("results_seed=5");
    world.write("results_seed=5/0_small ones.txt", "7\n6\n3\n");
    let open = |given| Run::open(&folder, &world.dataset, given);
    for told in ["3", "\"3\""] {
        world.write("results_seed=5.json", &format!("{{\"seeds\": {told}}}"));
        assert_eq!(open(None).unwrap().run.rankings[0].query, "small_ones/3/1");
        assert!(
            open(Some(SeedCount::Five)).unwrap().run.rankings.is_empty(),
            "it has none of 5, whoever asks for them"
        );
    }
    world.write("results_seed=5.json", "{\"seeds\": null}");
    assert_eq!(open(None).unwrap().run.rankings[0].query, "small_ones/5/1");
    for told in ["4", "\"three\"", "3.5", "[3]"] {
        world.write("results_seed=5.json", &format!("{{\"seeds\": {told}}}"));
        let why = open(None).unwrap_err().to_string();
        assert!(
            why.contains("results_seed=5.json has") && why.contains("queries have 3 or 5"),
            "{why}"
        );
    }
}

#[test]
fn a_stranger_takes_a_place_of_its_list() {
    let world = World::new();
    let list = |ids: &[u32]| {
        ids.iter()
            .map(|id| format!("small_ones/3/1 Q0 {id} 1 1 x\n"))
            .collect::<String>()
    };
    let short = |ids: &[u32]| {
        let odd = world.odd(&world.write("a.run", &list(ids)));
        odd.into_iter()
            .find(|(kind, ..)| kind.contains("shorter"))
            .map(|(.., why)| why)
    };
    assert_eq!(short(&[2, 3, 4, 5, 6, 99]), None, "6 is all that there is");
    // a seed, and one twice
    assert_eq!(
        short(&[2, 3, 4, 5, 1, 99, 99]).unwrap(),
        "small_ones/3/1 has 5 candidates of 6"
    );
}

#[test]
fn settings_lie_beside_a_run_and_outlast_gzip() {
    let world = World::new();
    let path = world.at("a.run");
    run("3", &["fish_1_3/3/1"]).write(&path).unwrap();
    assert_eq!(
        read_settings(&path).unwrap(),
        read_settings(&world.at("a.run.gz")).unwrap()
    );
    assert!(read_settings(&world.at("b.run")).unwrap().is_empty());
}

#[test]
fn qrels_hold_members_and_negatives_less_the_seeds() {
    let world = World::new();
    let path = world.at("qrels");
    assert_eq!(
        write_qrels(&world.dataset, &path).unwrap(),
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
fn a_score_that_is_not_finite_is_neither_read_nor_written() {
    let world = World::new();
    for score in ["NaN", "inf", "-infinity", "1e999"] {
        let path = world.write("odd.run", &format!("fish_1_3/3/1 Q0 7 1 {score} x\n"));
        let said = world.open(&path).unwrap_err().to_string();
        assert!(
            said.contains("odd.run:1:") && said.contains(score),
            "{said}"
        );
    }
    for form in [RunFormat::Trec, RunFormat::Published, RunFormat::Nlpcc] {
        let mut run = run("3", &["fish_1_3/3/1"]);
        run.rankings[0].candidates[1].1 = f64::NAN;
        let path = world.at("out");
        let said = run
            .write_as(form, &path, &world.dataset)
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("the score of entity 3 for query fish_1_3/3/1 is NaN") && !path.exists(),
            "{said}"
        );
        assert!(matches!(run.write(&path), Err(Error::Mismatch(_))) && !path.exists());
    }
}
