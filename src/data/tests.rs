//! Tests with the demo data set, a broken data set with every kind of problem, and a long corpus.

use std::fs;
use std::path::{Path, PathBuf};

use crate::data::*;
use crate::progress::Unobserved;
use crate::types::{ClassId, EntityId, SeedCount};

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo")
}

/// Writes a file and creates its parent folders.
fn write(root: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn write_image(root: &Path, name: &str) {
    fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
    ::image::RgbImage::from_pixel(4, 4, ::image::Rgb([9, 99, 9]))
        .save(root.join(name))
        .unwrap();
}

fn sentence(entity: i64, start: i64, end: i64, image: &str) -> String {
    format!(
        r#"{{"tokens": ["a", "b", "c"], "entityMentions": [{{"entityId": {entity}, "start": {start}, "end": {end}}}]{image}}}"#
    )
}

const A: &str = r#", "image": "image/a.png""#;

/// Returns (file, line) of every stored diagnostic of a kind.
fn locations(
    diagnostics: &Diagnostics,
    root: &Path,
    kind: DiagnosticKind,
) -> Vec<(String, Option<usize>)> {
    let location = |f: &Diagnostic| {
        f.file
            .strip_prefix(root)
            .unwrap_or(&f.file)
            .display()
            .to_string()
    };
    diagnostics
        .iter()
        .filter(|f| f.kind == kind.name)
        .map(|f| (location(f), f.line))
        .collect()
}

#[test]
fn the_demo_loads_without_problems() {
    let demo = Dataset::open(&demo()).unwrap();
    assert!(
        demo.diagnostics.is_empty(),
        "{:?}",
        demo.diagnostics.summary()
    );
    assert_eq!(demo.name, "demo");
    assert_eq!(
        (
            demo.vocabulary.len(),
            demo.classes.len(),
            demo.queries.len()
        ),
        (825, 46, 460)
    );
    assert_eq!(
        demo.classes.iter().map(|c| c.members.len()).sum::<usize>(),
        737
    );
    assert!(demo.classes.is_sorted_by(|a, b| a.name < b.name));
    assert!(
        demo.queries
            .is_sorted_by_key(|q| (q.class, q.seed_count, q.number))
    );

    let birds = demo.class("land birds").unwrap();
    assert_eq!(birds, demo.class("land_birds").unwrap());
    assert_eq!(demo.classes[birds.index()].title(), "land birds");
    assert_eq!(
        demo.classes[birds.index()].coarse.as_deref(),
        Some("Living things")
    );
    let first = demo.queries.iter().find(|q| q.class == birds).unwrap();
    assert_eq!((first.seed_count, first.number), (SeedCount::Three, 0));
    assert_eq!(first.seeds, [621, 112, 33].map(EntityId));
    assert_eq!(demo.query_id(first), "land_birds/3/1");
    let evidence = demo.evidence(&mut Unobserved).unwrap();
    assert_eq!(evidence.values().map(|e| e.pairs).sum::<u32>(), 5998);
    let kinds = demo.image_kinds().unwrap();
    let named = |picture: &Path| picture.file_name().unwrap().to_string_lossy().into_owned();
    assert!(
        evidence
            .values()
            .flat_map(|e| &e.images)
            .all(|picture| kinds.contains_key(&named(picture)))
    );
    match demo.class("land brids") {
        Err(Error::Unknown { suggestions, .. }) => assert_eq!(suggestions[0], "land_birds"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_demo_is_valid() {
    let mut stages = Vec::new();
    let mut observe = |p: Progress| {
        assert!(p.done <= p.total);
        stages.push((p.stage, p.done == p.total));
        Ok(())
    };
    let diagnostics = check(&demo(), &mut observe).unwrap();
    assert_eq!(
        diagnostics.total(Severity::Error),
        0,
        "{:?}",
        diagnostics.summary()
    );
    for stage in ["sentences", "images"] {
        assert!(
            stages.contains(&(stage.to_string(), true)),
            "{stage} is reported to its end"
        );
    }
}

#[test]
fn a_pair_is_read_again_by_its_offset() {
    let demo = Dataset::open(&demo()).unwrap();
    let mut pairs = Vec::new();
    demo.pairs(&mut Diagnostics::default(), &mut Unobserved, &mut |pair| {
        pairs.push(pair);
        Ok(())
    })
    .unwrap();
    assert_eq!(pairs.len(), 5998);
    assert!(
        pairs
            .iter()
            .all(|p| p.image.as_ref().is_some_and(|i| i.is_file()) && p.end < p.tokens.len())
    );
    for pair in pairs.iter().step_by(997).chain(pairs.last()) {
        let again = demo.pair_at(pair.offset, pair.mention).unwrap();
        assert_eq!(
            Pair {
                line: pair.line,
                ..again
            },
            *pair
        );
    }
    assert!(matches!(
        demo.pair_at(pairs[3].offset + 1, 0),
        Err(Error::Format { .. })
    ));
    assert!(matches!(
        demo.pair_at(pairs[3].offset, 9),
        Err(Error::Format { .. })
    ));
}

#[test]
fn missing_files_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let gone = Dataset::open(&root.join("gone")).unwrap_err();
    assert!(
        matches!(
            gone,
            Error::Missing {
                what: "data set",
                ..
            }
        ),
        "{gone}"
    );
    assert!(matches!(
        Dataset::open(root).unwrap_err(),
        Error::Missing { what: ENTITIES, .. }
    ));

    write(root, ENTITIES, "a\t1\n");
    let bare = Dataset::open(root).unwrap();
    assert_eq!(bare.diagnostics.count(kind::NO_GOLD.name), 1);
    assert!(bare.classes.is_empty() && bare.queries.is_empty());
    assert!(matches!(
        bare.pair_at(0, 0).unwrap_err(),
        Error::Missing {
            what: SENTENCES,
            ..
        }
    ));
    assert_eq!(
        check(root, &mut Unobserved)
            .unwrap()
            .count(kind::MISSING_FILE.name),
        1
    );
}

#[test]
fn the_queries_hash_covers_seeds_and_members() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, ENTITIES, "a\t1\nb\t2\nc\t3\nd\t4\n");
    let hash = |gold: &str, queries: &str| {
        write(root, "gt/c.txt", gold);
        write(root, "query/c.txt", queries);
        Dataset::open(root).unwrap().queries_hash(SeedCount::Three)
    };
    let (gold, queries) = ("1\ta\t1\n2\tb\t1\n3\tc\t0\n", "1 2\n2 1\n");
    let first = hash(gold, queries);
    assert_eq!(
        hash("2\tb\t1\r\n\n1\ta\t1\n3\tc\t0\n", "1  2\r\n2 1 \nEXIT\n1\n"),
        first
    );
    write(root, SENTENCES, "x");
    assert_eq!(hash(gold, queries), first);
    for (gold, queries) in [
        (gold, "1 2\n"),
        (gold, "1 2\n2 3\n"),
        (gold, "2 1\n1 2\n"),
        ("1\ta\t1\n2\tb\t0\n3\tc\t0\n", queries),
        ("1\ta\t1\n2\tb\t1\n3\tc\t0\n4\td\t1\n", queries),
    ] {
        assert_ne!(hash(gold, queries), first, "{gold:?} {queries:?}");
    }
}

#[test]
fn unicode_forms_of_names_are_equivalent() {
    let open = |class: &str, level: &str| {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        write(root, ENTITIES, "a\t1\nb\t2\n");
        write(root, &format!("gt/{class}.txt"), "1\ta\t1\n2\tb\t1\n");
        write(root, "gt/isles.txt", "1\ta\t1\n");
        write(root, "query/îles.txt", "1 2\n");
        write(
            root,
            HIERARCHY,
            format!("class\tmiddle\tcoarse\nîles\t{level}\tland\nisles\tétendues\tland\n"),
        );
        Dataset::open(root).unwrap()
    };
    let (linux, mac) = (
        open("îles", "étendues"),
        open("i\u{302}les", "e\u{301}tendues"),
    );
    for data in [&linux, &mac] {
        assert_eq!(
            (
                data.classes.len(),
                data.queries.len(),
                data.queries[0].class
            ),
            (2, 1, ClassId(1))
        );
        assert_eq!(
            data.class("i\u{302}les").unwrap(),
            data.class("ÎLES").unwrap()
        );
        assert_eq!(
            data.classes[0].middle, data.classes[1].middle,
            "one level in both forms"
        );
    }
    assert_eq!(
        mac.queries_hash(SeedCount::Three),
        linux.queries_hash(SeedCount::Three)
    );
    assert_eq!(mac.classes[1].name, "i\u{302}les", "shown as it is written");
    assert_eq!(linux.diagnostics.count(kind::UNICODE_FORM.name), 0);
    let locations = locations(&mac.diagnostics, &mac.root, kind::UNICODE_FORM);
    assert_eq!(
        locations,
        [(HIERARCHY.into(), Some(2)), ("query/îles.txt".into(), None)]
    );
}

#[test]
fn similar_class_names_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, ENTITIES, "a\t1\nb\t2\n");
    for class in ["îles", "i\u{302}les", "Big cats", "big_cats"] {
        write(root, &format!("gt/{class}.txt"), "1\ta\t1\n2\tb\t1\n");
    }
    for class in ["îles", "i\u{302}les", "BIG CATS", "Big_cats"] {
        write(root, &format!("query/{class}.txt"), "1 2\n");
    }
    let data = Dataset::open(root).unwrap();
    assert_eq!(
        (
            data.classes.len(),
            data.diagnostics.count(kind::SIMILAR_CLASSES.name)
        ),
        (4, 2)
    );
    // each of the two "îles" has its own queries; one of the two files of "Big cats" is read
    assert_eq!(
        (
            data.queries.len(),
            data.diagnostics.count(kind::DUPLICATE_QUERIES.name)
        ),
        (3, 1)
    );
}

#[test]
fn utf_16_sentences_are_streamed_and_read_again_by_offset() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, ENTITIES, "ant\t1\n虎\t2\n");
    write_image(root, "image/a.png");
    // U+0A00 and U+000A have a byte with the value of a line end
    let with_line_end_bytes = sentence(2, 1, 1, A).replace("\"b\"", "\"ਊ\u{0a00}ऀ\"");
    let text = [
        sentence(1, 0, 0, A),
        with_line_end_bytes,
        "x".repeat(5 << 20),
        sentence(2, 0, 2, A),
    ]
    .join("\r\n");
    let wide = |mark: &[u8], bytes: fn(u16) -> [u8; 2]| {
        let units = text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        [mark, &units].concat()
    };
    for file in [
        wide(b"\xff\xfe", u16::to_le_bytes),
        wide(b"\xfe\xff", u16::to_be_bytes),
    ] {
        write(root, SENTENCES, file);
        let data = Dataset::open(root).unwrap();
        let (mut pairs, mut diagnostics) = (Vec::new(), Diagnostics::default());
        data.pairs(&mut diagnostics, &mut Unobserved, &mut |pair| {
            pairs.push(pair);
            Ok(())
        })
        .unwrap();
        let lines: Vec<_> = pairs
            .iter()
            .map(|p| (p.line, p.entity.0, p.tokens[p.start].as_str()))
            .collect();
        assert_eq!(lines, [(1, 1, "a"), (2, 2, "ਊ\u{0a00}ऀ"), (4, 2, "a")]);
        assert_eq!(
            (
                diagnostics.count(kind::UTF16.name),
                diagnostics.count(kind::LONG_LINE.name)
            ),
            (1, 1)
        );
        assert_eq!(diagnostics.total(Severity::Error), 1);
        for pair in pairs {
            assert_eq!(
                Pair {
                    line: pair.line,
                    ..data.pair_at(pair.offset, pair.mention).unwrap()
                },
                pair
            );
        }
    }
}

#[test]
fn the_hash_covers_only_entities_and_sentences() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let hash = |entities: &str, sentences: &str| {
        write(root, ENTITIES, entities);
        write(root, SENTENCES, sentences);
        Dataset::open(root).unwrap().hash().unwrap()
    };
    let first = hash("a\t1\n", "x");
    write(root, "gt/c.txt", "1\ta\t1\n");
    assert_eq!(hash("a\t1\n", "x"), first);
    assert_ne!(hash("a\t1\n", "y"), first);
    assert_ne!(hash("a\t1\nx", ""), first);
}

/// Makes a data set in which most lines are invalid.
fn broken() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        ENTITIES,
        "ant\t1\nbee\t2\ncow\t3\ndog\t4\neel\t5\nfox\t6\n",
    );
    write(
        root,
        "gt/small animals.txt",
        "1\tant\t1\r\n2\tbee\t2\n\n3\tcow\t0\n4\tdog\t-1\n77\tyak\t1\n2\tbee\t1\nx\n",
    );
    write(root, "gt/big.txt", "3\tbull\t1\n4\tdog\t1\n5\teel\t1\n");
    write(root, "gt/empty.txt", "");
    write(root, "gt/notes.md", "not a class");
    write(
        root,
        "classes.tsv",
        "class\tmiddle\tcoarse\nsmall animals\tAnimals\tLiving things\nnone\tx\ty\nempty\t\t\n",
    );
    write(
        root,
        "query/small_animals.txt",
        "1 2 3\n1 1 2\n1 2 88\n1 2 x\n\n99\nEXIT\n1 2 5\n",
    );
    write(root, "query/big.txt", "3 4 5\n");
    write(root, "query/goldless.txt", "4 5 6\n");
    write_image(root, "image/a.png");
    let whole = fs::read(root.join("image/a.png")).unwrap();
    write(root, "image/cut.png", &whole[..whole.len() - 20]);
    let lines = [
        "\u{feff}".to_string() + &sentence(1, 0, 0, A),
        sentence(1, 1, 2, A) + "\r",
        String::new(),
        "{\"tokens\": [".to_string(),
        sentence(66, 0, 0, A),
        sentence(2, 2, 1, A),
        sentence(2, 0, 3, A),
        sentence(2, -1, 0, A),
        sentence(2, 0, 0, r#", "image": "image/gone.png""#),
        sentence(2, 0, 0, r#", "image": "image/cut.png""#),
        sentence(3, 0, 0, r#", "image": null"#),
        sentence(4, 0, 0, ""),
        r#"{"tokens": ["a"], "entityMentions": []}"#.to_string(),
        "x".repeat(5 << 20),
        "[1, 2]".to_string(),
        r#"{"tokens": ["d"], "entityMentions": [{"entityId": 4, "start": 0, "#.to_string(),
    ];
    write(root, SENTENCES, lines.join("\n"));
    folder
}

#[test]
fn every_problem_is_reported_with_file_and_line() {
    let folder = broken();
    let root = folder.path();
    let diagnostics = check(root, &mut Unobserved).unwrap();
    let (gold, query) = ("gt/small animals.txt", "query/small_animals.txt");
    let expected = [
        (kind::CRLF, vec![(gold, Some(1)), (SENTENCES, Some(2))]),
        (
            kind::BLANK,
            vec![(gold, Some(3)), (query, Some(5)), (SENTENCES, Some(3))],
        ),
        (kind::UNKNOWN_GOLD, vec![(gold, Some(6))]),
        (kind::DUPLICATE_GOLD, vec![(gold, Some(7))]),
        (kind::BAD_GOLD, vec![(gold, Some(8))]),
        (kind::GOLD_NAME_MISMATCH, vec![("gt/big.txt", Some(1))]),
        (kind::STRAY_FILE, vec![("gt/notes.md", None)]),
        (
            kind::EMPTY_CLASS,
            vec![("gt/empty.txt", None), ("gt/goldless.txt", None)],
        ),
        (kind::UNKNOWN_CLASS, vec![(HIERARCHY, Some(3))]),
        (
            kind::MISSING_CLASS_ROW,
            vec![(HIERARCHY, None), (HIERARCHY, None)],
        ),
        (kind::NON_MEMBER_SEED, vec![(query, Some(1))]),
        (kind::DUPLICATE_SEED, vec![(query, Some(2))]),
        (kind::UNKNOWN_SEED, vec![(query, Some(3)), (query, Some(6))]),
        (kind::BAD_SEED, vec![(query, Some(4))]),
        (
            kind::SEED_COUNT,
            vec![(query, Some(2)), (query, Some(3)), (query, Some(4))],
        ),
        (kind::EMPTY_QUERY, vec![(query, Some(6))]),
        (kind::NO_QUERIES, vec![("query/empty.txt", None)]),
        (kind::UNEQUAL_QUERIES, vec![(query, None)]),
        (kind::BOM, vec![(SENTENCES, Some(1))]),
        (
            kind::BAD_JSON,
            vec![(SENTENCES, Some(4)), (SENTENCES, Some(15))],
        ),
        (kind::UNKNOWN_ENTITY, vec![(SENTENCES, Some(5))]),
        (kind::BAD_SPAN, vec![(SENTENCES, Some(6))]),
        (
            kind::OUT_OF_RANGE,
            vec![(SENTENCES, Some(7)), (SENTENCES, Some(8))],
        ),
        (kind::MISSING_IMAGE, vec![(SENTENCES, Some(9))]),
        (kind::BROKEN_IMAGE, vec![(SENTENCES, Some(10))]),
        (
            kind::NO_IMAGE,
            vec![
                (SENTENCES, Some(11)),
                (SENTENCES, Some(12)),
                (SENTENCES, Some(13)),
            ],
        ),
        (kind::NO_MENTION, vec![(SENTENCES, Some(13))]),
        (kind::LONG_LINE, vec![(SENTENCES, Some(14))]),
        (kind::TRUNCATED, vec![(SENTENCES, Some(16))]),
        (kind::FEW_PAIRS, vec![(ENTITIES, None); 4]),
    ];
    for (kind, expected_locations) in &expected {
        let expected_locations: Vec<_> = expected_locations
            .iter()
            .map(|(file, line)| (file.to_string(), *line))
            .collect();
        assert_eq!(
            locations(&diagnostics, root, *kind),
            expected_locations,
            "{}",
            kind.name
        );
    }
    let unexpected: Vec<_> = diagnostics
        .summary()
        .into_iter()
        .filter(|(name, _)| expected.iter().all(|(k, _)| k.name != name))
        .collect();
    assert_eq!(unexpected, []);
}

#[test]
fn valid_parts_of_a_broken_data_set_are_used() {
    let folder = broken();
    let data = Dataset::open(folder.path()).unwrap();
    let names: Vec<_> = data.classes.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["big", "empty", "goldless", "small animals"]);
    let small = &data.classes[3];
    assert_eq!(
        (small.members.as_slice(), small.negatives.as_slice()),
        (
            [1, 2].map(EntityId).as_slice(),
            [3, 4].map(EntityId).as_slice()
        )
    );
    assert_eq!(
        (small.middle.as_deref(), data.classes[1].middle.as_deref()),
        (Some("Animals"), None)
    );
    // the query number counts the lines that were left out
    let queries: Vec<_> = data
        .queries
        .iter()
        .map(|q| (data.query_id(q), q.seeds.len()))
        .collect();
    let expected = |id: &str, seeds| (id.to_string(), seeds);
    assert_eq!(
        queries,
        [
            expected("big/3/1", 3),
            expected("goldless/3/1", 3),
            expected("small animals/3/1", 3),
            expected("small animals/3/2", 2),
            expected("small animals/3/3", 2),
            expected("small animals/3/4", 2)
        ]
    );

    let mut pairs = Vec::new();
    data.pairs(&mut Diagnostics::default(), &mut Unobserved, &mut |pair| {
        pairs.push(pair);
        Ok(())
    })
    .unwrap();
    let lines: Vec<_> = pairs
        .iter()
        .map(|p| (p.line, p.entity.0, p.image.is_some()))
        .collect();
    assert_eq!(
        lines,
        [
            (1, 1, true),
            (2, 1, true),
            (9, 2, false),
            (10, 2, true),
            (11, 3, false),
            (12, 4, false)
        ]
    );
    for pair in pairs {
        let again = data.pair_at(pair.offset, pair.mention).unwrap();
        assert_eq!(
            Pair {
                line: pair.line,
                ..again
            },
            pair
        );
    }
}

#[test]
fn queries_may_come_from_another_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = Dataset::open(&demo()).unwrap();
    write(folder.path(), "land birds.txt", "6 7 30\n57 112 129\n");
    write(folder.path(), "no such class.txt", "6 7 30\n");
    let mut diagnostics = Diagnostics::default();
    let queries = data
        .queries_in(folder.path(), SeedCount::Three, &mut diagnostics)
        .unwrap();
    let ids: Vec<_> = queries.iter().map(|q| data.query_id(q)).collect();
    assert_eq!(ids, ["land_birds/3/1", "land_birds/3/2"]);
    assert_eq!(
        diagnostics.summary(),
        [(kind::UNKNOWN_QUERY_CLASS.name.to_string(), 1)]
    );
    let gone = data.queries_in(
        &folder.path().join("gone"),
        SeedCount::Three,
        &mut diagnostics,
    );
    assert!(matches!(gone, Err(Error::Missing { .. })));
}

#[test]
fn without_gt_the_published_pickle_gives_the_classes() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, ENTITIES, "ant\t1\nbee\t2\ncow\t3\n");
    // Python's pickle.dumps({1: ["small", "insects"], 2: "small", 9: ["small"]}, 2)
    let pickled =
        b"\x80\x02}q\x00(K\x01]q\x01(X\x05\0\0\0smallq\x02X\x07\0\0\0insectsq\x03eK\x02h\x02K\t]q\x04h\x02au.";
    write(root, "eid2cls.pkl", pickled);
    let data = Dataset::open(root).unwrap();
    let classes: Vec<_> = data
        .classes
        .iter()
        .map(|c| (c.name.as_str(), c.members.clone()))
        .collect();
    assert_eq!(
        classes,
        [
            ("insects", vec![EntityId(1)]),
            ("small", vec![EntityId(1), EntityId(2)])
        ]
    );
    assert_eq!(data.diagnostics.count(kind::UNKNOWN_GOLD.name), 1);

    write(root, "eid2cls.pkl", b"no pickle");
    let data = Dataset::open(root).unwrap();
    assert_eq!(
        (
            data.classes.len(),
            data.diagnostics.count(kind::BAD_PICKLE.name)
        ),
        (0, 1)
    );
}

#[test]
fn a_sentence_may_have_several_mentions() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, ENTITIES, "ant\t1\nbee\t2\n");
    let mentions = r#"[{"entityId": 1, "start": 0, "end": 0}, {"entityId": 5, "start": 0, "end": 0}, {"entityId": 2, "start": 1, "end": 2}]"#;
    write(
        root,
        SENTENCES,
        format!(r#"{{"entityMentions": {mentions}, "tokens": ["ant", "a", "bee"], "extra": 1}}"#),
    );
    let data = Dataset::open(root).unwrap();
    let mut seen = Vec::new();
    data.pairs(&mut Diagnostics::default(), &mut Unobserved, &mut |pair| {
        seen.push((
            pair.mention,
            pair.entity.0,
            pair.tokens[pair.start..=pair.end].join(" "),
        ));
        Ok(())
    })
    .unwrap();
    assert_eq!(
        seen,
        [(0, 1, "ant".to_string()), (2, 2, "a bee".to_string())]
    );
}

#[test]
fn a_long_corpus_is_streamed_and_can_be_stopped() {
    const LINES: usize = 50_000;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        ENTITIES,
        (0..100)
            .map(|id| format!("entity {id}\t{id}\n"))
            .collect::<String>(),
    );
    write_image(root, "image/a.png");
    let tokens = (0..40)
        .map(|t| format!("\"token{t}\""))
        .collect::<Vec<_>>()
        .join(", ");
    let line = |i: usize| {
        let mention = format!(
            r#"{{"entityId": {}, "start": {}, "end": 39}}"#,
            i % 100,
            i % 40
        );
        format!(
            "{{\"tokens\": [{tokens}], \"entityMentions\": [{mention}], \"image\": \"image/a.png\"}}\n"
        )
    };
    write(root, SENTENCES, (0..LINES).map(line).collect::<String>());
    let data = Dataset::open(root).unwrap();

    let (mut pairs, mut diagnostics) = (0, Diagnostics::default());
    let mut count = |_| {
        pairs += 1;
        Ok(())
    };
    data.pairs(&mut diagnostics, &mut Unobserved, &mut count)
        .unwrap();
    assert_eq!(pairs, LINES);
    assert!(diagnostics.is_empty());

    let (mut seen, mut stop) = (0, |_: Progress| Err(Error::Stopped));
    let mut count = |_| {
        seen += 1;
        Ok(())
    };
    assert!(matches!(
        data.pairs(&mut diagnostics, &mut stop, &mut count),
        Err(Error::Stopped)
    ));
    assert!(0 < seen && seen < LINES, "stopped after {seen}");
}
