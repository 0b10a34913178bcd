//! Identifiers use the terms of `docs/GLOSSARY.md`.

use std::collections::BTreeMap;

use crate::scan::is_word;

/// Words that no identifier may use: each has a standard term in the glossary.
const FORBIDDEN: [&str; 24] = [
    "asked",
    "beside",
    "bring",
    "brought",
    "contender",
    "contenders",
    "held",
    "judged",
    "kept",
    "lacking",
    "lacks",
    "lean",
    "odd",
    "remark",
    "remarks",
    "rival",
    "rivals",
    "sheet",
    "sheets",
    "shelf",
    "stranger",
    "strangers",
    "told",
    "wish",
];
/// Every command of the command line has a type of this name in its own file.
const REPEATED_TYPES: [&str; 2] = ["Args", "Format"];

/// Returns every identifier that uses a forbidden word, with its line from 1.
pub fn forbidden(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line, text) in code.lines().enumerate() {
        for name in text.split(|c: char| !is_word(c)) {
            // A held-out set is a standard term.
            let checked = name.to_lowercase().replace("held_out", "");
            let is_forbidden = |word: &String| FORBIDDEN.contains(&word.as_str());
            if checked.contains("heldout") || !words(name).iter().any(is_forbidden) {
                continue;
            }
            if words(&name.replace("held_out", ""))
                .iter()
                .any(is_forbidden)
            {
                found.push((line + 1, name.to_owned()));
            }
        }
    }
    found
}

/// Splits an identifier into its words, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous = '_';
    for c in name.chars() {
        if c == '_' || (c.is_uppercase() && previous.is_lowercase()) {
            words.push(String::new());
        }
        if c != '_' {
            words.last_mut().unwrap().extend(c.to_lowercase());
        }
        previous = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Returns the names of public types that more than one file defines, with these files.
pub fn shared_names(sources: &[(String, String)]) -> Vec<(String, Vec<String>)> {
    let mut files: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (file, code) in sources {
        for name in code.lines().filter_map(public_type) {
            files.entry(name).or_default().push(file.clone());
        }
    }
    files
        .into_iter()
        .filter(|(name, files)| files.len() > 1 && !REPEATED_TYPES.contains(name))
        .map(|(name, files)| (name.to_owned(), files))
        .collect()
}

/// Returns the name of the public type that an unindented line begins.
fn public_type(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub")?;
    let rest = match rest.strip_prefix('(') {
        Some(rest) => rest.split_once(')')?.1,
        None => rest,
    };
    let (kind, name) = rest.trim_start().split_once(' ')?;
    if !["struct", "enum", "trait", "type"].contains(&kind) {
        return None;
    }
    name.split(|c: char| !is_word(c)).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_word_is_found_in_every_form_of_identifier() {
        let code = "let is_odd = 1;\nstruct OddRun;\nfn f(odd: u8) {}\nlet modded = held_out;";
        let names: Vec<String> = forbidden(code).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["is_odd", "OddRun", "odd"]);
    }

    #[test]
    fn a_name_of_two_public_types_is_found() {
        let sources = [
            ("a.rs", "pub struct Run<T> {\n}\npub struct Args;"),
            ("b.rs", "pub(super) enum Run {\n}\npub struct Args;"),
            ("c.rs", "struct Run;"),
        ];
        let sources = sources.map(|(file, code)| (file.to_owned(), code.to_owned()));
        let files = vec!["a.rs".to_owned(), "b.rs".to_owned()];
        assert_eq!(shared_names(&sources), [("Run".to_owned(), files)]);
    }
}
