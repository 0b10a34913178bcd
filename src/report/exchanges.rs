//! The part of the page that shows what was gained and lost, with pictures.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::eval::comparison::{ChangedEntity, RankingChange};
use crate::report::page::Report;

impl Report {
    pub(super) fn exchanges(&self) -> Markup {
        let of_pair = |exchanges: &[RankingChange]| {
            html! { @for (class, exchanges) in by_class(exchanges) { (self.exchanges_of(class, &exchanges)) } }
        };
        html! {
            section #exchanges {
                h2 { "Gained and lost" }
                p.quiet { "Entities among the first " (self.comparison.depth) " of the one and not of the other. A star is gold." }
                @if self.images_left_out > 0 {
                    p.quiet { "There is room for the pictures of the " (self.images.len()) " that were gained or lost most often, and none for those of " (self.images_left_out) " more." }
                }
                @for pair in &self.comparison.pairs {
                    @if let Some(paired) = pair.result.done() { (self.of_pair(pair, &of_pair(&paired.ranking_changes))) }
                }
            }
        }
    }

    fn exchanges_of(&self, class: &str, exchanges: &[&RankingChange]) -> Markup {
        let gold = |of: fn(&RankingChange) -> &Vec<ChangedEntity>| {
            exchanges
                .iter()
                .flat_map(|e| of(e))
                .filter(|e| e.gold)
                .count()
        };
        html! {
            details {
                summary { (class.replace('_', " ")) span.quiet { "gold gained " (gold(|e| &e.gained)) ", lost " (gold(|e| &e.lost)) } }
                @for exchange in exchanges {
                    div.exchange {
                        p.quiet { "query " (exchange.query) }
                        ul aria-label="gained" { @for entity in &exchange.gained { (self.entity("+", entity)) } }
                        ul aria-label="lost" { @for entity in &exchange.lost { (self.entity("−", entity)) } }
                    }
                }
            }
        }
    }

    fn entity(&self, sign: &str, entity: &ChangedEntity) -> Markup {
        let other = entity
            .other_rank
            .map_or("not in the other".to_owned(), |rank| {
                format!("{rank} in the other")
            });
        html! {
            li {
                @if self.images.contains_key(&entity.id) { span class={ "pic p" (entity.id) } {} }
                span {
                    (sign) " " span class=(if entity.gold { "gold" } else { "" }) { (entity.name.clone().unwrap_or_else(|| format!("entity {}", entity.id))) }
                    br; span.quiet { "rank " (entity.rank) ", " (other) }
                }
            }
        }
    }

    /// Each picture stands in the page once, however often it is shown.
    pub(super) fn picture_rules(&self) -> String {
        let sorted: BTreeMap<_, _> = self.images.iter().collect();
        sorted
            .into_iter()
            .map(|(id, address)| format!(".p{id}{{background-image:url({address})}}"))
            .collect()
    }
}

fn by_class(exchanges: &[RankingChange]) -> BTreeMap<&str, Vec<&RankingChange>> {
    let mut classes: BTreeMap<&str, Vec<&RankingChange>> = BTreeMap::new();
    for exchange in exchanges {
        classes
            .entry(exchange.query.split('/').next().unwrap_or_default())
            .or_default()
            .push(exchange);
    }
    classes
}
