//! The causes of failures in words.

use crate::engine::protocol::{Catalogue, Tag};
use crate::types::EntityId;

/// Returns the explanation of a tag, to be read after its name and a colon.
pub(super) fn tag_text(catalogue: &Catalogue, tag: &Tag) -> String {
    match tag {
        Tag::SiblingClass { class, middle } => {
            format!("in {}, also in {middle}", catalogue.class(*class).title())
        }
        Tag::OtherClass { class } => format!("in {}", catalogue.class(*class).title()),
        Tag::Unjudged => "in no class, so it may be correct".into(),
        Tag::SharedWord { word, with } => format!("“{word}”, as in {}", name(catalogue, *with)),
        Tag::LongTail { pairs, typical } => {
            format!("{pairs} pairs; half of all entities have {typical} or more")
        }
        Tag::ImageMisleads { image, text } => format!("rank {image} by image, {text} by text"),
        Tag::TextMisleads { text, image } => format!("rank {text} by text, {image} by image"),
        Tag::Drift {
            first_wrong,
            rank,
            by_seeds,
        } => {
            let change = if rank.is_some() { "picked" } else { "lost" };
            format!(
                "rank {by_seeds} in the seed ranking; {change} after the first wrong pick, at {first_wrong}"
            )
        }
        Tag::TakenByClass {
            class,
            rank: Some(rank),
        } => {
            let class = catalogue.class(*class).title();
            format!("{class} has it at rank {rank}")
        }
        Tag::TakenByClass { class, rank: None } => {
            format!("it is a seed of {}", catalogue.class(*class).title())
        }
        Tag::LeftOut => "it has fewer than 2 usable sentence–picture pairs".into(),
    }
}

/// Returns the name of an entity, or its id if the catalogue does not have it.
fn name(catalogue: &Catalogue, entity: EntityId) -> String {
    match catalogue.entity(entity) {
        Some(card) => card.name.clone(),
        None => entity.to_string(),
    }
}
