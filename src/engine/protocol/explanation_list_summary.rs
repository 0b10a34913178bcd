//! The explanation of a rank by feedback in one sentence.

use crate::engine::protocol::explanation_summary::{EQUAL, Ranked, Summary, main_modality};
use crate::engine::protocol::explanation_tree::{
    EntityExplanation, EntityStatus, Explanation, ExplanationKind,
};
use crate::table::probability_percent;
use crate::types::EntityId;

/// The largest number of members that a sentence names.
const MAX_NAMES: usize = 3;

/// A seed or an accepted candidate, and what it contributes.
struct Member<'a> {
    entity: EntityId,
    number: &'a Explanation,
    /// The rank of the explained entity by this member alone; `None` for the member itself.
    rank: Option<f64>,
}

impl Member<'_> {
    fn value(&self) -> f64 {
        self.number.value.unwrap_or_default()
    }
}

impl Summary<'_> {
    /// Returns the reasons for the rank of one entity: "lynx has rank 3 of 100: it is near all three
    /// seeds, mostly in text (lion most of all); probability 94 %."
    pub(super) fn one_by_feedback(&self, explained: &EntityExplanation) -> String {
        let name = self.catalogue.name(explained.entity);
        let mut text = match &explained.status {
            EntityStatus::Seed => return format!("{name} is a seed: seeds are not ranked."),
            EntityStatus::Accepted => {
                return format!("{name} is accepted: it counts as a seed, and is not ranked.");
            }
            EntityStatus::Missing(reason) => {
                let reason = reason.describe(self.catalogue);
                format!("{name} is not in the list: {reason}")
            }
            EntityStatus::Listed { rank, of } => format!("{name} has rank {rank} of {of}"),
        };
        if let Some(score) = explained.score() {
            let separator = match explained.status {
                EntityStatus::Listed { .. } => ':',
                _ => ';',
            };
            let neighborhood = explained.part(ExplanationKind::Neighborhood);
            let neighborhood = neighborhood.and_then(|number| number.value);
            let nearness = self.nearness(score, neighborhood.unwrap_or_default());
            text.push_str(&format!("{separator} {nearness}"));
            text.extend(self.rejections(score));
        }
        let probability = explained.part(ExplanationKind::Probability);
        if let Some(probability) = probability.and_then(|number| number.value) {
            text.push_str("; probability ");
            text.push_str(&probability_percent(probability));
        }
        text + "."
    }

    /// Returns which members the entity is near, in which modality, and the nearest one. It is near a
    /// member if it has at most rank k by that member alone.
    fn nearness(&self, score: &Explanation, neighborhood: f64) -> String {
        let members = members(score);
        let is_near = |member: &&Member| member.rank.is_some_and(|rank| rank <= neighborhood);
        let near: Vec<&Member> = members.iter().filter(is_near).collect();
        let unit = if members
            .iter()
            .all(|m| matches!(m.number.kind, ExplanationKind::Seed(_)))
        {
            "seed"
        } else {
            "member"
        };
        let mut text = match (near.len(), members.len()) {
            (0, 1) => format!("it is not near {}", self.names(&members)),
            (0, _) => format!("it is not near any {unit}"),
            (1, 1) => format!("it is near {}", self.names(near.iter().copied())),
            (2, 2) => format!("it is near both {unit}s"),
            (count, all) if count == all => format!("it is near all {} {unit}s", in_words(all)),
            (1..=MAX_NAMES, _) => format!("it is near {}", self.names(near.iter().copied())),
            (count, all) => format!("it is near {count} of {all} {unit}s"),
        };
        if !near.is_empty()
            && let Some(modality) = main_modality(score, None, 1.0).strip_prefix(", mostly from ")
        {
            text.push_str(&format!(", mostly in {modality}"));
        }
        if near.len() > 1
            && let Some(nearest) = near.iter().max_by(|a, b| a.value().total_cmp(&b.value()))
        {
            let name = self.catalogue.name(nearest.entity);
            text.push_str(&format!(" ({name} most of all)"));
        }
        text
    }

    /// Returns "cat, dog and wolf".
    fn names<'a>(&self, members: impl IntoIterator<Item = &'a Member<'a>>) -> String {
        let members = members.into_iter();
        let mut names: Vec<String> = members.map(|m| self.catalogue.name(m.entity)).collect();
        match names.pop() {
            Some(last) if !names.is_empty() => format!("{} and {last}", names.join(", ")),
            last => last.unwrap_or_default(),
        }
    }

    /// Returns "; rejected candidates take 0.65, wolf most".
    fn rejections(&self, score: &Explanation) -> Option<String> {
        let rejections = score.child(ExplanationKind::Rejections)?;
        let taken = -rejections.value?;
        if taken < EQUAL {
            return None;
        }
        let value = |number: &Explanation| number.value.unwrap_or_default();
        let candidates = rejections.children.iter();
        let most = candidates.min_by(|a, b| value(a).total_cmp(&value(b)))?;
        let ExplanationKind::RejectedCandidate(entity) = most.kind else {
            return None;
        };
        let name = self.catalogue.name(entity);
        Some(match rejections.children.len() {
            1 => format!("; the rejected {name} takes {taken:.2}"),
            _ => format!("; rejected candidates take {taken:.2}, {name} most"),
        })
    }

    /// Returns the seed or other contributor whose contribution differs most in the direction of the
    /// total difference: "cat contributes 0.42 more, mostly from images (1.30 more in all)". `None` for
    /// scores that are equal.
    pub(super) fn greatest_difference(&self, a: &Explanation, b: &Explanation) -> Option<String> {
        let total = a.value? - b.value?;
        if total.abs() < EQUAL {
            return None;
        }
        let sign = total.signum();
        let mut contributors = Vec::new();
        for (entity, number) in a.members() {
            contributors.extend(b.child(number.kind).map(|other| Contributor {
                name: self.catalogue.name(entity),
                verb: "contributes",
                numbers: [number, other],
            }));
        }
        for (kind, name) in [
            (ExplanationKind::FedBack, "the fed-back candidates"),
            (ExplanationKind::Rejections, "the rejected candidates"),
        ] {
            contributors.extend(
                a.child(kind)
                    .zip(b.child(kind))
                    .map(|(own, other)| Contributor {
                        name: name.to_owned(),
                        verb: "contribute",
                        numbers: [own, other],
                    }),
            );
        }
        let difference = |contributor: &Contributor| {
            let [own, other] = contributor
                .numbers
                .map(|number| number.value.unwrap_or_default());
            (own - other) * sign
        };
        let greatest = contributors
            .iter()
            .max_by(|a, b| difference(a).total_cmp(&difference(b)))?;
        let [own, other] = greatest.numbers;
        let direction = if total > 0.0 { "more" } else { "less" };
        let text = format!(
            "{} {} {:.2} {direction}{}",
            greatest.name,
            greatest.verb,
            difference(greatest),
            main_modality(own, Some(other), sign)
        );
        if contributors.len() == 1 {
            return Some(text);
        }
        Some(format!("{text} ({:.2} {direction} in all)", total.abs()))
    }

    /// Returns why one entity has a better rank than another by feedback: the member that differs most,
    /// and what hubness takes.
    pub(super) fn above_by_feedback(&self, upper: Ranked, lower: Ranked) -> String {
        let head = format!(
            "{} ({}) is above {} ({})",
            self.catalogue.name(upper.explained.entity),
            upper.rank,
            self.catalogue.name(lower.explained.entity),
            lower.rank
        );
        let scores = upper.explained.score().zip(lower.explained.score());
        let Some((a, b)) = scores else {
            return head + ".";
        };
        let total = a.value.unwrap_or_default() - b.value.unwrap_or_default();
        let Some(member) = self.greatest_difference(a, b) else {
            return format!("{head}: their scores differ by less than {EQUAL}.");
        };
        let hubness = |score: &Explanation| {
            let number = score.child(ExplanationKind::Hubness);
            number.and_then(|number| number.value)
        };
        let difference = hubness(a).zip(hubness(b)).map_or(0.0, |(a, b)| a - b);
        // the hubness is worth a word if it is a good part of the difference
        let taken = match difference {
            _ if difference.abs() < EQUAL.max(total.abs() / 3.0) => String::new(),
            less if less > 0.0 => format!("; hubness takes {less:.2} less"),
            more => format!("; though: hubness takes {:.2} more", -more),
        };
        format!("{head} because: {member}{taken}.")
    }
}

/// One of the numbers that a score adds up to, of two entities.
struct Contributor<'a> {
    name: String,
    /// The verb, in the form that follows the name.
    verb: &'static str,
    numbers: [&'a Explanation; 2],
}

fn members(score: &Explanation) -> Vec<Member<'_>> {
    let mut members = Vec::new();
    for (entity, number) in score.members() {
        let rank = number.child(ExplanationKind::MemberRank);
        members.push(Member {
            entity,
            number,
            rank: rank.and_then(|rank| rank.value),
        });
    }
    members
}

/// Returns a small number in words.
fn in_words(number: usize) -> String {
    let words = ["three", "four", "five", "six", "seven", "eight", "nine"];
    let word = number.checked_sub(3).and_then(|at| words.get(at));
    word.map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use crate::engine::protocol::{
        Catalogue, EntityCard, EntityExplanation, EntityStatus, ExpandRequest, Explanation,
        ExplanationKind, MissingReason, RankExplanation,
    };
    use crate::types::{EntityId, ModalityParts, Mode, RankingKind, SearchSettings};

    fn catalogue() -> Catalogue {
        let card = |(id, name): (u32, &str)| EntityCard {
            id: EntityId(id),
            name: name.into(),
            classes: Vec::new(),
            pairs: 2,
        };
        let names = ["lion", "tiger", "wolf", "lynx", "horse", "cow"];
        Catalogue {
            entities: (0..).zip(names).map(card).collect(),
            ..Catalogue::default()
        }
        .with_positions()
    }

    /// Returns a member that contributes this much, all of it from text less hubness of 1, and the
    /// rank by it alone.
    fn member(kind: ExplanationKind, value: f64, rank: f64) -> Explanation {
        let parts = ModalityParts {
            text: value + 1.0,
            ..ModalityParts::default()
        };
        let mut children = Explanation::modalities(Some(parts));
        children.push(Explanation::leaf(ExplanationKind::Hubness, -1.0));
        children.push(Explanation::leaf(ExplanationKind::MemberRank, rank));
        Explanation::new(kind, Some(value), children)
    }

    /// Returns an entity with these members; hubness takes 2 from it.
    fn entity(id: u32, status: EntityStatus, members: Vec<Explanation>) -> EntityExplanation {
        let score: f64 = members.iter().filter_map(|member| member.value).sum();
        let parts = ModalityParts {
            text: score + 2.0,
            ..ModalityParts::default()
        };
        let mut children = Explanation::modalities(Some(parts));
        children.push(Explanation::leaf(ExplanationKind::Hubness, -2.0));
        children.extend(members);
        EntityExplanation {
            entity: EntityId(id),
            status,
            parts: vec![
                Explanation::new(ExplanationKind::Score, Some(score), children),
                Explanation::leaf(ExplanationKind::Neighborhood, 25.0),
            ],
        }
    }

    fn seed(id: u32) -> ExplanationKind {
        ExplanationKind::Seed(EntityId(id))
    }

    fn listed(rank: usize) -> EntityStatus {
        EntityStatus::Listed { rank, of: 100 }
    }

    fn summary(entities: Vec<EntityExplanation>) -> String {
        let request = ExpandRequest {
            mode: Mode::Both,
            ranking: RankingKind::Feedback,
            seeds: [0, 1, 2].map(EntityId).into(),
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
    fn one_entity_is_near_some_members() {
        let near_all = vec![
            member(seed(0), 0.5, 2.0),
            member(seed(1), 0.25, 25.0),
            member(seed(2), -0.25, 9.0),
        ];
        let mut lynx = entity(3, listed(3), near_all.clone());
        lynx.parts
            .push(Explanation::leaf(ExplanationKind::Probability, 0.94));
        let expected = "lynx has rank 3 of 100: it is near all three seeds, mostly in text (lion most of all); \
                        probability 94 %.";
        assert_eq!(summary(vec![lynx]), expected);
        let mut near_two = near_all;
        near_two[1] = member(seed(1), 0.25, 26.0);
        near_two[2].kind = ExplanationKind::Accepted(EntityId(2));
        let expected =
            "lynx has rank 3 of 100: it is near lion and wolf, mostly in text (lion most of all).";
        assert_eq!(
            summary(vec![entity(3, listed(3), near_two.clone())]),
            expected
        );
        near_two.remove(0);
        let below = EntityStatus::Missing(MissingReason::BelowList { rank: 131 });
        let mut far = entity(4, below, near_two.split_off(0));
        far.parts[1].value = Some(3.0);
        assert_eq!(
            summary(vec![far]),
            "horse is not in the list: below the end of the list, at rank 131; it is not near any member."
        );
    }

    #[test]
    fn rejected_candidates_and_members_are_named() {
        let taken = vec![
            Explanation::leaf(ExplanationKind::RejectedCandidate(EntityId(4)), -0.5),
            Explanation::leaf(ExplanationKind::RejectedCandidate(EntityId(5)), -0.25),
        ];
        let rejections = Explanation::new(ExplanationKind::Rejections, Some(-0.75), taken);
        let lynx = entity(3, listed(9), vec![member(seed(0), 1.0, 1.0), rejections]);
        assert_eq!(
            summary(vec![lynx]),
            "lynx has rank 9 of 100: it is near lion, mostly in text; rejected candidates take 0.75, horse most."
        );
        let accepted = entity(3, EntityStatus::Accepted, Vec::new());
        assert_eq!(
            summary(vec![accepted]),
            "lynx is accepted: it counts as a seed, and is not ranked."
        );
    }

    #[test]
    fn two_entities_differ_most_by_one_member() {
        let of = |id, rank, values: [f64; 2], hubness| {
            let members = vec![
                member(seed(0), values[0], 1.0),
                member(seed(1), values[1], 1.0),
            ];
            let mut entity = entity(id, listed(rank), members);
            let score = &mut entity.parts[0];
            let own = score.children.iter_mut();
            let is_hubness = |number: &&mut Explanation| number.kind == ExplanationKind::Hubness;
            own.filter(is_hubness).for_each(|h| h.value = Some(hubness));
            entity
        };
        let (lynx, horse) = (of(3, 3, [1.0, 0.5], -2.0), of(4, 9, [0.25, 0.25], -2.5));
        let expected = "lynx (3) is above horse (9) because: lion contributes 0.75 more, mostly from text (1.00 more \
                        in all); hubness takes 0.50 less.";
        assert_eq!(summary(vec![lynx.clone(), horse.clone()]), expected);
        assert_eq!(summary(vec![horse, lynx]), expected);
    }
}
