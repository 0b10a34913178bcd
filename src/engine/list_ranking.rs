//! Lists for the explorer and for `expand` by the feedback ranking or by seed similarity: the whole
//! list at once, where a window search grows it pick by pick.

use crate::engine::protocol::{
    Candidate, ExpandRequest, ListBoundary, Missing, MissingReason, RankedList,
};
use crate::engine::session::Session;
use crate::error::{Error, Result};
use crate::expand::{
    self, Boundary, FeedbackConfig, FeedbackContributions, FeedbackQuery, FeedbackRanking,
};
use crate::index::Index;
use crate::types::{ClassId, EntityId, ModalityParts, Mode, RankingKind, Row};

/// A list, and the ranks that explain what is not in it.
pub(super) struct ListRanking {
    pub(super) list: RankedList,
    /// The rank of every candidate of the index, from 1, `[V]`; 0 for others.
    pub(super) ranks: Vec<usize>,
}

impl Session {
    /// Ranks by feedback or by seeds.
    pub(super) fn rank_list(&self, request: &ExpandRequest) -> Result<ListRanking> {
        self.check_ranking(&self.index, request.mode, request.ranking)?;
        match request.ranking {
            RankingKind::SeedSimilarity => self.list_by_seeds(request),
            _ => self.list_by_feedback(request),
        }
    }

    /// Returns the query of a request. Entities that are not in the index are left out of the
    /// accepted and the rejected.
    fn feedback_query(&self, request: &ExpandRequest) -> Result<FeedbackQuery> {
        Ok(FeedbackQuery {
            seeds: self.rows(&request.seeds)?,
            accepted: self.known_rows(&request.accepted),
            rejected: self.known_rows(&request.rejected),
        })
    }

    /// Ranks the candidates of a request by feedback in a mode of the open index.
    pub(super) fn rank_by_feedback(
        &self,
        request: &ExpandRequest,
        mode: Mode,
    ) -> Result<FeedbackRanking<'_>> {
        expand::rank_by_feedback(
            &self.similarity(&self.index, mode)?,
            &self.feedback_query(request)?,
            request.size,
            &FeedbackConfig::default(),
        )
    }

    fn list_by_feedback(&self, request: &ExpandRequest) -> Result<ListRanking> {
        let ranking = self.rank_by_feedback(request, request.mode)?;
        let boundary = Boundary::of_ranking(&ranking, &self.index.boundary_model(request.mode));
        let contributions = ranking.contributions(&ranking.ranking);
        let parts = self.feedback_parts(&ranking, &contributions, &ranking.ranking);
        let mut candidates = Vec::with_capacity(ranking.ranking.len());
        for (position, &row) in ranking.ranking.iter().enumerate() {
            let score = ranking.scores[row.index()];
            self.check_finite(row, score)?;
            let probabilities = boundary.as_ref().map(|b| &b.probabilities);
            candidates.push(Candidate {
                entity: self.entity(row),
                score,
                parts: parts.as_ref().map(|parts| parts[position]),
                seed_contributions: contributions[position].members.clone(),
                feedback_contribution: contributions[position].fed_back.iter().sum(),
                probability: probabilities.and_then(|p| p.get(position)).copied(),
                pick: None,
            });
        }
        let list = RankedList {
            candidates,
            boundary: boundary.map(|boundary| ListBoundary {
                size: boundary.size.min(ranking.ranking.len()),
                expected_members: boundary.expected_members(),
            }),
            fed_back: ranking.fed_back.iter().map(|&r| self.entity(r)).collect(),
            image_weight: self.image_weight(&ranking, request.mode),
        };
        Ok(ListRanking {
            list,
            ranks: ranking.ranks(),
        })
    }

    /// Returns the weight of the frozen images in mode `both`; `None` if there are none.
    fn image_weight(&self, ranking: &FeedbackRanking, mode: Mode) -> Option<f64> {
        let modes = self.index.modes_of_similarity(mode);
        if mode != Mode::Both || !modes.contains(&Mode::FrozenImage) || modes.len() == 1 {
            return None;
        }
        let weight = |part: &expand::QueryPart| match part.view.mode() {
            Mode::FrozenImage => part.weight,
            _ => 0.0,
        };
        Some(ranking.parts.iter().map(weight).sum())
    }

    fn list_by_seeds(&self, request: &ExpandRequest) -> Result<ListRanking> {
        let seeds = self.rows(&request.seeds)?;
        let mut excluded = self.known_rows(&request.rejected);
        excluded.extend(self.known_rows(&request.accepted));
        let view = self.index.view(request.mode)?;
        let ranking = expand::rank_by_seeds(&view, &seeds, &excluded);
        let mut ranks = vec![0; self.index.len()];
        for ((row, _), rank) in ranking.iter().zip(1..) {
            ranks[row.index()] = rank;
        }
        let rows: Vec<Row> = ranking.iter().take(request.size).map(|(r, _)| *r).collect();
        let explained = expand::explain(&self.index, request.mode, &seeds, &rows)?;
        let mut candidates = Vec::with_capacity(rows.len());
        for (&row, explained) in rows.iter().zip(explained) {
            self.check_finite(row, explained.score)?;
            candidates.push(Candidate {
                entity: self.entity(row),
                score: explained.score,
                parts: explained.parts,
                seed_contributions: explained.seeds,
                feedback_contribution: 0.0,
                probability: None,
                pick: None,
            });
        }
        let list = RankedList {
            candidates,
            boundary: None,
            fed_back: Vec::new(),
            image_weight: None,
        };
        Ok(ListRanking { list, ranks })
    }

    /// Refuses a score that is not finite.
    fn check_finite(&self, row: Row, score: f64) -> Result<()> {
        if score.is_finite() {
            return Ok(());
        }
        let name = &self.index.entity(row).name;
        Err(Error::Mismatch(format!(
            "the score of “{name}” is {score}, not a finite number"
        )))
    }

    /// Returns the contribution of each modality, of hubness and of rejections to the score of each
    /// candidate; `None` if an index lacks a mode that this requires.
    pub(super) fn feedback_parts(
        &self,
        ranking: &FeedbackRanking,
        contributions: &[FeedbackContributions],
        candidates: &[Row],
    ) -> Option<Vec<ModalityParts>> {
        let [member_weight, feedback_weight] = ranking.weights();
        let members = ranking.query.members().into_iter();
        let weighted = members
            .map(|row| (row, member_weight))
            .chain(ranking.fed_back.iter().map(|&row| (row, feedback_weight)));
        let weighted: Vec<(Row, f64)> = weighted.collect();
        let mut all = vec![ModalityParts::default(); candidates.len()];
        for part in &ranking.parts {
            let index = self.index_of(part);
            let parts = expand::similarity_parts(index, &part.view, &weighted, candidates)?;
            for ((sum, own), &candidate) in all.iter_mut().zip(parts).zip(candidates) {
                sum.prior += part.weight * own.prior;
                sum.text += part.weight * own.text;
                sum.image += part.weight * own.image;
                for &(member, weight) in weighted.iter().filter(|(m, _)| *m != candidate) {
                    let term = ranking.hubness_term(part, member, candidate);
                    sum.hubness -= weight * part.weight * term;
                }
            }
        }
        for (sum, contributions) in all.iter_mut().zip(contributions) {
            sum.rejected = contributions.rejected.iter().sum();
        }
        Some(all)
    }

    /// Returns the index that a part of a similarity belongs to.
    pub(super) fn index_of(&self, part: &expand::QueryPart) -> &Index {
        let owner = |index: &&Index| index.has_view(&part.view);
        let companion = self.companions.iter().find(owner);
        companion.unwrap_or(&self.index)
    }

    /// Returns the ranking of the same query in another mode, best first.
    pub(super) fn list_in_mode(
        &self,
        mode: Mode,
        request: &ExpandRequest,
    ) -> Result<Vec<EntityId>> {
        if request.ranking == RankingKind::SeedSimilarity {
            let request = ExpandRequest {
                mode,
                ..request.clone()
            };
            let list = self.list_by_seeds(&request)?.list;
            return Ok(list.candidates.iter().map(|c| c.entity).collect());
        }
        let ranking = self.rank_by_feedback(request, mode)?;
        Ok(ranking.ranking.iter().map(|&r| self.entity(r)).collect())
    }

    /// Returns the reason for each gold entity that is not in a list.
    pub(super) fn missing_in_list(
        &self,
        request: &ExpandRequest,
        class: ClassId,
        ranking: &ListRanking,
    ) -> Vec<Missing> {
        let is_listed = |e: &EntityId| {
            let candidates = &ranking.list.candidates;
            candidates.iter().any(|candidate| candidate.entity == *e)
        };
        let is_member = |e: &EntityId| request.seeds.contains(e) || request.accepted.contains(e);
        let members = self.catalogue.class(class).members.iter();
        members
            .filter(|e| !is_listed(e) && !is_member(e))
            .map(|&entity| Missing {
                entity,
                reason: self.reason_missing_in_list(request, ranking, entity),
            })
            .collect()
    }

    /// Returns the reason why an entity is not in a list.
    pub(super) fn reason_missing_in_list(
        &self,
        request: &ExpandRequest,
        ranking: &ListRanking,
        entity: EntityId,
    ) -> MissingReason {
        match self.index.row(entity) {
            None => MissingReason::NotIndexed(
                "it has fewer than 2 usable sentence–picture pairs".into(),
            ),
            Some(_) if request.rejected.contains(&entity) => MissingReason::Rejected,
            Some(row) => MissingReason::BelowList {
                rank: ranking.ranks[row.index()],
            },
        }
    }
}
