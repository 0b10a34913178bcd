//! Import cycles between the files of `src`.

use std::collections::{BTreeMap, BTreeSet};

use crate::scan::{is_word, test_lines};

/// The import cycles that still exist, each with its files in order. This list may only shrink.
pub const KNOWN: [&[&str]; 0] = [];

/// A module's path below the crate: `["tui", "app"]`.
type ModulePath = Vec<String>;

/// One file as a module: what it imports, and which paths its code names.
struct Module {
    file: String,
    imports: Vec<Import>,
    /// Paths with at least two segments, outside `use` statements.
    paths: Vec<Vec<String>>,
}

/// One leaf of a `use` statement.
struct Import {
    path: Vec<String>,
    /// The name by which the file knows it; `*` for a glob.
    name: String,
    /// `pub use` passes a name on and does not make the file depend on it.
    is_public: bool,
}

/// Returns the groups of files that import each other, directly or through others.
///
/// `sources` holds each file's path below `src` and its code without comments and strings.
/// Tests do not count, and neither do `mod` declarations.
pub fn cycles(sources: &[(String, String)]) -> Vec<Vec<String>> {
    let modules: BTreeMap<ModulePath, Module> = sources
        .iter()
        .filter(|(file, _)| !file.ends_with("tests.rs"))
        .map(|(file, code)| (module_path(file), read_module(file, code)))
        .collect();
    let edges: BTreeMap<&ModulePath, BTreeSet<ModulePath>> = modules
        .iter()
        .map(|(path, module)| (path, targets(&modules, path, module)))
        .collect();
    let reachable: BTreeMap<&ModulePath, BTreeSet<ModulePath>> = modules
        .keys()
        .map(|path| (path, reach(&edges, path)))
        .collect();
    let mut groups: BTreeSet<Vec<String>> = BTreeSet::new();
    for path in modules
        .keys()
        .filter(|path| reachable[path].contains(*path))
    {
        let members = reachable[path]
            .iter()
            .filter(|other| reachable[other].contains(path))
            .map(|other| modules[other].file.clone());
        groups.insert(members.collect());
    }
    groups.into_iter().collect()
}

fn module_path(file: &str) -> ModulePath {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    match path {
        "lib" => Vec::new(),
        path => path.split('/').map(str::to_owned).collect(),
    }
}

fn read_module(file: &str, code: &str) -> Module {
    let tests = test_lines(code);
    let code: String = code
        .lines()
        .enumerate()
        .filter(|(line, _)| !tests[*line])
        .flat_map(|(_, text)| [text, "\n"])
        .collect();
    let (imports, rest) = take_imports(&code);
    Module {
        file: file.to_owned(),
        imports,
        paths: paths_in(&rest),
    }
}

/// Separates the leaves of every `use` statement from the rest of the code.
fn take_imports(code: &str) -> (Vec<Import>, String) {
    let (mut imports, mut rest) = (Vec::new(), String::new());
    for statement in code.split_inclusive(';') {
        let start = statement
            .match_indices("use ")
            .map(|(at, _)| at)
            .find(|&at| !statement[..at].ends_with(is_word));
        let Some(start) = start else {
            rest.push_str(statement);
            continue;
        };
        let before = &statement[..start];
        rest.push_str(before);
        let is_public = before
            .lines()
            .last()
            .is_some_and(|line| line.contains("pub"));
        let tree = statement[start + "use ".len()..].trim_end_matches(';');
        let mut leaves = Vec::new();
        leaves_of(tree, &[], &mut leaves);
        imports.extend(leaves.into_iter().map(|(path, name)| Import {
            path,
            name,
            is_public,
        }));
    }
    (imports, rest)
}

/// Collects the leaves of a `use` tree, each with the name that it binds.
fn leaves_of(tree: &str, prefix: &[String], leaves: &mut Vec<(Vec<String>, String)>) {
    let tree = tree.trim();
    if let Some(group) = tree.strip_prefix('{') {
        for member in split_group(group.trim_end_matches('}')) {
            leaves_of(member, prefix, leaves);
        }
        return;
    }
    if let Some((head, rest)) = tree.split_once("::") {
        let mut prefix = prefix.to_vec();
        prefix.push(head.trim().to_owned());
        return leaves_of(rest, &prefix, leaves);
    }
    let (item, alias) = match tree.split_once(" as ") {
        Some((item, alias)) => (item.trim(), Some(alias.trim())),
        None => (tree, None),
    };
    if item.is_empty() {
        return;
    }
    let mut path = prefix.to_vec();
    if item != "self" {
        path.push(item.to_owned());
    }
    let name = alias.map_or_else(|| path.last().cloned(), |alias| Some(alias.to_owned()));
    leaves.push((path, name.unwrap_or_default()));
}

/// Splits the members of a group at its own commas, not at those of groups inside.
fn split_group(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut members) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    members.push(&group[start..]);
    members
}

fn paths_in(code: &str) -> Vec<Vec<String>> {
    let is_path = |c: char| is_word(c) || c == ':';
    code.split(|c: char| !is_path(c))
        .filter(|path| path.contains("::"))
        .map(|path| path.split("::").map(str::to_owned).collect())
        .collect()
}

/// Returns the modules that a module's imports and paths lead to, without itself.
fn targets(
    modules: &BTreeMap<ModulePath, Module>,
    from: &ModulePath,
    module: &Module,
) -> BTreeSet<ModulePath> {
    let imported = module.imports.iter().filter(|import| !import.is_public);
    let named = module.paths.iter().map(|path| expand(module, path));
    imported
        .map(|import| import.path.clone())
        .chain(named)
        .filter_map(|path| resolve(modules, from, &path, 0))
        .filter(|target| target != from && !target.is_empty())
        .collect()
}

/// Replaces a path's first segment by what the file imports under that name.
fn expand(module: &Module, path: &[String]) -> Vec<String> {
    let import = module.imports.iter().find(|import| import.name == path[0]);
    match import {
        Some(import) => [&import.path[..], &path[1..]].concat(),
        None => path.to_vec(),
    }
}

/// Returns the module that defines what a path names; `None` outside the crate. Re-exports are
/// followed, eight deep at most.
fn resolve(
    modules: &BTreeMap<ModulePath, Module>,
    from: &[String],
    path: &[String],
    depth: usize,
) -> Option<ModulePath> {
    let (mut at, mut rest) = match path.first()?.as_str() {
        "crate" => (Vec::new(), &path[1..]),
        "self" => (from.to_vec(), &path[1..]),
        "super" => {
            let levels = path
                .iter()
                .take_while(|segment| *segment == "super")
                .count();
            let parents = from.len().checked_sub(levels)?;
            (from[..parents].to_vec(), &path[levels..])
        }
        first if modules.contains_key(&child(from, first)) => (from.to_vec(), path),
        _ => return None,
    };
    while let Some(next) = rest
        .first()
        .filter(|next| modules.contains_key(&child(&at, next)))
    {
        at = child(&at, next);
        rest = &rest[1..];
    }
    let module = modules.get(&at)?;
    let re_export = rest
        .first()
        .and_then(|name| module.imports.iter().find(|import| import.name == *name));
    match re_export {
        Some(import) if depth < 8 => resolve(modules, &at, &import.path, depth + 1).or(Some(at)),
        _ => Some(at),
    }
}

fn child(module: &[String], name: &str) -> ModulePath {
    [module, &[name.to_owned()]].concat()
}

/// Returns every module that can be reached from one, itself only through a cycle.
fn reach(
    edges: &BTreeMap<&ModulePath, BTreeSet<ModulePath>>,
    from: &ModulePath,
) -> BTreeSet<ModulePath> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&ModulePath> = vec![from];
    while let Some(module) = open.pop() {
        for next in edges.get(module).into_iter().flatten() {
            if reached.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sources: &[(&str, &str)]) -> Vec<Vec<String>> {
        let sources: Vec<(String, String)> = sources
            .iter()
            .map(|(file, code)| (file.to_string(), code.to_string()))
            .collect();
        cycles(&sources)
    }

    #[test]
    fn files_that_import_each_other_are_a_cycle() {
        let cycle = found(&[
            ("a/mod.rs", "mod b;\nmod c;"),
            ("a/b.rs", "use crate::a::c::C;"),
            ("a/c.rs", "use super::{b::B, other};"),
        ]);
        assert_eq!(cycle, [["a/b.rs", "a/c.rs"]]);
    }

    #[test]
    fn a_cycle_through_several_files_is_found_once() {
        let cycle = found(&[
            ("a.rs", "fn f() { crate::b::g() }"),
            ("b.rs", "use crate::c;\nfn g() { c::h() }"),
            ("c.rs", "use crate::a::f;"),
            ("d.rs", "use crate::a::f;"),
        ]);
        assert_eq!(cycle, [["a.rs", "b.rs", "c.rs"]]);
    }

    #[test]
    fn re_exports_are_followed_to_the_file_that_defines_the_item() {
        let sources = [
            ("a/mod.rs", "mod b;\nmod c;\npub use b::B;"),
            ("a/b.rs", "struct B;"),
            ("a/c.rs", "use crate::a::B;"),
        ];
        assert!(found(&sources).is_empty());
    }

    #[test]
    fn declarations_re_exports_and_tests_are_not_imports() {
        let sources = [
            ("a/mod.rs", "pub mod b;\npub use b::B;\nstruct A;"),
            (
                "a/b.rs",
                "use super::A;\n#[cfg(test)]\nmod tests {\n  use crate::c::C;\n}\n",
            ),
            ("c.rs", "use crate::a::b::B;"),
        ];
        assert!(found(&sources).is_empty());
    }
}
