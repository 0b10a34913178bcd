//! The entities that the lines of a run name, by id or by name.

use std::collections::BTreeMap;
use std::path::Path;

use crate::data::{DiagnosticKind, Diagnostics, Vocabulary};
use crate::eval::run::warnings::{AMBIGUOUS_NAME, ID_NAME_CONFLICT, UNKNOWN_ENTITY, UNKNOWN_NAME};
use crate::name::fold;
use crate::types::EntityId;

/// The first id of the range for unknown entities.
const FIRST_UNKNOWN_ID: u32 = 1 << 31;

/// Finds entities, and collects the names that the vocabulary does not have.
pub(super) struct EntityResolver<'a> {
    vocabulary: &'a Vocabulary,
    /// Whether a number is looked up as an id first, and not as a name.
    prefers_ids: bool,
    pub(super) unknown_entities: BTreeMap<EntityId, String>,
    found: &'a mut Diagnostics,
}

/// The file and line, from 1, of an entity.
#[derive(Clone, Copy)]
pub(super) struct SourceLine<'a> {
    pub file: &'a Path,
    pub line: usize,
}

impl<'a> EntityResolver<'a> {
    pub(super) fn new(
        vocabulary: &'a Vocabulary,
        prefers_ids: bool,
        found: &'a mut Diagnostics,
    ) -> Self {
        EntityResolver {
            vocabulary,
            prefers_ids,
            unknown_entities: BTreeMap::new(),
            found,
        }
    }

    /// Returns the entity of an id or a name. A name that no entity has, or more than one, is
    /// reported, and becomes an unknown entity.
    pub(super) fn find(&mut self, text: &str, source: SourceLine) -> EntityId {
        let id = text.parse().ok().map(EntityId);
        if let Some(id) = id.filter(|_| self.prefers_ids) {
            return self.find_id(id, source);
        }
        match self.vocabulary.all_named(text).as_slice() {
            [entity] => *entity,
            [] => match id {
                Some(id) => self.find_id(id, source),
                None => self.unknown_name(text, source),
            },
            [first, second, ..] => {
                self.report(AMBIGUOUS_NAME, source, || {
                    format!("“{text}” is the name of entity {first} and of entity {second}")
                });
                self.add_unknown(text)
            }
        }
    }

    /// Returns the entity that is given by id and name. If these belong to two entities, this is
    /// reported, and the result is an unknown entity.
    pub(super) fn find_both(&mut self, id: EntityId, name: &str, source: SourceLine) -> EntityId {
        if name.is_empty() {
            return self.find_id(id, source);
        }
        let own_name = self.vocabulary.name(id);
        let same_name = self.vocabulary.by_name(name);
        if own_name.is_none() && self.unknown_id(name) == id {
            // this program writes unknown entities in this way: only the name is significant
            return self.find(name, source);
        }
        match (own_name, same_name) {
            (None, None) => self.find(name, source),
            (Some(own), _) if fold(own) == fold(name) => id,
            (Some(own), None) => {
                self.report(UNKNOWN_NAME, source, || {
                    format!("entity {id} is “{own}”, not “{name}”")
                });
                id
            }
            (_, Some(other)) => {
                let own = own_name.map_or("not in the vocabulary".into(), |own| format!("“{own}”"));
                self.report(ID_NAME_CONFLICT, source, || {
                    format!("entity {id} is {own}, and “{name}” is entity {other}")
                });
                self.add_unknown(&format!("{id} {name}"))
            }
        }
    }

    fn find_id(&mut self, id: EntityId, source: SourceLine) -> EntityId {
        if !self.vocabulary.contains(id) {
            self.report(UNKNOWN_ENTITY, source, || {
                format!("there is no entity {id}")
            });
        }
        id
    }

    fn unknown_name(&mut self, name: &str, source: SourceLine) -> EntityId {
        let vocabulary = self.vocabulary;
        self.report(UNKNOWN_ENTITY, source, || {
            // the error suggests similar names
            vocabulary
                .find(name)
                .map_or_else(|e| e.to_string(), |_| String::new())
        });
        self.add_unknown(name)
    }

    fn report(
        &mut self,
        kind: DiagnosticKind,
        source: SourceLine,
        reason: impl FnOnce() -> String,
    ) {
        self.found
            .report(kind, source.file, Some(source.line), reason);
    }

    /// Returns an id that no entity has; a name gets the same id in every run.
    fn add_unknown(&mut self, name: &str) -> EntityId {
        let id = self.unknown_id(name);
        self.unknown_entities
            .entry(id)
            .or_insert_with(|| name.to_owned());
        id
    }

    fn unknown_id(&self, name: &str) -> EntityId {
        let folded = fold(name);
        let [a, b, c, d, ..] = *blake3::hash(folded.as_bytes()).as_bytes();
        let mut id = EntityId(FIRST_UNKNOWN_ID | u32::from_le_bytes([a, b, c, d]));
        let is_taken = |id| {
            let other = self.unknown_entities.get(&id);
            other.is_some_and(|other| fold(other) != folded)
        };
        while self.vocabulary.contains(id) || is_taken(id) {
            id = EntityId(FIRST_UNKNOWN_ID | id.0.wrapping_add(1));
        }
        id
    }
}
