//! A list of entities in the order of a head's rows, as people can make one: names, ids, or a
//! folder's listing.

use std::collections::HashMap;
use std::path::Path;

use crate::data::diagnostics::Diagnostics;
use crate::data::text_lines::read_required_lines;
use crate::data::vocabulary::Vocabulary;
use crate::error::{Error, Result};
use crate::types::EntityId;

/// Reads one entity a line: its name, its id, or the name of a file that is called after either
/// (`0007.pkl`). A list in which every line can be an id is one of ids, even where an entity has a
/// number for a name.
///
/// Errors: `Missing`, `Io`, and `Line` for an entity that is unknown, with near names, or listed
/// twice.
pub fn read_rows(path: &Path, vocabulary: &Vocabulary) -> Result<Vec<EntityId>> {
    if !path.is_file() {
        return Err(Error::Missing {
            what: "list of rows",
            path: path.to_owned(),
            hint: String::new(),
        });
    }
    let lines = read_required_lines(path, &mut Diagnostics::default())?;
    let all_ids = lines
        .iter()
        .all(|(_, line)| resolve_id(vocabulary, line).is_some());
    let mut seen: HashMap<EntityId, usize> = HashMap::new();
    let mut rows = Vec::with_capacity(lines.len());
    for (number, line) in lines {
        let fault = |reason| Error::Line {
            path: path.to_owned(),
            line: number,
            reason,
        };
        let found = if all_ids {
            resolve_id(vocabulary, &line)
        } else {
            resolve_name_or_id(vocabulary, &line)
        };
        let row = match found {
            Some(row) => row,
            None => vocabulary
                .find(stem(&line))
                .map_err(|unknown| fault(unknown.to_string()))?,
        };
        if let Some(first) = seen.insert(row, number) {
            return Err(fault(format!(
                "“{}” is entity {row}, which line {first} lists already",
                line.trim()
            )));
        }
        rows.push(row);
    }
    Ok(rows)
}

fn resolve_id(vocabulary: &Vocabulary, line: &str) -> Option<EntityId> {
    let known = |what: &str| {
        what.parse()
            .ok()
            .map(EntityId)
            .filter(|id| vocabulary.contains(*id))
    };
    known(line.trim()).or_else(|| known(stem(line)))
}

/// As it stands first: a name may have a dot or a slash of its own.
fn resolve_name_or_id(vocabulary: &Vocabulary, line: &str) -> Option<EntityId> {
    vocabulary
        .resolve(line.trim())
        .or_else(|| vocabulary.resolve(stem(line)))
}

/// `entities/0007.pkl` → `0007`.
fn stem(line: &str) -> &str {
    let line = line.trim();
    Path::new(line)
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(list: &str) -> Result<Vec<u32>> {
        let names = [(4, "St. Louis"), (7, "lion"), (8, "AC/DC"), (9, "7")];
        let vocabulary = names
            .into_iter()
            .map(|(id, name)| (EntityId(id), name.to_owned()))
            .collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), list).unwrap();
        Ok(read_rows(file.path(), &vocabulary)?
            .into_iter()
            .map(|id| id.0)
            .collect())
    }

    #[test]
    fn names_ids_and_files_are_read_as_they_come() {
        assert_eq!(
            read("lion\r\nSt. Louis\n\nAC/DC\n7\n").unwrap(),
            [7, 4, 8, 9]
        );
        assert_eq!(
            read("lion.pkl\nst._louis.pkl\nentities/0008.pkl\n").unwrap(),
            [7, 4, 8]
        );
    }

    #[test]
    fn a_list_that_can_be_of_ids_is() {
        assert_eq!(read("0007.pkl\n0004.pkl\n0009.pkl\n").unwrap(), [7, 4, 9]);
    }

    #[test]
    fn faults_name_the_line() {
        let said = |list| read(list).unwrap_err().to_string();
        let unknown = said("lion\nSt. Luis.pkl\n");
        assert!(
            unknown.contains(":2:") && unknown.contains("did you mean St. Louis?"),
            "{unknown}"
        );
        let twice = said("lion\nAC/DC\nLion\n");
        assert!(twice.contains(":3:") && twice.contains("line 1"), "{twice}");
    }
}
