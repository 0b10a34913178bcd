//! The kinds of failures of a ranking, and the tags that explain them.

use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::types::{ClassId, EntityId};

/// The kind of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FailureKind {
    /// An entity in the ranking that is not a member of the class.
    FalsePositive,
    /// A member that is neither a seed nor in the ranking.
    Missed,
}

/// A possible reason of a failure, with the numbers that it is based on. Ranks are from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::EnumDiscriminants)]
#[strum_discriminants(
    name(TagKind),
    doc = "A tag without its numbers, in the order in which tags are listed.",
    derive(
        Hash,
        PartialOrd,
        Ord,
        Serialize,
        Deserialize,
        strum::IntoStaticStr,
        strum::VariantArray
    )
)]
pub enum Tag {
    /// The entity is a member of a class with the same middle class.
    #[strum_discriminants(strum(serialize = "sibling class"))]
    SiblingClass { class: ClassId, middle: String },
    /// The entity is a member of a class elsewhere.
    #[strum_discriminants(strum(serialize = "other class"))]
    OtherClass { class: ClassId },
    /// The entity is a member of no class, and not a negative of this one.
    #[strum_discriminants(strum(serialize = "unjudged"))]
    Unjudged,
    /// The name shares a word with that of a seed or a member.
    #[strum_discriminants(strum(serialize = "shared word"))]
    SharedWord { word: String, with: EntityId },
    /// The entity is among the tenth with the fewest pairs. `typical` is the median of all
    /// entities.
    #[strum_discriminants(strum(serialize = "long tail"))]
    LongTail { pairs: u32, typical: u32 },
    /// In the seed rankings the image ranks a false positive far higher than the text does, or a
    /// missed member far lower.
    #[strum_discriminants(strum(serialize = "picture misleads"))]
    ImageMisleads { image: usize, text: usize },
    /// The same with text and image exchanged.
    #[strum_discriminants(strum(serialize = "text misleads"))]
    TextMisleads { text: usize, image: usize },
    /// After the first wrong pick, an entity was picked that is far lower in the seed ranking; or
    /// (`rank` is `None`) a member was missed that the seed ranking has within the length of the
    /// list.
    #[strum_discriminants(strum(serialize = "drift"))]
    Drift {
        first_wrong: usize,
        rank: Option<usize>,
        by_seeds: usize,
    },
    /// In joint ranking another class has the entity: at this rank, or (`None`) as a seed.
    #[strum_discriminants(strum(serialize = "taken by another class"))]
    TakenByClass { class: ClassId, rank: Option<usize> },
    /// The member is not in the index.
    #[strum_discriminants(strum(serialize = "not in the index"))]
    LeftOut,
}

impl TagKind {
    /// Every kind, in the order in which tags are listed.
    pub const ALL: &'static [TagKind] = TagKind::VARIANTS;

    /// Returns the name for people.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Tag {
    /// Returns the tag without its numbers.
    pub fn kind(&self) -> TagKind {
        self.into()
    }
}
