//! The lists of the fake engine: window searches, and lists by feedback and by seeds.

use std::time::Duration;

use multiexpan::engine::protocol::*;
use multiexpan::types::*;

use crate::fake::{FakeEngine, noise};

/// What hubness takes from every score of the feedback ranking.
const HUBNESS: f64 = 9.0;

impl FakeEngine {
    pub fn expand(&self, request: &ExpandRequest) -> Vec<ReplyKind> {
        let picks = self.picks(request, request.mode);
        let ids: Vec<EntityId> = picks.iter().map(|c| c.entity).collect();
        let (mut replies, reranked) = if request.is_window_search() {
            search_replies(&picks)
        } else {
            let list = self.list(request);
            let ranking = list.candidates.iter().map(|c| c.entity).collect();
            (vec![ReplyKind::Ranked(Box::new(list))], ranking)
        };
        if let Some(class) = request.class {
            let gold: Vec<EntityId> = self
                .catalogue
                .class(class)
                .members
                .iter()
                .copied()
                .filter(|m| !request.seeds.contains(m) && !request.accepted.contains(m))
                .collect();
            replies.push(ReplyKind::Measured {
                picked: measure(&ids, &gold),
                reranked: measure(&reranked, &gold),
            });
        }
        for mode in [Mode::Both, Mode::Text, Mode::Image]
            .into_iter()
            .filter(|m| *m != request.mode)
        {
            if self.catalogue.modes.contains(&mode) {
                let ranking = self.picks(request, mode).iter().map(|c| c.entity).collect();
                replies.push(ReplyKind::OtherMode { mode, ranking });
            }
        }
        if let Some(class) = request.class {
            replies.push(ReplyKind::Missing(self.missing(request, class, &ids)));
        }
        replies.push(ReplyKind::Expanded {
            elapsed: Duration::from_millis(212),
        });
        replies
    }

    /// Returns the list of a request that is ranked by feedback or by seeds. Its order is that of the
    /// picks. By feedback, images count, hubness takes the same from every candidate, each
    /// rejected candidate takes a little from the others of its class, and the best 2 are fed back.
    pub fn list(&self, request: &ExpandRequest) -> RankedList {
        let is_feedback = request.ranking == RankingKind::Feedback;
        let mut candidates = self.picks(request, request.mode);
        let has_judgements = !request.accepted.is_empty() || !request.rejected.is_empty();
        let fed_back: Vec<EntityId> = if is_feedback && !has_judgements {
            candidates.iter().take(2).map(|c| c.entity).collect()
        } else {
            Vec::new()
        };
        for (position, candidate) in candidates.iter_mut().enumerate() {
            candidate.pick = None;
            if is_feedback {
                self.as_fed_back(request, candidate, position, !fed_back.is_empty());
            }
        }
        if is_feedback {
            candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
        }
        RankedList {
            boundary: (is_feedback && !has_judgements && request.seeds.len() > 1).then_some(
                ListBoundary {
                    size: 12.min(candidates.len()),
                    expected_members: 10.8,
                },
            ),
            fed_back,
            image_weight: (is_feedback && request.mode == Mode::Both).then_some(0.31),
            candidates,
        }
    }

    /// Turns a pick into a candidate of the feedback ranking.
    fn as_fed_back(
        &self,
        request: &ExpandRequest,
        candidate: &mut Candidate,
        position: usize,
        has_feedback: bool,
    ) {
        let rejections = request.rejected.iter();
        let kin = rejections.filter(|r| self.are_of_one_class(**r, candidate.entity));
        let rejected = -0.4 * kin.count() as f64;
        if let Some(parts) = &mut candidate.parts {
            parts.hubness = -HUBNESS;
            parts.rejected = rejected;
        }
        let sum = candidate.score - HUBNESS;
        let all: f64 = candidate.seed_contributions.iter().sum();
        candidate.feedback_contribution = if has_feedback { sum / 10.0 } else { 0.0 };
        let of_members = sum - candidate.feedback_contribution;
        for contribution in &mut candidate.seed_contributions {
            *contribution *= of_members / all;
        }
        let accepted = request.accepted.len();
        if accepted > 0 {
            // each accepted candidate contributes as much as the mean seed
            let seeds = candidate.seed_contributions.len();
            let each = of_members / (seeds + accepted) as f64;
            let scale = seeds as f64 / (seeds + accepted) as f64;
            candidate
                .seed_contributions
                .iter_mut()
                .for_each(|c| *c *= scale);
            candidate.seed_contributions.extend(vec![each; accepted]);
        }
        candidate.score = sum + rejected;
        if !request.accepted.is_empty() || !request.rejected.is_empty() || request.seeds.len() < 2 {
            return;
        }
        candidate.probability = Some(1.0 / (1.0 + (0.35 * position as f64 - 4.0).exp()));
    }

    fn are_of_one_class(&self, one: EntityId, other: EntityId) -> bool {
        let classes = |entity| {
            let card = self.catalogue.entity(entity);
            card.map(|card| card.classes.clone()).unwrap_or_default()
        };
        classes(one)
            .iter()
            .any(|class| classes(other).contains(class))
    }

    pub fn picks(&self, request: &ExpandRequest, mode: Mode) -> Vec<Candidate> {
        let single = !self.catalogue.modes.contains(&Mode::Text);
        let mut all: Vec<(f64, ModalityParts, Vec<f64>, EntityId)> = self
            .catalogue
            .entities
            .iter()
            .filter(|e| {
                !request.seeds.contains(&e.id)
                    && !request.accepted.contains(&e.id)
                    && !request.rejected.contains(&e.id)
            })
            .map(|e| {
                let text = if mode.sees_text() {
                    self.contribution(request, e, 1)
                } else {
                    0.0
                };
                let image = if mode.sees_image() {
                    self.contribution(request, e, 2)
                } else {
                    0.0
                };
                let parts = ModalityParts {
                    prior: 0.4 + noise(e.id.0, 5),
                    text,
                    image,
                    ..ModalityParts::default()
                };
                let contributions: Vec<f64> = request
                    .seeds
                    .iter()
                    .map(|s| parts.sum() * (1.0 + 0.4 * noise(s.0 ^ e.id.0, 3)))
                    .collect();
                let all: f64 = contributions.iter().sum();
                let contributions = contributions
                    .iter()
                    .map(|c| c * parts.sum() / all)
                    .collect();
                (parts.sum(), parts, contributions, e.id)
            })
            .collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.3.cmp(&b.3)));
        let candidate = |(at, (score, parts, seed_contributions, entity)): (
            usize,
            (f64, ModalityParts, Vec<f64>, EntityId),
        )| {
            Candidate {
                entity,
                score,
                parts: (!single).then_some(parts),
                seed_contributions,
                feedback_contribution: 0.0,
                probability: None,
                pick: Some(PickNumbers {
                    set_score: score * (at + request.seeds.len()) as f64,
                    round: at as i64 + request.seeds.len() as i64 - 3,
                    window: 1 + at / 20,
                    window_rank: 1 + at % (1 + at / 20),
                    divergence: 0.01 + 0.02 * noise(entity.0, 9).abs(),
                }),
            }
        };
        // the last few are never picked, so that some entities are missing
        let size = request.size.min(all.len() * 9 / 10);
        all.into_iter()
            .take(size)
            .enumerate()
            .map(candidate)
            .collect()
    }

    /// Returns the contribution of one modality to an entity's score, from −2 to 8.
    fn contribution(&self, request: &ExpandRequest, entity: &EntityCard, salt: u32) -> f64 {
        let of = |s: &EntityId| {
            self.catalogue
                .entity(*s)
                .map(|c| c.classes.clone())
                .unwrap_or_default()
        };
        let middle = |c: &ClassId| self.catalogue.class(*c).middle.clone();
        let near: f64 = request
            .seeds
            .iter()
            .map(|s| {
                let theirs = of(s);
                let same = entity.classes.iter().any(|c| theirs.contains(c));
                let kin = entity
                    .classes
                    .iter()
                    .any(|c| theirs.iter().any(|t| middle(c) == middle(t)));
                if same {
                    5.0
                } else if kin {
                    2.8
                } else {
                    0.3
                }
            })
            .sum();
        near / request.seeds.len() as f64 + 2.4 * noise(entity.id.0, salt)
    }

    pub fn missing(
        &self,
        request: &ExpandRequest,
        class: ClassId,
        picked: &[EntityId],
    ) -> Vec<Missing> {
        let gold = &self.catalogue.class(class).members;
        let out = gold.iter().filter(|g| {
            !request.seeds.contains(g) && !request.accepted.contains(g) && !picked.contains(g)
        });
        let reason = |e: &EntityId| match e.0 % 3 {
            _ if request.rejected.contains(e) => MissingReason::Rejected,
            0 | 1 if !request.is_window_search() => MissingReason::BelowList {
                rank: 131 + e.0 as usize % 40,
            },
            0 => MissingReason::BelowWindow {
                seed_rank: 131 + e.0 as usize % 40,
                final_rank: 148,
            },
            1 => MissingReason::LostInWindow { pick: 41 },
            _ => MissingReason::NotIndexed("fewer than 2 pairs".into()),
        };
        out.map(|e| Missing {
            entity: *e,
            reason: reason(e),
        })
        .collect()
    }
}

/// Returns the replies of a window search, and the re-ranked candidates.
fn search_replies(picks: &[Candidate]) -> (Vec<ReplyKind>, Vec<EntityId>) {
    let order = rerank(picks);
    let mut replies: Vec<ReplyKind> = picks
        .chunks(20)
        .map(|c| ReplyKind::Picks(c.to_vec()))
        .collect();
    let reranked = order.iter().map(|r| picks[r.pick].entity).collect();
    replies.push(ReplyKind::Reranked(order));
    (replies, reranked)
}

/// Returns a window search without seeds.
pub fn search(mode: Mode, size: usize) -> ExpandRequest {
    ExpandRequest {
        mode,
        ranking: RankingKind::Window,
        seeds: vec![],
        accepted: vec![],
        rejected: vec![],
        size,
        class: None,
        joint: None,
        settings: SearchSettings::default(),
    }
}

/// Returns the divergence of a pick.
pub fn divergence(candidate: &Candidate) -> f64 {
    candidate.pick.map_or(0.0, |pick| pick.divergence)
}

pub fn rerank(picks: &[Candidate]) -> Vec<RerankedPick> {
    let mut by_divergence: Vec<usize> = (0..picks.len()).collect();
    by_divergence.sort_by(|&a, &b| divergence(&picks[a]).total_cmp(&divergence(&picks[b])));
    let mut order: Vec<RerankedPick> = by_divergence
        .iter()
        .enumerate()
        .map(|(j, &pick)| RerankedPick {
            pick,
            divergence_rank: j + 1,
            score: 9.0 / (pick + 1) as f64 + 1.0 / (j + 1) as f64,
        })
        .collect();
    order.sort_by(|a, b| b.score.total_cmp(&a.score));
    order
}

pub fn measure(ranking: &[EntityId], gold: &[EntityId]) -> MetricValues {
    let mut m = MetricValues::default();
    for (at, k) in CUTOFFS.into_iter().enumerate() {
        let best = gold.len().min(k).max(1) as f64;
        let mut hits = 0.0;
        let mut sum = 0.0;
        for (i, e) in ranking.iter().take(k).enumerate() {
            if gold.contains(e) {
                hits += 1.0;
                sum += hits / (i + 1) as f64;
            }
        }
        (m.ap[at], m.p[at], m.ceiling[at]) = (sum / best, hits / best, 1.0);
    }
    m
}
