//! The entities, classes and queries of an open index.

use std::collections::HashMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::data::nearest;
use crate::name::{fold, is_same};
use crate::types::{ClassId, EntityId, Mode, Query, SeedCount};

/// The contents of an open index: everything that screens list without a further request.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Catalogue {
    /// The data set's name, for the status line.
    pub name: String,
    pub index: PathBuf,
    pub dataset: Option<PathBuf>,
    /// The hash of the indexed data set; `None` for an index without a data set.
    pub dataset_hash: Option<String>,
    /// The device, as in "cpu" or "cuda:0".
    pub device: String,
    /// The modes of the index, `Both` first.
    pub modes: Vec<Mode>,
    /// The entities in row order.
    pub entities: Vec<EntityCard>,
    /// The classes in the order of [`ClassId`].
    pub classes: Vec<ClassCard>,
    pub queries: Vec<Query>,
    /// The reasons why data were left out, with counts: ("entities with fewer than 2 pairs", 3).
    pub left_out: Vec<(String, usize)>,
    /// Positions in `entities` by id, filled by [`Catalogue::with_positions`].
    pub positions: HashMap<EntityId, usize>,
}

/// An entity of the index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntityCard {
    pub id: EntityId,
    pub name: String,
    /// The classes of which it is a gold member.
    pub classes: Vec<ClassId>,
    /// The number of sentence–image pairs it was indexed with.
    pub pairs: u32,
}

/// A gold class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassCard {
    /// The file name without `.txt`, as in "carnivorous_mammals".
    pub name: String,
    /// The two levels above it, if `classes.tsv` gives them.
    pub middle: Option<String>,
    pub coarse: Option<String>,
    pub members: Vec<EntityId>,
    /// Entities that were judged not to be members.
    pub negatives: Vec<EntityId>,
}

impl ClassCard {
    /// Returns the name for display, as in "carnivorous mammals".
    pub fn title(&self) -> String {
        self.name.replace('_', " ")
    }
}

impl Catalogue {
    /// Fills the look-up by id, and leaves every other field as it is.
    pub fn with_positions(mut self) -> Self {
        self.positions = self
            .entities
            .iter()
            .enumerate()
            .map(|(i, e)| (e.id, i))
            .collect();
        self
    }

    /// Returns whether the modes are those of the frozen encoders, without a model. Mode `both` of such
    /// an index can be ranked by feedback only.
    pub fn is_without_model(&self) -> bool {
        let has = |mode| self.modes.contains(&mode);
        has(Mode::Both) && has(Mode::Image) && !has(Mode::None)
    }

    pub fn entity(&self, id: EntityId) -> Option<&EntityCard> {
        self.positions.get(&id).map(|&i| &self.entities[i])
    }

    /// Returns an entity's name, or its id if it is not known.
    pub fn name(&self, id: EntityId) -> String {
        self.entity(id)
            .map_or_else(|| format!("entity {id}"), |card| card.name.clone())
    }

    /// Returns the entity with exactly this name, or else the first whose name differs only in its
    /// Unicode form, or else only in case or in `_` for a space.
    pub fn find(&self, name: &str) -> Option<EntityId> {
        let first =
            |matches: &dyn Fn(&str) -> bool| self.entities.iter().find(|card| matches(&card.name));
        let folded = fold(name);
        let card = first(&|known| known == name)
            .or_else(|| first(&|known| is_same(known, name)))
            .or_else(|| first(&|known| fold(known) == folded));
        card.map(|card| card.id)
    }

    /// Returns up to `n` names similar to `name`, best first.
    pub fn similar_names(&self, name: &str, n: usize) -> Vec<String> {
        nearest(name, self.entities.iter().map(|card| card.name.as_str()), n)
    }

    pub fn class(&self, id: ClassId) -> &ClassCard {
        &self.classes[id.index()]
    }

    /// Returns the class with exactly this name, or else with this name in another Unicode form.
    pub fn class_named(&self, name: &str) -> Option<ClassId> {
        let find = |is_named: fn(&str, &str) -> bool| {
            self.classes.iter().position(|c| is_named(&c.name, name))
        };
        find(|own, name| own == name)
            .or_else(|| find(is_same))
            .map(|position| ClassId(position as u16))
    }

    /// Returns the class's queries with this many seeds, in file order.
    pub fn queries_of(&self, class: ClassId, seeds: SeedCount) -> impl Iterator<Item = &Query> {
        self.queries
            .iter()
            .filter(move |q| q.class == class && q.seed_count == seeds)
    }
}
