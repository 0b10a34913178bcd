//! Why entities stand where they stand, over the demo's index: every number is a sum of those below
//! it.

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

    fn explain(&mut self, ask: &ExpandRequest, entities: &[EntityId]) -> Explained {
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

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-6 * (1.0 + a.abs())
}

fn assert_sums(explained: &Explained) {
    for why in &explained.entities {
        assert_eq!(why.seeds.len(), explained.seeds.len());
        assert!(
            near(why.score, why.seeds.iter().map(|seed| seed.z).sum()),
            "{why:?}"
        );
        assert!(near(why.score, why.parts.unwrap().sum()));
        for (seed, states) in why.seeds.iter().zip(&explained.seeds) {
            assert!(near(seed.z, seed.parts.unwrap().sum()));
            assert_eq!(seed.brought.len(), states.states.len());
            assert!(near(seed.z, seed.brought.iter().sum::<f64>() + seed.rest));
            // the mean of what states say is what the entity says: the rest is that of states not
            // named
            assert!(states.more > 0 || seed.rest.abs() < 1e-3, "{}", seed.rest);
        }
    }
}

#[test]
fn every_number_is_the_sum_of_those_below_it() {
    let mut asker = Asker::new();
    for mode in [Mode::Both, Mode::Text, Mode::Image] {
        let ask = asker.query(5, mode);
        let (picks, order, _) = asker.expand(&ask);
        let late = picks.iter().position(|c| c.window_rank > 1).unwrap();
        let entities = [picks[0].entity, picks[late].entity];
        let explained = asker.explain(&ask, &entities);
        assert_sums(&explained);
        assert!(
            explained
                .seeds
                .iter()
                .all(|seed| !seed.states.is_empty() && seed.states[0].sentence.is_some())
        );
        let brought = &explained.entities[0].seeds[0].brought;
        assert!(brought.is_sorted_by(|a, b| a >= b), "the best come first");
        for (why, at) in explained.entities.iter().zip([0, late]) {
            let card = &picks[at];
            assert_eq!((why.score, why.parts), (card.score, card.parts));
            let EntityStatus::Listed(place) = why.standing else {
                panic!("{why:?}")
            };
            let rank = order.iter().position(|r| r.pick == at).unwrap();
            let expected = (
                at + 1,
                order[rank].divergence_rank,
                order[rank].score,
                rank + 1,
                100,
            );
            assert_eq!(
                (
                    place.picked,
                    place.by_divergence,
                    place.score,
                    place.rank,
                    place.of
                ),
                expected
            );
            let contest = why.contest.as_ref().unwrap();
            assert_eq!(
                (contest.pick, contest.round, contest.winner),
                (at + 1, card.round, why.entity)
            );
            assert_eq!(contest.rivals.len(), card.window);
            assert_eq!(
                contest.rivals[card.window_rank - 1].divergence,
                card.divergence
            );
            assert!(
                contest
                    .rivals
                    .iter()
                    .all(|rival| contest.lost_by(rival) >= 0.0)
            );
        }
    }
}

#[test]
fn what_is_not_in_the_list_has_what_there_is() {
    let mut asker = Asker::new();
    let mut ask = asker.query(5, Mode::Both);
    let (picks, _, missing) = asker.expand(&ask);
    ask.rejected = vec![picks[0].entity];
    let outside = EntityId(4_000_000);
    let far = asker.catalogue.entities.iter().map(|e| e.id).find(|e| {
        !picks.iter().any(|c| c.entity == *e)
            && !ask.seeds.contains(e)
            && !missing.iter().any(|m| m.entity == *e)
    });
    let explained = asker.explain(
        &ask,
        &[picks[0].entity, ask.seeds[1], far.unwrap(), outside],
    );
    let standings: Vec<&EntityStatus> =
        explained.entities.iter().map(|why| &why.standing).collect();
    assert_eq!(
        standings[..2],
        [
            &EntityStatus::Missing(MissingReason::Rejected),
            &EntityStatus::Seed
        ]
    );
    assert!(matches!(
        standings[2],
        EntityStatus::Missing(
            MissingReason::BelowWindow { .. } | MissingReason::LostInWindow { .. }
        )
    ));
    assert!(matches!(
        standings[3],
        EntityStatus::Missing(MissingReason::NotIndexed(_))
    ));
    assert!(explained.entities[3].seeds.is_empty() && explained.entities[3].contest.is_none());
    let known = Explained {
        entities: explained.entities[..3].to_vec(),
        ..explained
    };
    assert_sums(&known);
    let lost = missing.iter().find_map(|m| match m.reason {
        MissingReason::LostInWindow { pick } => Some((m.entity, pick)),
        _ => None,
    });
    if let Some((entity, pick)) = lost {
        ask.rejected.clear();
        let why = asker.explain(&ask, &[entity]).entities.remove(0);
        let contest = why.contest.unwrap();
        assert_eq!(
            (contest.pick, contest.winner),
            (pick, picks[pick - 1].entity)
        );
        assert!(contest.lost_by(contest.rival(entity).unwrap()) > 0.0);
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
    assert_eq!(
        explained.entities[0].contest.as_ref().unwrap().rivals.len(),
        4
    );
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
