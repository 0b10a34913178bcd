//! Describes an open index as plain data: its entities, classes and queries.

use std::path::Path;

use crate::data::{Class, Dataset};
use crate::engine::protocol::{Catalogue, ClassCard, EntityCard};
use crate::index::Index;
use crate::types::{ClassId, EntityId, Row};
use std::collections::HashMap;

/// Returns the catalogue of an index.
pub(super) fn describe(
    index: &Index,
    path: &Path,
    dataset: Option<&Dataset>,
    device: String,
) -> Catalogue {
    let classes = dataset.map(|d| d.classes.as_slice()).unwrap_or_default();
    let mut classes_of = classes_of_members(classes);
    let entities = index
        .entities()
        .iter()
        .enumerate()
        .map(|(row, entity)| EntityCard {
            id: entity.id,
            name: entity.name.clone(),
            classes: classes_of.remove(&entity.id).unwrap_or_default(),
            pairs: index.pair_count(Row(row as u32)) as u32,
        });
    Catalogue {
        name: dataset.map_or_else(|| folder_name(path), |d| d.name.clone()),
        index: path.to_owned(),
        dataset: dataset.map(|d| d.root.clone()),
        dataset_hash: index
            .meta
            .provenance
            .dataset
            .as_ref()
            .map(|source| source.hash.clone()),
        device,
        modes: index.modes(),
        entities: entities.collect(),
        classes: dataset.map(class_cards).unwrap_or_default(),
        queries: dataset.map(|d| d.queries.clone()).unwrap_or_default(),
        left_out: index
            .meta
            .provenance
            .left_out
            .iter()
            .map(|l| (l.reason.clone(), l.count))
            .collect(),
        ..Catalogue::default()
    }
    .with_positions()
}

/// Returns the classes of every entity that is a member of one or more.
fn classes_of_members(classes: &[Class]) -> HashMap<EntityId, Vec<ClassId>> {
    let mut classes_of: HashMap<EntityId, Vec<ClassId>> = HashMap::new();
    for (position, class) in classes.iter().enumerate() {
        for member in &class.members {
            classes_of
                .entry(*member)
                .or_default()
                .push(ClassId(position as u16));
        }
    }
    classes_of
}

/// Returns the classes of a data set, in its order.
pub(crate) fn class_cards(dataset: &Dataset) -> Vec<ClassCard> {
    let card = |c: &Class| ClassCard {
        name: c.name.clone(),
        middle: c.middle.clone(),
        coarse: c.coarse.clone(),
        members: c.members.clone(),
        negatives: c.negatives.clone(),
    };
    dataset.classes.iter().map(card).collect()
}

fn folder_name(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |n| n.to_string_lossy().into_owned(),
    )
}
