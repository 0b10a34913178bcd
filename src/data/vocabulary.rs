//! The vocabulary: the ids and names of `entity2id.txt`, and lookup by name.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use crate::data::diagnostics::{Diagnostics, Severity, kind};
use crate::data::suggest;
use crate::data::text_lines::read_required_lines;
use crate::error::{Error, Result};
use crate::name;
use crate::name::fold;
use crate::types::EntityId;

/// The maximum number of names that an error suggests.
const SUGGESTIONS: usize = 3;

/// The entities in file order.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    entities: Vec<(EntityId, String)>,
    // indices in `entities`; the first one if a name or its folded form is given twice
    by_id: HashMap<EntityId, usize>,
    by_name: HashMap<String, usize>,
    by_folded: HashMap<String, usize>,
    /// The further indices of a folded name that is given twice.
    duplicates: HashMap<String, Vec<usize>>,
}

impl FromIterator<(EntityId, String)> for Vocabulary {
    fn from_iter<I: IntoIterator<Item = (EntityId, String)>>(entities: I) -> Self {
        let mut vocabulary = Vocabulary::default();
        entities
            .into_iter()
            .for_each(|(id, name)| vocabulary.insert(id, &name));
        vocabulary
    }
}

impl Vocabulary {
    /// Reads a file in the format of `entity2id.txt` without a data set.
    ///
    /// Errors: the first line that cannot be read.
    pub fn open(path: &Path) -> Result<Vocabulary> {
        let mut diagnostics = Diagnostics::default();
        let vocabulary = Vocabulary::read(path, &mut diagnostics)?;
        match diagnostics.iter().find(|f| f.severity == Severity::Error) {
            Some(error) => Err(match error.line {
                Some(line) => Error::Line {
                    path: path.to_owned(),
                    line,
                    reason: error.reason.clone(),
                },
                None => Error::format(path, &error.reason),
            }),
            None => Ok(vocabulary),
        }
    }

    /// Reads `entity2id.txt`: `name<TAB>id`, one entity per line. Invalid lines are left out and
    /// reported.
    ///
    /// Errors: `Io`; `Format` for a file that is not text.
    pub(super) fn read(path: &Path, diagnostics: &mut Diagnostics) -> Result<Vocabulary> {
        let mut vocabulary = Vocabulary::default();
        for (number, line) in read_required_lines(path, diagnostics)? {
            let (id, name) = match parse_line(&line) {
                Ok(entity) => entity,
                Err(reason) => {
                    diagnostics.report(kind::BAD_ENTITY, path, Some(number), || reason);
                    continue;
                }
            };
            if let Some(first) = vocabulary.name(id) {
                diagnostics.report(kind::DUPLICATE_ID, path, Some(number), || {
                    format!("id {id} is already used for “{first}”")
                });
                continue;
            }
            vocabulary.report_duplicate_name(name, path, number, diagnostics);
            vocabulary.insert(id, name);
        }
        Ok(vocabulary)
    }

    /// Reports a name that another entity already has, in the same or in another Unicode form.
    fn report_duplicate_name(
        &self,
        name: &str,
        path: &Path,
        number: usize,
        diagnostics: &mut Diagnostics,
    ) {
        if let Some(&first) = self.by_name.get(name) {
            let first = self.entities[first].0;
            diagnostics.report(kind::DUPLICATE_NAME, path, Some(number), || {
                format!("“{name}” is already the name of entity {first}")
            });
            return;
        }
        let mut similar = self.with_folded_name(name);
        if let Some((first, _)) = similar.find(|(_, own)| name::is_same(own, name)) {
            diagnostics.report(kind::UNICODE_DUPLICATES, path, Some(number), || {
                format!(
                    "“{name}” is the name of entity {first} in another Unicode form; they are \
                     different entities"
                )
            });
        }
    }

    fn insert(&mut self, id: EntityId, name: &str) {
        let index = self.entities.len();
        self.by_id.insert(id, index);
        self.by_name.entry(name.to_string()).or_insert(index);
        let folded = fold(name);
        match self.by_folded.entry(folded) {
            Entry::Occupied(first) => self
                .duplicates
                .entry(first.key().clone())
                .or_default()
                .push(index),
            Entry::Vacant(free) => _ = free.insert(index),
        }
        self.entities.push((id, name.to_string()));
    }

    /// Returns the number of entities.
    pub fn len(&self) -> usize {
        self.entities.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    /// Returns every entity, in file order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (EntityId, &str)> {
        self.entities.iter().map(|(id, name)| (*id, name.as_str()))
    }

    pub fn contains(&self, id: EntityId) -> bool {
        self.by_id.contains_key(&id)
    }

    /// Returns the name of an entity.
    pub fn name(&self, id: EntityId) -> Option<&str> {
        self.by_id
            .get(&id)
            .map(|&index| self.entities[index].1.as_str())
    }

    /// Returns the entity with exactly this name; else the first with this name in another Unicode
    /// form; else the first whose name differs only in case or in `_` for a space.
    pub fn by_name(&self, name: &str) -> Option<EntityId> {
        if let Some(&index) = self.by_name.get(name) {
            return Some(self.entities[index].0);
        }
        let same = self
            .with_folded_name(name)
            .find(|(_, own)| name::is_same(own, name));
        same.or_else(|| self.with_folded_name(name).next())
            .map(|(id, _)| id)
    }

    /// Returns every entity with exactly this name. If there is none, returns those with this name
    /// in another Unicode form; if there is none either, those whose names differ only in case or
    /// in `_` for a space.
    pub fn all_named(&self, name: &str) -> Vec<EntityId> {
        let group: Vec<(EntityId, &str)> = self.with_folded_name(name).collect();
        let exact: Vec<EntityId> = ids_where(&group, |own| own == name);
        if !exact.is_empty() {
            return exact;
        }
        let same = ids_where(&group, |own| name::is_same(own, name));
        if !same.is_empty() {
            return same;
        }
        ids_where(&group, |_| true)
    }

    /// Returns the entities with the same folded name, in file order.
    fn with_folded_name(&self, name: &str) -> impl Iterator<Item = (EntityId, &str)> {
        let folded = fold(name);
        let first = self.by_folded.get(&folded).into_iter();
        let duplicates = self.duplicates.get(&folded).into_iter().flatten();
        first
            .chain(duplicates)
            .map(|&index| (self.entities[index].0, self.entities[index].1.as_str()))
    }

    /// Finds an entity by name, else by id.
    ///
    /// Errors: `Unknown`, with similar names.
    pub fn find(&self, what: &str) -> Result<EntityId> {
        let what = what.trim();
        self.resolve(what).ok_or_else(|| Error::Unknown {
            kind: "entity",
            name: what.to_string(),
            suggestions: self.suggestions(what, SUGGESTIONS),
        })
    }

    /// Finds an entity like [`Vocabulary::find`], without computing suggestions.
    pub(super) fn resolve(&self, what: &str) -> Option<EntityId> {
        let by_id = || {
            what.parse()
                .ok()
                .map(EntityId)
                .filter(|id| self.contains(*id))
        };
        self.by_name(what).or_else(by_id)
    }

    /// Returns up to `n` names similar to `what`, best first.
    pub fn suggestions(&self, what: &str, n: usize) -> Vec<String> {
        suggest::nearest(what, self.entities.iter().map(|(_, name)| name.as_str()), n)
    }
}

/// Returns the ids of the entities whose name satisfies a condition.
fn ids_where(entities: &[(EntityId, &str)], condition: impl Fn(&str) -> bool) -> Vec<EntityId> {
    let matching = entities.iter().filter(|(_, name)| condition(name));
    matching.map(|(id, _)| *id).collect()
}

/// Parses a line of `entity2id.txt`. The error says what is wrong.
fn parse_line(line: &str) -> std::result::Result<(EntityId, &str), String> {
    let Some((name, id)) = line.rsplit_once('\t') else {
        return Err(format!(
            "expected name and id separated by a tab, found “{line}”"
        ));
    };
    match (name.trim(), id.trim().parse()) {
        (name, Ok(id)) if !name.is_empty() => Ok((EntityId(id), name)),
        _ => Err(format!("expected name and id, found “{line}”")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(text: &str) -> (Vocabulary, Diagnostics) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut diagnostics = Diagnostics::default();
        let vocabulary = Vocabulary::read(file.path(), &mut diagnostics).unwrap();
        (vocabulary, diagnostics)
    }

    #[test]
    fn names_are_found_in_any_spelling() {
        let (v, diagnostics) = vocabulary("New York\t4\nlion\t7\nLion\t8\n1984\t9\n");
        assert!(diagnostics.is_empty());
        assert_eq!(v.by_name("Lion"), Some(EntityId(8)));
        assert_eq!(v.by_name("LION"), Some(EntityId(7)));
        assert_eq!(v.by_name("new_york"), Some(EntityId(4)));
        assert_eq!(v.all_named("Lion"), [EntityId(8)]);
        assert_eq!(v.all_named("LION"), [EntityId(7), EntityId(8)]);
        assert!(v.all_named("lioness").is_empty());
        assert_eq!(v.find("1984").unwrap(), EntityId(9));
        assert_eq!(v.find(" 4 ").unwrap(), EntityId(4));
        match v.find("lionn") {
            Err(Error::Unknown { suggestions, .. }) => {
                assert!(suggestions.contains(&"lion".to_string()))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_are_found_in_every_unicode_form() {
        let (v, diagnostics) = vocabulary("Åland\t1\nCuraçao\t2\nA\u{30a}land\t3\n");
        let twins: Vec<_> = diagnostics.iter().map(|f| (f.kind, f.line)).collect();
        assert_eq!(twins, [(kind::UNICODE_DUPLICATES.name, Some(3))]);
        assert_eq!(v.by_name("Curac\u{327}ao"), Some(EntityId(2)));
        assert_eq!(v.by_name("CURAC\u{327}AO"), Some(EntityId(2)));
        // each of the two forms means its own entity, a third form means either
        assert_eq!(
            (v.by_name("Åland"), v.by_name("A\u{30a}land")),
            (Some(EntityId(1)), Some(EntityId(3)))
        );
        assert_eq!(v.all_named("A\u{30a}land"), [EntityId(3)]);
        assert_eq!(v.all_named("\u{212b}land"), [EntityId(1), EntityId(3)]);
        assert_eq!(v.all_named("åland"), [EntityId(1), EntityId(3)]);
        assert!(v.all_named("aland").is_empty());
    }

    #[test]
    fn utf_16_is_read_with_a_byte_order_mark_only() {
        let wide: Vec<u8> = "Zürich\t1\r\nlion\t2\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [&b"\xff\xfe"[..], &wide].concat()).unwrap();
        let mut diagnostics = Diagnostics::default();
        let read = Vocabulary::read(file.path(), &mut diagnostics).unwrap();
        assert_eq!((read.by_name("zürich"), read.len()), (Some(EntityId(1)), 2));
        assert_eq!(diagnostics.count(kind::UTF16.name), 1);
        std::fs::write(file.path(), &wide).unwrap();
        let refused = Vocabulary::open(file.path()).unwrap_err();
        assert!(
            matches!(refused, Error::Format { .. }) && refused.to_string().contains("UTF-16LE"),
            "{refused}"
        );
    }

    #[test]
    fn invalid_lines_are_left_out_and_reported() {
        let (v, diagnostics) =
            vocabulary("\u{feff}a b\t1\r\n\r\nno id\nx\tseven\ny\t-1\n\t3\nc\t1\na b\t2\n");
        let ids: Vec<_> = v
            .iter()
            .map(|(id, name)| (id.0, name.to_string()))
            .collect();
        assert_eq!(ids, [(1, "a b".to_string()), (2, "a b".to_string())]);
        let lines = |kind: crate::data::diagnostics::DiagnosticKind| -> Vec<_> {
            diagnostics
                .iter()
                .filter(|f| f.kind == kind.name)
                .filter_map(|f| f.line)
                .collect()
        };
        assert_eq!(lines(kind::BOM), [1]);
        assert_eq!(lines(kind::CRLF), [1, 2]);
        assert_eq!(lines(kind::BLANK), [2]);
        assert_eq!(lines(kind::BAD_ENTITY), [3, 4, 5, 6]);
        assert_eq!(lines(kind::DUPLICATE_ID), [7]);
        assert_eq!(lines(kind::DUPLICATE_NAME), [8]);
    }
}
