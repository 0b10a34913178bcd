//! The rules as data, and the check of one file against them.

use crate::scan::{code_only, is_word, paths, test_lines};

/// Modules that every folder may use.
pub const BASE: [&str; 11] = [
    "error",
    "types",
    "progress",
    "files",
    "git_lfs",
    "pickle",
    "image_file",
    "name",
    "printable",
    "table",
    "text_file",
];

/// Every folder and the folders that it may import, besides the base.
pub const FOLDERS: [(&str, &[&str]); 14] = [
    ("data", &[]),
    // The frozen image networks are in model, with the other networks.
    ("features", &["data", "model"]),
    ("model", &[]),
    (
        "train",
        &["data", "features", "model", "index", "expand", "eval"],
    ),
    ("index", &["data", "features", "model"]),
    ("expand", &["index"]),
    ("eval", &["data"]),
    (
        "baselines",
        &[
            "data", "features", "model", "train", "index", "expand", "eval",
        ],
    ),
    ("report", &["data", "eval"]),
    (
        "engine",
        &[
            "data",
            "features",
            "model",
            "train",
            "index",
            "expand",
            "eval",
            "baselines",
            "report",
        ],
    ),
    (
        "jobs",
        &[
            "data",
            "features",
            "model",
            "train",
            "index",
            "expand",
            "eval",
            "baselines",
            "report",
            "engine",
        ],
    ),
    ("config", &[]),
    ("tui", &["config", "engine"]),
    (
        "cli",
        &[
            "config",
            "engine",
            "jobs",
            "data",
            "model",
            "train",
            "index",
            "eval",
            "baselines",
            "report",
        ],
    ),
];
const MAIN: &[&str] = &["cli", "tui", "config"];

/// Crates that only some folders may use.
const CRATES: [(&[&str], &[&str]); 3] = [
    (
        &["tch", "torch_sys"],
        &[
            "features",
            "model",
            "train",
            "index",
            "expand",
            "baselines",
            "engine",
            "jobs",
        ],
    ),
    (
        &["ratatui", "crossterm", "ratatui_image"],
        &["tui", "config"],
    ),
    (&["viuer", "indicatif"], &["cli"]),
];
/// Macros that write to the terminal, and the folders that may use them.
const PRINTING: ([&str; 4], [&str; 2]) =
    (["println", "print", "eprintln", "eprint"], ["cli", "main"]);
const LONGEST_FILE: usize = 750;

/// One file of `src`.
pub struct Source {
    path: String,
    /// The folder below `src`, or `main`, `lib` or `base`.
    folder: String,
    lines: Vec<String>,
    code: String,
}

impl Source {
    /// `path` is relative to `src`.
    pub fn new(path: &str, text: &str) -> Self {
        let first = path.split('/').next().unwrap_or("").trim_end_matches(".rs");
        let folder = match first {
            "bin" => "main",
            first if BASE.contains(&first) => "base",
            first => first,
        };
        Source {
            path: path.to_owned(),
            folder: folder.to_owned(),
            lines: text.lines().map(str::to_owned).collect(),
            code: code_only(text),
        }
    }

    fn fault(&self, line: usize, what: String) -> String {
        format!("src/{}:{line}: {what}", self.path)
    }

    /// Returns the number of `super::` that lead from the file's module to the root of the crate.
    fn depth(&self) -> usize {
        self.path.trim_end_matches("/mod.rs").split('/').count()
    }
}

/// Returns whether the `mod.rs` of a folder begins with a comment about the folder.
pub fn has_header(text: &str) -> bool {
    text.starts_with("//! ")
}

/// Returns everything in the file that breaks a rule, one sentence each.
pub fn faults(source: &Source) -> Vec<String> {
    [imports, crates, printing, unexplained, too_long]
        .iter()
        .flat_map(|rule| rule(source))
        .collect()
}

fn imports(source: &Source) -> Vec<String> {
    let is_folder = |name: &str| FOLDERS.iter().any(|(folder, _)| *folder == name);
    let reaches_root =
        |head: &str| head == "crate" || (source.folder == "main" && head == "multiexpan");
    let direct = paths(&source.code)
        .into_iter()
        .filter(|(_, head, _)| reaches_root(head))
        .map(|(l, _, to)| (l, to));
    direct
        .chain(climbing(source))
        .filter(|(_, to)| is_folder(to) && !may_import(&source.folder, to))
        .map(|(line, to)| source.fault(line, format!("{} may not import {to}", source.folder)))
        .collect()
}

fn may_import(folder: &str, to: &str) -> bool {
    match folder {
        "lib" => true,
        "main" => MAIN.contains(&to),
        "base" => false,
        folder => {
            folder == to
                || FOLDERS
                    .iter()
                    .any(|(name, may)| *name == folder && may.contains(&to))
        }
    }
}

/// Returns the names that `super::super::…` reaches in the root of the crate, with their lines.
fn climbing(source: &Source) -> Vec<(usize, String)> {
    let chain = "super::".repeat(source.depth());
    let mut found = Vec::new();
    for (number, line) in source.code.lines().enumerate() {
        for (at, _) in line.match_indices(&chain) {
            let rest = line[at + chain.len()..].trim_start_matches("super::");
            found.push((
                number + 1,
                rest.chars().take_while(|&c| is_word(c)).collect(),
            ));
        }
    }
    found
}

fn crates(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (names, folders) in CRATES {
        if folders.contains(&source.folder.as_str()) {
            continue;
        }
        for (line, head, _) in paths(&source.code)
            .into_iter()
            .filter(|(_, head, _)| names.contains(&head.as_str()))
        {
            found.push(source.fault(line, format!("{head} belongs to {}", folders.join(", "))));
        }
        for (number, line) in source.code.lines().enumerate() {
            let imported = line
                .trim_start()
                .trim_start_matches("pub ")
                .strip_prefix("use ")
                .unwrap_or("");
            let name = imported
                .trim_end_matches(';')
                .split(' ')
                .next()
                .unwrap_or("");
            if names.contains(&name) {
                found.push(source.fault(
                    number + 1,
                    format!("{name} belongs to {}", folders.join(", ")),
                ));
            }
        }
    }
    found
}

fn printing(source: &Source) -> Vec<String> {
    let (macros, folders) = PRINTING;
    if folders.contains(&source.folder.as_str()) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (number, line) in source.code.lines().enumerate() {
        let words = line.split(|c: char| !is_word(c) && c != '!');
        for name in words
            .filter_map(|word| word.strip_suffix('!'))
            .filter(|name| macros.contains(name))
        {
            found.push(source.fault(
                number + 1,
                format!("{name}! outside {}", folders.join(" and ")),
            ));
        }
    }
    found
}

/// Finds `unwrap()` and `expect("…")` outside tests without a comment in their statement or on the
/// line before it.
fn unexplained(source: &Source) -> Vec<String> {
    let file = source.path.rsplit('/').next().unwrap_or("");
    if file == "tests.rs" || source.path.contains("/tests/") {
        return Vec::new();
    }
    let tests = test_lines(&source.code);
    let commented = |line: usize| {
        source
            .lines
            .get(line)
            .is_some_and(|text| text.contains("//"))
    };
    let continues = |line: usize| {
        let text = source.lines[line].trim();
        !text.is_empty() && !text.starts_with("//") && !text.ends_with([';', '{', '}'])
    };
    let explained = |line: usize| {
        let above = (0..line).rev().take_while(|&above| continues(above));
        let first = above.last().unwrap_or(line);
        (first.saturating_sub(1)..=line).any(commented)
    };
    let mut found = Vec::new();
    for call in [".unwrap()", ".expect(\""] {
        for (at, _) in source.code.match_indices(call) {
            let line = source.code[..at].matches('\n').count();
            let own = call == ".unwrap()" || is_whole_argument(&source.code[at + call.len()..]);
            if own && !tests[line] && !explained(line) {
                let name = call.trim_matches(['.', '(', '"']);
                found.push(source.fault(
                    line + 1,
                    format!("{name} with no comment that says why it cannot fail"),
                ));
            }
        }
    }
    found
}

/// Returns whether a string is the only argument of the call; `expect` of other types takes more.
fn is_whole_argument(rest: &str) -> bool {
    rest.split_once('"').is_some_and(|(_, after)| {
        after
            .trim_start()
            .trim_start_matches(',')
            .trim_start()
            .starts_with(')')
    })
}

fn too_long(source: &Source) -> Vec<String> {
    let lines = source.lines.len();
    if lines <= LONGEST_FILE {
        return Vec::new();
    }
    vec![source.fault(
        LONGEST_FILE + 1,
        format!("{lines} lines; split a file of more than {LONGEST_FILE}"),
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the faults of a file with this path and text.
    fn faults_of(path: &str, text: &str) -> Vec<String> {
        faults(&Source::new(path, text))
    }

    #[test]
    fn an_import_that_is_not_in_the_table_is_a_fault() {
        assert_eq!(
            faults_of("data/mod.rs", "use crate::index::Index;"),
            ["src/data/mod.rs:1: data may not import index"]
        );
        assert_eq!(
            faults_of("tui/app.rs", "fn f() {\n  crate::model::device::f() }").len(),
            1
        );
        assert_eq!(
            faults_of(
                "expand/mod.rs",
                "use crate::{error::Result, data::Dataset};"
            )
            .len(),
            1
        );
        assert_eq!(faults_of("types.rs", "use crate::data::Dataset;").len(), 1);
        assert_eq!(
            faults_of("main.rs", "use multiexpan::engine::api;").len(),
            1
        );
        assert_eq!(faults_of("eval/mod.rs", "use super::engine::api;").len(), 1);
        assert_eq!(
            faults_of("eval/run/trec.rs", "use super::super::super::tui::App;").len(),
            1
        );
    }

    #[test]
    fn imports_of_the_table_pass() {
        for (folder, may) in FOLDERS {
            for to in may.iter().chain(&BASE).chain([&folder]) {
                let faults = faults_of(
                    &format!("{folder}/mod.rs"),
                    &format!("use crate::{to}::Thing;"),
                );
                assert!(faults.is_empty(), "{folder} → {to}: {faults:?}");
            }
        }
        // One `super` leads out of the mod.rs of a folder, but from any other file only to the
        // folder itself.
        assert_eq!(faults_of("eval/mod.rs", "use super::index;").len(), 1);
        assert!(faults_of("eval/joint.rs", "use super::index;").is_empty());
    }

    #[test]
    fn imports_of_tests_are_checked_too() {
        assert_eq!(
            faults_of(
                "data/mod.rs",
                "#[cfg(test)]\nmod tests {\n  use crate::engine::api;\n}\n"
            )
            .len(),
            1
        );
    }

    #[test]
    fn crates_stay_in_their_folders() {
        assert_eq!(faults_of("tui/mod.rs", "use tch::Tensor;").len(), 1);
        assert_eq!(faults_of("eval/mod.rs", "use tch;").len(), 1);
        assert_eq!(faults_of("engine/mod.rs", "use ratatui::Frame;").len(), 1);
        assert_eq!(
            faults_of("cli/mod.rs", "crossterm::terminal::size()").len(),
            1
        );
        assert_eq!(faults_of("index/mod.rs", "use viuer::Config;").len(), 1);
        assert!(faults_of("model/mod.rs", "use tch::Tensor;").is_empty());
        assert!(faults_of("tui/mod.rs", "use ratatui::Frame;").is_empty());
    }

    #[test]
    fn only_the_command_line_prints() {
        assert_eq!(faults_of("engine/mod.rs", "println!(\"x\");").len(), 1);
        assert_eq!(faults_of("tui/mod.rs", "if a { eprint!(\"x\") }").len(), 1);
        assert!(faults_of("cli/show.rs", "println!(\"x\");").is_empty());
        assert!(
            faults_of(
                "engine/mod.rs",
                "// println!(\"x\");\nlet s = \"print!\"; my_println!();"
            )
            .is_empty()
        );
    }

    #[test]
    fn unwrap_needs_a_reason() {
        assert_eq!(faults_of("data/mod.rs", "a.unwrap();").len(), 1);
        assert_eq!(
            faults_of("data/mod.rs", "a\n  .expect(\"it is there\");").len(),
            1
        );
        assert!(faults_of("data/mod.rs", "a.unwrap(); // one is always there").is_empty());
        assert!(faults_of("data/mod.rs", "// one is always there\na.unwrap();").is_empty());
        let chain = "let c = a\n    .b()\n    .unwrap();";
        assert!(faults_of("data/mod.rs", &format!("// one is always there\n{chain}")).is_empty());
        assert_eq!(
            faults_of("data/mod.rs", &format!("// of another\nf();\n{chain}")).len(),
            1
        );
        assert!(
            faults_of(
                "data/mod.rs",
                "weights.expect(\"head.weight\", &[2, 3])?; a.unwrap_or(0);"
            )
            .is_empty()
        );
        assert!(
            faults_of(
                "data/mod.rs",
                "#[cfg(test)]\nmod tests { fn f() { a.unwrap() } }"
            )
            .is_empty()
        );
        assert!(faults_of("data/tests.rs", "a.unwrap();").is_empty());
    }

    #[test]
    fn a_long_file_is_a_fault() {
        assert!(faults_of("data/mod.rs", &"\n".repeat(LONGEST_FILE)).is_empty());
        assert_eq!(
            faults_of("data/mod.rs", &"\n".repeat(LONGEST_FILE + 1)).len(),
            1
        );
    }

    #[test]
    fn a_folder_begins_with_a_comment() {
        assert!(has_header("//! The data set.\n"));
        assert!(!has_header("use crate::x;\n//! late\n") && !has_header(""));
    }
}
