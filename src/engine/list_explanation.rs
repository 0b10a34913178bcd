//! Explanations of lists by feedback and by seeds: the score of an entity by modality, and the same
//! score by seed, accepted candidate and fed-back candidate.

use crate::engine::explanation::SeedStates;
use crate::engine::list_ranking::ListRanking;
use crate::engine::protocol::{
    EntityExplanation, EntityStatus, ExpandRequest, Explanation, ExplanationKind, RankExplanation,
};
use crate::engine::session::Session;
use crate::error::Result;
use crate::expand::{self, FeedbackContributions, FeedbackRanking, QueryPart};
use crate::types::{EntityId, ModalityParts, RankingKind, Row};

/// A ranking by feedback, and what is computed once for all explained entities.
struct ExplainedRanking<'a> {
    ranking: FeedbackRanking<'a>,
    /// The seeds, then the accepted candidates.
    members: Vec<ExplainedMember>,
}

/// A seed or an accepted candidate.
struct ExplainedMember {
    row: Row,
    kind: ExplanationKind,
    /// Its affinity to every entity, `[V]`.
    affinity: Vec<f64>,
    /// The contributions of its states in each part of the similarity.
    states: Vec<SeedStates>,
}

impl Session {
    /// Explains the place of each entity in a list by feedback or by seeds.
    pub(super) fn explain_list(
        &self,
        request: ExpandRequest,
        entities: &[EntityId],
    ) -> Result<RankExplanation> {
        let list = self.rank_list(&request)?;
        let rows = self.known_rows(entities);
        let mut explained = Vec::with_capacity(entities.len());
        if request.ranking == RankingKind::Feedback {
            let ranking = self.explained_ranking(&request, &rows)?;
            for &entity in entities {
                let parts = match self.index.row(entity) {
                    Some(row) => self.explain_feedback(&ranking, &list, row)?,
                    None => Vec::new(),
                };
                explained.push(self.placed(&request, &list, entity, parts));
            }
        } else {
            let states = self.states_of_seeds(&request, &rows)?;
            for &entity in entities {
                let parts = match self.index.row(entity) {
                    Some(row) => vec![self.explain_score(request.mode, row, &states)?],
                    None => Vec::new(),
                };
                explained.push(self.placed(&request, &list, entity, parts));
            }
        }
        Ok(RankExplanation {
            request,
            entities: explained,
        })
    }

    /// Returns an explanation with the entity's place in the list.
    fn placed(
        &self,
        request: &ExpandRequest,
        list: &ListRanking,
        entity: EntityId,
        parts: Vec<Explanation>,
    ) -> EntityExplanation {
        let candidates = &list.list.candidates;
        let position = candidates.iter().position(|c| c.entity == entity);
        let status = match position {
            Some(position) => EntityStatus::Listed {
                rank: position + 1,
                of: candidates.len(),
            },
            None if request.seeds.contains(&entity) => EntityStatus::Seed,
            None if request.accepted.contains(&entity) => EntityStatus::Accepted,
            None => EntityStatus::Missing(self.reason_missing_in_list(request, list, entity)),
        };
        EntityExplanation {
            entity,
            status,
            parts,
        }
    }

    /// Ranks by feedback, and computes the states of the members for the entities in `rows`.
    fn explained_ranking(
        &self,
        request: &ExpandRequest,
        rows: &[Row],
    ) -> Result<ExplainedRanking<'_>> {
        let ranking = self.rank_by_feedback(request, request.mode)?;
        let seeds = ranking.query.seeds.len();
        let mut members = Vec::new();
        for (position, &row) in ranking.query.members().iter().enumerate() {
            let entity = self.entity(row);
            let kind = if position < seeds {
                ExplanationKind::Seed(entity)
            } else {
                ExplanationKind::Accepted(entity)
            };
            let states = ranking.parts.iter();
            members.push(ExplainedMember {
                row,
                kind,
                affinity: ranking.mean_affinity(&[row]),
                states: states
                    .map(|part| self.seed_states(self.index_of(part), &part.view, row, rows))
                    .collect(),
            });
        }
        Ok(ExplainedRanking { ranking, members })
    }

    /// Explains the score of an entity by modality and by member, and its probability.
    fn explain_feedback(
        &self,
        explained: &ExplainedRanking,
        list: &ListRanking,
        row: Row,
    ) -> Result<Vec<Explanation>> {
        let ranking = &explained.ranking;
        let contributions = ranking.contributions(&[row]);
        let parts = self.feedback_parts(ranking, &contributions, &[row]);
        let contributions = &contributions[0];
        let mut children = score_parts(parts.map(|parts| parts[0]));
        for (member, &contribution) in explained.members.iter().zip(&contributions.members) {
            children.push(self.explain_member(ranking, member, row, contribution)?);
        }
        children.extend(self.explain_fed_back(ranking, contributions));
        children.extend(self.explain_rejections(ranking, contributions));
        let mut all = vec![Explanation::new(
            ExplanationKind::Score,
            Some(contributions.sum()),
            children,
        )];
        let entity = self.entity(row);
        let mut candidates = list.list.candidates.iter();
        let candidate = candidates.find(|candidate| candidate.entity == entity);
        let probability = candidate.and_then(|candidate| candidate.probability);
        all.extend(probability.map(|p| Explanation::leaf(ExplanationKind::Probability, p)));
        let neighborhood = ranking.neighborhood() as f64;
        all.push(Explanation::leaf(
            ExplanationKind::Neighborhood,
            neighborhood,
        ));
        Ok(all)
    }

    /// Explains what a member contributes to the score of the entity in `row`: by modality, and by
    /// the pairs of both.
    fn explain_member(
        &self,
        ranking: &FeedbackRanking,
        member: &ExplainedMember,
        row: Row,
        contribution: f64,
    ) -> Result<Explanation> {
        let mut children = Vec::new();
        if row != member.row {
            let [weight, _] = ranking.weights();
            children = score_parts(self.member_parts(ranking, member.row, row, weight));
            if children.is_empty() {
                let hubness = hubness(ranking, member.row, row, weight);
                children.push(Explanation::leaf(ExplanationKind::Hubness, hubness));
            }
            children.extend(self.explain_pairs(ranking, member, row, weight));
            let rank = rank_by_member(ranking, member, row);
            children.push(Explanation::leaf(ExplanationKind::MemberRank, rank as f64));
        }
        Ok(Explanation::new(member.kind, Some(contribution), children))
    }

    /// Returns the contribution of each modality to what one member contributes, and what hubness
    /// takes; `None` if an index lacks a mode that this requires.
    fn member_parts(
        &self,
        ranking: &FeedbackRanking,
        member: Row,
        row: Row,
        weight: f64,
    ) -> Option<ModalityParts> {
        let mut sum = ModalityParts::default();
        for part in &ranking.parts {
            let weighted = [(member, weight)];
            let index = self.index_of(part);
            let own = expand::similarity_parts(index, &part.view, &weighted, &[row])?[0];
            sum.prior += part.weight * own.prior;
            sum.text += part.weight * own.text;
            sum.image += part.weight * own.image;
        }
        sum.hubness = hubness(ranking, member, row, weight);
        Some(sum)
    }

    /// Explains the similarity of a member and an entity by the pairs of the member, and by those of
    /// the entity.
    fn explain_pairs(
        &self,
        ranking: &FeedbackRanking,
        member: &ExplainedMember,
        row: Row,
        weight: f64,
    ) -> [Explanation; 2] {
        let entity = self.entity(member.row);
        let is_single = ranking.parts.len() == 1;
        let (mut forward, mut backward, mut children) = (0.0, 0.0, Vec::new());
        for (part, states) in ranking.parts.iter().zip(&member.states) {
            let weight = weight * part.weight;
            let own = weight * part.view.z(&[member.row], &[row])[0][0];
            let both = weight * part.view.symmetric(&[member.row], &[row])[0][0];
            forward += own;
            backward += both - own;
            let states = states.explain(row, weight, own);
            if is_single {
                children = states;
            } else {
                let mode = part.view.mode();
                let kind = ExplanationKind::StoredMode {
                    member: entity,
                    mode,
                };
                children.push(Explanation::new(kind, Some(own), states));
            }
        }
        [
            Explanation::new(ExplanationKind::OwnPairs(entity), Some(forward), children),
            Explanation::leaf(ExplanationKind::CandidatePairs, backward),
        ]
    }

    /// Explains what the fed-back candidates contribute; `None` if there are none.
    fn explain_fed_back(
        &self,
        ranking: &FeedbackRanking,
        contributions: &FeedbackContributions,
    ) -> Option<Explanation> {
        let fed_back = ranking.fed_back.iter().zip(&contributions.fed_back);
        let children: Vec<Explanation> = fed_back
            .map(|(&row, &contribution)| {
                let kind = ExplanationKind::FedBackCandidate(self.entity(row));
                Explanation::leaf(kind, contribution)
            })
            .collect();
        let sum = contributions.fed_back.iter().sum();
        (!children.is_empty())
            .then(|| Explanation::new(ExplanationKind::FedBack, Some(sum), children))
    }

    /// Explains what the rejected candidates take; `None` if there are none.
    fn explain_rejections(
        &self,
        ranking: &FeedbackRanking,
        contributions: &FeedbackContributions,
    ) -> Option<Explanation> {
        let rejected = ranking.query.rejected.iter().zip(&contributions.rejected);
        let children: Vec<Explanation> = rejected
            .map(|(&row, &contribution)| {
                let kind = ExplanationKind::RejectedCandidate(self.entity(row));
                Explanation::leaf(kind, contribution)
            })
            .collect();
        let sum = contributions.rejected.iter().sum();
        (!children.is_empty())
            .then(|| Explanation::new(ExplanationKind::Rejections, Some(sum), children))
    }
}

/// Returns one number for each modality, and one for hubness; none without `parts`. Rejections are
/// explained by candidate.
fn score_parts(parts: Option<ModalityParts>) -> Vec<Explanation> {
    let mut numbers = Explanation::modalities(parts);
    if let Some(parts) = parts {
        numbers.retain(|number| number.value != Some(0.0));
        numbers.push(Explanation::leaf(ExplanationKind::Hubness, parts.hubness));
    }
    numbers
}

/// Returns what the hubness of a member and an entity takes from the member's contribution.
fn hubness(ranking: &FeedbackRanking, member: Row, row: Row, weight: f64) -> f64 {
    let term = |part: &QueryPart| part.weight * ranking.hubness_term(part, member, row);
    -weight * ranking.parts.iter().map(term).sum::<f64>()
}

/// Returns the rank of an entity among the candidates by its affinity to one member, from 1.
fn rank_by_member(ranking: &FeedbackRanking, member: &ExplainedMember, row: Row) -> usize {
    let own = member.affinity[row.index()];
    let query = &ranking.query;
    let is_better = |other: &usize| {
        let other_row = Row(*other as u32);
        member.affinity[*other] > own
            && !query.members().contains(&other_row)
            && !query.rejected.contains(&other_row)
    };
    1 + (0..member.affinity.len()).filter(is_better).count()
}
