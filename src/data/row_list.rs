//! Reads a list of entities in the order of a head's rows: names, ids, or a folder's listing.

use std::collections::HashMap;
use std::path::Path;

use crate::data::diagnostics::Diagnostics;
use crate::data::text_lines::read_required_lines;
use crate::data::vocabulary::Vocabulary;
use crate::error::{Error, Result};
use crate::types::EntityId;

/// Reads one entity per line: its name, its id, or a file name made of either (`0007.pkl`). If
/// every line can be an id, all are read as ids, even if an entity's name is a number.
///
/// Errors: `Missing`, `Io`, and `Line` for an entity that is unknown or listed twice.
pub fn read_rows(path: &Path, vocabulary: &Vocabulary) -> Result<Vec<EntityId>> {
    if !path.is_file() {
        return Err(Error::Missing {
            what: "list of rows",
            path: path.to_owned(),
            hint: String::new(),
        });
    }
    let lines = read_required_lines(path, &mut Diagnostics::default())?;
    let all_are_ids = lines
        .iter()
        .all(|(_, line)| resolve_id(vocabulary, line).is_some());
    let mut seen: HashMap<EntityId, usize> = HashMap::new();
    let mut rows = Vec::with_capacity(lines.len());
    for (number, line) in lines {
        let line_error = |reason| Error::Line {
            path: path.to_owned(),
            line: number,
            reason,
        };
        let found = if all_are_ids {
            resolve_id(vocabulary, &line)
        } else {
            resolve_name_or_id(vocabulary, &line)
        };
        let row = match found {
            Some(row) => row,
            None => vocabulary
                .find(stem(&line))
                .map_err(|unknown| line_error(unknown.to_string()))?,
        };
        if let Some(first) = seen.insert(row, number) {
            return Err(line_error(format!(
                "“{}” is entity {row}, which is already listed in line {first}",
                line.trim()
            )));
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Finds the entity of a line by its id.
fn resolve_id(vocabulary: &Vocabulary, line: &str) -> Option<EntityId> {
    let known = |what: &str| {
        what.parse()
            .ok()
            .map(EntityId)
            .filter(|id| vocabulary.contains(*id))
    };
    known(line.trim()).or_else(|| known(stem(line)))
}

/// Finds the entity of a line by name or id. The whole line is tried first, since a name may
/// contain a dot or a slash.
fn resolve_name_or_id(vocabulary: &Vocabulary, line: &str) -> Option<EntityId> {
    vocabulary
        .resolve(line.trim())
        .or_else(|| vocabulary.resolve(stem(line)))
}

/// Returns the file name of a line without folder and extension: `entities/0007.pkl` → `0007`.
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
    fn names_ids_and_file_names_are_read() {
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
    fn a_list_of_possible_ids_is_read_as_ids() {
        assert_eq!(read("0007.pkl\n0004.pkl\n0009.pkl\n").unwrap(), [7, 4, 9]);
    }

    #[test]
    fn errors_name_the_line() {
        let error = |list| read(list).unwrap_err().to_string();
        let unknown = error("lion\nSt. Luis.pkl\n");
        assert!(
            unknown.contains(":2:") && unknown.contains("did you mean St. Louis?"),
            "{unknown}"
        );
        let twice = error("lion\nAC/DC\nLion\n");
        assert!(twice.contains(":3:") && twice.contains("line 1"), "{twice}");
    }
}
