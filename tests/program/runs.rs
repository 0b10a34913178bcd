//! Tests damaged and unusual runs: in every format, each problem is an error or a warning with file
//! and line, and nothing panics.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use assert_cmd::cargo::cargo_bin_cmd;
use flate2::Compression;
use flate2::write::GzEncoder;
use multiexpan::error::Result;
use multiexpan::eval::comparison::{ComparisonSettings, PairOutcome, PairSelection};
use multiexpan::eval::run::{OpenedRun, RunFormat};
use multiexpan::jobs::compare::{RunInputs, compare};
use multiexpan::jobs::convert_run::read_run;
use multiexpan::types::{Metric, SeedCount};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const TREC: &str = "birds/3/1 Q0 5 1 0.9 x\nbirds/3/1 Q0 6 2 0.8 x\nbirds/3/2 Q0 1 1 0.9 x\ncats/3/1 Q0 2 1 0.9 x\n";
const LIST: &str = "5\thawk\t\tbirds\n6\tkite\t\tbirds\n4\twren\t\tbirds\n";

/// A data set with birds and cats, and two classes that make file names ambiguous.
struct Fixture(tempfile::TempDir);

impl Fixture {
    fn new() -> Fixture {
        let fixture = Fixture(tempfile::tempdir().unwrap());
        for (name, text) in [
            (
                "entity2id.txt",
                "owl\t1\nduck\t2\ngull\t3\nwren\t4\nhawk\t5\nkite\t6\nlion\t7\nlynx\t8\npuma\t9\nPuma\t10\ncafé\t11\n",
            ),
            (
                "gt/birds.txt",
                "1\towl\t1\n2\tduck\t1\n3\tgull\t1\n4\twren\t1\n5\thawk\t1\n6\tkite\t1\n7\tlion\t0\n",
            ),
            ("gt/cats.txt", "7\tlion\t1\n8\tlynx\t1\n9\tpuma\t1\n"),
            ("gt/birds_0_3.txt", "7\tlion\t1\n"),
            ("gt/0_birds.txt", "7\tlion\t1\n"),
            ("query/birds.txt", "1 2 3\n4 5 6\n"),
            ("query/cats.txt", "7 8 9\n"),
            ("query_seed=5/birds.txt", "2 4 1 5 6\n"),
        ] {
            fixture.write(&format!("data/{name}"), text.as_bytes());
        }
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn read(&self, name: &str) -> Result<OpenedRun> {
        read_run(&self.path(name), Some(&self.path("data")), None).map(|(read, _)| read)
    }

    /// Returns `false` and the error if the run cannot be read, and otherwise `true` and its
    /// warnings,
    /// each as a line `file:line: reason`.
    fn outcome(&self, name: &str) -> (bool, String) {
        match self.read(name) {
            Err(error) => (false, error.to_string()),
            Ok(read) => {
                let line =
                    |line: Option<usize>| line.map(|line| format!(":{line}")).unwrap_or_default();
                let warning = |diagnostic: &multiexpan::data::Diagnostic| {
                    format!(
                        "{}{}: {}\n",
                        diagnostic.file.display(),
                        line(diagnostic.line),
                        diagnostic.reason
                    )
                };
                (true, read.warnings.iter().map(warning).collect())
            }
        }
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut compressed = GzEncoder::new(Vec::new(), Compression::default());
    compressed.write_all(text.as_bytes()).unwrap();
    compressed.finish().unwrap()
}

/// Returns `TREC` with its second line replaced.
fn replace_second_line(line: &str) -> Vec<u8> {
    let mut lines: Vec<&str> = TREC.lines().collect();
    lines[1] = line;
    (lines.join("\n") + "\n").into_bytes()
}

#[test]
fn a_damaged_file_is_an_error_with_its_name() {
    let fixture = Fixture::new();
    let complete = gzip(&TREC.repeat(50));
    let mut flipped = complete.clone();
    flipped[20] ^= 0xff;
    let utf16: Vec<u8> = TREC.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, bytes, expected) in [
        (
            "cut.run.gz",
            complete[..complete.len() / 2].to_vec(),
            "cut.run.gz is gzip that is cut short or damaged",
        ),
        (
            "head.gz",
            complete[..5].to_vec(),
            "head.gz is gzip that is cut short or damaged",
        ),
        (
            "flipped.gz",
            flipped,
            "flipped.gz is gzip that is cut short or damaged",
        ),
        (
            "none.gz",
            TREC.into(),
            "none.gz has the extension .gz and is not a gzip file",
        ),
        (
            "few",
            replace_second_line("birds/3/1 Q0 6 2 0.8"),
            "few:2: expected “query Q0 entity rank score tag”, found 5 fields",
        ),
        (
            "many",
            replace_second_line("birds/3/1 Q0 6 2 0.8 x y"),
            "many:2: expected “query Q0 entity rank score tag”, found 7",
        ),
        (
            "qrels",
            b"birds/3/1 0 6 1\nbirds/3/1 0 5 1\n".to_vec(),
            "qrels:1: expected “query Q0 entity rank score tag”, found 4 fields; a line of 4 fields is one of qrels",
        ),
        (
            "nan",
            replace_second_line("birds/3/1 Q0 6 2 NaN x"),
            "nan:2: invalid score “NaN”",
        ),
        (
            "inf",
            replace_second_line("birds/3/1 Q0 6 2 -inf x"),
            "inf:2: invalid score “-inf”",
        ),
        (
            "overflow",
            replace_second_line("birds/3/1 Q0 6 2 1e999 x"),
            "overflow:2: invalid score “1e999”",
        ),
        (
            "word",
            replace_second_line("birds/3/1 Q0 6 2 high x"),
            "word:2: invalid score “high”",
        ),
        (
            "huge",
            replace_second_line("birds/3/1 Q0 6 99999999999999999999 0.8 x"),
            "huge:2: invalid rank “99999999999999999999”",
        ),
        (
            "negative",
            replace_second_line("birds/3/1 Q0 6 -2 0.8 x"),
            "negative:2: invalid rank “-2”",
        ),
        (
            "fraction",
            replace_second_line("birds/3/1 Q0 6 2.5 0.8 x"),
            "fraction:2: invalid rank “2.5”",
        ),
        ("empty", Vec::new(), "empty has no rankings"),
        ("blank", b"\n\r\n  \n".to_vec(), "blank has no rankings"),
        (
            "binary",
            [b"\x7fELF\0\0\0".as_slice(), &[0; 64]].concat(),
            "binary is a binary file",
        ),
        (
            "utf16",
            utf16,
            "utf16 seems to be UTF-16LE without a byte order mark",
        ),
        (
            "pointer",
            b"version https://git-lfs.github.com/spec/v1\n".to_vec(),
            "pointer is a Git LFS pointer",
        ),
        (
            "0_birds.txt",
            LIST.into(),
            "0_birds.txt:1: expected “query Q0 entity rank score tag”",
        ),
    ] {
        fixture.write(name, &bytes);
        let (read, message) = fixture.outcome(name);
        assert!(!read && message.contains(expected), "{name}: {message}");
    }
    assert!(
        fixture.outcome("nowhere").1.contains("no run at")
            && fixture.outcome("nowhere").1.contains("nowhere")
    );
    for (settings, expected) in [
        ("{\"mode\": ", "settings.run.json is not a JSON object"),
        ("[3]", "is not a JSON object"),
    ] {
        fixture.write("settings.run", TREC.as_bytes());
        fixture.write("settings.run.json", settings.as_bytes());
        let (read, message) = fixture.outcome("settings.run");
        assert!(!read && message.contains(expected), "{settings}: {message}");
    }
}

#[test]
fn file_warnings_include_the_line() {
    let fixture = Fixture::new();
    for (name, bytes, expected) in [
        (
            "twice",
            replace_second_line("birds/3/1 Q0 5 2 0.8 x"),
            "twice:2: 5 “hawk” is already in birds/3/1",
        ),
        (
            "unknown",
            replace_second_line("birds/3/1 Q0 77 2 0.8 x"),
            "unknown:2: there is no entity 77",
        ),
        (
            "named",
            b"birds/3/1 Q0 kit 1 1 x\n".to_vec(),
            "named:1: unknown entity `kit` (did you mean kite?)",
        ),
        (
            "two",
            b"cats/3/1 Q0 PUMA 1 1 x\n".to_vec(),
            "two:1: “PUMA” is the name of entity 9 and of entity 10",
        ),
        (
            "latin1",
            b"cats/3/1 Q0 caf\xe9 1 1 x\n".to_vec(),
            "latin1:1: has invalid UTF-8",
        ),
        (
            "bom",
            ["\u{feff}", TREC].concat().into_bytes(),
            "bom:1: starts with a byte order mark",
        ),
        (
            "crlf",
            TREC.replace('\n', "\r\n").into_bytes(),
            "crlf:2: ends in CRLF",
        ),
        (
            "missing",
            b"birds/3/1 Q0 5 1 1 x\n".to_vec(),
            "missing: there is no list for birds/3/2",
        ),
        (
            "foreign",
            replace_second_line("dogs/3/1 Q0 5 1 1 x"),
            "foreign:2: “dogs/3/1” is not a query of data",
        ),
        (
            "number",
            replace_second_line("birds/3/9 Q0 5 1 1 x"),
            "number:2: “birds/3/9” is not a query of data",
        ),
        (
            "seed",
            replace_second_line("birds/3/1 Q0 2 2 0.8 x"),
            "seed:2: 2 “duck” is a seed of birds/3/1",
        ),
        (
            "short",
            replace_second_line("birds/3/1 Q0 6 2 0.8 x"),
            "short: birds/3/1 has 2 candidates of 8",
        ),
        (
            "ranks",
            replace_second_line("birds/3/1 Q0 6 2 7 x"),
            "ranks:2: a lower rank in birds/3/1 has the higher score 7",
        ),
    ] {
        fixture.write(name, &bytes);
        let (read, warnings) = fixture.outcome(name);
        assert!(read && warnings.contains(expected), "{name}: {warnings}");
    }
    fixture.write("run.gz", &gzip(TREC));
    assert_eq!(fixture.read("run.gz").unwrap().run.rankings, {
        fixture.write("run", TREC.as_bytes());
        fixture.read("run").unwrap().run.rankings
    });
}

#[test]
fn a_damaged_folder_is_an_error_with_its_name() {
    let fixture = Fixture::new();
    let compressed = gzip(LIST);
    let list: &[u8] = LIST.as_bytes();
    for (folder, files, expected) in [
        (
            "nothing",
            vec![],
            "nothing is neither an index (index.json) nor a run",
        ),
        (
            "index",
            vec![("index.json", b"{}".as_slice()), ("0_birds.txt", list)],
            "index is an index, not a run",
        ),
        (
            "set",
            vec![
                ("entity2id.txt", b"owl\t1\n".as_slice()),
                ("gt/birds.txt", list),
            ],
            "set is neither an index",
        ),
        (
            "classes",
            vec![("0_dogs.txt", list)],
            "0_dogs.txt: there is no class “dogs” in data",
        ),
        (
            "epochs",
            vec![("epoch_12/0_birds.txt", list)],
            "epoch_12: is not a file <i>_<class>.txt or",
        ),
        (
            "same",
            vec![("birds_0_3", list), ("birds_0_3.txt.gz", &compressed)],
            "birds_0_3.txt.gz is a list of birds/3/1, and so is ",
        ),
        (
            "twice",
            vec![("birds_1_3.txt", list), ("Birds_1_3.txt", list)],
            "birds_1_3.txt is a list of birds/3/2, and so is ",
        ),
        (
            "mixed",
            vec![("0_birds.txt", list), ("birds_1_3.txt", list)],
            "mixes published lists",
        ),
        (
            "ambiguous",
            vec![("0_birds_0_3.txt", list)],
            "0_birds_0_3.txt could be, by its name, a published list",
        ),
        (
            "unknown",
            vec![("cats_0_3.txt", b"dog\nwolf\n")],
            "unknown cannot be read as lists: no line has an id or a name",
        ),
        (
            "ids",
            vec![("cats_0_3.txt", b"1\t3\n3\t4\n4\t1\n")],
            "ids cannot be read as lists: columns 1 and 2 could both be the ids",
        ),
        (
            "fields",
            vec![("cats_0_3.txt", b"1\towl\n3\tgull\n\tduck\n")],
            "cats_0_3.txt:3: expected an entity in column 1",
        ),
        (
            "word",
            vec![("cats_0_3.txt", b"1\towl\n3\tgull\nx\tduck\n")],
            "cats_0_3.txt:3: “x” is not an entity id",
        ),
        (
            "empties",
            vec![("cats_0_3.txt", b""), ("birds_1_3.txt", b"\n")],
            "empties has only empty lists",
        ),
        (
            "seeds",
            vec![("0_birds.txt", b"9\tpuma\n")],
            "seeds does not state whether its queries have 3 or 5 seeds",
        ),
        (
            "cut",
            vec![("birds_1_3.txt.gz", &compressed[..compressed.len() - 9])],
            "birds_1_3.txt.gz is gzip that is cut short",
        ),
        (
            "raw",
            vec![("birds_1_3.txt", b"1\0\0\0")],
            "birds_1_3.txt is a binary file",
        ),
    ] {
        fs::create_dir_all(fixture.path(folder)).unwrap();
        files
            .iter()
            .for_each(|(name, bytes)| drop(fixture.write(&format!("{folder}/{name}"), bytes)));
        let (read, message) = fixture.outcome(folder);
        assert!(!read && message.contains(expected), "{folder}: {message}");
    }
}

#[test]
fn folder_warnings_include_the_file() {
    let fixture = Fixture::new();
    let list: &[u8] = LIST.as_bytes();
    for (folder, file, bytes, expected) in [
        (
            "class",
            "dogs_0_3.txt",
            list,
            "class/dogs_0_3.txt: there is no class “dogs” in data",
        ),
        ("stray", "notes.md", list, "stray/notes.md: is not a file"),
        (
            "seeds",
            "birds_0_4.txt",
            list,
            "seeds/birds_0_4.txt: is not a file",
        ),
        (
            "number",
            "birds_7_3.txt",
            list,
            "number/birds_7_3.txt:1: “birds/3/8” is not a query of data",
        ),
        (
            "empty",
            "cats_0_3.txt",
            b"",
            "empty/cats_0_3.txt: cats/3/1 has 0 candidates of 8",
        ),
        (
            "two",
            "cats_0_3.txt",
            b"1\tduck\n",
            "two/cats_0_3.txt:1: entity 1 is “owl”, and “duck” is entity 2",
        ),
        (
            "strange",
            "cats_0_3.txt",
            b"99\tdog\n",
            "strange/cats_0_3.txt:1: unknown entity `dog`",
        ),
        (
            "missing",
            "birds_0_5.txt",
            list,
            "missing: there is no list for birds/3/2",
        ),
        (
            "folder",
            "cats_0_3.txt/inner",
            list,
            "folder/cats_0_3.txt: is not a file",
        ),
    ] {
        fixture.write(&format!("{folder}/birds_0_3.txt"), list);
        fixture.write(&format!("{folder}/{file}"), bytes);
        let (read, warnings) = fixture.outcome(folder);
        assert!(read && warnings.contains(expected), "{folder}: {warnings}");
    }
}

#[cfg(unix)]
#[test]
fn circular_links_are_an_error() {
    let fixture = Fixture::new();
    let link = |name: &str, to: &Path| std::os::unix::fs::symlink(to, fixture.path(name)).unwrap();
    link("loop", &fixture.path("loop"));
    fixture.write("folder/birds_1_3.txt", LIST.as_bytes());
    link("folder/cats_0_3.txt", &fixture.path("folder/cats_0_3.txt"));
    link("folder/up", &fixture.path("folder"));
    for (name, expected) in [("loop", "cannot read"), ("folder", "folder/cats_0_3.txt")] {
        let (read, message) = fixture.outcome(name);
        assert!(
            !read && message.contains(expected) && message.contains("symbolic"),
            "{name}: {message}"
        );
    }
}

#[test]
fn random_bytes_do_not_panic() {
    let fixture = Fixture::new();
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let (mut read, mut errors) = (0, 0);
    for _ in 0..1500 {
        let (name, text, path) = [
            ("a.run", TREC, "a.run"),
            ("l/birds_1_3.txt", LIST, "l"),
            ("p/0_birds.txt", LIST, "p"),
        ][random.random_range(0..3)];
        let mut bytes = if random.random_bool(0.2) {
            gzip(text)
        } else {
            text.as_bytes().to_vec()
        };
        for _ in 0..random.random_range(1..5) {
            let position = random.random_range(0..bytes.len());
            match random.random_range(0..4) {
                0 => bytes[position] = random.next_u32() as u8,
                1 => drop(bytes.splice(position..position, b"\t\n 9e".iter().copied())),
                2 => bytes.truncate(position.max(1)),
                _ => drop(bytes.remove(position)),
            }
            if bytes.is_empty() {
                break;
            }
        }
        fixture.write(name, &bytes);
        match fixture.read(path) {
            Ok(_) => read += 1,
            Err(error) => errors += usize::from(!error.to_string().is_empty()),
        }
    }
    assert!(read > 100 && errors > 100, "{read} read, {errors} refused");
}

#[test]
fn convert_run_converts_between_all_formats() {
    let fixture = Fixture::new();
    let data = fixture.path("data").to_str().unwrap().to_owned();
    fixture.write("a.run", TREC.as_bytes());
    let convert = |from: &str, format: &str, to: &str| {
        let line = [
            "convert-run",
            from,
            "--dataset",
            &data,
            "--seeds",
            "3",
            "--format",
            format,
            "--out",
            to,
        ];
        let output = cargo_bin_cmd!("multiexpan")
            .current_dir(fixture.0.path())
            .args(line)
            .output()
            .unwrap();
        let (out, err) = (
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        );
        assert!(output.status.success(), "{err}");
        out
    };
    let output = convert("a.run", "published", "results");
    assert!(
        output.contains("a.run (trec) has 3 lists, no errors and 3 warnings"),
        "{output}"
    );
    let output = convert("results", "nlpcc", "submission");
    assert!(
        output.contains("results (published) has 3 lists"),
        "{output}"
    );
    convert("submission", "trec", "b.run.gz");
    assert!(
        fixture.path("submission/birds_1_3.txt").is_file()
            && fixture.path("results/1_birds.txt").is_file()
    );
    let lists = |name: &str| {
        let run = fixture.read(name).unwrap().run;
        let list = |r: &multiexpan::eval::run::Ranking| {
            (r.query.clone(), r.candidates.iter().map(|c| c.0).collect())
        };
        run.rankings
            .iter()
            .map(list)
            .collect::<Vec<(String, Vec<_>)>>()
    };
    assert_eq!(lists("a.run"), lists("b.run.gz"));

    let again = cargo_bin_cmd!("multiexpan")
        .current_dir(fixture.0.path())
        .args([
            "convert-run",
            "a.run",
            "--dataset",
            &data,
            "--format",
            "nlpcc",
            "--out",
            "submission",
        ])
        .output()
        .unwrap();
    let error = String::from_utf8(again.stderr).unwrap();
    assert!(
        again.status.code() == Some(1) && error.contains("submission already exists"),
        "{error}"
    );
    let without_dataset = cargo_bin_cmd!("multiexpan")
        .current_dir(fixture.0.path())
        .args(["convert-run", "a.run"])
        .output()
        .unwrap();
    let error = String::from_utf8(without_dataset.stderr).unwrap();
    assert!(
        without_dataset.status.code() == Some(2) && error.contains("give it with --dataset"),
        "{error}"
    );

    let qrels = cargo_bin_cmd!("multiexpan")
        .current_dir(fixture.0.path())
        .args(["qrels", &data, "--out", "gold.qrels"])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(qrels.stdout).unwrap(),
        "gold.qrels: the gold of 3 queries\n"
    );
    let gold = fs::read_to_string(fixture.path("gold.qrels")).unwrap();
    assert!(
        gold.starts_with("birds/3/1 0 4 1\nbirds/3/1 0 5 1\nbirds/3/1 0 6 1\nbirds/3/1 0 7 0\n"),
        "{gold}"
    );
}

#[test]
fn warnings_concern_only_the_compared_queries() {
    let fixture = Fixture::new();
    for (name, text) in [
        ("data/sentences.json", ""),
        ("data/query_seed=5/cats.txt", "7 8 9 1 2\n"),
        ("a.run", &[TREC, "birds/5/1 Q0 3 1 1 x\n"].concat()),
        // The entity is a seed of the query with 3 seeds, so the list must belong to one with 5
        // seeds.
        ("results/0_birds", "3\tgull\n"),
    ] {
        fixture.write(name, text.as_bytes());
    }
    let compared = |seeds| {
        let settings = ComparisonSettings {
            metrics: vec![Metric::Map(0)],
            pair_selection: PairSelection::WithReference,
            depth: 10,
        };
        let (paths, data) = (
            [fixture.path("a.run"), fixture.path("results")],
            fixture.path("data"),
        );
        compare(
            &RunInputs {
                paths: &paths,
                dataset: Some(&data),
                queries: None,
                seeds,
            },
            &settings,
        )
        .unwrap()
        .runs
    };
    let warnings = |seeds| compared(seeds)[0].warnings.join("; ");
    assert!(!warnings(None).contains("5 seeds"), "{}", warnings(None));
    let five_seeds = warnings(Some(SeedCount::Five));
    assert!(
        five_seeds.contains("1 queries of 5 seeds that are missing")
            && !five_seeds.contains("3 seeds"),
        "{five_seeds}"
    );
    assert_eq!(
        compared(None)[1].scores,
        PairOutcome::NotRun("it has no query of 3 seeds".into())
    );
}

#[test]
fn query_ids_ignore_case() {
    let fixture = Fixture::new();
    fixture.write(
        "a.run",
        b"Birds/3/1 Q0 5 1 0.9 x\nBIRDS/3/1 Q0 6 1 0.9 x\ncats/3/1 Q0 2 1 0.9 x\n",
    );
    let opened = fixture.read("a.run").unwrap();
    let queries: Vec<&str> = opened
        .run
        .rankings
        .iter()
        .map(|ranking| ranking.query.as_str())
        .collect();
    assert_eq!(
        queries,
        ["birds/3/1", "BIRDS/3/1", "cats/3/1"],
        "only the first is replaced"
    );
}

#[test]
fn only_queries_with_the_requested_seed_count_are_read() {
    let fixture = Fixture::new();
    fixture.write(
        "a.run",
        [TREC, "birds/5/1 Q0 3 1 1 x\n"].concat().as_bytes(),
    );
    for (seeds, lists) in [
        (None, 4),
        (Some(SeedCount::Three), 3),
        (Some(SeedCount::Five), 1),
    ] {
        let (read, dataset) =
            read_run(&fixture.path("a.run"), Some(&fixture.path("data")), seeds).unwrap();
        assert_eq!(read.run.rankings.len(), lists);
        let mixed = seeds.is_none();
        let out = fixture.path(&format!("out{lists}"));
        assert_eq!(
            read.run
                .write_as(RunFormat::Published, &out, &dataset)
                .is_err(),
            mixed
        );
    }
}
