//! Tests the program with text and images that other programs write: names with control characters,
//! Unicode forms, UTF-16, numbers as text, and images that are truncated, rotated or invalid.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::cargo::cargo_bin_cmd;
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};

const NAMES: [&str; 12] = [
    "plain",
    "tab\tinside",
    "pipe | pipe",
    "quote \"q\", comma",
    "esc\x1b[31mRED\x1b]0;owned\x07",
    "rtl \u{202e}gnp.exe",
    "Åland",
    "back\\slash \\| pipe",
    "<script>alert(1)</script>",
    "c1\u{9b}31mRED",
    "line\u{2028}sep",
    "1984",
];

/// A temporary folder in which the program runs.
struct TestFolder(tempfile::TempDir);

/// The exit code and the output of the program.
struct Output {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl TestFolder {
    fn new() -> TestFolder {
        TestFolder(tempfile::tempdir().unwrap())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Writes a data set with entities of these names and ids from 0, two classes of one query
    /// each,
    /// and one image for all entities.
    fn write_dataset(&self, names: &[&str]) {
        let lines = |line: &dyn Fn(usize, &str) -> String| -> String {
            names
                .iter()
                .enumerate()
                .map(|(id, name)| line(id, name))
                .collect()
        };
        self.write(
            "data/entity2id.txt",
            lines(&|id, name| format!("{name}\t{id}\n")),
        );
        let sentence = |id: usize, _: &str| {
            let line = format!(
                "{{\"tokens\": [\"x\"], \"entityMentions\": [{{\"entityId\": {id}, \"start\": 0, \"end\": 0}}], \"image\": \"image/a.png\"}}\n"
            );
            line.repeat(2)
        };
        self.write("data/sentences.json", lines(&sentence));
        self.write("data/image/a.png", fixture("rgb.png"));
        for class in ["pipe|class", "îles"] {
            self.write(
                &format!("data/gt/{class}.txt"),
                lines(&|id, name| format!("{id}\t{}\t1\n", name.replace('\t', " "))),
            );
            self.write(&format!("data/query/{class}.txt"), "0 2 3\n");
        }
    }

    /// Builds an index of pseudorandom values for a data set with this number of names.
    fn build_index(&self, names: usize) {
        const WIDTH: usize = 4;
        let noise = |n: usize| {
            (0..n as u32)
                .flat_map(|i| ((i.wrapping_mul(2_654_435_761) >> 8) as f32 / 1e7).to_le_bytes())
        };
        let [weight, bias, states] =
            [names * WIDTH, names, 2 * names * WIDTH].map(|n| noise(n).collect::<Vec<u8>>());
        let offsets: Vec<u8> = (0..=names as i64)
            .flat_map(|row| (2 * row).to_le_bytes())
            .collect();
        let view = |kind, shape: Vec<usize>, bytes| TensorView::new(kind, shape, bytes).unwrap();
        let tensors = BTreeMap::from([
            ("head.weight", view(Dtype::F32, vec![names, WIDTH], &weight)),
            ("head.bias", view(Dtype::F32, vec![names], &bias)),
            (
                "pre_head",
                view(Dtype::F32, vec![2 * names, WIDTH], &states),
            ),
            ("row_offsets", view(Dtype::I64, vec![names + 1], &offsets)),
        ]);
        serialize_to_file(tensors, None, &self.path("raw.safetensors")).unwrap();
        let args = [
            "index",
            "--raw",
            "raw.safetensors",
            "--entities",
            "data/entity2id.txt",
            "--out",
            "index",
            "--device",
            "cpu",
        ];
        assert_eq!(self.run(&args).code, Some(0));
    }

    /// Runs the program and asserts that its output does not control the terminal.
    fn run(&self, args: &[&str]) -> Output {
        let mut command = cargo_bin_cmd!("multiexpan");
        let output = command
            .current_dir(self.0.path())
            .env("HOME", self.0.path())
            .args(args)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let output = Output {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        for text in [&output.stdout, &output.stderr] {
            assert!(
                !text.contains(controls_terminal),
                "{args:?} prints what acts on a terminal: {text:?}"
            );
        }
        output
    }
}

/// Returns whether a terminal acts on the character instead of printing it.
fn controls_terminal(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}')
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/images")
            .join(name),
    )
    .unwrap()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn control_characters_in_names_are_escaped_in_every_format() {
    let folder = TestFolder::new();
    folder.write_dataset(&NAMES);
    folder.build_index(NAMES.len());
    let expand = |format: &str| {
        folder.run(&[
            "expand", "index", "--seeds", "0,2,3", "--size", "9", "--format", format, "--device",
            "cpu",
        ])
    };
    let tsv = expand("tsv").stdout;
    assert_eq!(tsv.lines().count(), 10, "{tsv}");
    assert!(
        tsv.lines().all(|line| line.matches('\t').count() == 11),
        "{tsv}"
    );
    assert!(
        tsv.contains("esc\\x1b[31mRED") && tsv.contains("tab\\tinside"),
        "{tsv}"
    );
    assert!(expand("table").stdout.contains("rtl \\u{202e}gnp.exe"));
    let json: Vec<serde_json::Value> = serde_json::from_str(&expand("json").stdout).unwrap();
    let found: Vec<&str> = json
        .iter()
        .map(|row| row["entity"].as_str().unwrap())
        .collect();
    assert!(
        NAMES
            .iter()
            .enumerate()
            .all(|(id, name)| [0, 2, 3].contains(&id) || found.contains(name)),
        "{found:?}"
    );
    let unknown = folder.run(&[
        "expand",
        "index",
        "--seeds",
        "\x1b]0;owned\x07",
        "--device",
        "cpu",
    ]);
    assert!(
        unknown.code == Some(1) && unknown.stderr.contains("`\\x1b]0;owned\\x07`"),
        "{}",
        unknown.stderr
    );
    let invalid = folder.run(&[
        "expand",
        "index",
        "--seeds",
        "0",
        "--mode",
        "\x1b]0;owned\x07",
    ]);
    assert!(
        invalid.code == Some(2) && !invalid.stderr.is_empty(),
        "{}",
        invalid.stderr
    );
    let missing = folder.run(&["check", "no\x1b[2Jwhere\n"]);
    assert!(
        missing.code == Some(1) && missing.stderr.lines().count() == 1,
        "{}",
        missing.stderr
    );
}

#[test]
fn runs_with_special_names_survive_conversion_in_every_format() {
    let folder = TestFolder::new();
    folder.write_dataset(&NAMES);
    let lines = |order: &mut dyn Iterator<Item = usize>| -> String {
        let entities: Vec<usize> = order.collect();
        let line = |class: &str, (rank, entity): (usize, &usize)| {
            format!("{class}/3/1 Q0 {entity} {} {} x\n", rank + 1, 99 - rank)
        };
        ["pipe|class", "îles"]
            .iter()
            .flat_map(|class| {
                entities
                    .iter()
                    .enumerate()
                    .map(move |ranked| line(class, ranked))
            })
            .collect()
    };
    folder.write("a.run", lines(&mut (0..NAMES.len())));
    folder.write("b.run", lines(&mut (0..NAMES.len()).rev()));
    for format in ["nlpcc", "published"] {
        let written = folder.run(&[
            "convert-run",
            "a.run",
            "--dataset",
            "data",
            "--out",
            format,
            "--format",
            format,
        ]);
        assert_eq!(written.code, Some(0), "{}", written.stderr);
        let round_trip = format!("{format}.run");
        let read = folder.run(&[
            "convert-run",
            format,
            "--dataset",
            "data",
            "--out",
            &round_trip,
        ]);
        assert!(
            read.code == Some(0) && !read.stdout.contains("vocabulary"),
            "{format}: {}{}",
            read.stdout,
            read.stderr
        );
        let lists = |path: &str| -> Vec<String> {
            let text = fs::read_to_string(folder.path(path)).unwrap();
            let mut lists: Vec<String> = text
                .lines()
                .map(|line| line.split(' ').take(4).collect::<Vec<_>>().join(" "))
                .collect();
            lists.sort();
            lists
        };
        assert_eq!(lists(&round_trip), lists("a.run"), "{format}");
    }
    let report = folder.run(&[
        "report",
        "a.run",
        "b.run",
        "--dataset",
        "data",
        "--out",
        "report",
        "--metrics",
        "map@10",
    ]);
    assert_eq!(report.code, Some(0), "{}", report.stderr);
    for file in fs::read_dir(folder.path("report")).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            !text.contains("<script") && !text.contains(controls_terminal),
            "{}",
            path.display()
        );
    }
    let markdown = folder.run(&[
        "compare",
        "a.run",
        "b.run",
        "--dataset",
        "data",
        "--format",
        "markdown",
        "--metrics",
        "map@10",
    ]);
    assert!(
        markdown.stdout.contains("pipe\\|class"),
        "{}",
        markdown.stdout
    );
}

#[test]
fn unicode_forms_of_a_name_are_equal() {
    let folder = TestFolder::new();
    folder.write_dataset(&NAMES);
    let convert_args = ["convert-run", "mac.run", "--dataset", "data"];
    let lines = |class: &str, names: &[&str]| -> String {
        (1..)
            .zip(names)
            .map(|(rank, name)| format!("{class}/3/1\tQ0\t{name}\t{rank}\t{}\tmac\n", 9 - rank))
            .collect()
    };
    folder.write("linux.run", lines("îles", &["Åland", "plain"]));
    folder.write("mac.run", lines("i\u{302}les", &["A\u{30a}land", "plain"]));
    let read = folder.run(&convert_args);
    assert!(
        !read.stdout.contains("vocabulary") && !read.stdout.contains("not of this data set"),
        "{}",
        read.stdout
    );
    let args = [
        "compare",
        "linux.run",
        "mac.run",
        "--dataset",
        "data",
        "--metrics",
        "map@10",
        "--format",
        "json",
    ];
    let compared: serde_json::Value = serde_json::from_str(&folder.run(&args).stdout).unwrap();
    let scores = |run: usize| &compared["runs"][run]["scores"]["done"];
    assert_eq!((scores(0), &scores(0)["queries"]), (scores(1), &1.into()));
    assert!(
        scores(0)["overall"]["map@10"]["mean"].as_f64().unwrap() > 0.0,
        "{compared}"
    );

    // The file names are decomposed, as in an archive from macOS.
    fs::rename(
        folder.path("data/gt/îles.txt"),
        folder.path("data/gt/i\u{302}les.txt"),
    )
    .unwrap();
    fs::rename(
        folder.path("data/image/a.png"),
        folder.path("data/image/é.png"),
    )
    .unwrap();
    let sentences = fs::read_to_string(folder.path("data/sentences.json")).unwrap();
    folder.write(
        "data/sentences.json",
        sentences.replace("a.png", "e\u{301}.png"),
    );
    let checked = folder.run(&["check", "data"]);
    assert_eq!(
        checked.code,
        Some(0),
        "{}{}",
        checked.stdout,
        checked.stderr
    );
    assert!(
        checked.stdout.contains("another Unicode form") && !checked.stdout.contains("no query"),
        "{}",
        checked.stdout
    );
    folder.build_index(NAMES.len());
    let expanded = folder.run(&[
        "expand",
        "index",
        "--seeds",
        "A\u{30a}land",
        "--size",
        "2",
        "--device",
        "cpu",
    ]);
    assert_eq!(expanded.code, Some(0), "{}", expanded.stderr);
}

#[test]
fn utf_16_is_read_only_with_a_byte_order_mark() {
    let folder = TestFolder::new();
    folder.write_dataset(&["lion", "Åland", "lynx", "puma", "虎"]);
    let utf8 = folder.run(&["check", "data"]);
    assert_eq!(utf8.code, Some(0), "{}", utf8.stdout);
    for file in [
        "entity2id.txt",
        "gt/îles.txt",
        "query/îles.txt",
        "sentences.json",
    ] {
        let path = format!("data/{file}");
        let text = fs::read_to_string(folder.path(&path))
            .unwrap()
            .replace('\n', "\r\n");
        folder.write(&path, [&b"\xff\xfe"[..], &utf16(&text)].concat());
        let with_mark = folder.run(&["check", "data"]);
        assert!(
            with_mark.code == Some(0) && with_mark.stdout.contains(&format!("{file}: is UTF-16")),
            "{}",
            with_mark.stdout
        );
        assert!(
            !with_mark.stdout.contains("error:") && !with_mark.stdout.contains("has 0"),
            "{}",
            with_mark.stdout
        );

        folder.write(&path, utf16(&text));
        let without_mark = folder.run(&["check", "data"]);
        let message = format!("{}{}", without_mark.stdout, without_mark.stderr);
        assert!(
            without_mark.code == Some(1) && message.contains("UTF-16LE without a byte order mark"),
            "{message}"
        );
        assert_eq!(
            message.matches("UTF-16LE without").count(),
            1,
            "once a file: {message}"
        );
        folder.write(&path, [&b"\xef\xbb\xbf"[..], text.as_bytes()].concat());
        assert_eq!(folder.run(&["check", "data"]).code, Some(0));
    }
    let run = "îles/3/1 Q0 1 1 2.5 ps\r\nîles/3/1 Q0 4 2 1.5 ps\r\n";
    folder.write("ps.run", [&b"\xff\xfe"[..], &utf16(run)].concat());
    folder.write(
        "ps.run.json",
        [&b"\xff\xfe"[..], &utf16("{\"dataset\": \"data\"}\r\n")].concat(),
    );
    let read = folder.run(&["convert-run", "ps.run"]);
    assert!(
        read.code == Some(0) && read.stdout.contains("1 list"),
        "{}{}",
        read.stdout,
        read.stderr
    );
}

#[test]
fn invalid_numbers_are_reported_and_numeric_text_is_read() {
    let folder = TestFolder::new();
    folder.write_dataset(&["lion", "tiger", "lynx", "puma"]);
    let line = |id: &str, image: &str| {
        format!(
            "{{\"tokens\": [\"x\"], \"entityMentions\": [{{\"entityId\": {id}, \"start\": 0, \"end\": 0}}], \"image\": {image}}}\n"
        )
    };
    let image = "\"image/a.png\"";
    folder.write(
        "data/sentences.json",
        [
            line("\"0\"", image),
            line("1.0", image),
            line("null", image),
            line("2", "7"),
        ]
        .concat(),
    );
    let checked = folder.run(&["check", "data"]);
    assert_eq!(checked.code, Some(1));
    for message in [
        "sentences.json:1: entityId is the text “0”, read as 0",
        "sentences.json:2: entityId is 1.0, read as 1",
        "sentences.json:3: entityId is null, expected an integer",
        "sentences.json:4: image is 7, expected a path",
    ] {
        assert!(
            checked.stdout.contains(message),
            "{message}: {}",
            checked.stdout
        );
    }
}

#[test]
fn an_invalid_image_is_an_error_in_check_and_show() {
    let folder = TestFolder::new();
    let complete = fixture("baseline.jpg");
    let files: [(&str, &[u8], &str); 4] = [
        (
            "cut.jpg",
            &complete[..complete.len() * 2 / 3],
            "is cut short",
        ),
        (
            "pointer.png",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
            "is a Git LFS pointer",
        ),
        (
            "page.jpg",
            b"<!DOCTYPE html><title>404</title>",
            "is an HTML page",
        ),
        ("new.jpg", b"\0\0\0\x1cftypavif\0\0\0\0", "is an AVIF file"),
    ];
    folder.write_dataset(&["lion", "tiger", "lynx", "puma"]);
    let sentences = fs::read_to_string(folder.path("data/sentences.json")).unwrap();
    for (name, bytes, message) in files {
        folder.write(&format!("data/image/{name}"), bytes);
        folder.write("data/sentences.json", sentences.replace("a.png", name));
        let checked = folder.run(&["check", "data"]);
        assert!(
            checked.code == Some(1) && checked.stdout.contains(message),
            "{}",
            checked.stdout
        );
        let shown = folder.run(&["show", &format!("data/image/{name}")]);
        assert!(
            shown.code == Some(1) && shown.stderr.contains(&format!("{name} {message}")),
            "{}",
            shown.stderr
        );
    }
}

#[test]
fn an_image_is_shown_upright() {
    let folder = TestFolder::new();
    // The images have 20 × 12 pixels. The second is rotated by 90°, so it has 12 columns and 10
    // rows.
    for (name, columns, rows) in [("rgb.png", 20, 6), ("orientation_6.png", 12, 10)] {
        folder.write(name, fixture(name));
        let mut command = cargo_bin_cmd!("multiexpan");
        let shown = command
            .current_dir(folder.0.path())
            .args(["show", name])
            .output()
            .unwrap();
        let text = String::from_utf8(shown.stdout).unwrap();
        assert_eq!(text.lines().count(), rows, "{name}");
        assert!(
            text.lines().all(|line| line.chars().count() == columns),
            "{name}: {text:?}"
        );
    }
}
