//! Error analysis: tags that explain why an entity is wrongly in a ranking, or wrongly missing,
//! from classes, names, pairs and ranks.

use crate::data::Class;
use crate::eval::failure_tag::Tag;
use crate::eval::name_words::NameWords;
use crate::eval::pair_counts::PairCounts;
use crate::types::{ClassId, Mode};

/// A rank is far below another if it is at least this many times as deep,
const FAR_FACTOR: usize = 4;
/// and at least this many ranks deeper.
const FAR_RANKS: usize = 50;
/// A pick has drifted if its seed rank is at least this many times its rank,
const DRIFT_FACTOR: usize = 2;
/// and at least this many ranks deeper.
const DRIFT_RANKS: usize = 10;

/// Everything that is known about one failure. Ranks are from 1.
#[derive(Debug, Clone, Copy)]
pub struct FailureContext<'a> {
    pub name: &'a str,
    /// The rank in the list; `None` if the entity is missing from it.
    pub rank: Option<usize>,
    /// The length of the list.
    pub length: usize,
    /// The rank of the first wrong pick of the list, if there is one.
    pub first_wrong: Option<usize>,
    /// The mode of the list.
    pub mode: Mode,
    /// True if a window search grew the list, so that a wrong pick can lead to others.
    pub is_expansion: bool,
    /// The rank in the seed ranking of each mode.
    pub seed_ranks: &'a [(Mode, usize)],
    /// The number of pairs; `None` if the entity is not in the index.
    pub pairs: Option<u32>,
    /// The classes of which the entity is a member.
    pub known_classes: &'a [ClassId],
    /// Whether the entity is a negative of the class.
    pub is_negative: bool,
    /// The class that has the entity if classes draw from one pool, and its rank there; a rank of
    /// `None` means a seed.
    pub taken_by: Option<(ClassId, Option<usize>)>,
}

impl FailureContext<'_> {
    fn seed_rank(&self, mode: Mode) -> Option<usize> {
        let found = self.seed_ranks.iter().find(|(m, _)| *m == mode);
        found.map(|(_, rank)| *rank)
    }
}

/// Returns every tag that fits a failure of the class `gold`, those of class and name first.
/// `words` are those of the seeds and members.
pub fn failure_tags(
    context: &FailureContext,
    gold: ClassId,
    classes: &[Class],
    words: &NameWords,
    pairs: &PairCounts,
) -> Vec<Tag> {
    let Some(own_pairs) = context.pairs else {
        return vec![Tag::LeftOut];
    };
    let mut tags = Vec::new();
    if context.rank.is_some() {
        tags.extend(membership_tag(context, gold, classes));
        let shared = words.shared_with(context.name);
        tags.extend(shared.map(|(word, with)| Tag::SharedWord { word, with }));
    }
    if pairs.is_few(own_pairs) {
        tags.push(Tag::LongTail {
            pairs: own_pairs,
            typical: pairs.median,
        });
    }
    tags.extend(misleading_modality(context));
    // an entity that another class took from the pool was not lost by a wrong pick
    match context.taken_by.filter(|_| context.rank.is_none()) {
        Some((class, rank)) => tags.push(Tag::TakenByClass { class, rank }),
        None => tags.extend(drift(context)),
    }
    tags
}

/// Returns the tag of the classes of a false positive.
fn membership_tag(context: &FailureContext, gold: ClassId, classes: &[Class]) -> Option<Tag> {
    if context.known_classes.is_empty() {
        return (!context.is_negative).then_some(Tag::Unjudged);
    }
    class_tag(gold, context.known_classes, classes)
}

/// Returns a class that the entity belongs to, preferably a sibling of `gold`.
fn class_tag(gold: ClassId, known: &[ClassId], classes: &[Class]) -> Option<Tag> {
    if let Some(middle) = &classes[gold.index()].middle {
        for &class in known {
            if classes[class.index()].middle.as_ref() == Some(middle) {
                return Some(Tag::SiblingClass {
                    class,
                    middle: middle.clone(),
                });
            }
        }
    }
    known.first().map(|&class| Tag::OtherClass { class })
}

/// Returns the modality that ranks the entity far more wrongly than the other one. Only a modality
/// that the mode of the list sees can mislead.
fn misleading_modality(context: &FailureContext) -> Option<Tag> {
    let text = context.seed_rank(Mode::Text)?;
    let image = context.seed_rank(Mode::Image)?;
    // a false positive is misled by the modality that ranks it high, a missed one by the one that
    // ranks it low
    let [image_misleads, text_misleads] = match context.rank {
        Some(_) => [is_far_below(text, image), is_far_below(image, text)],
        None => [is_far_below(image, text), is_far_below(text, image)],
    };
    if image_misleads && context.mode.sees_image() {
        Some(Tag::ImageMisleads { image, text })
    } else if text_misleads && context.mode.sees_text() {
        Some(Tag::TextMisleads { text, image })
    } else {
        None
    }
}

/// Returns whether the rank `deep` is far below the rank `high`.
fn is_far_below(deep: usize, high: usize) -> bool {
    deep >= FAR_FACTOR * high && deep >= high + FAR_RANKS
}

/// Returns a tag if the earlier picks moved the entity far from its rank in the seed ranking.
fn drift(context: &FailureContext) -> Option<Tag> {
    let first_wrong = context.first_wrong?;
    let by_seeds = context.seed_rank(context.mode)?;
    let has_drifted = match context.rank {
        Some(rank) => {
            rank > first_wrong && by_seeds >= DRIFT_FACTOR * rank && by_seeds >= rank + DRIFT_RANKS
        }
        None => by_seeds <= context.length,
    };
    (context.is_expansion && has_drifted).then_some(Tag::Drift {
        first_wrong,
        rank: context.rank,
        by_seeds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::name_words::words;
    use crate::types::EntityId;

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

    fn tags_of(context: FailureContext) -> Vec<Tag> {
        let words = NameWords::from_names([
            (EntityId(1), "polar bear"),
            (EntityId(2), "Black Bear"),
            (EntityId(3), "sea lions"),
        ]);
        failure_tags(
            &context,
            ClassId(0),
            &classes(),
            &words,
            &PairCounts {
                lower_decile: 2,
                median: 8,
            },
        )
    }

    #[test]
    fn a_sibling_class_is_distinguished_from_other_classes() {
        let sibling = Tag::SiblingClass {
            class: ClassId(2),
            middle: "Animals".into(),
        };
        assert_eq!(
            tags_of(FailureContext {
                known_classes: &[ClassId(1), ClassId(2)],
                ..NONE
            }),
            [sibling]
        );
        assert_eq!(
            tags_of(FailureContext {
                known_classes: &[ClassId(1)],
                ..NONE
            }),
            [Tag::OtherClass { class: ClassId(1) }]
        );
        assert_eq!(
            tags_of(FailureContext {
                is_negative: false,
                ..NONE
            }),
            [Tag::Unjudged]
        );
        assert_eq!(tags_of(NONE), [], "a negative, and a member of no class");
        assert_eq!(
            tags_of(FailureContext {
                rank: None,
                known_classes: &[ClassId(0)],
                ..NONE
            }),
            [],
            "a missed member is of the class itself"
        );
        let without_middle = class_tag(ClassId(3), &[ClassId(4)], &classes());
        assert_eq!(
            without_middle,
            Some(Tag::OtherClass { class: ClassId(4) }),
            "classes without a middle class are not siblings"
        );
    }

    #[test]
    fn only_whole_meaningful_words_are_shared() {
        let bear = Tag::SharedWord {
            word: "bear".into(),
            with: EntityId(1),
        };
        assert_eq!(
            tags_of(FailureContext {
                name: "Bear's breeches",
                ..NONE
            }),
            [bear]
        );
        assert_eq!(
            tags_of(FailureContext {
                name: "lion",
                ..NONE
            }),
            [Tag::SharedWord {
                word: "lion".into(),
                with: EntityId(3)
            }]
        );
        assert_eq!(
            tags_of(FailureContext {
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
            tags_of(FailureContext {
                pairs: Some(2),
                ..NONE
            }),
            [Tag::LongTail {
                pairs: 2,
                typical: 8
            }]
        );
        assert_eq!(
            tags_of(FailureContext {
                pairs: Some(3),
                ..NONE
            }),
            []
        );
        assert_eq!(
            PairCounts::from_counts((1..=100).rev().collect()),
            PairCounts {
                lower_decile: 10,
                median: 51
            }
        );
        assert!(!PairCounts::from_counts(vec![5; 40]).is_few(5));
        assert!(!PairCounts::from_counts(Vec::new()).is_few(0));
    }

    #[test]
    fn a_modality_that_ranks_a_false_positive_far_higher_misleads() {
        let ranks = |text, image| [(Mode::Text, text), (Mode::Image, image)];
        let image = Tag::ImageMisleads {
            image: 3,
            text: 212,
        };
        assert_eq!(
            tags_of(FailureContext {
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
            tags_of(FailureContext {
                seed_ranks: &ranks(3, 212),
                ..NONE
            }),
            [text]
        );
        assert_eq!(
            tags_of(FailureContext {
                seed_ranks: &ranks(3, 20),
                ..NONE
            }),
            [],
            "a difference of few ranks does not count"
        );
        assert_eq!(
            tags_of(FailureContext {
                seed_ranks: &ranks(212, 3),
                mode: Mode::Text,
                ..NONE
            }),
            [],
            "the mode does not see images"
        );
        assert_eq!(
            tags_of(FailureContext {
                seed_ranks: &ranks(212, 3)[..1],
                ..NONE
            }),
            [],
            "only one modality has ranks"
        );
    }

    #[test]
    fn a_modality_that_ranks_a_missed_member_far_lower_misleads() {
        let seed_ranks = [(Mode::Text, 12), (Mode::Image, 300), (Mode::Both, 150)];
        let missed = FailureContext {
            rank: None,
            seed_ranks: &seed_ranks,
            ..NONE
        };
        assert_eq!(
            tags_of(missed),
            [Tag::ImageMisleads {
                image: 300,
                text: 12
            }]
        );
    }

    #[test]
    fn drift_is_a_large_difference_from_the_seed_ranking() {
        let seeds = |rank| [(Mode::Both, rank)];
        let drifted = Tag::Drift {
            first_wrong: 3,
            rank: Some(20),
            by_seeds: 90,
        };
        assert_eq!(
            tags_of(FailureContext {
                rank: Some(20),
                seed_ranks: &seeds(90),
                ..NONE
            }),
            [drifted]
        );
        assert_eq!(
            tags_of(FailureContext {
                rank: Some(20),
                seed_ranks: &seeds(25),
                ..NONE
            }),
            [],
            "the seed ranking is similar"
        );
        assert_eq!(
            tags_of(FailureContext {
                rank: Some(3),
                seed_ranks: &seeds(90),
                ..NONE
            }),
            [],
            "the first wrong pick itself"
        );
        assert_eq!(
            tags_of(FailureContext {
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
            tags_of(FailureContext {
                rank: None,
                seed_ranks: &seeds(40),
                ..NONE
            }),
            [lost]
        );
        assert_eq!(
            tags_of(FailureContext {
                rank: None,
                seed_ranks: &seeds(140),
                ..NONE
            }),
            []
        );
        assert_eq!(
            tags_of(FailureContext {
                rank: None,
                seed_ranks: &seeds(40),
                first_wrong: None,
                ..NONE
            }),
            []
        );
    }

    #[test]
    fn an_entity_of_another_class_is_taken_and_has_not_drifted() {
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
        assert_eq!(tags_of(missed), [drift]);
        for rank in [Some(7), None] {
            let taken_by = Some((ClassId(2), rank));
            assert_eq!(
                tags_of(FailureContext { taken_by, ..missed }),
                [Tag::TakenByClass {
                    class: ClassId(2),
                    rank
                }]
            );
            assert_eq!(
                tags_of(FailureContext { taken_by, ..NONE }),
                [],
                "a false positive is in the list"
            );
        }
    }

    #[test]
    fn an_entity_outside_the_index_has_no_other_tag() {
        assert_eq!(
            tags_of(FailureContext {
                rank: None,
                pairs: None,
                ..NONE
            }),
            [Tag::LeftOut]
        );
    }
}
