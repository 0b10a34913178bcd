//! Whom a run's lines mean: entities by id or by name, and strangers.

use std::collections::BTreeMap;
use std::path::Path;

use crate::data::{Diagnostics, Vocabulary};
use crate::eval::run::warnings::{AMBIGUOUS_NAME, ID_NAME_CONFLICT, UNKNOWN_ENTITY, UNKNOWN_NAME};
use crate::name::fold;
use crate::types::EntityId;

/// Ids of strangers begin here.
const STRANGERS: u32 = 1 << 31;

/// Finds entities, and keeps those that the vocabulary lacks.
pub(super) struct EntityResolver<'a> {
    vocabulary: &'a Vocabulary,
    /// A number is an id first; else a name first.
    by_id: bool,
    pub(super) strangers: BTreeMap<EntityId, String>,
    pub(super) odd: &'a mut Diagnostics,
}

/// Where something is said.
#[derive(Clone, Copy)]
pub(super) struct SourceLine<'a> {
    pub file: &'a Path,
    pub line: usize,
}

impl<'a> EntityResolver<'a> {
    pub(super) fn new(vocabulary: &'a Vocabulary, by_id: bool, odd: &'a mut Diagnostics) -> Self {
        EntityResolver {
            vocabulary,
            by_id,
            strangers: BTreeMap::new(),
            odd,
        }
    }

    /// The entity of this id or name. One that no entity has, or more than one, is noted, and means
    /// a stranger.
    pub(super) fn find(&mut self, what: &str, at: SourceLine) -> EntityId {
        let id = what.parse().ok().map(EntityId);
        if let Some(id) = id.filter(|_| self.by_id) {
            return self.by_id(id, at);
        }
        match self.vocabulary.all_named(what).as_slice() {
            [one] => *one,
            [] => match id {
                Some(id) => self.by_id(id, at),
                None => {
                    // the error names near ones
                    let unknown = || {
                        self.vocabulary
                            .find(what)
                            .map_or_else(|e| e.to_string(), |_| String::new())
                    };
                    self.odd
                        .report(UNKNOWN_ENTITY, at.file, Some(at.line), unknown);
                    self.stranger(what)
                }
            },
            [first, second, ..] => {
                self.odd.report(AMBIGUOUS_NAME, at.file, Some(at.line), || {
                    format!("“{what}” is the name of entity {first} and of entity {second}")
                });
                self.stranger(what)
            }
        }
    }

    /// The entity that is given by both. Where they are of two entities it is noted, and neither is
    /// meant.
    pub(super) fn find_both(&mut self, id: EntityId, name: &str, at: SourceLine) -> EntityId {
        if name.is_empty() {
            return self.by_id(id, at);
        }
        let (known, other) = (self.vocabulary.name(id), self.vocabulary.by_name(name));
        if known.is_none() && self.stranger_id(name) == id {
            // as this program writes a stranger: the name is all there is
            return self.find(name, at);
        }
        match (known, other) {
            (None, None) => self.find(name, at),
            (Some(known), _) if fold(known) == fold(name) => id,
            (Some(known), None) => {
                self.odd.report(UNKNOWN_NAME, at.file, Some(at.line), || {
                    format!("entity {id} is “{known}”, not “{name}”")
                });
                id
            }
            (_, Some(other)) => {
                let own = known.map_or("in no vocabulary".to_owned(), |known| format!("“{known}”"));
                self.odd
                    .report(ID_NAME_CONFLICT, at.file, Some(at.line), || {
                        format!("entity {id} is {own}, and “{name}” is entity {other}")
                    });
                self.stranger(&format!("{id} {name}"))
            }
        }
    }

    fn by_id(&mut self, id: EntityId, at: SourceLine) -> EntityId {
        if !self.vocabulary.contains(id) {
            self.odd.report(UNKNOWN_ENTITY, at.file, Some(at.line), || {
                format!("there is no entity {id}")
            });
        }
        id
    }

    /// An id that no entity has, the same for a name in every run.
    fn stranger(&mut self, name: &str) -> EntityId {
        let id = self.stranger_id(name);
        self.strangers.entry(id).or_insert_with(|| name.to_owned());
        id
    }

    fn stranger_id(&self, name: &str) -> EntityId {
        let folded = fold(name);
        let [a, b, c, d, ..] = *blake3::hash(folded.as_bytes()).as_bytes();
        let mut id = EntityId(STRANGERS | u32::from_le_bytes([a, b, c, d]));
        let taken = |id| {
            self.strangers
                .get(&id)
                .is_some_and(|other| fold(other) != folded)
        };
        while self.vocabulary.contains(id) || taken(id) {
            id = EntityId(STRANGERS | id.0.wrapping_add(1));
        }
        id
    }
}
