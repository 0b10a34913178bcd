//! Classes and the levels above them.

use std::collections::{BTreeMap, BTreeSet};

use crate::data::{Class, Dataset};
use crate::eval::comparison::comparison_result::RollupLevel;
use crate::eval::metrics::gold;
use crate::eval::query_key::{QueryKey, query_key};
use crate::types::{ClassId, SeedCount};

/// Classes that are evaluated together: one class, or all classes below a middle or coarse class.
pub(super) struct ClassGroup {
    pub(super) level: RollupLevel,
    pub(super) name: String,
    pub(super) classes: BTreeSet<ClassId>,
}

/// Returns a group for each class, then for each middle and each coarse class, by name. A class
/// without a place in the hierarchy is in no group above it.
pub(super) fn class_groups(dataset: &Dataset) -> Vec<ClassGroup> {
    let mut groups = groups_at(dataset, RollupLevel::Class, |class| Some(&class.name));
    groups.extend(groups_at(dataset, RollupLevel::Middle, |class| {
        class.middle.as_ref()
    }));
    groups.extend(groups_at(dataset, RollupLevel::Coarse, |class| {
        class.coarse.as_ref()
    }));
    groups
}

/// Groups classes by `name_of`; a class without such a name is left out.
fn groups_at(
    dataset: &Dataset,
    level: RollupLevel,
    name_of: fn(&Class) -> Option<&String>,
) -> Vec<ClassGroup> {
    let mut classes_by_name: BTreeMap<&String, BTreeSet<ClassId>> = BTreeMap::new();
    for (class, id) in dataset.classes.iter().zip((0..).map(ClassId)) {
        if let Some(name) = name_of(class) {
            classes_by_name.entry(name).or_default().insert(id);
        }
    }
    let mut groups = Vec::with_capacity(classes_by_name.len());
    for (name, classes) in classes_by_name {
        groups.push(ClassGroup {
            level,
            name: name.clone(),
            classes,
        });
    }
    groups
}

/// A query, and whether it has gold.
#[derive(Clone, Copy)]
pub(super) struct KnownQuery {
    pub(super) key: QueryKey,
    pub(super) has_gold: bool,
}

/// Returns every query of the data set with this number of seeds.
pub(super) fn known_queries(dataset: &Dataset, seeds: SeedCount) -> Vec<KnownQuery> {
    let mut known = Vec::new();
    for query in dataset.queries.iter().filter(|q| q.seed_count == seeds) {
        let gold = gold(&dataset.classes[query.class.index()], &query.seeds);
        known.push(KnownQuery {
            key: query_key(query),
            has_gold: !gold.is_empty(),
        });
    }
    known
}
