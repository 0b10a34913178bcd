//! The house's rules, held against every file of `src`: who may import whom, and what may stand
//! where. The table is `docs/ARCHITECTURE.md`'s.

#[path = "layering/rules.rs"]
mod rules;
#[path = "layering/scan.rs"]
mod scan;

use rules::{Source, faults};
use std::path::{Path, PathBuf};

#[test]
fn the_house_keeps_its_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources: Vec<Source> = rust_files(&root)
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            Source::new(path.strip_prefix(&root).unwrap().to_str().unwrap(), &text)
        })
        .collect();
    assert!(
        sources.len() > rules::ROOMS.len(),
        "the files of src are found"
    );
    let faults: Vec<String> = sources.iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_room_is_a_folder_with_a_header() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (room, _) in rules::ROOMS {
        let head = std::fs::read_to_string(root.join(room).join("mod.rs")).unwrap_or_default();
        assert!(
            rules::has_header(&head),
            "src/{room}/mod.rs begins with a //! line that says what the room is"
        );
    }
}

#[test]
fn every_folder_of_the_source_is_a_room_with_rules_or_of_the_base() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in std::fs::read_dir(root).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            let name = entry.file_name().into_string().unwrap();
            let is_room = rules::ROOMS.iter().any(|(room, _)| *room == name);
            assert!(
                is_room || name == "bin" || rules::BASE.contains(&name.as_str()),
                "src/{name} is not in the table"
            );
        }
    }
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
