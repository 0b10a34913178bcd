//! Text and images as other people's programs write them, through the real program: names that act
//! on terminals, Unicode forms, UTF-16, numbers as text, and images that are cut, turned or none.

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

struct World(tempfile::TempDir);

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl World {
    fn new() -> World {
        World(tempfile::tempdir().unwrap())
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// A data set of these names with ids from 0, two classes of one query each, and an image for
    /// all.
    fn data(&self, names: &[&str]) {
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

    /// An index of noise over the names of the data set.
    fn index(&self, names: usize) {
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
        serialize_to_file(tensors, None, &self.at("raw.safetensors")).unwrap();
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

    fn run(&self, args: &[&str]) -> Ran {
        let mut command = cargo_bin_cmd!("multiexpan");
        let done = command
            .current_dir(self.0.path())
            .env("HOME", self.0.path())
            .args(args)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let ran = Ran {
            code: done.status.code(),
            out: text(done.stdout),
            err: text(done.stderr),
        };
        for text in [&ran.out, &ran.err] {
            assert!(
                !text.contains(acts),
                "{args:?} prints what acts on a terminal: {text:?}"
            );
        }
        ran
    }
}

fn acts(c: char) -> bool {
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
fn names_that_act_are_printed_as_text_in_every_form() {
    let world = World::new();
    world.data(&NAMES);
    world.index(NAMES.len());
    let expand = |format: &str| {
        world.run(&[
            "expand", "index", "--seeds", "0,2,3", "--size", "9", "--format", format, "--device",
            "cpu",
        ])
    };
    let tsv = expand("tsv").out;
    assert_eq!(tsv.lines().count(), 10, "{tsv}");
    assert!(
        tsv.lines().all(|line| line.matches('\t').count() == 10),
        "{tsv}"
    );
    assert!(
        tsv.contains("esc\\x1b[31mRED") && tsv.contains("tab\\tinside"),
        "{tsv}"
    );
    assert!(expand("table").out.contains("rtl \\u{202e}gnp.exe"));
    let json: Vec<serde_json::Value> = serde_json::from_str(&expand("json").out).unwrap();
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
    let unknown = world.run(&[
        "expand",
        "index",
        "--seeds",
        "\x1b]0;owned\x07",
        "--device",
        "cpu",
    ]);
    assert!(
        unknown.code == Some(1) && unknown.err.contains("`\\x1b]0;owned\\x07`"),
        "{}",
        unknown.err
    );
    let wrong = world.run(&[
        "expand",
        "index",
        "--seeds",
        "0",
        "--mode",
        "\x1b]0;owned\x07",
    ]);
    assert!(
        wrong.code == Some(2) && !wrong.err.is_empty(),
        "{}",
        wrong.err
    );
    let missing = world.run(&["check", "no\x1b[2Jwhere\n"]);
    assert!(
        missing.code == Some(1) && missing.err.lines().count() == 1,
        "{}",
        missing.err
    );
}

#[test]
fn runs_of_such_names_come_back_in_every_form() {
    let world = World::new();
    world.data(&NAMES);
    let lines = |order: &mut dyn Iterator<Item = usize>| -> String {
        let entities: Vec<usize> = order.collect();
        let line = |class: &str, (rank, entity): (usize, &usize)| {
            format!("{class}/3/1 Q0 {entity} {} {} x\n", rank + 1, 99 - rank)
        };
        ["pipe|class", "îles"]
            .iter()
            .flat_map(|class| entities.iter().enumerate().map(move |at| line(class, at)))
            .collect()
    };
    world.write("a.run", lines(&mut (0..NAMES.len())));
    world.write("b.run", lines(&mut (0..NAMES.len()).rev()));
    for form in ["nlpcc", "published"] {
        let written = world.run(&[
            "convert-run",
            "a.run",
            "--dataset",
            "data",
            "--out",
            form,
            "--format",
            form,
        ]);
        assert_eq!(written.code, Some(0), "{}", written.err);
        let back = format!("{form}.run");
        let read = world.run(&["convert-run", form, "--dataset", "data", "--out", &back]);
        assert!(
            read.code == Some(0) && !read.out.contains("vocabulary"),
            "{form}: {}{}",
            read.out,
            read.err
        );
        let lists = |path: &str| -> Vec<String> {
            let text = fs::read_to_string(world.at(path)).unwrap();
            let mut lists: Vec<String> = text
                .lines()
                .map(|line| line.split(' ').take(4).collect::<Vec<_>>().join(" "))
                .collect();
            lists.sort();
            lists
        };
        assert_eq!(lists(&back), lists("a.run"), "{form}");
    }
    let report = world.run(&[
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
    assert_eq!(report.code, Some(0), "{}", report.err);
    for file in fs::read_dir(world.at("report")).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            !text.contains("<script") && !text.contains(acts),
            "{}",
            path.display()
        );
    }
    let markdown = world.run(&[
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
    assert!(markdown.out.contains("pipe\\|class"), "{}", markdown.out);
}

#[test]
fn a_name_is_one_name_in_every_unicode_form() {
    let world = World::new();
    world.data(&NAMES);
    let apart = ["convert-run", "mac.run", "--dataset", "data"];
    let lines = |class: &str, names: &[&str]| -> String {
        (1..)
            .zip(names)
            .map(|(rank, name)| format!("{class}/3/1\tQ0\t{name}\t{rank}\t{}\tmac\n", 9 - rank))
            .collect()
    };
    world.write("linux.run", lines("îles", &["Åland", "plain"]));
    world.write("mac.run", lines("i\u{302}les", &["A\u{30a}land", "plain"]));
    let read = world.run(&apart);
    assert!(
        !read.out.contains("vocabulary") && !read.out.contains("not of this data set"),
        "{}",
        read.out
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
    let compared: serde_json::Value = serde_json::from_str(&world.run(&args).out).unwrap();
    let scores = |run: usize| &compared["runs"][run]["scores"]["done"];
    assert_eq!((scores(0), &scores(0)["queries"]), (scores(1), &1.into()));
    assert!(
        scores(0)["overall"]["map@10"]["mean"].as_f64().unwrap() > 0.0,
        "{compared}"
    );

    // an archive from a Mac
    fs::rename(
        world.at("data/gt/îles.txt"),
        world.at("data/gt/i\u{302}les.txt"),
    )
    .unwrap();
    fs::rename(world.at("data/image/a.png"), world.at("data/image/é.png")).unwrap();
    let sentences = fs::read_to_string(world.at("data/sentences.json")).unwrap();
    world.write(
        "data/sentences.json",
        sentences.replace("a.png", "e\u{301}.png"),
    );
    let checked = world.run(&["check", "data"]);
    assert_eq!(checked.code, Some(0), "{}{}", checked.out, checked.err);
    assert!(
        checked.out.contains("another Unicode form") && !checked.out.contains("no query"),
        "{}",
        checked.out
    );
    world.index(NAMES.len());
    let typed = world.run(&[
        "expand",
        "index",
        "--seeds",
        "A\u{30a}land",
        "--size",
        "2",
        "--device",
        "cpu",
    ]);
    assert_eq!(typed.code, Some(0), "{}", typed.err);
}

#[test]
fn files_in_utf_16_are_read_or_named() {
    let world = World::new();
    world.data(&["lion", "Åland", "lynx", "puma", "虎"]);
    let plain = world.run(&["check", "data"]);
    assert_eq!(plain.code, Some(0), "{}", plain.out);
    for file in [
        "entity2id.txt",
        "gt/îles.txt",
        "query/îles.txt",
        "sentences.json",
    ] {
        let path = format!("data/{file}");
        let text = fs::read_to_string(world.at(&path))
            .unwrap()
            .replace('\n', "\r\n");
        world.write(&path, [&b"\xff\xfe"[..], &utf16(&text)].concat());
        let marked = world.run(&["check", "data"]);
        assert!(
            marked.code == Some(0) && marked.out.contains(&format!("{file}: is UTF-16")),
            "{}",
            marked.out
        );
        assert!(
            !marked.out.contains("error:") && !marked.out.contains("has 0"),
            "{}",
            marked.out
        );

        world.write(&path, utf16(&text));
        let bare = world.run(&["check", "data"]);
        let said = format!("{}{}", bare.out, bare.err);
        assert!(
            bare.code == Some(1) && said.contains("UTF-16LE without a byte order mark"),
            "{said}"
        );
        assert_eq!(
            said.matches("UTF-16LE without").count(),
            1,
            "once a file: {said}"
        );
        world.write(&path, [&b"\xef\xbb\xbf"[..], text.as_bytes()].concat());
        assert_eq!(world.run(&["check", "data"]).code, Some(0));
    }
    let run = "îles/3/1 Q0 1 1 2.5 ps\r\nîles/3/1 Q0 4 2 1.5 ps\r\n";
    world.write("ps.run", [&b"\xff\xfe"[..], &utf16(run)].concat());
    world.write(
        "ps.run.json",
        [&b"\xff\xfe"[..], &utf16("{\"dataset\": \"data\"}\r\n")].concat(),
    );
    let read = world.run(&["convert-run", "ps.run"]);
    assert!(
        read.code == Some(0) && read.out.contains("1 list"),
        "{}{}",
        read.out,
        read.err
    );
}

#[test]
fn numbers_that_are_none_are_named_and_others_are_read() {
    let world = World::new();
    world.data(&["lion", "tiger", "lynx", "puma"]);
    let line = |id: &str, image: &str| {
        format!(
            "{{\"tokens\": [\"x\"], \"entityMentions\": [{{\"entityId\": {id}, \"start\": 0, \"end\": 0}}], \"image\": {image}}}\n"
        )
    };
    let image = "\"image/a.png\"";
    world.write(
        "data/sentences.json",
        [
            line("\"0\"", image),
            line("1.0", image),
            line("null", image),
            line("2", "7"),
        ]
        .concat(),
    );
    let checked = world.run(&["check", "data"]);
    assert_eq!(checked.code, Some(1));
    for said in [
        "sentences.json:1: entityId is the text “0”, read as 0",
        "sentences.json:2: entityId is 1.0, read as 1",
        "sentences.json:3: entityId is null, expected an integer",
        "sentences.json:4: image is 7, expected a path",
    ] {
        assert!(checked.out.contains(said), "{said}: {}", checked.out);
    }
}

#[test]
fn images_that_are_none_are_named_wherever_they_are_looked_at() {
    let world = World::new();
    let whole = fixture("baseline.jpg");
    let files: [(&str, &[u8], &str); 4] = [
        ("cut.jpg", &whole[..whole.len() * 2 / 3], "is cut short"),
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
    world.data(&["lion", "tiger", "lynx", "puma"]);
    let sentences = fs::read_to_string(world.at("data/sentences.json")).unwrap();
    for (name, bytes, said) in files {
        world.write(&format!("data/image/{name}"), bytes);
        world.write("data/sentences.json", sentences.replace("a.png", name));
        let checked = world.run(&["check", "data"]);
        assert!(
            checked.code == Some(1) && checked.out.contains(said),
            "{}",
            checked.out
        );
        let shown = world.run(&["show", &format!("data/image/{name}")]);
        assert!(
            shown.code == Some(1) && shown.err.contains(&format!("{name} {said}")),
            "{}",
            shown.err
        );
    }
}

#[test]
fn an_image_is_shown_upright() {
    let world = World::new();
    // 20 × 12 pixels, turned by a quarter: 12 columns and 10 rows
    for (name, columns, rows) in [("rgb.png", 20, 6), ("orientation_6.png", 12, 10)] {
        world.write(name, fixture(name));
        let mut command = cargo_bin_cmd!("multiexpan");
        let shown = command
            .current_dir(world.0.path())
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
