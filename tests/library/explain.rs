//! Tests of explanations over the demo index, where every number is the sum of its parts.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use multiexpan::engine::Engine;
use multiexpan::engine::protocol::*;
use multiexpan::types::*;

/// The time to wait for a reply. Only a hang exceeds it, even on a busy machine.
const REPLY_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// An engine that has opened the demo index, and the receiver of its replies.
struct DemoEngine {
    engine: Engine,
    replies: Receiver<Reply>,
    last_id: u64,
    catalogue: std::sync::Arc<Catalogue>,
}

impl DemoEngine {
    fn new() -> DemoEngine {
        let (send, replies) = channel();
        let engine = Engine::start(None, move |reply| send.send(reply).unwrap()).unwrap();
        let index = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/index");
        let mut demo_engine = DemoEngine {
            engine,
            replies,
            last_id: 0,
            catalogue: Default::default(),
        };
        match demo_engine.request(RequestKind::Open {
            index,
            dataset: None,
            device: DeviceChoice::Cpu,
        }) {
            ReplyKind::Opened(catalogue) => demo_engine.catalogue = catalogue,
            other => panic!("{other:?}"),
        }
        demo_engine
    }

    /// Sends a request and returns its first reply.
    fn request(&mut self, kind: RequestKind) -> ReplyKind {
        self.last_id += 1;
        self.engine.send(Request {
            id: RequestId(self.last_id),
            kind,
        });
        self.replies.recv_timeout(REPLY_TIMEOUT).unwrap().kind
    }

    /// Returns the explanation of `entities` in the expansion that `request` describes.
    fn explain(&mut self, request: &ExpandRequest, entities: &[EntityId]) -> RankExplanation {
        match self.request(RequestKind::Explain {
            expansion: request.clone(),
            entities: entities.to_vec(),
        }) {
            ReplyKind::Explained(explained) => *explained,
            other => panic!("{other:?}"),
        }
    }

    /// Returns the candidates in the order of their picks, the reranked order and the missing
    /// entities.
    fn expand(
        &mut self,
        request: &ExpandRequest,
    ) -> (Vec<Candidate>, Vec<RerankedPick>, Vec<Missing>) {
        let (mut picks, mut reranked, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        let mut reply = self.request(RequestKind::Expand(request.clone()));
        loop {
            match reply {
                ReplyKind::Picks(page) => picks.extend(page),
                ReplyKind::Reranked(found) => reranked = found,
                ReplyKind::Missing(found) => missing = found,
                ReplyKind::Expanded { .. } => return (picks, reranked, missing),
                _ => {}
            }
            reply = self.replies.recv_timeout(REPLY_TIMEOUT).unwrap().kind;
        }
    }

    /// Returns the list of a request that is not a window search.
    fn list(&mut self, request: &ExpandRequest) -> RankedList {
        let mut reply = self.request(RequestKind::Expand(request.clone()));
        let mut list = None;
        loop {
            match reply {
                ReplyKind::Ranked(ranked) => list = Some(*ranked),
                ReplyKind::Expanded { .. } => return list.expect("a list was sent"),
                _ => {}
            }
            reply = self.replies.recv_timeout(REPLY_TIMEOUT).unwrap().kind;
        }
    }

    /// Returns an expansion of the first query of a class.
    fn query(&self, class: u16, mode: Mode) -> ExpandRequest {
        let query = self
            .catalogue
            .queries_of(ClassId(class), SeedCount::Three)
            .next()
            .unwrap();
        ExpandRequest {
            mode,
            ranking: RankingKind::Window,
            seeds: query.seeds.clone(),
            accepted: Vec::new(),
            rejected: Vec::new(),
            size: 100,
            class: Some(ClassId(class)),
            joint: None,
            settings: SearchSettings::default(),
        }
    }
}

/// Returns the numbers of a pick of the window search.
fn numbers(candidate: &Candidate) -> PickNumbers {
    candidate.pick.expect("a pick of a window search")
}

fn is_close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-6 * (1.0 + a.abs())
}

/// Returns the value of the child of a kind.
fn value(number: &Explanation, kind: ExplanationKind) -> f64 {
    number.child(kind).unwrap().value.unwrap()
}

/// Returns the sum over the prior, the text and the image.
fn sum_of_modalities(number: &Explanation) -> f64 {
    [Modality::Prior, Modality::Text, Modality::Image]
        .map(|modality| value(number, ExplanationKind::Modality(modality)))
        .iter()
        .sum()
}

/// Returns the states of a seed with their contributions, and the contribution of the other states.
fn states(seed: &Explanation) -> (Vec<(&Evidence, f64)>, Option<f64>) {
    let (mut listed, mut others) = (Vec::new(), None);
    for child in &seed.children {
        match child.kind {
            ExplanationKind::State(_) => {
                listed.push((child.evidence.as_ref().unwrap(), child.value.unwrap()));
            }
            ExplanationKind::OtherStates(_) => others = child.value,
            _ => {}
        }
    }
    (listed, others)
}

/// Returns the competitors of a pick in its window.
fn competitors(pick: &Explanation) -> Vec<&Explanation> {
    let is_competitor =
        |child: &&Explanation| matches!(child.kind, ExplanationKind::Competitor { .. });
    pick.children.iter().filter(is_competitor).collect()
}

/// Asserts that every score is the sum over its seeds, modalities and states.
fn assert_sums(explanation: &RankExplanation) {
    let state_counts: Vec<usize> = explanation.entities[0]
        .score()
        .unwrap()
        .seeds()
        .iter()
        .map(|(_, seed)| states(seed).0.len())
        .collect();
    for entity in &explanation.entities {
        let score = entity.score().unwrap();
        let seeds = score.seeds();
        let ids: Vec<EntityId> = seeds.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, explanation.request.seeds);
        let sum = seeds.iter().map(|(_, seed)| seed.value.unwrap()).sum();
        assert!(is_close(score.value.unwrap(), sum), "{entity:?}");
        assert!(is_close(score.value.unwrap(), sum_of_modalities(score)));
        for ((_, seed), count) in seeds.iter().zip(&state_counts) {
            let z = seed.value.unwrap();
            assert!(is_close(z, sum_of_modalities(seed)));
            let (listed, others) = states(seed);
            assert_eq!(listed.len(), *count);
            let sum = listed
                .iter()
                .map(|(_, contribution)| contribution)
                .sum::<f64>();
            match others {
                Some(others) => assert!(is_close(z, sum + others)),
                // The score Z of an entity is the weighted mean over its states.
                None => assert!((z - sum).abs() < 1e-3, "{z} {sum}"),
            }
        }
    }
}

#[test]
fn every_number_is_the_sum_of_its_parts() {
    let mut engine = DemoEngine::new();
    for mode in [Mode::Both, Mode::Text, Mode::Image] {
        let request = engine.query(5, mode);
        let (picks, reranked, _) = engine.expand(&request);
        let later_pick = picks
            .iter()
            .position(|c| numbers(c).window_rank > 1)
            .unwrap();
        let entities = [picks[0].entity, picks[later_pick].entity];
        let explanation = engine.explain(&request, &entities);
        assert_sums(&explanation);
        let first = explanation.entities[0].score().unwrap();
        for (_, seed) in first.seeds() {
            let (listed, _) = states(seed);
            assert!(listed[0].0.sentence.is_some());
        }
        let (listed, _) = states(first.seeds()[0].1);
        assert!(
            listed.is_sorted_by(|a, b| a.1 >= b.1),
            "the greatest contributions come first"
        );
        for (entity, pick) in explanation.entities.iter().zip([0, later_pick]) {
            assert_is_candidate(entity, &picks[pick], pick, &reranked);
        }
    }
}

/// Asserts that an explanation has the numbers of the candidate picked at position `pick`.
fn assert_is_candidate(
    explanation: &EntityExplanation,
    candidate: &Candidate,
    pick: usize,
    reranked: &[RerankedPick],
) {
    let score = explanation.score().unwrap();
    assert_eq!(score.value, Some(candidate.score));
    let modalities = Explanation::modalities(candidate.parts);
    assert_eq!(score.children[..3], modalities[..]);
    let rank = reranked
        .iter()
        .position(|reranked_pick| reranked_pick.pick == pick)
        .unwrap();
    let status = EntityStatus::Listed {
        rank: rank + 1,
        of: 100,
    };
    assert_eq!(explanation.status, status);
    let reranking = explanation.reranking().unwrap();
    assert_eq!(
        [
            reranking.value.unwrap(),
            value(reranking, ExplanationKind::PickOrder),
            value(reranking, ExplanationKind::DivergenceRank),
            value(reranking, ExplanationKind::RerankScore),
        ],
        [
            (rank + 1) as f64,
            (pick + 1) as f64,
            reranked[rank].divergence_rank as f64,
            reranked[rank].score,
        ]
    );
    let numbers = numbers(candidate);
    let window = explanation.pick().unwrap();
    assert_eq!(window.value, Some((pick + 1) as f64));
    assert_eq!(value(window, ExplanationKind::Round), numbers.round as f64);
    let (winner, least) = window.winner().unwrap();
    assert_eq!(winner, explanation.entity);
    let competitors = competitors(window);
    assert_eq!(competitors.len(), numbers.window);
    assert_eq!(
        competitors[numbers.window_rank - 1].value,
        Some(numbers.divergence)
    );
    assert!(
        competitors
            .iter()
            .all(|competitor| competitor.value.unwrap() >= least)
    );
}

#[test]
fn an_entity_outside_the_list_is_explained() {
    let mut engine = DemoEngine::new();
    let mut request = engine.query(5, Mode::Both);
    let (picks, _, missing) = engine.expand(&request);
    request.rejected = vec![picks[0].entity];
    let unindexed = EntityId(4_000_000);
    let unlisted = engine.catalogue.entities.iter().map(|e| e.id).find(|e| {
        !picks.iter().any(|c| c.entity == *e)
            && !request.seeds.contains(e)
            && !missing.iter().any(|m| m.entity == *e)
    });
    let explanation = engine.explain(
        &request,
        &[
            picks[0].entity,
            request.seeds[1],
            unlisted.unwrap(),
            unindexed,
        ],
    );
    let statuses: Vec<&EntityStatus> = explanation
        .entities
        .iter()
        .map(|explained| &explained.status)
        .collect();
    assert_eq!(
        statuses[..2],
        [
            &EntityStatus::Missing(MissingReason::Rejected),
            &EntityStatus::Seed
        ]
    );
    assert!(matches!(
        statuses[2],
        EntityStatus::Missing(
            MissingReason::BelowWindow { .. } | MissingReason::LostInWindow { .. }
        )
    ));
    assert!(matches!(
        statuses[3],
        EntityStatus::Missing(MissingReason::NotIndexed(_))
    ));
    assert!(explanation.entities[3].parts.is_empty());
    let known = RankExplanation {
        entities: explanation.entities[..3].to_vec(),
        ..explanation
    };
    assert_sums(&known);
    let lost_in_window = missing.iter().find_map(|m| match m.reason {
        MissingReason::LostInWindow { pick } => Some((m.entity, pick)),
        _ => None,
    });
    if let Some((entity, number)) = lost_in_window {
        request.rejected.clear();
        let explained = engine.explain(&request, &[entity]).entities.remove(0);
        let pick = explained.pick().unwrap();
        assert_eq!(pick.value, Some(number as f64));
        let (winner, least) = pick.winner().unwrap();
        assert_eq!(winner, picks[number - 1].entity);
        assert!(pick.competitor(entity).unwrap().value.unwrap() > least);
    }
}

#[test]
fn a_joint_expansion_is_explained_with_its_settings() {
    let mut engine = DemoEngine::new();
    let mut request = engine.query(5, Mode::Both);
    request.joint = Some(JointScope {
        seed_count: SeedCount::Three,
        number: 0,
    });
    request.settings = SearchSettings {
        window: Some(4),
        weights: Some([1, 0]),
    };
    let (picks, reranked_picks, _) = engine.expand(&request);
    assert!(reranked_picks.iter().map(|r| r.pick).eq(0..picks.len()));
    let explanation = engine.explain(&request, &[picks[7].entity]);
    assert_sums(&explanation);
    let pick = explanation.entities[0].pick().unwrap();
    assert_eq!(competitors(pick).len(), 4);
    let ReplyKind::Measured { picked, reranked } =
        engine.request(RequestKind::Measure(request.clone()))
    else {
        panic!()
    };
    assert_eq!(picked, reranked);
    request.class = None;
    assert!(matches!(
        engine.request(RequestKind::Measure(request)),
        ReplyKind::Failed(_)
    ));
}

/// Returns the sum of the children of these kinds.
fn sum_of(number: &Explanation, is_summand: fn(ExplanationKind) -> bool) -> f64 {
    let children = number.children.iter();
    let summands = children.filter(|child| is_summand(child.kind));
    summands.filter_map(|child| child.value).sum()
}

/// Asserts that both decompositions of the contribution of a member add up to it, and that the pairs do.
fn assert_member_sums(member: &Explanation) {
    use ExplanationKind::*;
    let total = member.value.unwrap();
    let by_modality = sum_of(member, |kind| matches!(kind, Modality(_) | Hubness));
    assert!(is_close(total, by_modality), "{total} {by_modality}");
    let by_pairs = sum_of(member, |kind| {
        matches!(kind, OwnPairs(_) | CandidatePairs | Hubness)
    });
    assert!(is_close(total, by_pairs), "{total} {by_pairs}");
    let is_own_pairs = |child: &&Explanation| matches!(child.kind, OwnPairs(_));
    let own = member.children.iter().find(is_own_pairs).unwrap();
    for node in std::iter::once(own).chain(&own.children) {
        if node.children.is_empty() {
            continue;
        }
        let sum: f64 = node.children.iter().filter_map(|child| child.value).sum();
        // The score Z of an entity is the weighted mean over its states.
        assert!((node.value.unwrap() - sum).abs() < 1e-3, "{node:?}");
    }
    assert!(value(member, MemberRank) >= 1.0);
}

/// Asserts that an explanation by feedback has the numbers of a candidate, and that they add up.
fn assert_is_listed(explanation: &EntityExplanation, request: &ExpandRequest, list: &RankedList) {
    use ExplanationKind::*;
    let mut candidates = list.candidates.iter().zip(1..);
    let (candidate, rank) = candidates
        .find(|(candidate, _)| candidate.entity == explanation.entity)
        .unwrap();
    let of = list.candidates.len();
    assert_eq!(explanation.status, EntityStatus::Listed { rank, of });
    let score = explanation.score().unwrap();
    assert!(is_close(score.value.unwrap(), candidate.score));
    let by_modality = sum_of(score, |kind| {
        matches!(kind, Modality(_) | Hubness | Rejections)
    });
    assert!(is_close(candidate.score, by_modality), "{by_modality}");
    let by_member = sum_of(score, |kind| {
        matches!(kind, Seed(_) | Accepted(_) | FedBack | Rejections)
    });
    assert!(is_close(candidate.score, by_member), "{by_member}");
    let members: Vec<EntityId> = score.members().iter().map(|(entity, _)| *entity).collect();
    assert_eq!(members, [&request.seeds[..], &request.accepted].concat());
    for ((_, member), contribution) in score.members().iter().zip(&candidate.seed_contributions) {
        assert!(is_close(member.value.unwrap(), *contribution));
        assert_member_sums(member);
    }
    for kind in [FedBack, Rejections] {
        if let Some(number) = score.child(kind) {
            assert!(is_close(number.value.unwrap(), sum_of(number, |_| true)));
        }
    }
    assert_eq!(score.child(FedBack).is_some(), !list.fed_back.is_empty());
    assert_eq!(
        score.child(Rejections).is_some(),
        !request.rejected.is_empty()
    );
    let probability = explanation
        .part(Probability)
        .and_then(|number| number.value);
    assert_eq!(probability, candidate.probability);
}

#[test]
fn a_score_by_feedback_is_the_sum_of_its_parts() {
    let mut engine = DemoEngine::new();
    for mode in [Mode::Both, Mode::Text, Mode::Image] {
        let mut request = ExpandRequest {
            ranking: RankingKind::Feedback,
            ..engine.query(5, mode)
        };
        let list = engine.list(&request);
        let [first, second, far] = [0, 1, 60].map(|position| list.candidates[position].entity);
        assert!(!list.fed_back.is_empty());
        let explanation = engine.explain(&request, &[first, far]);
        for entity in &explanation.entities {
            assert_is_listed(entity, &request, &list);
        }
        let sentence = explanation.summary(&engine.catalogue);
        assert!(
            sentence.contains("(1) is above") && sentence.contains(" in all)"),
            "{sentence}"
        );
        let alone = engine
            .explain(&request, &[first])
            .summary(&engine.catalogue);
        assert!(alone.contains("has rank 1 of 100: it is near"), "{alone}");
        assert!(alone.contains("; probability "), "{alone}");
        // the neighbours of a rejected candidate lose something
        (request.accepted, request.rejected) = (vec![first], vec![second, far]);
        let after_rejections = engine.list(&request);
        let losing = after_rejections
            .candidates
            .iter()
            .find(|c| c.parts.unwrap().rejected < 0.0);
        let entities = [
            after_rejections.candidates[0].entity,
            losing.unwrap().entity,
        ];
        let explanation = engine.explain(&request, &entities);
        for entity in &explanation.entities {
            assert_is_listed(entity, &request, &after_rejections);
        }
    }
}

#[test]
fn an_entity_outside_a_list_by_feedback_is_explained() {
    let mut engine = DemoEngine::new();
    let mut request = ExpandRequest {
        ranking: RankingKind::Feedback,
        ..engine.query(5, Mode::Both)
    };
    let list = engine.list(&request);
    let listed = |entity: &EntityId| list.candidates.iter().any(|c| c.entity == *entity);
    let entities = engine.catalogue.entities.iter().map(|card| card.id);
    let mut unlisted = entities.filter(|e| !listed(e) && !request.seeds.contains(e));
    let unlisted = unlisted.next();
    (request.accepted, request.rejected) = (
        vec![list.candidates[0].entity],
        vec![list.candidates[1].entity],
    );
    let explanation = engine.explain(
        &request,
        &[
            request.seeds[0],
            request.accepted[0],
            request.rejected[0],
            unlisted.unwrap(),
            EntityId(4_000_000),
        ],
    );
    let statuses: Vec<&EntityStatus> = explanation.entities.iter().map(|e| &e.status).collect();
    assert_eq!(
        statuses[..3],
        [
            &EntityStatus::Seed,
            &EntityStatus::Accepted,
            &EntityStatus::Missing(MissingReason::Rejected)
        ]
    );
    let EntityStatus::Missing(MissingReason::BelowList { rank }) = statuses[3] else {
        panic!("{:?}", statuses[3])
    };
    assert!(*rank > list.candidates.len(), "{rank}");
    let score = explanation.entities[3].score().unwrap();
    for (_, member) in score.members() {
        assert_member_sums(member);
    }
    assert!(explanation.entities[4].parts.is_empty());
}

#[test]
fn a_seed_ranking_is_explained_without_picks() {
    let mut engine = DemoEngine::new();
    let request = ExpandRequest {
        ranking: RankingKind::SeedSimilarity,
        ..engine.query(5, Mode::Both)
    };
    let list = engine.list(&request);
    let entities = [0, 9].map(|position| list.candidates[position].entity);
    let explanation = engine.explain(&request, &entities);
    assert_sums(&explanation);
    let last = &explanation.entities[1];
    assert_eq!(last.status, EntityStatus::Listed { rank: 10, of: 100 });
    assert_eq!(last.score().unwrap().value, Some(list.candidates[9].score));
    assert!(last.pick().is_none() && last.reranking().is_none());
    let sentence = explanation.summary(&engine.catalogue);
    assert!(!sentence.contains("picked"), "{sentence}");
}
