//! The rules of `docs/ARCHITECTURE.md`, checked for every file: imports between folders, import
//! cycles between files, crates, printing, names.

mod cycles;
mod names;
mod rules;
mod scan;

use rules::{Source, faults};
use std::path::{Path, PathBuf};

#[test]
fn every_file_keeps_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources: Vec<Source> = rust_files(&root)
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            Source::new(path.strip_prefix(&root).unwrap().to_str().unwrap(), &text)
        })
        .collect();
    assert!(
        sources.len() > rules::FOLDERS.len(),
        "the files of src are found"
    );
    let faults: Vec<String> = sources.iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_folder_begins_with_a_comment() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (folder, _) in rules::FOLDERS {
        let head = std::fs::read_to_string(root.join(folder).join("mod.rs")).unwrap_or_default();
        assert!(
            rules::has_header(&head),
            "src/{folder}/mod.rs begins with a //! line about the folder"
        );
    }
}

#[test]
fn every_folder_has_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in std::fs::read_dir(root).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            let name = entry.file_name().into_string().unwrap();
            let has_rules = rules::FOLDERS.iter().any(|(folder, _)| *folder == name);
            assert!(
                has_rules || name == "bin" || rules::BASE.contains(&name.as_str()),
                "src/{name} is not in the table of rules"
            );
        }
    }
}

/// Every file below a folder of the project: its path below that folder, and its code without
/// comments and strings.
fn code_below(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    rust_files(&root)
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(&root).unwrap().to_str().unwrap();
            (path.to_owned(), scan::code_only(&text))
        })
        .collect()
}

#[test]
fn the_list_of_import_cycles_does_not_grow() {
    assert!(cycles::KNOWN.len() <= 4, "at most four cycles may be known");
    assert_eq!(
        cycles::cycles(&code_below("src")),
        cycles::KNOWN,
        "import cycles between files: remove a new one, or take one that is gone from the list"
    );
}

#[test]
fn identifiers_use_the_terms_of_the_glossary() {
    let mut faults = Vec::new();
    for folder in ["src", "tests", "benches", "examples"] {
        for (file, code) in code_below(folder) {
            let names = names::forbidden(&code);
            faults.extend(
                names
                    .into_iter()
                    .map(|(line, name)| format!("{folder}/{file}:{line}: {name}")),
            );
        }
    }
    assert!(
        faults.is_empty(),
        "docs/GLOSSARY.md has a better word for each of these:\n{}\n",
        faults.join("\n")
    );
}

#[test]
fn no_two_public_types_share_a_name() {
    let shared = names::shared_names(&code_below("src"));
    assert!(shared.is_empty(), "{shared:#?}");
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
