//! Classes and what they are rolled up to.

use std::collections::{BTreeMap, BTreeSet};

use crate::data::{Class, Dataset};
use crate::eval::comparison::RollupLevel;
use crate::eval::metrics::gold;
use crate::eval::scored_run::{QueryKey, query_key};
use crate::types::{ClassId, SeedCount};

/// Classes that are looked at together.
pub(super) struct ClassGroup {
    pub(super) level: RollupLevel,
    pub(super) name: String,
    pub(super) classes: BTreeSet<ClassId>,
}

/// Every class, then what stands above them by name. A class that has no place in the hierarchy is
/// in no part above it.
pub(super) fn parts(dataset: &Dataset) -> Vec<ClassGroup> {
    let at_level = |level: RollupLevel, above: fn(&Class) -> Option<&String>| {
        let mut parts: BTreeMap<&String, BTreeSet<ClassId>> = BTreeMap::new();
        for (class, id) in dataset.classes.iter().zip((0..).map(ClassId)) {
            if let Some(name) = above(class) {
                parts.entry(name).or_default().insert(id);
            }
        }
        parts.into_iter().map(move |(name, classes)| ClassGroup {
            level,
            name: name.clone(),
            classes,
        })
    };
    at_level(RollupLevel::Class, |class| Some(&class.name))
        .chain(at_level(RollupLevel::Middle, |class| class.middle.as_ref()))
        .chain(at_level(RollupLevel::Coarse, |class| class.coarse.as_ref()))
        .collect()
}

/// Every query of so many seeds, and whether it has gold.
pub(super) fn asked(dataset: &Dataset, seeds: SeedCount) -> impl Iterator<Item = (QueryKey, bool)> {
    let of_count = dataset
        .queries
        .iter()
        .filter(move |query| query.seed_count == seeds);
    of_count.map(|query| {
        (
            query_key(query),
            !gold(&dataset.classes[query.class.index()], &query.seeds).is_empty(),
        )
    })
}
