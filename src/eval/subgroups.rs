//! Groups of entities for separate evaluation: by kind of image, by shared words, by number of
//! pairs.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::data::{Dataset, EntityEvidence};
use crate::eval::name_words::words;
use crate::name::nfc;
use crate::types::{ClassId, EntityId};

/// The number of groups by number of pairs.
const PAIR_GROUPS: usize = 4;

/// Groups of entities in a meaningful order. An entity is in at most one group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntityGroups {
    /// The property that groups differ in, such as "kind of picture".
    pub property: &'static str,
    pub names: Vec<String>,
    indices: HashMap<EntityId, usize>,
}

impl EntityGroups {
    /// Returns the index in `names` of the group of an entity.
    pub fn group_of(&self, entity: EntityId) -> Option<usize> {
        self.indices.get(&entity).copied()
    }

    /// Groups entities by name, sorted by `sort_key`, then by name.
    fn from_names<K: Ord>(
        property: &'static str,
        entities: Vec<(EntityId, String)>,
        sort_key: impl Fn(&str) -> K,
    ) -> EntityGroups {
        let mut names: Vec<String> = entities.iter().map(|(_, name)| name.clone()).collect();
        names.sort_by_key(|name| (sort_key(name), name.clone()));
        names.dedup();
        let by_name: HashMap<&str, usize> = names.iter().map(String::as_str).zip(0..).collect();
        let indices = entities
            .iter()
            .map(|(entity, name)| (*entity, by_name[name.as_str()]))
            .collect();
        EntityGroups {
            property,
            names,
            indices,
        }
    }
}

/// Groups entities by all kinds of their images: "photo", "drawing + icon". One kind comes before
/// several. An image that is not in `kinds` ([`Dataset::image_kinds`]) is of kind "unknown".
pub fn group_by_image_kind(
    evidence: &HashMap<EntityId, EntityEvidence>,
    kinds: &HashMap<String, String>,
) -> EntityGroups {
    let mut named = Vec::with_capacity(evidence.len());
    for (entity, evidence) in evidence {
        let mut found: BTreeSet<&str> = BTreeSet::new();
        for image in &evidence.images {
            if let Some(file) = image.file_name().and_then(|name| name.to_str()) {
                let kind = kinds.get(nfc(file).as_ref());
                found.insert(kind.map_or("unknown", String::as_str));
            }
        }
        let names: Vec<&str> = found.into_iter().collect();
        named.push((*entity, names.join(" + ")));
    }
    EntityGroups::from_names("kind of picture", named, |name| name.matches(" + ").count())
}

/// Groups the members of classes by whether a word of their name is also in the name of a member of
/// a class that they are not in, as in "guinea" and "guinea pig".
pub fn group_by_shared_words(dataset: &Dataset) -> EntityGroups {
    let mut classes_of: HashMap<EntityId, HashSet<ClassId>> = HashMap::new();
    let mut classes_with: HashMap<String, HashSet<ClassId>> = HashMap::new();
    let name_words = |entity| dataset.vocabulary.name(entity).into_iter().flat_map(words);
    for (class, id) in dataset.classes.iter().zip((0..).map(ClassId)) {
        for &member in &class.members {
            classes_of.entry(member).or_default().insert(id);
            for word in name_words(member) {
                classes_with.entry(word).or_default().insert(id);
            }
        }
    }
    let mut named = Vec::with_capacity(classes_of.len());
    for (entity, own) in &classes_of {
        let is_shared = name_words(*entity).any(|word| !classes_with[&word].is_subset(own));
        let name = if is_shared {
            "shares a word with another class"
        } else {
            "shares no word"
        };
        named.push((*entity, name.to_owned()));
    }
    EntityGroups::from_names("words shared with other classes", named, |_| ())
}

/// Groups entities by their number of pairs, into four groups that are as equal as possible without
/// separating equal numbers.
pub fn group_by_pair_count(evidence: &HashMap<EntityId, EntityEvidence>) -> EntityGroups {
    let mut counts: Vec<u32> = evidence.values().map(|evidence| evidence.pairs).collect();
    counts.sort_unstable();
    let ends = group_ends(&counts);
    let named = evidence
        .iter()
        .map(|(entity, evidence)| (*entity, pair_range(evidence.pairs, &counts, &ends)));
    let first_number = |name: &str| {
        let first = name.split(['–', ' ']).next();
        first.and_then(|first| first.parse::<u32>().ok())
    };
    EntityGroups::from_names("number of pairs", named.collect(), first_number)
}

/// Returns the highest number of each group.
fn group_ends(sorted: &[u32]) -> Vec<u32> {
    let mut ends: Vec<u32> = (1..=PAIR_GROUPS)
        .filter_map(|group| (group * sorted.len() / PAIR_GROUPS).checked_sub(1))
        .filter_map(|index| sorted.get(index).copied())
        .collect();
    ends.dedup();
    ends
}

/// Returns the name of the group of a number of pairs, such as "3–7 pairs".
fn pair_range(pairs: u32, sorted: &[u32], ends: &[u32]) -> String {
    let group = ends.partition_point(|&end| end < pairs);
    let start = match group.checked_sub(1) {
        Some(before) => sorted.partition_point(|&count| count <= ends[before]),
        None => 0,
    };
    match (sorted[start], ends[group]) {
        (1, 1) => "1 pair".to_owned(),
        (first, last) if first == last => format!("{first} pairs"),
        (first, last) => format!("{first}–{last} pairs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn sizes(groups: &EntityGroups) -> Vec<(&str, usize)> {
        let size = |index: usize| {
            groups
                .indices
                .values()
                .filter(|&&group| group == index)
                .count()
        };
        groups
            .names
            .iter()
            .enumerate()
            .map(|(index, name)| (name.as_str(), size(index)))
            .collect()
    }

    fn evidence(entities: &[(u32, &[&str])]) -> HashMap<EntityId, EntityEvidence> {
        let one = |&(pairs, pictures): &(u32, &[&str])| EntityEvidence {
            pairs,
            images: pictures.iter().map(Into::into).collect(),
        };
        (0..).map(EntityId).zip(entities.iter().map(one)).collect()
    }

    #[test]
    fn entities_are_grouped_by_all_kinds_of_their_images() {
        let kinds = [("a.png", "photo"), ("b.png", "icon"), ("c.png", "icon")]
            .map(|(f, k)| (f.to_owned(), k.to_owned()))
            .into();
        let evidence = evidence(&[
            (1, &["x/a.png", "b.png", "c.png"]),
            (1, &["b.png", "c.png"]),
            (1, &["d.png"]),
            (1, &["a.png"]),
        ]);
        let groups = group_by_image_kind(&evidence, &kinds);
        assert_eq!(
            sizes(&groups),
            [
                ("icon", 1),
                ("photo", 1),
                ("unknown", 1),
                ("icon + photo", 1)
            ]
        );
        assert_eq!(groups.group_of(EntityId(0)), Some(3));
        assert_eq!(groups.group_of(EntityId(9)), None);
    }

    #[test]
    fn equal_numbers_of_pairs_are_in_one_group() {
        let counted = |counts: &[u32]| {
            group_by_pair_count(&evidence(
                &counts.iter().map(|&n| (n, &[][..])).collect::<Vec<_>>(),
            ))
        };
        assert_eq!(
            sizes(&counted(&[1, 2, 3, 4, 5, 6, 7, 20])),
            [
                ("1–2 pairs", 2),
                ("3–4 pairs", 2),
                ("5–6 pairs", 2),
                ("7–20 pairs", 2)
            ]
        );
        assert_eq!(
            sizes(&counted(&[1, 1, 1, 1, 1, 1, 9, 9])),
            [("1 pair", 6), ("9 pairs", 2)]
        );
        assert_eq!(sizes(&counted(&[3])), [("3 pairs", 1)]);
        assert_eq!(sizes(&counted(&[])), []);
    }

    #[test]
    fn only_words_of_other_classes_are_shared() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            (
                "entity2id.txt",
                "Guinea\t1\nguinea pig\t2\npig\t3\nMali\t4\nwild pigs\t5\n",
            ),
            ("gt/countries.txt", "1\tGuinea\t1\n4\tMali\t1\n"),
            ("gt/rodents.txt", "2\tguinea pig\t1\n"),
            ("gt/ungulates.txt", "3\tpig\t0\n5\twild pigs\t0\n"),
        ] {
            fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
            fs::write(folder.path().join(name), text).unwrap();
        }
        let groups = group_by_shared_words(&Dataset::open(folder.path()).unwrap());
        assert_eq!(
            sizes(&groups),
            [
                ("shares a word with another class", 2),
                ("shares no word", 1)
            ]
        );
        assert_eq!(groups.group_of(EntityId(1)), Some(0));
        assert_eq!(
            groups.group_of(EntityId(3)),
            None,
            "it is not a member of a class"
        );
    }
}
