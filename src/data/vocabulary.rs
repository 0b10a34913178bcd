//! The entities: ids and names of `entity2id.txt`, and looking them up as people type them.

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

/// How many names an error suggests.
const SUGGESTIONS: usize = 3;

/// The entities in file order.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    entities: Vec<(EntityId, String)>,
    // places in `entities`; where a name or its folded form is given twice, the first
    by_id: HashMap<EntityId, usize>,
    by_name: HashMap<String, usize>,
    by_folded: HashMap<String, usize>,
    /// By folded name, the places after the first.
    later: HashMap<String, Vec<usize>>,
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
    /// Reads a file of the form of `entity2id.txt` that stands alone. Error: the first line that
    /// cannot be read.
    pub fn open(path: &Path) -> Result<Vocabulary> {
        let mut diagnostics = Diagnostics::default();
        let vocabulary = Vocabulary::read(path, &mut diagnostics)?;
        match diagnostics.iter().find(|f| f.severity == Severity::Error) {
            Some(fault) => Err(match fault.line {
                Some(line) => Error::Line {
                    path: path.to_owned(),
                    line,
                    reason: fault.reason.clone(),
                },
                None => Error::format(path, &fault.reason),
            }),
            None => Ok(vocabulary),
        }
    }

    /// Reads `entity2id.txt`: `name<TAB>id`, one entity a line. What cannot be read is left out and
    /// noted. Errors: `Io`, and `Format` for a file that cannot be read as text.
    pub(super) fn read(path: &Path, diagnostics: &mut Diagnostics) -> Result<Vocabulary> {
        let mut vocabulary = Vocabulary::default();
        for (number, line) in read_required_lines(path, diagnostics)? {
            let parsed = line
                .rsplit_once('\t')
                .map(|(name, id)| (name.trim(), id.trim().parse()));
            let (name, id) = match parsed {
                Some((name, Ok(id))) if !name.is_empty() => (name, EntityId(id)),
                Some(_) => {
                    diagnostics.report(kind::BAD_ENTITY, path, Some(number), || {
                        format!("no name and id in “{line}”")
                    });
                    continue;
                }
                None => {
                    diagnostics.report(kind::BAD_ENTITY, path, Some(number), || {
                        format!("no tab in “{line}”")
                    });
                    continue;
                }
            };
            if let Some(first) = vocabulary.name(id) {
                diagnostics.report(kind::DUPLICATE_ID, path, Some(number), || {
                    format!("id {id} is “{first}” already")
                });
                continue;
            }
            if let Some(first) = vocabulary.by_name.get(name) {
                let first = vocabulary.entities[*first].0;
                diagnostics.report(kind::DUPLICATE_NAME, path, Some(number), || {
                    format!("“{name}” is entity {first} already")
                });
            } else if let Some((first, _)) = vocabulary
                .group(name)
                .find(|(_, own)| name::is_same(own, name))
            {
                diagnostics.report(kind::UNICODE_TWINS, path, Some(number), || {
                    format!("“{name}” is the name of entity {first} in another Unicode form; they are two entities")
                });
            }
            vocabulary.insert(id, name);
        }
        Ok(vocabulary)
    }

    fn insert(&mut self, id: EntityId, name: &str) {
        let place = self.entities.len();
        self.by_id.insert(id, place);
        self.by_name.entry(name.to_string()).or_insert(place);
        let folded = fold(name);
        match self.by_folded.entry(folded) {
            Entry::Occupied(first) => self
                .later
                .entry(first.key().clone())
                .or_default()
                .push(place),
            Entry::Vacant(free) => _ = free.insert(place),
        }
        self.entities.push((id, name.to_string()));
    }

    pub fn len(&self) -> usize {
        self.entities.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    /// Every entity, in file order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (EntityId, &str)> {
        self.entities.iter().map(|(id, name)| (*id, name.as_str()))
    }

    pub fn contains(&self, id: EntityId) -> bool {
        self.by_id.contains_key(&id)
    }

    pub fn name(&self, id: EntityId) -> Option<&str> {
        self.by_id
            .get(&id)
            .map(|&place| self.entities[place].1.as_str())
    }

    /// The entity of exactly this name; else the first of this name in another Unicode form; else
    /// the first whose name differs only in case or in `_` for a space.
    pub fn by_name(&self, name: &str) -> Option<EntityId> {
        if let Some(&place) = self.by_name.get(name) {
            return Some(self.entities[place].0);
        }
        let same = self.group(name).find(|(_, own)| name::is_same(own, name));
        same.or_else(|| self.group(name).next()).map(|(id, _)| id)
    }

    /// Every entity of exactly this name; where there is none, every one of this name in another
    /// Unicode form; where there is none either, every one whose name differs only in case or in
    /// `_` for a space.
    pub fn all_named(&self, name: &str) -> Vec<EntityId> {
        let group: Vec<(EntityId, &str)> = self.group(name).collect();
        let tiers: [fn(&str, &str) -> bool; 2] = [|own, name| own == name, name::is_same];
        let nearest = tiers
            .into_iter()
            .find(|is_near| group.iter().any(|(_, own)| is_near(own, name)));
        let is_meant = |own| nearest.is_none_or(|is_near| is_near(own, name));
        group
            .into_iter()
            .filter(|(_, own)| is_meant(own))
            .map(|(id, _)| id)
            .collect()
    }

    /// The entities whose names fold to the same, in file order.
    fn group(&self, name: &str) -> impl Iterator<Item = (EntityId, &str)> {
        let folded = fold(name);
        let first = self.by_folded.get(&folded).into_iter();
        let later = self.later.get(&folded).into_iter().flatten();
        first
            .chain(later)
            .map(|&place| (self.entities[place].0, self.entities[place].1.as_str()))
    }

    /// By name, or by id where `what` is a number and no entity's name. Error: `Unknown` with near
    /// names.
    pub fn find(&self, what: &str) -> Result<EntityId> {
        let what = what.trim();
        self.resolve(what).ok_or_else(|| Error::Unknown {
            kind: "entity",
            name: what.to_string(),
            suggestions: self.suggestions(what, SUGGESTIONS),
        })
    }

    /// As [`Vocabulary::find`], where an unknown one is nothing to look for near names for.
    pub(super) fn resolve(&self, what: &str) -> Option<EntityId> {
        let by_id = || {
            what.parse()
                .ok()
                .map(EntityId)
                .filter(|id| self.contains(*id))
        };
        self.by_name(what).or_else(by_id)
    }

    /// Up to `n` names like `what`, best first.
    pub fn suggestions(&self, what: &str, n: usize) -> Vec<String> {
        suggest::nearest(what, self.entities.iter().map(|(_, name)| name.as_str()), n)
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
    fn names_are_found_as_people_type_them() {
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
    fn a_name_is_found_in_every_unicode_form() {
        let (v, diagnostics) = vocabulary("Åland\t1\nCuraçao\t2\nA\u{30a}land\t3\n");
        let twins: Vec<_> = diagnostics.iter().map(|f| (f.kind, f.line)).collect();
        assert_eq!(twins, [(kind::UNICODE_TWINS.name, Some(3))]);
        assert_eq!(v.by_name("Curac\u{327}ao"), Some(EntityId(2)));
        assert_eq!(v.by_name("CURAC\u{327}AO"), Some(EntityId(2)));
        // two entities keep their own forms, and a third form means either
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
    fn a_file_of_two_bytes_a_character_is_read_or_named() {
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
    fn faults_are_left_out_and_named() {
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
