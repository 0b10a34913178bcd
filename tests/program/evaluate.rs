//! The evaluation of many queries at once equals that of each query, and in the explorer it leaves
//! time for other requests.

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

use multiexpan::engine::protocol::{
    EvaluationKey, ExpandRequest, FailureKind, Failures, JointScope, Ranker, Reply, ReplyKind,
    Request, RequestId, RequestKind, Tag,
};
use multiexpan::engine::{Engine, EvaluationPlan, Session};
use multiexpan::jobs::evaluate::{self, QueryResult};
use multiexpan::progress::Unobserved;
use multiexpan::types::{
    DeviceChoice, EntityId, EvaluationProtocol, Mode, Query, RankingKind, SearchSettings, SeedCount,
};

/// A limit that is exceeded only if the engine hangs.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/index")
}

fn session() -> Session {
    Session::open(&demo(), None, DeviceChoice::Cpu).unwrap()
}

fn plan(mode: Mode, ranking: RankingKind) -> EvaluationPlan {
    EvaluationPlan {
        mode,
        seed_count: SeedCount::Three,
        ranking,
        protocol: EvaluationProtocol::Standard,
        class: None,
    }
}

#[test]
fn batches_rank_each_query_as_on_its_own() {
    for mode in [Mode::Both, Mode::Image] {
        let evaluated = evaluate::evaluate(
            &session(),
            &plan(mode, RankingKind::Window),
            None,
            &mut Unobserved,
        )
        .unwrap();
        assert!(evaluated.results.len() > 200);
        for result in evaluated.results.iter().step_by(23) {
            let seeds = result.query.seeds.clone();
            let ask = ExpandRequest {
                mode,
                ranking: RankingKind::Window,
                seeds,
                accepted: Vec::new(),
                rejected: Vec::new(),
                size: 100,
                class: None,
                joint: None,
                settings: SearchSettings::default(),
            };
            // nothing is cached
            let alone = session().expand(&ask).unwrap();
            let alone: Vec<(EntityId, f64)> =
                alone.iter().map(|(c, r)| (c.entity, r.score)).collect();
            assert_eq!(result.ranking, alone, "{:?}", result.query);
        }
    }
}

#[test]
fn an_evaluation_by_feedback_ranks_each_query_as_on_its_own() {
    for mode in [Mode::Both, Mode::Text] {
        let evaluated = evaluate::evaluate(
            &session(),
            &plan(mode, RankingKind::Feedback),
            None,
            &mut Unobserved,
        )
        .unwrap();
        assert!(evaluated.results.len() > 200);
        for result in evaluated.results.iter().step_by(23) {
            let ask = ExpandRequest {
                mode,
                ranking: RankingKind::Feedback,
                seeds: result.query.seeds.clone(),
                accepted: Vec::new(),
                rejected: Vec::new(),
                size: 100,
                class: None,
                joint: None,
                settings: SearchSettings::default(),
            };
            let alone = session().list(&ask).unwrap();
            let alone = alone.candidates.iter().map(|c| (c.entity, c.score));
            assert_eq!(
                result.ranking,
                alone.collect::<Vec<_>>(),
                "{:?}",
                result.query
            );
        }
    }
}

#[test]
fn requests_are_answered_while_the_explorer_evaluates() {
    let (send, replies) = channel();
    let engine = Engine::start(None, move |reply| send.send(reply).unwrap()).unwrap();
    let ask = |id, ask| {
        engine.send(Request {
            id: RequestId(id),
            kind: ask,
        })
    };
    let next = || replies.recv_timeout(PATIENCE).unwrap();
    ask(
        1,
        RequestKind::Open {
            index: demo(),
            dataset: None,
            device: DeviceChoice::Cpu,
        },
    );
    assert!(matches!(next().kind, ReplyKind::Opened(_)));
    let ranking = RankingKind::Window;
    let evaluate = |mode| {
        RequestKind::Evaluate(EvaluationKey {
            ranker: Ranker::OpenIndex(mode),
            seed_count: SeedCount::Three,
            ranking,
        })
    };
    ask(2, evaluate(Mode::Both));
    assert!(matches!(next().kind, ReplyKind::Progress(_)));
    ask(
        3,
        RequestKind::FirstImages {
            entities: vec![EntityId(1)],
        },
    );
    while next().id != RequestId(3) {}
    // it continues where it was
    let (mut classes, mut last) = (Vec::new(), 0);
    let measures = loop {
        match next().kind {
            ReplyKind::Progress(progress) => {
                assert!(last <= progress.done && progress.done <= progress.total);
                last = progress.done;
            }
            ReplyKind::ClassEvaluated { class, .. } => classes.push(class),
            ReplyKind::Evaluated { metrics, .. } => break metrics,
            other => panic!("{other:?}"),
        }
    };
    let whole = evaluate::evaluate(
        &session(),
        &plan(Mode::Both, ranking),
        None,
        &mut Unobserved,
    )
    .unwrap()
    .evaluation;
    assert_eq!(measures, whole.overall);
    let mut expected: Vec<_> = whole.classes.iter().map(|c| c.0).collect();
    classes.sort();
    expected.sort();
    assert!(classes.iter().all(|c| expected.contains(c)) && !classes.is_empty());
    // a newer evaluation ends the older one
    ask(4, evaluate(Mode::Both));
    ask(5, evaluate(Mode::Text));
    loop {
        match next() {
            reply if matches!(reply.kind, ReplyKind::Evaluated { .. }) => {
                break assert_eq!(reply.id, RequestId(5));
            }
            _ => {}
        }
    }
}

#[test]
fn a_stopped_evaluation_continues_where_it_was() {
    let (send, replies) = channel();
    let engine = Engine::start(None, move |reply| send.send(reply).unwrap()).unwrap();
    let ask = |id, ask| {
        engine.send(Request {
            id: RequestId(id),
            kind: ask,
        })
    };
    let next = || replies.recv_timeout(PATIENCE).unwrap();
    let ranking = RankingKind::Window;
    let evaluate = RequestKind::Evaluate(EvaluationKey {
        ranker: Ranker::OpenIndex(Mode::Text),
        seed_count: SeedCount::Three,
        ranking,
    });
    ask(
        1,
        RequestKind::Open {
            index: demo(),
            dataset: None,
            device: DeviceChoice::Cpu,
        },
    );
    ask(2, evaluate.clone());
    let (mut classes, mut done) = (Vec::new(), 0);
    let mut take = |say: ReplyKind| match say {
        ReplyKind::ClassEvaluated { class, .. } => classes.push(class),
        ReplyKind::Progress(progress) => {
            assert!(progress.done >= done, "it goes on where it was");
            done = progress.done;
        }
        other => panic!("{other:?}"),
    };
    assert!(matches!(next().kind, ReplyKind::Opened(_)));
    loop {
        match next().kind {
            say @ ReplyKind::ClassEvaluated { .. } => break take(say),
            say => take(say),
        }
    }
    ask(3, RequestKind::Stop);
    loop {
        match next() {
            reply if reply.id == RequestId(3) => break assert_eq!(reply.kind, ReplyKind::Stopped),
            reply => take(reply.kind),
        }
    }
    ask(
        4,
        RequestKind::FirstImages {
            entities: vec![EntityId(1)],
        },
    );
    assert_eq!(next().id, RequestId(4), "nothing comes of what was stopped");
    ask(5, evaluate);
    let measures = loop {
        match next() {
            reply if reply.id != RequestId(5) => panic!("{reply:?}"),
            Reply {
                kind: ReplyKind::Evaluated { metrics, .. },
                ..
            } => break metrics,
            reply => take(reply.kind),
        }
    };
    let whole = evaluate::evaluate(
        &session(),
        &plan(Mode::Text, ranking),
        None,
        &mut Unobserved,
    )
    .unwrap()
    .evaluation;
    assert_eq!(measures, whole.overall);
    classes.sort();
    assert_eq!(
        classes,
        whole.classes.iter().map(|c| c.0).collect::<Vec<_>>(),
        "each is told once"
    );
}

/// Returns the complete reply to the last of these requests, and the number of parts that it came
/// in.
fn failures(asks: Vec<RequestKind>) -> (Failures, usize) {
    let (send, replies) = channel();
    let engine = Engine::start(None, move |reply| send.send(reply).unwrap()).unwrap();
    let last = RequestId(asks.len() as u64);
    let (mut whole, mut parts) = (Failures::default(), 0);
    for (id, ask) in (1..).map(RequestId).zip(asks) {
        let waits = !matches!(ask, RequestKind::Failures(_));
        engine.send(Request { id, kind: ask });
        let is_over =
            |say: &ReplyKind| matches!(say, ReplyKind::Opened(_) | ReplyKind::Evaluated { .. });
        while waits && !is_over(&replies.recv_timeout(PATIENCE).unwrap().kind) {}
    }
    loop {
        let reply = replies.recv_timeout(PATIENCE).unwrap();
        if let ReplyKind::Failures(part) = reply.kind
            && reply.id == last
        {
            assert_eq!(
                part.previously_searched, whole.searched,
                "parts come in order"
            );
            whole.extend(*part);
            parts += 1;
            if whole.is_complete() {
                return (whole, parts);
            }
        }
    }
}

#[test]
fn every_false_positive_and_every_missed_member_is_found() {
    let open = RequestKind::Open {
        index: demo(),
        dataset: None,
        device: DeviceChoice::Cpu,
    };
    let of = EvaluationKey {
        ranker: Ranker::OpenIndex(Mode::Text),
        seed_count: SeedCount::Three,
        ranking: RankingKind::SeedSimilarity,
    };
    // the second search arrives while the first is still running
    let (found, parts) = failures(vec![
        open,
        RequestKind::Evaluate(of),
        RequestKind::Failures(of),
        RequestKind::Failures(of),
    ]);
    let modes = [
        Mode::Both,
        Mode::Text,
        Mode::Image,
        Mode::FrozenText,
        Mode::FrozenImage,
        Mode::Words,
    ];
    assert_eq!(&found.modes[..], modes);
    assert!(parts > 1, "the first part does not wait for the last query");

    let results = evaluate::evaluate(
        &session(),
        &plan(Mode::Text, RankingKind::SeedSimilarity),
        None,
        &mut Unobserved,
    )
    .unwrap()
    .results;
    assert_eq!(found.total, results.len());
    let catalogue = session().catalogue;
    for result in &results {
        let (class, number) = (result.query.class, result.query.number);
        let own: Vec<_> = found
            .failures
            .iter()
            .filter(|f| (f.class, f.number) == (class, number))
            .collect();
        let members = &catalogue.class(class).members;
        let wrong = result
            .ranking
            .iter()
            .map(|r| r.0)
            .filter(|e| !members.contains(e));
        let listed: Vec<EntityId> = own
            .iter()
            .filter(|f| f.rank.is_some())
            .map(|f| f.entity)
            .collect();
        assert_eq!(listed, wrong.collect::<Vec<_>>());
        let hits = result
            .ranking
            .iter()
            .filter(|r| members.contains(&r.0))
            .count();
        let missed = own
            .iter()
            .filter(|f| f.kind() == FailureKind::Missed)
            .count();
        assert_eq!(hits + missed + result.query.seeds.len(), members.len());
        // in a seed ranking the seed rank is the rank
        assert!(
            own.iter()
                .all(|f| f.rank.is_none_or(|rank| f.seed_ranks[1] == rank))
        );
        assert!(own.iter().all(|f| {
            f.tags
                .iter()
                .all(|tag| !matches!(tag, Tag::Drift { .. } | Tag::ImageMisleads { .. }))
        }));
    }
}

#[test]
fn failures_are_found_while_rankings_are_computed() {
    let of = EvaluationKey {
        ranker: Ranker::OpenIndex(Mode::Text),
        seed_count: SeedCount::Three,
        ranking: RankingKind::Window,
    };
    let open = || RequestKind::Open {
        index: demo(),
        dataset: None,
        device: DeviceChoice::Cpu,
    };
    let (send, replies) = channel();
    let engine = Engine::start(None, move |reply| send.send(reply).unwrap()).unwrap();
    for (id, ask) in
        (1..)
            .map(RequestId)
            .zip([open(), RequestKind::Evaluate(of), RequestKind::Failures(of)])
    {
        engine.send(Request { id, kind: ask });
    }
    let (mut whole, mut evaluated) = (Failures::default(), false);
    while !whole.is_complete() || !evaluated {
        match replies.recv_timeout(PATIENCE).unwrap().kind {
            ReplyKind::Failures(part) => {
                assert!(evaluated || part.previously_searched > 0 || part.searched < part.total);
                whole.extend(*part);
            }
            ReplyKind::Evaluated { .. } => {
                assert!(whole.searched > 0, "nothing was searched before the end");
                evaluated = true;
            }
            ReplyKind::Failed(why) => panic!("{why}"),
            _ => {}
        }
    }
    let by_query = |found: &Failures| {
        let mut all: Vec<_> = found
            .failures
            .iter()
            .map(|f| (f.class, f.number, f.rank, f.entity))
            .collect();
        all.sort();
        all
    };
    let (afterwards, _) = failures(vec![
        open(),
        RequestKind::Evaluate(of),
        RequestKind::Failures(of),
    ]);
    assert_eq!(by_query(&whole), by_query(&afterwards));
}

#[test]
fn joint_failures_name_the_class_that_took_the_entity() {
    let open = RequestKind::Open {
        index: demo(),
        dataset: None,
        device: DeviceChoice::Cpu,
    };
    let of = EvaluationKey {
        ranker: Ranker::OpenIndex(Mode::Both),
        seed_count: SeedCount::Five,
        ranking: RankingKind::Joint,
    };
    let (found, _) = failures(vec![
        open,
        RequestKind::Evaluate(of),
        RequestKind::Failures(of),
    ]);

    let mut session = session();
    let (mode, seed_count, protocol) = (Mode::Both, SeedCount::Five, EvaluationProtocol::Published);
    let published = EvaluationPlan {
        mode,
        seed_count,
        ranking: RankingKind::Window,
        protocol,
        class: None,
    };
    let results = evaluate::evaluate(&session, &published, None, &mut Unobserved)
        .unwrap()
        .results;
    assert_eq!(found.total, results.len());
    for Query {
        class,
        number,
        seeds,
        ..
    } in results.iter().step_by(50).map(|result| &result.query)
    {
        let joint = Some(JointScope {
            seed_count,
            number: *number,
        });
        let (rejected, settings) = (Vec::new(), SearchSettings::default());
        let ask = ExpandRequest {
            mode,
            ranking: RankingKind::Joint,
            seeds: seeds.clone(),
            accepted: Vec::new(),
            rejected,
            size: 100,
            class: Some(*class),
            joint,
            settings,
        };
        let explored = session.expand(&ask).unwrap();
        let explored: Vec<(EntityId, f64)> =
            explored.iter().map(|(c, r)| (c.entity, r.score)).collect();
        let evaluated = results
            .iter()
            .find(|r| (r.query.class, r.query.number) == (*class, *number))
            .unwrap();
        assert_eq!(evaluated.ranking, explored, "as Explore has it");
    }
    let mut picked = 0;
    for failure in &found.failures {
        let list = |class, number| {
            results
                .iter()
                .find(|r| (r.query.class, r.query.number) == (class, number))
                .expect("the query is there")
        };
        let own = list(failure.class, failure.number);
        match failure.rank {
            Some(rank) => assert_eq!(
                own.ranking[rank - 1].0,
                failure.entity,
                "the published lists are the joint ones"
            ),
            None => assert!(
                own.ranking
                    .iter()
                    .all(|(entity, _)| *entity != failure.entity)
            ),
        }
        let place = |result: &QueryResult| {
            result
                .ranking
                .iter()
                .position(|(entity, _)| *entity == failure.entity)
        };
        let taken = failure.tags.iter().find_map(|tag| match tag {
            Tag::TakenByClass { class, rank } => Some((*class, *rank)),
            _ => None,
        });
        match taken {
            Some((class, Some(rank))) => {
                assert_eq!(place(list(class, failure.number)), Some(rank - 1));
                picked += 1;
            }
            Some((class, None)) => assert!(
                list(class, failure.number)
                    .query
                    .seeds
                    .contains(&failure.entity)
            ),
            None if failure.rank.is_none() => {
                let others = results.iter().filter(|r| r.query.number == failure.number);
                let has =
                    |r: &QueryResult| place(r).is_some() || r.query.seeds.contains(&failure.entity);
                assert!(!others.into_iter().any(has), "{failure:?}");
            }
            None => {}
        }
        assert!(failure.rank.is_none() || taken.is_none());
    }
    assert!(picked > 0);
}
