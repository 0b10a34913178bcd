//! Entities in groups, to be looked at apart: by kind of picture, by shared words, by number of
//! pairs.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::data::{Dataset, EntityEvidence};
use crate::eval::error_analysis::words;
use crate::name::nfc;
use crate::types::{ClassId, EntityId};

/// Into how many parts entities fall by their number of pairs.
const PARTS: usize = 4;

/// Groups in an order that says something; an entity is in one at most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntityGroups {
    /// What they go by: "kind of picture".
    pub property: &'static str,
    pub names: Vec<String>,
    of: HashMap<EntityId, usize>,
}

impl EntityGroups {
    /// The place in `names` of an entity's group.
    pub fn group_of(&self, entity: EntityId) -> Option<usize> {
        self.of.get(&entity).copied()
    }

    /// Named groups, sorted by `rank`, then name.
    fn named<K: Ord>(
        by: &'static str,
        entities: impl Iterator<Item = (EntityId, String)>,
        rank: impl Fn(&str) -> K,
    ) -> EntityGroups {
        let entities: Vec<(EntityId, String)> = entities.collect();
        let mut names: Vec<String> = entities.iter().map(|(_, name)| name.clone()).collect();
        names.sort_by_key(|name| (rank(name), name.clone()));
        names.dedup();
        let place: HashMap<&str, usize> = names.iter().map(String::as_str).zip(0..).collect();
        let of = entities
            .iter()
            .map(|(entity, name)| (*entity, place[name.as_str()]))
            .collect();
        EntityGroups {
            property: by,
            names,
            of,
        }
    }
}

/// By the kinds of an entity's pictures, all of them: "photo", "drawing + icon". One kind before
/// several. A picture whose kind `kinds` ([`Dataset::image_kinds`]) does not have is of kind
/// "unknown".
pub fn group_by_image_kind(
    evidence: &HashMap<EntityId, EntityEvidence>,
    kinds: &HashMap<String, String>,
) -> EntityGroups {
    let name = |evidence: &EntityEvidence| {
        let file_names = evidence
            .images
            .iter()
            .filter_map(|picture| picture.file_name()?.to_str());
        let kind = |file: &str| {
            kinds
                .get(nfc(file).as_ref())
                .map_or("unknown", String::as_str)
        };
        let found: BTreeSet<&str> = file_names.map(kind).collect();
        found.into_iter().collect::<Vec<_>>().join(" + ")
    };
    let named = evidence
        .iter()
        .map(|(entity, evidence)| (*entity, name(evidence)));
    EntityGroups::named("kind of picture", named, |name| name.matches(" + ").count())
}

/// By whether a word of a member's name is also in the name of a member of a class that it is not
/// in, as in "guinea" and "guinea pig".
pub fn group_by_shared_words(dataset: &Dataset) -> EntityGroups {
    let mut classes_of: HashMap<EntityId, HashSet<ClassId>> = HashMap::new();
    let mut classes_with: HashMap<String, HashSet<ClassId>> = HashMap::new();
    for (class, id) in dataset.classes.iter().zip((0..).map(ClassId)) {
        for &member in &class.members {
            classes_of.entry(member).or_default().insert(id);
            for word in dataset.vocabulary.name(member).into_iter().flat_map(words) {
                classes_with.entry(word).or_default().insert(id);
            }
        }
    }
    let name = |entity: EntityId, own: &HashSet<ClassId>| {
        let mut words = dataset.vocabulary.name(entity).into_iter().flat_map(words);
        match words.any(|word| !classes_with[&word].is_subset(own)) {
            true => "shares a word with another class",
            false => "shares no word",
        }
    };
    let named = classes_of
        .iter()
        .map(|(entity, own)| (*entity, name(*entity, own).to_owned()));
    EntityGroups::named("words shared with other classes", named, |_| ())
}

/// By the number of pairs: four parts, as equal as equal numbers allow.
pub fn group_by_pair_count(evidence: &HashMap<EntityId, EntityEvidence>) -> EntityGroups {
    let mut counts: Vec<u32> = evidence.values().map(|evidence| evidence.pairs).collect();
    counts.sort_unstable();
    // a part ends with the last of its highest number
    let mut ends: Vec<u32> = (1..=PARTS)
        .filter_map(|part| counts.get((part * counts.len() / PARTS).checked_sub(1)?))
        .copied()
        .collect();
    ends.dedup();
    let name = |pairs: u32| {
        let part = ends.partition_point(|&end| end < pairs);
        let first = counts[counts.partition_point(|&count| part > 0 && count <= ends[part - 1])];
        match (first, ends[part]) {
            (1, 1) => "1 pair".to_owned(),
            (first, last) if first == last => format!("{first} pairs"),
            (first, last) => format!("{first}–{last} pairs"),
        }
    };
    let rank = |name: &str| {
        name.split(['–', ' '])
            .next()
            .and_then(|first| first.parse::<u32>().ok())
    };
    let named = evidence
        .iter()
        .map(|(entity, evidence)| (*entity, name(evidence.pairs)));
    EntityGroups::named("number of pairs", named, rank)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn sizes(groups: &EntityGroups) -> Vec<(&str, usize)> {
        let size = |at: usize| groups.of.values().filter(|&&place| place == at).count();
        groups
            .names
            .iter()
            .enumerate()
            .map(|(at, name)| (name.as_str(), size(at)))
            .collect()
    }

    fn evidence(entities: &[(u32, &[&str])]) -> HashMap<EntityId, EntityEvidence> {
        let of = |&(pairs, pictures): &(u32, &[&str])| EntityEvidence {
            pairs,
            images: pictures.iter().map(Into::into).collect(),
        };
        (0..).map(EntityId).zip(entities.iter().map(of)).collect()
    }

    #[test]
    fn pictures_group_by_all_their_kinds() {
        let kinds = [("a.png", "photo"), ("b.png", "icon"), ("c.png", "icon")]
            .map(|(f, k)| (f.to_owned(), k.to_owned()))
            .into();
        let of = evidence(&[
            (1, &["x/a.png", "b.png", "c.png"]),
            (1, &["b.png", "c.png"]),
            (1, &["d.png"]),
            (1, &["a.png"]),
        ]);
        let groups = group_by_image_kind(&of, &kinds);
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
    fn equal_numbers_of_pairs_stay_together() {
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
    fn a_word_is_shared_across_classes_only() {
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
        assert_eq!(groups.group_of(EntityId(3)), None, "it is no member");
    }
}
