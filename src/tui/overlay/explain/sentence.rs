//! An explanation in one sentence, computed from its numbers: why here, and why above the other.

use crate::engine::protocol::{
    Catalogue, EntityExplanation, EntityStatus, Explained, RerankedRank,
};
use crate::tui::ui::labels::missing_reason;
use crate::types::ModalityParts;

/// Differences below this are none.
const SAME: f64 = 0.005;

/// Of one entity where it stands, of two why one is above.
pub fn verdict(explained: &Explained, catalogue: &Catalogue) -> String {
    let said = Said {
        explained,
        catalogue,
    };
    match &explained.entities[..] {
        [first, second] => said.pair(first, second),
        [only, ..] => said.alone(only),
        [] => String::new(),
    }
}

struct Said<'a> {
    explained: &'a Explained,
    catalogue: &'a Catalogue,
}

impl Said<'_> {
    fn alone(&self, why: &EntityExplanation) -> String {
        let name = self.catalogue.name(why.entity);
        let mut said = match &why.standing {
            EntityStatus::Seed => return format!("{name} is a seed: seeds are not ranked."),
            EntityStatus::Missing(missing) => format!(
                "{name} is not in the list: {}",
                missing_reason(self.catalogue, missing)
            ),
            EntityStatus::Listed(place) => format!("{name} is {} of {}", place.rank, place.of),
        };
        if let Some(by) = self.contest_lost(why) {
            said.push_str(&by);
        }
        if !why.seeds.is_empty() {
            said.push_str(&format!(
                "; the seeds bring {:.2}{}",
                why.score,
                mostly(why.parts)
            ));
        }
        if let (Some(seed), true) = (most(why), why.seeds.len() > 1) {
            let seed = self.catalogue.name(self.explained.seeds[seed].seed);
            said.push_str(&format!(", {seed} the most"));
        }
        if let EntityStatus::Listed(place) = &why.standing {
            said.push_str(&format!("; picked as number {}", place.picked));
            said.push_str(&match place.rank as i64 - place.picked as i64 {
                0 => ", and re-ranking left it there".to_owned(),
                up if up < 0 => format!(", and re-ranking moved it up {}", -up),
                down => format!(", and re-ranking moved it down {down}"),
            });
        }
        said + "."
    }

    /// " (to lynx, by .0078)" of one that lost the window that decided.
    fn contest_lost(&self, why: &EntityExplanation) -> Option<String> {
        let contest = why
            .contest
            .as_ref()
            .filter(|contest| contest.winner != why.entity)?;
        let by = contest.lost_by(contest.rival(why.entity)?);
        Some(format!(
            " ({} won by {})",
            self.catalogue.name(contest.winner),
            small(by)
        ))
    }

    fn pair(&self, first: &EntityExplanation, second: &EntityExplanation) -> String {
        match (&first.standing, &second.standing) {
            (EntityStatus::Listed(a), EntityStatus::Listed(b)) if a.rank <= b.rank => {
                self.above((first, a), (second, b))
            }
            (EntityStatus::Listed(a), EntityStatus::Listed(b)) => {
                self.above((second, b), (first, a))
            }
            (EntityStatus::Listed(place), _) => self.only_one((first, place), second),
            (_, EntityStatus::Listed(place)) => self.only_one((second, place), first),
            _ => format!("{} {}", self.alone(first), self.alone(second)),
        }
    }

    fn only_one(
        &self,
        (upper, place): (&EntityExplanation, &RerankedRank),
        lower: &EntityExplanation,
    ) -> String {
        let name = self.catalogue.name(lower.entity);
        let why = match &lower.standing {
            EntityStatus::Missing(missing) => {
                format!(
                    "{name} is not listed: {}",
                    missing_reason(self.catalogue, missing)
                )
            }
            _ => format!("{name} is a seed"),
        };
        let lost = self.contest_lost(lower).unwrap_or_default();
        let mut said = format!(
            "{} is {} of {}, and {why}{lost}",
            self.catalogue.name(upper.entity),
            place.rank,
            place.of
        );
        said.extend(self.score(upper, lower).map(|score| format!("; {score}")));
        said + "."
    }

    /// What speaks for the upper one first; what speaks against it after “though”.
    fn above(
        &self,
        (upper, a): (&EntityExplanation, &RerankedRank),
        (lower, b): (&EntityExplanation, &RerankedRank),
    ) -> String {
        let mut reasons: Vec<(bool, String)> = Vec::new();
        if let Some(score) = self.score(upper, lower) {
            reasons.push((upper.score > lower.score, score));
        }
        let (sooner, by) = (a.picked < b.picked, a.picked.abs_diff(b.picked));
        let when = if sooner { "earlier" } else { "later" };
        let round = if by == 1 { "round" } else { "rounds" };
        reasons.push((
            sooner,
            format!("picked {by} {round} {when}{}", self.met(upper, lower)),
        ));
        let nearer = a.by_divergence < b.by_divergence;
        let less = if nearer { "less" } else { "more" };
        let ranks = format!("{} against {}", a.by_divergence, b.by_divergence);
        // without its weight it has no say
        if self.explained.ask.settings.weights()[1] > 0 {
            reasons.push((
                nearer,
                format!("diverges {less} from the finished set (rank {ranks})"),
            ));
        }
        let of = |speaks: bool| -> Vec<&str> {
            reasons
                .iter()
                .filter(|(for_it, _)| *for_it == speaks)
                .map(|(_, said)| said.as_str())
                .collect()
        };
        let head = format!(
            "{} ({}) is above {} ({})",
            self.catalogue.name(upper.entity),
            a.rank,
            self.catalogue.name(lower.entity),
            b.rank
        );
        let (because, though) = (of(true).join("; "), of(false).join("; "));
        match (because.is_empty(), though.is_empty()) {
            (false, true) => format!("{head} because: {because}."),
            (false, false) => format!("{head} because: {because}; though: {though}."),
            // by the re-ranking's sum alone
            _ => format!("{head}, though: {though}."),
        }
    }

    /// ", out of one window" where both competed for the same pick.
    fn met(&self, upper: &EntityExplanation, lower: &EntityExplanation) -> String {
        let meeting = [upper, lower]
            .into_iter()
            .filter_map(|why| why.contest.as_ref());
        let both = |contest: &&crate::engine::protocol::WindowPick| {
            contest.rival(upper.entity).is_some() && contest.rival(lower.entity).is_some()
        };
        let Some(contest) = meeting.into_iter().find(both) else {
            return String::new();
        };
        let divergence = |why: &EntityExplanation| {
            contest
                .rival(why.entity)
                .map_or(0.0, |rival| rival.divergence)
        };
        let by = (divergence(lower) - divergence(upper)).abs();
        format!(
            " (both in the window of pick {}, apart by {})",
            contest.pick,
            small(by)
        )
    }

    /// “lion brings 2.10 more, mostly by pictures”, or what all seeds do where they do the opposite
    /// of it.
    fn score(&self, upper: &EntityExplanation, lower: &EntityExplanation) -> Option<String> {
        if upper.seeds.is_empty() || lower.seeds.is_empty() {
            return None;
        }
        let all = upper.score - lower.score;
        if all.abs() < SAME {
            return None;
        }
        let more = |by: f64| if by > 0.0 { "more" } else { "less" };
        let apart: Vec<f64> = upper
            .seeds
            .iter()
            .zip(&lower.seeds)
            .map(|(a, b)| (a.z - b.z) * all.signum())
            .collect();
        let widest = (0..apart.len()).max_by(|&a, &b| apart[a].total_cmp(&apart[b]))?;
        let seed = self.catalogue.name(self.explained.seeds[widest].seed);
        let (a, b) = (upper.seeds[widest].parts, lower.seeds[widest].parts);
        let by = a
            .zip(b)
            .map(|(a, b)| mostly(Some(minus(a, b, all.signum()))))
            .unwrap_or_default();
        let one = format!("{seed} brings {:.2} {}{by}", apart[widest], more(all));
        if apart.len() == 1 {
            return Some(one);
        }
        Some(format!(
            "{one} ({:.2} {} from all seeds)",
            all.abs(),
            more(all)
        ))
    }
}

fn minus(a: ModalityParts, b: ModalityParts, sign: f64) -> ModalityParts {
    ModalityParts {
        prior: (a.prior - b.prior) * sign,
        text: (a.text - b.text) * sign,
        image: (a.image - b.image) * sign,
    }
}

/// The part that brings the most, if that is more than half of the sum and more than all others
/// that add to it, as a phrase.
fn mostly(parts: Option<ModalityParts>) -> &'static str {
    let Some(parts) = parts else { return "" };
    let added = [
        (parts.text, ", mostly by text"),
        (parts.image, ", mostly by pictures"),
        (parts.prior, ", mostly by the prior"),
    ];
    let half = added.iter().map(|(part, _)| part.max(0.0)).sum::<f64>() / 2.0;
    let most = added
        .into_iter()
        .find(|(part, _)| *part > half && parts.sum() > 0.0);
    most.map_or("", |(_, phrase)| phrase)
}

/// The seed that brings the most.
fn most(why: &EntityExplanation) -> Option<usize> {
    (0..why.seeds.len()).max_by(|&a, &b| why.seeds[a].z.total_cmp(&why.seeds[b].z))
}

/// A divergence without its 0.
pub fn small(value: f64) -> String {
    format!("{value:.4}").trim_start_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::protocol::{
        CompetitorCard, EntityCard, ExpandRequest, MissingReason, SeedContribution, SeedStates,
        WindowPick,
    };
    use crate::types::{EntityId, Mode, SearchSettings};

    fn catalogue() -> Catalogue {
        let card = |(id, name): (u32, &str)| EntityCard {
            id: EntityId(id),
            name: name.into(),
            classes: Vec::new(),
            pairs: 2,
        };
        let names = ["lion", "tiger", "lynx", "horse"];
        Catalogue {
            entities: (0..).zip(names).map(card).collect(),
            ..Catalogue::default()
        }
        .with_positions()
    }

    /// Seeds lion and tiger; `z` of both, all of it by pictures.
    fn why(
        entity: u32,
        z: [f64; 2],
        [picked, by_divergence, rank]: [usize; 3],
    ) -> EntityExplanation {
        let image = |z: f64| {
            Some(ModalityParts {
                prior: 0.0,
                text: 0.0,
                image: z,
            })
        };
        let seed = |z: f64| SeedContribution {
            z,
            parts: image(z),
            brought: Vec::new(),
            rest: z,
        };
        let place = RerankedRank {
            picked,
            by_divergence,
            score: 1.0,
            rank,
            of: 100,
        };
        EntityExplanation {
            entity: EntityId(entity),
            standing: EntityStatus::Listed(place),
            seed_rank: Some(picked),
            score: z[0] + z[1],
            parts: image(z[0] + z[1]),
            seeds: z.map(seed).into(),
            contest: None,
        }
    }

    fn said(entities: Vec<EntityExplanation>) -> String {
        let ask = ExpandRequest {
            mode: Mode::Both,
            seeds: vec![EntityId(0), EntityId(1)],
            rejected: Vec::new(),
            size: 100,
            class: None,
            joint: None,
            settings: SearchSettings::default(),
        };
        let seed = |&seed: &EntityId| SeedStates {
            seed,
            states: Vec::new(),
            more: 0,
        };
        verdict(
            &Explained {
                seeds: ask.seeds.iter().map(seed).collect(),
                ask,
                entities,
            },
            &catalogue(),
        )
    }

    #[test]
    fn one_entity_is_told_by_its_place() {
        let expected = "lynx is 4 of 100; the seeds bring 5.00, mostly by pictures, tiger the most; \
                        picked as number 6, and re-ranking moved it up 2.";
        assert_eq!(said(vec![why(2, [2.0, 3.0], [6, 1, 4])]), expected);
    }

    #[test]
    fn the_upper_one_comes_first_and_what_speaks_against_it_last() {
        let (lynx, horse) = (why(2, [2.0, 3.0], [6, 1, 4]), why(3, [3.0, 0.5], [5, 9, 7]));
        let expected = "lynx (4) is above horse (7) because: tiger brings 2.50 more, mostly by pictures \
                        (1.50 more from all seeds); diverges less from the finished set (rank 1 against 9); \
                        though: picked 1 round later.";
        assert_eq!(said(vec![lynx.clone(), horse.clone()]), expected);
        assert_eq!(said(vec![horse, lynx]), expected);
    }

    #[test]
    fn who_lost_is_told_to_whom() {
        let rival = |id, divergence| CompetitorCard {
            entity: EntityId(id),
            set_score: 1.0,
            divergence,
        };
        let rivals = vec![rival(2, 0.5), rival(3, 0.25)];
        let horse = EntityExplanation {
            standing: EntityStatus::Missing(MissingReason::LostInWindow { pick: 6 }),
            contest: Some(WindowPick {
                pick: 6,
                round: 5,
                winner: EntityId(3),
                rivals,
            }),
            ..why(2, [1.0, 1.0], [1, 1, 1])
        };
        assert!(
            said(vec![horse.clone()])
                .contains("another diverged less (horse won by .2500); the seeds bring 2.00")
        );
        let both = said(vec![horse, why(3, [3.0, 0.5], [6, 9, 7])]);
        assert!(
            both.starts_with("horse is 7 of 100, and lynx is not listed: in the window at pick 6"),
            "{both}"
        );
    }
}
