//! The explanation popup, and the explanations of the fake engine.

use multiexpan::engine::protocol::*;
use multiexpan::types::*;

use crate::fake::{FakeEngine, noise};
use crate::fake_lists::{divergence, rerank};
use crate::harness::{Screens, screen};

impl FakeEngine {
    pub fn explain(&self, request: &ExpandRequest, entities: &[EntityId]) -> RankExplanation {
        if request.ranking == RankingKind::Feedback {
            let explained = entities.iter().map(|&e| self.explain_feedback(request, e));
            return RankExplanation {
                request: request.clone(),
                entities: explained.collect(),
            };
        }
        let picks = self.picks(request, request.mode);
        RankExplanation {
            request: request.clone(),
            entities: entities
                .iter()
                .map(|&entity| self.explain_entity(request, &picks, entity))
                .collect(),
        }
    }

    fn explain_feedback(&self, request: &ExpandRequest, entity: EntityId) -> EntityExplanation {
        let list = self.list(request);
        let position = list.candidates.iter().position(|c| c.entity == entity);
        let Some(position) = position else {
            let status = if request.seeds.contains(&entity) {
                EntityStatus::Seed
            } else if request.accepted.contains(&entity) {
                EntityStatus::Accepted
            } else {
                EntityStatus::Missing(self.missing_reason(request, &list.candidates, entity))
            };
            return EntityExplanation {
                entity,
                status,
                parts: Vec::new(),
            };
        };
        let candidate = &list.candidates[position];
        let parts = candidate.parts.expect("the fake modes have modalities");
        let mut children = Explanation::modalities(candidate.parts);
        children.push(Explanation::leaf(ExplanationKind::Hubness, parts.hubness));
        let seeds = request.seeds.iter().map(|&e| ExplanationKind::Seed(e));
        let accepted = request
            .accepted
            .iter()
            .map(|&e| ExplanationKind::Accepted(e));
        for (kind, &value) in seeds.chain(accepted).zip(&candidate.seed_contributions) {
            children.push(self.explain_member(request, entity, kind, value));
        }
        if !list.fed_back.is_empty() {
            let each = candidate.feedback_contribution / list.fed_back.len() as f64;
            let fed_back = list.fed_back.iter();
            let fed_back = fed_back
                .map(|&e| Explanation::leaf(ExplanationKind::FedBackCandidate(e), each))
                .collect();
            let sum = Some(candidate.feedback_contribution);
            children.push(Explanation::new(ExplanationKind::FedBack, sum, fed_back));
        }
        if !request.rejected.is_empty() {
            let each = parts.rejected / request.rejected.len() as f64;
            let rejected = request.rejected.iter();
            let rejected = rejected
                .map(|&e| Explanation::leaf(ExplanationKind::RejectedCandidate(e), each))
                .collect();
            let kind = ExplanationKind::Rejections;
            children.push(Explanation::new(kind, Some(parts.rejected), rejected));
        }
        let score = Some(candidate.score);
        let mut parts = vec![Explanation::new(ExplanationKind::Score, score, children)];
        let probability = candidate.probability;
        parts.extend(probability.map(|p| Explanation::leaf(ExplanationKind::Probability, p)));
        parts.push(Explanation::leaf(ExplanationKind::Neighborhood, 41.0));
        EntityExplanation {
            entity,
            status: EntityStatus::Listed {
                rank: position + 1,
                of: list.candidates.len(),
            },
            parts,
        }
    }

    /// Returns a member's contribution: hubness takes 1, and two thirds of the rest are the member's
    /// own pairs.
    fn explain_member(
        &self,
        request: &ExpandRequest,
        entity: EntityId,
        kind: ExplanationKind,
        value: f64,
    ) -> Explanation {
        let (ExplanationKind::Seed(member) | ExplanationKind::Accepted(member)) = kind else {
            panic!("{kind:?} is not a member")
        };
        let similarity = value + 1.0;
        let own = similarity * 2.0 / 3.0;
        let mut states = self.explain_seed(request, entity, member, own, false);
        states.kind = ExplanationKind::OwnPairs(member);
        let parts = ModalityParts {
            text: similarity * 0.4,
            image: similarity * 0.6,
            ..ModalityParts::default()
        };
        let mut children = Explanation::modalities(Some(parts));
        children.retain(|child| child.value != Some(0.0));
        children.push(Explanation::leaf(ExplanationKind::Hubness, -1.0));
        children.push(states);
        let other_way = similarity - own;
        children.push(Explanation::leaf(
            ExplanationKind::CandidatePairs,
            other_way,
        ));
        let rank = 1 + (60.0 * noise(entity.0 ^ member.0, 23).abs()) as usize;
        children.push(Explanation::leaf(ExplanationKind::MemberRank, rank as f64));
        Explanation::new(kind, Some(value), children)
    }

    fn explain_entity(
        &self,
        request: &ExpandRequest,
        picks: &[Candidate],
        entity: EntityId,
    ) -> EntityExplanation {
        let pick = picks.iter().position(|c| c.entity == entity);
        let order = rerank(picks);
        let position = pick.and_then(|pick| order.iter().position(|r| r.pick == pick));
        let status = match position {
            Some(position) => EntityStatus::Listed {
                rank: position + 1,
                of: picks.len(),
            },
            None if request.seeds.contains(&entity) => EntityStatus::Seed,
            None => EntityStatus::Missing(self.missing_reason(request, picks, entity)),
        };
        let mut parts = Vec::new();
        parts.extend(self.explain_score(request, entity));
        parts.extend(pick.map(|pick| explain_pick(picks, pick)));
        parts.extend(position.map(|position| explain_reranking(&order, position)));
        EntityExplanation {
            entity,
            status,
            parts,
        }
    }

    fn missing_reason(
        &self,
        request: &ExpandRequest,
        picks: &[Candidate],
        entity: EntityId,
    ) -> MissingReason {
        let ids: Vec<EntityId> = picks.iter().map(|c| c.entity).collect();
        let missing = request
            .class
            .map_or_else(Vec::new, |class| self.missing(request, class, &ids));
        missing
            .into_iter()
            .find(|m| m.entity == entity)
            .map_or(MissingReason::Rejected, |m| m.reason)
    }

    fn explain_score(&self, request: &ExpandRequest, entity: EntityId) -> Option<Explanation> {
        // a rejected entity has its numbers too
        let all = self.picks(
            &ExpandRequest {
                rejected: Vec::new(),
                size: 1000,
                ..request.clone()
            },
            request.mode,
        );
        let candidate = all.iter().find(|c| c.entity == entity)?;
        let mut children = Explanation::modalities(candidate.parts);
        for (&z, &seed) in candidate.seed_contributions.iter().zip(&request.seeds) {
            let has_parts = candidate.parts.is_some();
            children.push(self.explain_seed(request, entity, seed, z, has_parts));
        }
        Some(Explanation::new(
            ExplanationKind::Score,
            Some(candidate.score),
            children,
        ))
    }

    fn explain_seed(
        &self,
        request: &ExpandRequest,
        entity: EntityId,
        seed: EntityId,
        z: f64,
        has_parts: bool,
    ) -> Explanation {
        let first = z * (0.5 + 0.3 * noise(entity.0 ^ seed.0, 21));
        let image = z * (0.5 + 0.4 * noise(entity.0 ^ seed.0, 22));
        let parts = has_parts.then_some(ModalityParts {
            prior: 0.1,
            text: z - image - 0.1,
            image,
            ..ModalityParts::default()
        });
        let mut children = Explanation::modalities(parts);
        let sentences = self.inspect(seed, request.mode).sentences;
        let contributions = [first, z - first];
        for (state, (sentence, value)) in sentences.into_iter().zip(contributions).enumerate() {
            let evidence = Evidence {
                fraction: 0.5,
                sentence: Some(SentenceCard {
                    image: self.images(seed).get(state).cloned(),
                    ..sentence
                }),
            };
            children.push(Explanation {
                evidence: Some(evidence),
                ..Explanation::leaf(ExplanationKind::State(state), value)
            });
        }
        Explanation::new(ExplanationKind::Seed(seed), Some(z), children)
    }
}

fn explain_pick(picks: &[Candidate], pick: usize) -> Explanation {
    let own = &picks[pick];
    let numbers = own.pick.expect("a pick of a window search");
    let window = &picks[pick.saturating_sub(1)..(pick + 3).min(picks.len())];
    let position = window.iter().position(|c| c.entity == own.entity).unwrap();
    let mut children = vec![
        Explanation::leaf(ExplanationKind::SeedRank, (pick + 1) as f64),
        Explanation::leaf(ExplanationKind::Round, numbers.round as f64),
        Explanation::leaf(ExplanationKind::WindowSize, window.len() as f64),
        Explanation::leaf(ExplanationKind::WindowRank, (position + 1) as f64),
        Explanation::leaf(ExplanationKind::SetScore, numbers.set_score),
        Explanation::leaf(ExplanationKind::Divergence, numbers.divergence),
    ];
    for (candidate, rank) in window.iter().zip(1..) {
        let is_winner = candidate.entity == own.entity;
        let kind = ExplanationKind::Competitor {
            entity: candidate.entity,
            rank,
            is_winner,
        };
        let excess = if is_winner { 0.0 } else { 0.03 };
        children.push(Explanation::leaf(kind, divergence(candidate) + excess));
    }
    let number = Some((pick + 1) as f64);
    Explanation::new(ExplanationKind::Pick, number, children)
}

fn explain_reranking(order: &[RerankedPick], position: usize) -> Explanation {
    let entry = &order[position];
    let children = vec![
        Explanation::leaf(ExplanationKind::PickOrder, (entry.pick + 1) as f64),
        Explanation::leaf(
            ExplanationKind::DivergenceRank,
            entry.divergence_rank as f64,
        ),
        Explanation::leaf(ExplanationKind::RerankScore, entry.score),
    ];
    let rank = Some((position + 1) as f64);
    Explanation::new(ExplanationKind::Reranking, rank, children)
}

#[test]
fn a_place_by_feedback_is_explained() {
    for (width, height) in [(80, 24), (120, 40)] {
        screen(width, height)
            .open("carnivorous")
            .keys("jjwjjjjjl")
            .snapshot(&format!("explanation_feedback_{width}x{height}"));
    }
    screen(120, 40)
        .open("carnivorous")
        .keys("+jj-gw]]Z")
        .snapshot("explanation_feedback_two_120x40");
    let mut s = screen(120, 40);
    s.open("carnivorous").keys("jjwjjjjjljjjjj");
    assert!(s.text().contains("% of the seed's pairs"), "{}", s.text());
    s.keys("<esc>+gklllw");
    assert!(
        s.text().contains("is accepted: it counts as a seed"),
        "{}",
        s.text()
    );
}

#[test]
fn a_candidate_is_explained() {
    for (width, height) in [(80, 24), (120, 40)] {
        screen(width, height)
            .open("carnivorous")
            .keys("r")
            .keys("jjw")
            .snapshot(&format!("explanation_{width}x{height}"));
    }
    screen(60, 16)
        .open("carnivorous")
        .keys("r")
        .keys("jjw")
        .snapshot("explanation_60x16");
    // the first seed's line, unfolded, and on its first pair
    screen(120, 40)
        .open("carnivorous")
        .keys("r")
        .keys("jjwjjjj lljjj")
        .snapshot("explanation_pair_120x40");
    screen(80, 24)
        .open("carnivorous")
        .keys("r")
        .keys("jjwjjjjlllll")
        .snapshot("explanation_pair_80x24");
}

#[test]
fn two_candidates_are_explained_side_by_side() {
    for (width, height) in [(80, 24), (120, 40)] {
        screen(width, height)
            .open("carnivorous")
            .keys("r")
            .keys("wZ]]")
            .snapshot(&format!("explanation_two_{width}x{height}"));
    }
    let mut s = screen(120, 40);
    s.open("carnivorous").keys("r");
    let rows = s.rows();
    s.keys("jw<esc>jjW");
    assert!(
        s.text()
            .contains(&format!("Explanation: {} and {}", rows[1], rows[3])),
        "{}",
        s.text()
    );
    s.keys("[[");
    assert!(
        s.text()
            .contains(&format!("Explanation: {} and {}", rows[1], rows[0])),
        "{}",
        s.text()
    );
    assert!(
        s.text().contains(&format!("{} (", rows[0])) && s.text().contains("is above"),
        "{}",
        s.text()
    );
    s.keys("[");
    assert!(
        s.text().contains(&rows[0]),
        "the list ends there: {}",
        s.text()
    );
    s.keys("w");
    assert!(
        !s.text().contains(" and carn") && s.text().contains(&format!("Explanation: {} ", rows[1])),
        "{}",
        s.text()
    );
    s.keys("w");
    assert!(s.text().contains("Candidates"), "{}", s.text());
}

#[test]
fn branches_fold_and_unfold() {
    let mut s = screen(120, 40);
    s.open("carnivorous").keys("rw");
    let folded = s.text();
    assert!(
        folded.contains("▾ score") && folded.contains("▸ "),
        "{folded}"
    );
    s.keys("h");
    assert!(
        s.text().contains("▸ score") && !s.text().contains("prior"),
        "{}",
        s.text()
    );
    s.keys("l");
    assert_eq!(s.text(), folded);
    s.keys("Z");
    assert!(s.text().contains("is known to most people"), "{}", s.text());
    s.keys("Z");
    assert_eq!(s.text(), folded);
    s.click_on("▸ ");
    s.click_on("▸ ");
    assert!(s.text().contains("is known to most people"), "{}", s.text());
}

#[test]
fn a_missing_entity_is_explained() {
    let mut s = screen(80, 24);
    s.open("fruits")
        .keys("r")
        .keys("jj-Mw")
        .snapshot("explanation_missing_80x24");
    s.keys("<esc>kllw");
    let mut of_seed = screen(80, 24);
    of_seed.open("fruits").keys("rkw");
    assert!(
        of_seed.text().contains("is a seed: seeds are not ranked"),
        "{}",
        of_seed.text()
    );
}

#[test]
fn a_failed_explanation_shows_its_error() {
    let mut s = screen(80, 24);
    s.open("fruits").keys("r");
    let requested = s.take_requests("w");
    assert!(
        requested
            .iter()
            .any(|request| matches!(request.kind, RequestKind::Explain { .. }))
    );
    s.send_reply(
        requested[0].id,
        ReplyKind::Failed("the device ran out of memory".into()),
    );
    assert!(
        s.text().contains("the device ran out of memory"),
        "{}",
        s.text()
    );
    s.keys("jZ lh<esc>");
    assert!(s.text().contains("Candidates"), "{}", s.text());
}

#[test]
fn an_index_of_one_mode_has_no_modalities() {
    let mut raw = Screens::with_catalogue(80, 24, |c| c.modes = vec![Mode::Both]);
    raw.open("fruits").keys("rw");
    assert!(
        raw.text().contains("score") && !raw.text().contains("prior"),
        "{}",
        raw.text()
    );
}

#[test]
fn a_search_goes_through_the_whole_tree_and_unfolds_matches() {
    let mut s = screen(120, 40);
    s.open("carnivorous").keys("rjjw");
    assert!(!s.text().contains("read of one"), "{}", s.text());
    s.keys("/read of").snapshot("explanation_search_120x40");
    assert!(
        s.text().contains("1 of 3"),
        "one of each seed: {}",
        s.text()
    );
    s.keys("<enter>n");
    assert!(s.text().contains("2 of 3"), "{}", s.text());
    s.keys("NN");
    assert!(
        s.text().contains("3 of 3"),
        "from the first on to the last: {}",
        s.text()
    );
    s.keys("<esc>/divergence from");
    assert!(
        s.text().contains("1 of 1") && s.text().contains("KL divergence from an ideal"),
        "{}",
        s.text()
    );
    s.keys("zzz<esc>");
    assert!(
        s.text().contains("Explanation: ") && s.text().contains("“Few have seen"),
        "back on the pair: {}",
        s.text()
    );
    s.keys("<esc>");
    assert!(s.text().contains("Candidates"), "{}", s.text());
}

#[test]
fn help_over_explain_and_what_if_restores_them() {
    let mut s = screen(120, 40);
    s.open("carnivorous").keys("rjjwj");
    let before = s.text();
    s.keys("?").snapshot("help_explanation_120x40");
    assert!(
        !s.text().contains("add a seed by its name")
            && s.text().contains("stop or continue the evaluation"),
        "{}",
        s.text()
    );
    s.keys("?");
    assert_eq!(s.text(), before);
    s.keys("<esc>ijj");
    let before = s.text();
    s.keys("<f1>").snapshot("help_what_if_120x40");
    s.keys("<enter>");
    assert_eq!(s.text(), before, "with the cursor where it was");
    s.keys("<esc>?");
    assert!(
        s.text().contains("add a seed by its name"),
        "of the screen as before: {}",
        s.text()
    );
}
