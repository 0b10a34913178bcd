//! Why an entity is wrongly in a list, or wrongly not: tags made from classes, names, pairs and
//! ranks.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use unicode_normalization::char::is_combining_mark;

use crate::data::Class;
use crate::name::nfc;
use crate::types::{ClassId, EntityId, Mode};

/// A rank is far below another when it is so many times as deep,
const TIMES_AS_DEEP: usize = 4;
/// and so many ranks deeper.
const RANKS_DEEPER: usize = 50;
/// Words of a name that are shorter say little.
const SHORTEST_WORD: usize = 3;
/// Nor do these.
const EMPTY_WORDS: [&str; 5] = ["and", "the", "for", "from", "with"];

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FailureKind {
    /// In the list, and no member of the class.
    FalsePositive,
    /// A member, no seed, and not in the list.
    Missed,
}

/// A reason, with the numbers that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tag {
    /// A member of a class with the same middle class.
    SiblingClass { class: ClassId, middle: String },
    /// A member of a class elsewhere.
    OtherClass { class: ClassId },
    /// A member of no class, and not judged.
    Unjudged,
    /// Its name has a word of a seed's or a member's.
    SharedWord { word: String, with: EntityId },
    /// Few pairs: no more than the tenth of all entities that have the fewest. `typical`: the
    /// median.
    LongTail { pairs: u32, typical: u32 },
    /// By the seeds the picture ranks it far better (a missed one: far worse) than the text. Ranks
    /// from 1.
    ImageMisleads { image: usize, text: usize },
    /// The other way round.
    TextMisleads { text: usize, image: usize },
    /// After the list's first wrong pick: there, though far deeper by the seeds alone; or (`rank`
    /// none) not there, though near by the seeds alone.
    Drift {
        first_wrong: usize,
        rank: Option<usize>,
        by_seeds: usize,
    },
    /// Jointly another class has it: at this rank of its list, from 1, or (none) among its seeds.
    TakenByClass { class: ClassId, rank: Option<usize> },
    /// A member that is not in the index.
    LeftOut,
}

/// A tag without its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TagKind {
    SiblingClass,
    OtherClass,
    Unjudged,
    SharedWord,
    LongTail,
    ImageMisleads,
    TextMisleads,
    Drift,
    TakenByClass,
    LeftOut,
}

impl TagKind {
    /// In the order in which they are listed.
    pub const ALL: [TagKind; 10] = [
        TagKind::SiblingClass,
        TagKind::OtherClass,
        TagKind::Unjudged,
        TagKind::SharedWord,
        TagKind::LongTail,
        TagKind::ImageMisleads,
        TagKind::TextMisleads,
        TagKind::Drift,
        TagKind::TakenByClass,
        TagKind::LeftOut,
    ];

    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            TagKind::SiblingClass => "sibling class",
            TagKind::OtherClass => "other class",
            TagKind::Unjudged => "unjudged",
            TagKind::SharedWord => "shared word",
            TagKind::LongTail => "long tail",
            TagKind::ImageMisleads => "picture misleads",
            TagKind::TextMisleads => "text misleads",
            TagKind::Drift => "drift",
            TagKind::TakenByClass => "taken by another class",
            TagKind::LeftOut => "not in the index",
        }
    }
}

impl Tag {
    pub fn kind(&self) -> TagKind {
        match self {
            Tag::SiblingClass { .. } => TagKind::SiblingClass,
            Tag::OtherClass { .. } => TagKind::OtherClass,
            Tag::Unjudged => TagKind::Unjudged,
            Tag::SharedWord { .. } => TagKind::SharedWord,
            Tag::LongTail { .. } => TagKind::LongTail,
            Tag::ImageMisleads { .. } => TagKind::ImageMisleads,
            Tag::TextMisleads { .. } => TagKind::TextMisleads,
            Tag::Drift { .. } => TagKind::Drift,
            Tag::TakenByClass { .. } => TagKind::TakenByClass,
            Tag::LeftOut => TagKind::LeftOut,
        }
    }
}

/// What is known of one failure.
#[derive(Debug, Clone, Copy)]
pub struct FailureContext<'a> {
    pub name: &'a str,
    /// In the list, from 1; none: it is missed.
    pub rank: Option<usize>,
    /// How long the list is.
    pub length: usize,
    /// The rank of the list's first wrong pick, where there is one.
    pub first_wrong: Option<usize>,
    /// The mode of the list.
    pub mode: Mode,
    /// Whether the list is an expansion, and not ranked by the seeds itself.
    pub is_expansion: bool,
    /// Its rank by the seeds alone in each mode, from 1.
    pub seed_ranks: &'a [(Mode, usize)],
    /// None: it is not in the index.
    pub pairs: Option<u32>,
    /// The classes that it is known to be a member of.
    pub known_classes: &'a [ClassId],
    /// Whether it was judged not to be a member.
    pub is_negative: bool,
    /// Which class has it where classes draw from one pool, and at which rank; none: as a seed.
    pub taken_by: Option<(ClassId, Option<usize>)>,
}

impl FailureContext<'_> {
    fn rank_in(&self, mode: Mode) -> Option<usize> {
        self.seed_ranks
            .iter()
            .find(|(m, _)| *m == mode)
            .map(|(_, rank)| *rank)
    }
}

/// Every tag that fits, class and name first. `words`: of the seeds and members.
pub fn failure_tags(
    facts: &FailureContext,
    gold: ClassId,
    classes: &[Class],
    words: &NameWords,
    pairs: &PairCounts,
) -> Vec<Tag> {
    let wrong = facts.rank.is_some();
    let Some(own_pairs) = facts.pairs else {
        return vec![Tag::LeftOut];
    };
    let unjudged = (facts.known_classes.is_empty() && !facts.is_negative).then_some(Tag::Unjudged);
    let class = if wrong {
        class(gold, facts.known_classes, classes).or(unjudged)
    } else {
        None
    };
    let word = if wrong {
        words.shared_with(facts.name)
    } else {
        None
    };
    let taken = facts
        .taken_by
        .filter(|_| !wrong)
        .map(|(class, rank)| Tag::TakenByClass { class, rank });
    // what is gone from the pool was not lost by a wrong pick
    let drift = if taken.is_none() { drift(facts) } else { None };
    [
        class,
        word,
        pairs.few(own_pairs),
        misled(facts),
        drift,
        taken,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A class that it belongs to, a sibling of `gold` before others.
fn class(gold: ClassId, known: &[ClassId], classes: &[Class]) -> Option<Tag> {
    let middle = classes[gold.index()].middle.as_ref();
    let sibling = known
        .iter()
        .find(|c| middle.is_some() && classes[c.index()].middle.as_ref() == middle);
    match (sibling, middle) {
        (Some(&class), Some(middle)) => Some(Tag::SiblingClass {
            class,
            middle: middle.clone(),
        }),
        _ => known.first().map(|&class| Tag::OtherClass { class }),
    }
}

/// One modality puts it where it does not belong and the other would not. Only a modality that the
/// list was made with can mislead it.
fn misled(facts: &FailureContext) -> Option<Tag> {
    let (text, image) = (facts.rank_in(Mode::Text)?, facts.rank_in(Mode::Image)?);
    let far =
        |near: usize, deep: usize| deep >= TIMES_AS_DEEP * near && deep >= near + RANKS_DEEPER;
    // a false positive is misled by what ranks it high, a missed one by what ranks it low
    let (by_image, by_text) = match facts.rank {
        Some(_) => (far(image, text), far(text, image)),
        None => (far(text, image), far(image, text)),
    };
    match (
        by_image && facts.mode.sees_image(),
        by_text && facts.mode.sees_text(),
    ) {
        (true, _) => Some(Tag::ImageMisleads { image, text }),
        (_, true) => Some(Tag::TextMisleads { text, image }),
        _ => None,
    }
}

/// What was picked before changed its place: the seeds alone say otherwise.
fn drift(facts: &FailureContext) -> Option<Tag> {
    let (first_wrong, by_seeds) = (facts.first_wrong?, facts.rank_in(facts.mode)?);
    let drifted = match facts.rank {
        Some(rank) => rank > first_wrong && by_seeds >= 2 * rank && by_seeds >= rank + 10,
        None => by_seeds <= facts.length,
    };
    (facts.is_expansion && drifted).then_some(Tag::Drift {
        first_wrong,
        rank: facts.rank,
        by_seeds,
    })
}

/// The words of some entities' names, each with the first that has it.
#[derive(Debug, Clone, Default)]
pub struct NameWords(HashMap<String, EntityId>);

impl NameWords {
    pub fn from_names<'a>(names: impl IntoIterator<Item = (EntityId, &'a str)>) -> NameWords {
        let mut found = HashMap::new();
        for (entity, name) in names {
            for word in words(name) {
                found.entry(word).or_insert(entity);
            }
        }
        NameWords(found)
    }

    fn shared_with(&self, name: &str) -> Option<Tag> {
        let (word, with) =
            words(name).find_map(|word| self.0.get(&word).map(|&with| (word, with)))?;
        Some(Tag::SharedWord { word, with })
    }
}

/// Words that say something, folded; a plural's s is dropped.
pub(super) fn words(name: &str) -> impl Iterator<Item = String> + use<> {
    // an accent may be a character of its own
    let ends = |letter: char| !letter.is_alphanumeric() && !is_combining_mark(letter);
    let split: Vec<String> = nfc(name).split(ends).map(str::to_lowercase).collect();
    let telling = split
        .into_iter()
        .filter(|w| w.chars().count() >= SHORTEST_WORD && !EMPTY_WORDS.contains(&w.as_str()));
    telling.map(|word| match word.strip_suffix('s') {
        Some(one) if one.len() > SHORTEST_WORD && !one.ends_with('s') => one.to_owned(),
        _ => word,
    })
}

/// How many pairs entities have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairCounts {
    /// The lower decile.
    few: u32,
    median: u32,
}

impl PairCounts {
    /// From every entity's count; the order does not matter.
    pub fn from_counts(mut counts: Vec<u32>) -> PairCounts {
        counts.sort_unstable();
        let at = |place: usize| counts.get(place).copied().unwrap_or(0);
        PairCounts {
            few: at(counts.len().saturating_sub(1) / 10),
            median: at(counts.len() / 2),
        }
    }

    /// Where all have the same count nobody has few.
    fn few(&self, pairs: u32) -> Option<Tag> {
        (pairs <= self.few && pairs < self.median).then_some(Tag::LongTail {
            pairs,
            typical: self.median,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: FailureContext = FailureContext {
        name: "horse",
        rank: Some(3),
        length: 100,
        first_wrong: Some(3),
        mode: Mode::Both,
        is_expansion: true,
        seed_ranks: &[],
        pairs: Some(7),
        known_classes: &[],
        is_negative: true,
        taken_by: None,
    };

    fn classes() -> Vec<Class> {
        let class = |middle: Option<&str>| Class {
            middle: middle.map(Into::into),
            ..Class::default()
        };
        vec![
            class(Some("Animals")),
            class(Some("Plants")),
            class(Some("Animals")),
            class(None),
            class(None),
        ]
    }

    fn of(facts: FailureContext) -> Vec<Tag> {
        let words = NameWords::from_names([
            (EntityId(1), "polar bear"),
            (EntityId(2), "Black Bear"),
            (EntityId(3), "sea lions"),
        ]);
        failure_tags(
            &facts,
            ClassId(0),
            &classes(),
            &words,
            &PairCounts { few: 2, median: 8 },
        )
    }

    #[test]
    fn a_sibling_is_told_from_another_class() {
        let sibling = Tag::SiblingClass {
            class: ClassId(2),
            middle: "Animals".into(),
        };
        assert_eq!(
            of(FailureContext {
                known_classes: &[ClassId(1), ClassId(2)],
                ..NONE
            }),
            [sibling]
        );
        assert_eq!(
            of(FailureContext {
                known_classes: &[ClassId(1)],
                ..NONE
            }),
            [Tag::OtherClass { class: ClassId(1) }]
        );
        assert_eq!(
            of(FailureContext {
                is_negative: false,
                ..NONE
            }),
            [Tag::Unjudged]
        );
        assert_eq!(of(NONE), [], "judged, and known of no class");
        assert_eq!(
            of(FailureContext {
                rank: None,
                known_classes: &[ClassId(0)],
                ..NONE
            }),
            [],
            "a missed one is of the class itself"
        );
        let without_middle = class(ClassId(3), &[ClassId(4)], &classes());
        assert_eq!(
            without_middle,
            Some(Tag::OtherClass { class: ClassId(4) }),
            "no middle class is none in common"
        );
    }

    #[test]
    fn a_shared_word_is_a_whole_one_that_says_something() {
        let bear = Tag::SharedWord {
            word: "bear".into(),
            with: EntityId(1),
        };
        assert_eq!(
            of(FailureContext {
                name: "Bear's breeches",
                ..NONE
            }),
            [bear]
        );
        assert_eq!(
            of(FailureContext {
                name: "lion",
                ..NONE
            }),
            [Tag::SharedWord {
                word: "lion".into(),
                with: EntityId(3)
            }]
        );
        assert_eq!(
            of(FailureContext {
                name: "beard",
                ..NONE
            }),
            []
        );
        assert_eq!(
            words("the Isle of Man and the glass bus").collect::<Vec<_>>(),
            ["isle", "man", "glass", "bus"]
        );
        assert_eq!(words("Co\u{302}te d'Or").next(), words("Côte d'Or").next());
    }

    #[test]
    fn the_long_tail_is_the_tenth_with_the_fewest_pairs() {
        assert_eq!(
            of(FailureContext {
                pairs: Some(2),
                ..NONE
            }),
            [Tag::LongTail {
                pairs: 2,
                typical: 8
            }]
        );
        assert_eq!(
            of(FailureContext {
                pairs: Some(3),
                ..NONE
            }),
            []
        );
        assert_eq!(
            PairCounts::from_counts((1..=100).rev().collect()),
            PairCounts {
                few: 10,
                median: 51
            }
        );
        assert_eq!(PairCounts::from_counts(vec![5; 40]).few(5), None);
        assert_eq!(PairCounts::from_counts(Vec::new()).few(0), None);
    }

    #[test]
    fn what_ranks_a_false_positive_far_better_misleads() {
        let ranks = |text, image| [(Mode::Text, text), (Mode::Image, image)];
        let image = Tag::ImageMisleads {
            image: 3,
            text: 212,
        };
        assert_eq!(
            of(FailureContext {
                seed_ranks: &ranks(212, 3),
                ..NONE
            }),
            [image]
        );
        let text = Tag::TextMisleads {
            text: 3,
            image: 212,
        };
        assert_eq!(
            of(FailureContext {
                seed_ranks: &ranks(3, 212),
                ..NONE
            }),
            [text]
        );
        assert_eq!(
            of(FailureContext {
                seed_ranks: &ranks(3, 20),
                ..NONE
            }),
            [],
            "a few ranks are nothing"
        );
        assert_eq!(
            of(FailureContext {
                seed_ranks: &ranks(212, 3),
                mode: Mode::Text,
                ..NONE
            }),
            [],
            "no picture was seen"
        );
        assert_eq!(
            of(FailureContext {
                seed_ranks: &ranks(212, 3)[..1],
                ..NONE
            }),
            [],
            "one modality alone"
        );
    }

    #[test]
    fn what_ranks_a_missed_one_far_worse_misleads() {
        let seed_ranks = [(Mode::Text, 12), (Mode::Image, 300), (Mode::Both, 150)];
        let missed = FailureContext {
            rank: None,
            seed_ranks: &seed_ranks,
            ..NONE
        };
        assert_eq!(
            of(missed),
            [Tag::ImageMisleads {
                image: 300,
                text: 12
            }]
        );
    }

    #[test]
    fn drift_is_what_the_seeds_alone_would_not_have_done() {
        let seeds = |rank| [(Mode::Both, rank)];
        let drifted = Tag::Drift {
            first_wrong: 3,
            rank: Some(20),
            by_seeds: 90,
        };
        assert_eq!(
            of(FailureContext {
                rank: Some(20),
                seed_ranks: &seeds(90),
                ..NONE
            }),
            [drifted]
        );
        assert_eq!(
            of(FailureContext {
                rank: Some(20),
                seed_ranks: &seeds(25),
                ..NONE
            }),
            [],
            "the seeds say so too"
        );
        assert_eq!(
            of(FailureContext {
                rank: Some(3),
                seed_ranks: &seeds(90),
                ..NONE
            }),
            [],
            "the first wrong pick itself"
        );
        assert_eq!(
            of(FailureContext {
                rank: Some(20),
                seed_ranks: &seeds(90),
                is_expansion: false,
                ..NONE
            }),
            []
        );
        let lost = Tag::Drift {
            first_wrong: 3,
            rank: None,
            by_seeds: 40,
        };
        assert_eq!(
            of(FailureContext {
                rank: None,
                seed_ranks: &seeds(40),
                ..NONE
            }),
            [lost]
        );
        assert_eq!(
            of(FailureContext {
                rank: None,
                seed_ranks: &seeds(140),
                ..NONE
            }),
            []
        );
        assert_eq!(
            of(FailureContext {
                rank: None,
                seed_ranks: &seeds(40),
                first_wrong: None,
                ..NONE
            }),
            []
        );
    }

    #[test]
    fn what_another_class_has_is_taken_and_no_drift() {
        let seed_ranks = [(Mode::Both, 2)];
        let missed = FailureContext {
            rank: None,
            seed_ranks: &seed_ranks,
            ..NONE
        };
        let drift = Tag::Drift {
            first_wrong: 3,
            rank: None,
            by_seeds: 2,
        };
        assert_eq!(of(missed), [drift]);
        for rank in [Some(7), None] {
            let taken_by = Some((ClassId(2), rank));
            assert_eq!(
                of(FailureContext { taken_by, ..missed }),
                [Tag::TakenByClass {
                    class: ClassId(2),
                    rank
                }]
            );
            assert_eq!(
                of(FailureContext { taken_by, ..NONE }),
                [],
                "a false positive is in the list"
            );
        }
    }

    #[test]
    fn what_is_not_in_the_index_has_that_reason_alone() {
        assert_eq!(
            of(FailureContext {
                rank: None,
                pairs: None,
                ..NONE
            }),
            [Tag::LeftOut]
        );
    }
}
