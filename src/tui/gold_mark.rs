//! The gold's judgement of a candidate.

use crate::engine::protocol::Catalogue;
use crate::types::{ClassId, EntityId};

/// The gold's judgement of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoldMark {
    Gold,
    /// A negative of the class, or a known member of this other class.
    Other(Option<ClassId>),
    Unjudged,
}

/// Returns the judgement of `class`'s gold on an entity; without a class, `Unjudged`.
pub fn gold_mark(catalogue: &Catalogue, class: Option<ClassId>, entity: EntityId) -> GoldMark {
    let (Some(class), Some(card)) = (class, catalogue.entity(entity)) else {
        return GoldMark::Unjudged;
    };
    if card.classes.contains(&class) {
        return GoldMark::Gold;
    }
    let other = card.classes.first().copied();
    if other.is_some() || catalogue.class(class).negatives.contains(&entity) {
        return GoldMark::Other(other);
    }
    GoldMark::Unjudged
}
