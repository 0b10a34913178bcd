//! The explanation of a rank in one sentence.

use crate::engine::protocol::catalogue::Catalogue;
use crate::engine::protocol::explanation_tree::{
    EntityExplanation, EntityStatus, Explanation, ExplanationKind, Modality, RankExplanation,
};
use crate::types::{EntityId, RankingKind};

/// Scores that differ by less count as equal.
pub(super) const EQUAL: f64 = 0.005;

impl RankExplanation {
    /// Returns one sentence: the reasons for the rank of one entity, or for the order of two.
    pub fn summary(&self, catalogue: &Catalogue) -> String {
        let summary = Summary {
            explanation: self,
            catalogue,
        };
        match &self.entities[..] {
            [first, second] => summary.both(first, second),
            [only, ..] => summary.one(only),
            [] => String::new(),
        }
    }
}

pub(super) struct Summary<'a> {
    pub(super) explanation: &'a RankExplanation,
    pub(super) catalogue: &'a Catalogue,
}

/// A ranked entity.
#[derive(Clone, Copy)]
pub(super) struct Ranked<'a> {
    pub(super) explained: &'a EntityExplanation,
    pub(super) rank: usize,
    of: usize,
}

impl<'a> Ranked<'a> {
    fn new(explained: &'a EntityExplanation) -> Option<Self> {
        match explained.status {
            EntityStatus::Listed { rank, of } => Some(Ranked {
                explained,
                rank,
                of,
            }),
            _ => None,
        }
    }

    fn pick_order(&self) -> i64 {
        self.reranking_value(ExplanationKind::PickOrder)
    }

    fn divergence_rank(&self) -> i64 {
        self.reranking_value(ExplanationKind::DivergenceRank)
    }

    fn reranking_value(&self, kind: ExplanationKind) -> i64 {
        let number = self.explained.reranking().and_then(|part| part.child(kind));
        number.and_then(|number| number.value).unwrap_or_default() as i64
    }
}

impl Summary<'_> {
    fn is_by_feedback(&self) -> bool {
        self.explanation.request.ranking == RankingKind::Feedback
    }

    fn one(&self, explained: &EntityExplanation) -> String {
        if self.is_by_feedback() {
            return self.one_by_feedback(explained);
        }
        let name = self.catalogue.name(explained.entity);
        let mut text = match &explained.status {
            EntityStatus::Seed | EntityStatus::Accepted => {
                return format!("{name} is a seed: seeds are not ranked.");
            }
            EntityStatus::Missing(reason) => {
                let reason = reason.describe(self.catalogue);
                format!("{name} is not in the list: {reason}")
            }
            EntityStatus::Listed { rank, of } => format!("{name} has rank {rank} of {of}"),
        };
        text.extend(self.lost_pick(explained));
        if let Some(score) = explained.score() {
            text.push_str(&self.score_of_one(score));
        }
        if self.explanation.request.is_window_search()
            && let Some(ranked) = Ranked::new(explained)
        {
            text.push_str(&change_by_reranking(&ranked));
        }
        text + "."
    }

    fn score_of_one(&self, score: &Explanation) -> String {
        let total = score.value.unwrap_or_default();
        let mut text = format!(
            "; the seeds contribute {total:.2}{}",
            main_modality(score, None, 1.0)
        );
        let seeds = score.seeds();
        let greatest = seeds
            .iter()
            .max_by(|(_, a), (_, b)| a.value.unwrap_or(0.0).total_cmp(&b.value.unwrap_or(0.0)));
        if let (Some((seed, _)), true) = (greatest, seeds.len() > 1) {
            text.push_str(&format!(", {} most of all", self.catalogue.name(*seed)));
        }
        text
    }

    /// Returns " (lynx won by .0078)" for an entity that lost the deciding pick.
    fn lost_pick(&self, explained: &EntityExplanation) -> Option<String> {
        let pick = explained.pick()?;
        let (winner, least) = pick.winner()?;
        if winner == explained.entity {
            return None;
        }
        let divergence = pick.competitor(explained.entity)?.value?;
        Some(format!(
            " ({} won by {})",
            self.catalogue.name(winner),
            without_leading_zero(divergence - least)
        ))
    }

    fn both(&self, first: &EntityExplanation, second: &EntityExplanation) -> String {
        match (Ranked::new(first), Ranked::new(second)) {
            (Some(a), Some(b)) if a.rank <= b.rank => self.above(a, b),
            (Some(a), Some(b)) => self.above(b, a),
            (Some(listed), None) => self.only_one_listed(listed, second),
            (None, Some(listed)) => self.only_one_listed(listed, first),
            (None, None) => format!("{} {}", self.one(first), self.one(second)),
        }
    }

    fn only_one_listed(&self, upper: Ranked, lower: &EntityExplanation) -> String {
        let name = self.catalogue.name(lower.entity);
        let reason = match &lower.status {
            EntityStatus::Missing(reason) => {
                let reason = reason.describe(self.catalogue);
                format!("{name} is not listed: {reason}")
            }
            EntityStatus::Accepted => format!("{name} is accepted"),
            _ => format!("{name} is a seed"),
        };
        let lost = self.lost_pick(lower).unwrap_or_default();
        let mut text = format!(
            "{} has rank {} of {}, and {reason}{lost}",
            self.catalogue.name(upper.explained.entity),
            upper.rank,
            upper.of
        );
        let difference = if self.is_by_feedback() {
            let scores = upper.explained.score().zip(lower.score());
            scores.and_then(|(a, b)| self.greatest_difference(a, b))
        } else {
            self.score_difference(upper.explained, lower)
        };
        text.extend(difference.map(|difference| format!("; {difference}")));
        text + "."
    }

    /// Returns the reasons for the upper entity first, and those against it after "though".
    fn above(&self, upper: Ranked, lower: Ranked) -> String {
        if self.is_by_feedback() {
            return self.above_by_feedback(upper, lower);
        }
        let (mut because, mut though) = (Vec::new(), Vec::new());
        let mut add = |is_for: bool, reason: String| {
            if is_for {
                because.push(reason);
            } else {
                though.push(reason);
            }
        };
        if let Some(score) = self.score_difference(upper.explained, lower.explained) {
            let is_greater = score_of(upper.explained) > score_of(lower.explained);
            add(is_greater, score);
        }
        let request = &self.explanation.request;
        let is_earlier = upper.pick_order() < lower.pick_order();
        if request.is_window_search() {
            add(is_earlier, self.pick_difference(upper, lower));
        }
        // without its weight the divergence has no effect
        if request.is_window_search() && request.settings.weights()[1] > 0 {
            let diverges_less = upper.divergence_rank() < lower.divergence_rank();
            add(diverges_less, divergence_difference(upper, lower));
        }
        let head = format!(
            "{} ({}) is above {} ({})",
            self.catalogue.name(upper.explained.entity),
            upper.rank,
            self.catalogue.name(lower.explained.entity),
            lower.rank
        );
        let (because, though) = (because.join("; "), though.join("; "));
        match (because.is_empty(), though.is_empty()) {
            (false, true) => format!("{head} because: {because}."),
            (false, false) => format!("{head} because: {because}; though: {though}."),
            // only the sum of the re-ranking decides
            _ => format!("{head}, though: {though}."),
        }
    }

    fn pick_difference(&self, upper: Ranked, lower: Ranked) -> String {
        let rounds = upper.pick_order().abs_diff(lower.pick_order());
        let unit = if rounds == 1 { "round" } else { "rounds" };
        let order = if upper.pick_order() < lower.pick_order() {
            "earlier"
        } else {
            "later"
        };
        let window = self.common_window(upper.explained, lower.explained);
        format!("picked {rounds} {unit} {order}{window}")
    }

    /// Returns " (both in the window of pick 7, …)" if both competed for the same pick.
    fn common_window(&self, upper: &EntityExplanation, lower: &EntityExplanation) -> String {
        for pick in [upper, lower].into_iter().filter_map(|one| one.pick()) {
            let divergence = |entity: EntityId| pick.competitor(entity)?.value;
            let (Some(a), Some(b)) = (divergence(upper.entity), divergence(lower.entity)) else {
                continue;
            };
            return format!(
                " (both in the window of pick {}, divergences differ by {})",
                pick.value.unwrap_or_default(),
                without_leading_zero((b - a).abs())
            );
        }
        String::new()
    }

    /// Returns the seed whose Z differs most in the direction of the total difference, as in "lion
    /// contributes 2.10 more, mostly from images". `None` for scores that are equal or unknown.
    fn score_difference(
        &self,
        upper: &EntityExplanation,
        lower: &EntityExplanation,
    ) -> Option<String> {
        let (upper, lower) = (upper.score()?, lower.score()?);
        let total = upper.value? - lower.value?;
        if total.abs() < EQUAL {
            return None;
        }
        let sign = total.signum();
        let mut seeds = Vec::new();
        for ((seed, a), (_, b)) in upper.seeds().into_iter().zip(lower.seeds()) {
            seeds.push((seed, (a.value? - b.value?) * sign, a, b));
        }
        let (seed, difference, a, b) = seeds.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let direction = if total > 0.0 { "more" } else { "less" };
        let text = format!(
            "{} contributes {difference:.2} {direction}{}",
            self.catalogue.name(*seed),
            main_modality(a, Some(b), sign)
        );
        if seeds.len() == 1 {
            return Some(text);
        }
        Some(format!(
            "{text} ({:.2} {direction} from all seeds)",
            total.abs()
        ))
    }
}

fn score_of(explained: &EntityExplanation) -> f64 {
    let score = explained.score().and_then(|score| score.value);
    score.unwrap_or_default()
}

/// Returns the pick and the change of rank by the re-ranking.
fn change_by_reranking(ranked: &Ranked) -> String {
    let picked = ranked.pick_order();
    let change = match ranked.rank as i64 - picked {
        0 => ", and re-ranking left it there".to_owned(),
        up if up < 0 => format!(", and re-ranking moved it up {}", -up),
        down => format!(", and re-ranking moved it down {down}"),
    };
    format!("; picked as number {picked}{change}")
}

fn divergence_difference(upper: Ranked, lower: Ranked) -> String {
    let (upper, lower) = (upper.divergence_rank(), lower.divergence_rank());
    let direction = if upper < lower { "less" } else { "more" };
    format!("diverges {direction} from the finished set (rank {upper} against {lower})")
}

/// Returns a phrase for the modality with more than half of the positive contributions, if the sum
/// of all contributions is positive. The contributions are those of `number`, less those of
/// `other`, times `sign`.
pub(super) fn main_modality(
    number: &Explanation,
    other: Option<&Explanation>,
    sign: f64,
) -> &'static str {
    let value = |number: &Explanation, modality| {
        let child = number.child(ExplanationKind::Modality(modality))?;
        child.value
    };
    let contribution = |modality| {
        let own = value(number, modality).unwrap_or(0.0);
        let others = other.and_then(|other| value(other, modality));
        (own - others.unwrap_or(0.0)) * sign
    };
    let [prior, text, image] = [Modality::Prior, Modality::Text, Modality::Image].map(contribution);
    let half = (text.max(0.0) + image.max(0.0) + prior.max(0.0)) / 2.0;
    if prior + text + image <= 0.0 {
        ""
    } else if text > half {
        ", mostly from text"
    } else if image > half {
        ", mostly from images"
    } else if prior > half {
        ", mostly from the prior"
    } else {
        ""
    }
}

/// Formats a divergence without its leading 0.
pub fn without_leading_zero(value: f64) -> String {
    format!("{value:.4}").trim_start_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::protocol::{EntityCard, ExpandRequest, MissingReason};
    use crate::types::{ModalityParts, Mode, SearchSettings};

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

    /// Returns the modalities of a score that comes from images only.
    fn from_images(z: f64) -> Vec<Explanation> {
        Explanation::modalities(Some(ModalityParts {
            image: z,
            ..ModalityParts::default()
        }))
    }

    /// Returns the score for the seeds lion and tiger with these Z.
    fn score(z: [f64; 2]) -> Explanation {
        let mut children = from_images(z[0] + z[1]);
        for (seed, z) in (0..).zip(z) {
            let kind = ExplanationKind::Seed(EntityId(seed));
            children.push(Explanation::new(kind, Some(z), from_images(z)));
        }
        Explanation::new(ExplanationKind::Score, Some(z[0] + z[1]), children)
    }

    fn listed(
        entity: u32,
        z: [f64; 2],
        [picked, by_divergence, rank]: [usize; 3],
    ) -> EntityExplanation {
        let reranking = vec![
            Explanation::leaf(ExplanationKind::PickOrder, picked as f64),
            Explanation::leaf(ExplanationKind::DivergenceRank, by_divergence as f64),
        ];
        EntityExplanation {
            entity: EntityId(entity),
            status: EntityStatus::Listed { rank, of: 100 },
            parts: vec![
                score(z),
                Explanation::new(ExplanationKind::Reranking, Some(rank as f64), reranking),
            ],
        }
    }

    fn summary(entities: Vec<EntityExplanation>) -> String {
        let request = ExpandRequest {
            mode: Mode::Both,
            ranking: RankingKind::Window,
            seeds: vec![EntityId(0), EntityId(1)],
            accepted: Vec::new(),
            rejected: Vec::new(),
            size: 100,
            class: None,
            joint: None,
            settings: SearchSettings::default(),
        };
        RankExplanation { request, entities }.summary(&catalogue())
    }

    #[test]
    fn one_entity_is_summarised_by_its_rank() {
        let expected = "lynx has rank 4 of 100; the seeds contribute 5.00, mostly from images, tiger most of all; \
                        picked as number 6, and re-ranking moved it up 2.";
        assert_eq!(summary(vec![listed(2, [2.0, 3.0], [6, 1, 4])]), expected);
    }

    #[test]
    fn the_upper_entity_comes_first_and_reasons_against_it_last() {
        let lynx = listed(2, [2.0, 3.0], [6, 1, 4]);
        let horse = listed(3, [3.0, 0.5], [5, 9, 7]);
        let expected = "lynx (4) is above horse (7) because: tiger contributes 2.50 more, mostly from images \
                        (1.50 more from all seeds); diverges less from the finished set (rank 1 against 9); \
                        though: picked 1 round later.";
        assert_eq!(summary(vec![lynx.clone(), horse.clone()]), expected);
        assert_eq!(summary(vec![horse, lynx]), expected);
    }

    #[test]
    fn the_winner_of_a_lost_pick_is_named() {
        let competitor = |id, rank, divergence| {
            let kind = ExplanationKind::Competitor {
                entity: EntityId(id),
                rank,
                is_winner: rank == 2,
            };
            Explanation::leaf(kind, divergence)
        };
        let competitors = vec![competitor(2, 1, 0.5), competitor(3, 2, 0.25)];
        let lynx = EntityExplanation {
            entity: EntityId(2),
            status: EntityStatus::Missing(MissingReason::LostInWindow { pick: 6 }),
            parts: vec![
                score([1.0, 1.0]),
                Explanation::new(ExplanationKind::Pick, Some(6.0), competitors),
            ],
        };
        assert!(
            summary(vec![lynx.clone()])
                .contains("another diverged less (horse won by .2500); the seeds contribute 2.00")
        );
        let both = summary(vec![lynx, listed(3, [3.0, 0.5], [6, 9, 7])]);
        assert!(
            both.starts_with(
                "horse has rank 7 of 100, and lynx is not listed: in the window at pick 6"
            ),
            "{both}"
        );
    }
}
