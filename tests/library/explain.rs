//! Explanations over the demo index: every number is the sum of those below it.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use multiexpan::engine::Engine;
use multiexpan::engine::protocol::*;
use multiexpan::types::*;

/// Only a hang takes longer, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

struct Asker {
    engine: Engine,
    replies: Receiver<Reply>,
    next: u64,
    catalogue: std::sync::Arc<Catalogue>,
}

impl Asker {
    fn new() -> Asker {
        let (send, replies) = channel();
        let engine = Engine::start(None, move |reply| send.send(reply).unwrap()).unwrap();
        let index = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/index");
        let mut asker = Asker {
            engine,
            replies,
            next: 0,
            catalogue: Default::default(),
        };
        match asker.ask(RequestKind::Open {
            index,
            dataset: None,
            device: DeviceChoice::Cpu,
        }) {
            ReplyKind::Opened(catalogue) => asker.catalogue = catalogue,
            other => panic!("{other:?}"),
        }
        asker
    }

    fn ask(&mut self, ask: RequestKind) -> ReplyKind {
        self.next += 1;
        self.engine.send(Request {
            id: RequestId(self.next),
            kind: ask,
        });
        self.replies.recv_timeout(PATIENCE).unwrap().kind
    }

    fn explain(&mut self, ask: &ExpandRequest, entities: &[EntityId]) -> RankExplanation {
        match self.ask(RequestKind::Explain {
            expansion: ask.clone(),
            entities: entities.to_vec(),
        }) {
            ReplyKind::Explained(explained) => *explained,
            other => panic!("{other:?}"),
        }
    }

    /// The candidates in the order of the list, with their places.
    fn expand(&mut self, ask: &ExpandRequest) -> (Vec<Candidate>, Vec<RerankedPick>, Vec<Missing>) {
        let (mut picks, mut order, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        let mut say = self.ask(RequestKind::Expand(ask.clone()));
        loop {
            match say {
                ReplyKind::Picks(page) => picks.extend(page),
                ReplyKind::Reranked(found) => order = found,
                ReplyKind::Missing(found) => missing = found,
                ReplyKind::Expanded { .. } => return (picks, order, missing),
                _ => {}
            }
            say = self.replies.recv_timeout(PATIENCE).unwrap().kind;
        }
    }

    fn query(&self, class: u16, mode: Mode) -> ExpandRequest {
        let query = self
            .catalogue
            .queries_of(ClassId(class), SeedCount::Three)
            .next()
            .unwrap();
        ExpandRequest {
            mode,
            seeds: query.seeds.clone(),
            rejected: Vec::new(),
            size: 100,
            class: Some(ClassId(class)),
            joint: None,
            settings: SearchSettings::default(),
        }
    }
}

fn is_close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-6 * (1.0 + a.abs())
}

fn value(number: &Explanation, kind: ExplanationKind) -> f64 {
    number.child(kind).unwrap().value.unwrap()
}

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

fn competitors(pick: &Explanation) -> Vec<&Explanation> {
    let is_competitor =
        |child: &&Explanation| matches!(child.kind, ExplanationKind::Competitor { .. });
    pick.children.iter().filter(is_competitor).collect()
}

fn assert_sums(explanation: &RankExplanation) {
    let state_counts: Vec<usize> = explanation.entities[0]
        .score()
        .unwrap()
        .seeds()
        .iter()
        .map(|(_, seed)| states(seed).0.len())
        .collect();
    for one in &explanation.entities {
        let score = one.score().unwrap();
        let seeds = score.seeds();
        let ids: Vec<EntityId> = seeds.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, explanation.request.seeds);
        let sum = seeds.iter().map(|(_, seed)| seed.value.unwrap()).sum();
        assert!(is_close(score.value.unwrap(), sum), "{one:?}");
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
                // an entity's Z is the weighted mean over its states
                None => assert!((z - sum).abs() < 1e-3, "{z} {sum}"),
            }
        }
    }
}

#[test]
fn every_number_is_the_sum_of_those_below_it() {
    let mut asker = Asker::new();
    for mode in [Mode::Both, Mode::Text, Mode::Image] {
        let request = asker.query(5, mode);
        let (picks, order, _) = asker.expand(&request);
        let late = picks.iter().position(|c| c.window_rank > 1).unwrap();
        let entities = [picks[0].entity, picks[late].entity];
        let explanation = asker.explain(&request, &entities);
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
        for (one, pick) in explanation.entities.iter().zip([0, late]) {
            assert_is_candidate(one, &picks[pick], pick, &order);
        }
    }
}

/// Asserts that an explanation has the numbers of the candidate picked at position `pick`.
fn assert_is_candidate(
    one: &EntityExplanation,
    candidate: &Candidate,
    pick: usize,
    order: &[RerankedPick],
) {
    let score = one.score().unwrap();
    assert_eq!(score.value, Some(candidate.score));
    let modalities = Explanation::modalities(candidate.parts);
    assert_eq!(score.children[..3], modalities[..]);
    let rank = order.iter().position(|r| r.pick == pick).unwrap();
    let status = EntityStatus::Listed {
        rank: rank + 1,
        of: 100,
    };
    assert_eq!(one.status, status);
    let reranking = one.reranking().unwrap();
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
            order[rank].divergence_rank as f64,
            order[rank].score,
        ]
    );
    let window = one.pick().unwrap();
    assert_eq!(window.value, Some((pick + 1) as f64));
    assert_eq!(
        value(window, ExplanationKind::Round),
        candidate.round as f64
    );
    let (winner, least) = window.winner().unwrap();
    assert_eq!(winner, one.entity);
    let competitors = competitors(window);
    assert_eq!(competitors.len(), candidate.window);
    assert_eq!(
        competitors[candidate.window_rank - 1].value,
        Some(candidate.divergence)
    );
    assert!(competitors.iter().all(|c| c.value.unwrap() >= least));
}

#[test]
fn an_entity_outside_the_list_is_explained_as_far_as_possible() {
    let mut asker = Asker::new();
    let mut request = asker.query(5, Mode::Both);
    let (picks, _, missing) = asker.expand(&request);
    request.rejected = vec![picks[0].entity];
    let outside = EntityId(4_000_000);
    let far = asker.catalogue.entities.iter().map(|e| e.id).find(|e| {
        !picks.iter().any(|c| c.entity == *e)
            && !request.seeds.contains(e)
            && !missing.iter().any(|m| m.entity == *e)
    });
    let explanation = asker.explain(
        &request,
        &[picks[0].entity, request.seeds[1], far.unwrap(), outside],
    );
    let statuses: Vec<&EntityStatus> = explanation.entities.iter().map(|one| &one.status).collect();
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
    let lost = missing.iter().find_map(|m| match m.reason {
        MissingReason::LostInWindow { pick } => Some((m.entity, pick)),
        _ => None,
    });
    if let Some((entity, number)) = lost {
        request.rejected.clear();
        let one = asker.explain(&request, &[entity]).entities.remove(0);
        let pick = one.pick().unwrap();
        assert_eq!(pick.value, Some(number as f64));
        let (winner, least) = pick.winner().unwrap();
        assert_eq!(winner, picks[number - 1].entity);
        assert!(pick.competitor(entity).unwrap().value.unwrap() > least);
    }
}

#[test]
fn a_joint_expansion_and_one_of_other_settings_are_explained_as_they_ran() {
    let mut asker = Asker::new();
    let mut ask = asker.query(5, Mode::Both);
    ask.joint = Some(JointScope {
        seed_count: SeedCount::Three,
        number: 0,
    });
    ask.settings = SearchSettings {
        window: Some(4),
        weights: Some([1, 0]),
    };
    let (picks, order, _) = asker.expand(&ask);
    assert!(order.iter().map(|r| r.pick).eq(0..picks.len()));
    let explained = asker.explain(&ask, &[picks[7].entity]);
    assert_sums(&explained);
    let pick = explained.entities[0].pick().unwrap();
    assert_eq!(competitors(pick).len(), 4);
    let ReplyKind::Measured { picked, reranked } = asker.ask(RequestKind::Measure(ask.clone()))
    else {
        panic!()
    };
    assert_eq!(picked, reranked);
    ask.class = None;
    assert!(matches!(
        asker.ask(RequestKind::Measure(ask)),
        ReplyKind::Failed(_)
    ));
}
