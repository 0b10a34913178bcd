//! The section of the page about the entities that were gained and lost, with images.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::eval::comparison::{ChangedEntity, RankingChange};
use crate::report::report_data::Report;

impl Report {
    /// Returns the section with the changes of every compared pair.
    pub(super) fn changes_section(&self) -> Markup {
        html! {
            section #exchanges {
                h2 { "Gained and lost" }
                p.quiet {
                    "Entities among the first " (self.comparison.depth)
                    " of the one and not of the other. A star is gold."
                }
                @if self.images_left_out > 0 {
                    p.quiet {
                        "There is room for the pictures of the " (self.images.len())
                        " that were gained or lost most often, and none for those of "
                        (self.images_left_out) " more."
                    }
                }
                @for pair in &self.comparison.pairs {
                    @if let Some(result) = pair.result.done() {
                        (self.pair_part(pair, &self.changes_by_class(&result.ranking_changes)))
                    }
                }
            }
        }
    }

    fn changes_by_class(&self, changes: &[RankingChange]) -> Markup {
        html! {
            @for (class, changes) in group_by_class(changes) {
                (self.class_changes(class, &changes))
            }
        }
    }

    fn class_changes(&self, class: &str, changes: &[&RankingChange]) -> Markup {
        let gained = count_gold(changes.iter().flat_map(|change| &change.gained));
        let lost = count_gold(changes.iter().flat_map(|change| &change.lost));
        html! {
            details {
                summary {
                    (class.replace('_', " "))
                    span.quiet { "gold gained " (gained) ", lost " (lost) }
                }
                @for change in changes { (self.query_changes(change)) }
            }
        }
    }

    fn query_changes(&self, change: &RankingChange) -> Markup {
        html! {
            div.exchange {
                p.quiet { "query " (change.query) }
                ul aria-label="gained" {
                    @for entity in &change.gained { (self.entity_item("+", entity)) }
                }
                ul aria-label="lost" {
                    @for entity in &change.lost { (self.entity_item("−", entity)) }
                }
            }
        }
    }

    fn entity_item(&self, sign: &str, entity: &ChangedEntity) -> Markup {
        let unnamed = || format!("entity {}", entity.id);
        let name = entity.name.clone().unwrap_or_else(unnamed);
        let class = if entity.gold { "gold" } else { "" };
        let other = match entity.other_rank {
            Some(rank) => format!("{rank} in the other"),
            None => "not in the other".to_owned(),
        };
        html! {
            li {
                @if self.images.contains_key(&entity.id) {
                    span class={ "pic p" (entity.id) } {}
                }
                span {
                    (sign) " " span class=(class) { (name) }
                    br;
                    span.quiet { "rank " (entity.rank) ", " (other) }
                }
            }
        }
    }

    /// Returns a CSS rule per image, so that an image is in the page once, however often it is
    /// shown.
    pub(super) fn image_rules(&self) -> String {
        let sorted: BTreeMap<_, _> = self.images.iter().collect();
        sorted
            .into_iter()
            .map(|(id, address)| format!(".p{id}{{background-image:url({address})}}"))
            .collect()
    }
}

fn count_gold<'a>(entities: impl Iterator<Item = &'a ChangedEntity>) -> usize {
    entities.filter(|entity| entity.gold).count()
}

/// Groups changes by the class in their query's id.
fn group_by_class(changes: &[RankingChange]) -> BTreeMap<&str, Vec<&RankingChange>> {
    let mut classes: BTreeMap<&str, Vec<&RankingChange>> = BTreeMap::new();
    for change in changes {
        let class = change.query.split('/').next().unwrap_or_default();
        classes.entry(class).or_default().push(change);
    }
    classes
}
