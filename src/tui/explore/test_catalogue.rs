//! A small catalogue for the tests of seeds and their completion.

use crate::engine::protocol::{Catalogue, ClassCard, EntityCard};
use crate::types::{ClassId, EntityId, Query, SeedCount};

/// Returns four entities in three classes, of which the first has one query of 5 seeds.
pub(super) fn catalogue() -> Catalogue {
    let mut c = Catalogue::default();
    for (i, (name, classes)) in [
        ("lion", vec![0]),
        ("sea lion", vec![0, 1]),
        ("dandelion", vec![2]),
        ("tiger", vec![0]),
    ]
    .into_iter()
    .enumerate()
    {
        let classes = classes.into_iter().map(ClassId).collect();
        c.entities.push(EntityCard {
            id: EntityId(i as u32),
            name: name.into(),
            classes,
            pairs: 3,
        });
    }
    for name in ["cats", "sea", "flowers"] {
        c.classes.push(ClassCard {
            name: name.into(),
            middle: None,
            coarse: None,
            members: Vec::new(),
            negatives: Vec::new(),
        });
    }
    let seeds = vec![EntityId(0), EntityId(3)];
    c.queries.push(Query {
        class: ClassId(0),
        seed_count: SeedCount::Five,
        number: 0,
        seeds,
    });
    c.with_positions()
}
