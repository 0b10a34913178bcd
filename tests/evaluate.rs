//! Evaluation of many queries side by side is that of each alone, and the explorer's leaves room for other requests.

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

use multiexpan::engine::api::{Ask, Evaluation, ExpandAsk, Request, RequestId, Say};
use multiexpan::engine::{Engine, Plan, Session};
use multiexpan::job::Unobserved;
use multiexpan::types::{DeviceChoice, EntityId, Mode, Protocol, RankingKind, SeedCount, Tuning};

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/index")
}

fn session() -> Session {
    Session::open(&demo(), None, DeviceChoice::Cpu).unwrap()
}

fn plan(mode: Mode, ranking: RankingKind) -> Plan {
    Plan { mode, seed_count: SeedCount::Three, ranking, protocol: Protocol::Standard, class: None }
}

#[test]
fn every_query_is_ranked_as_it_is_alone() {
    for mode in [Mode::Both, Mode::Image] {
        let evaluated = session().evaluate(&plan(mode, RankingKind::Expanded), None, &mut Unobserved).unwrap();
        assert!(evaluated.results.len() > 200);
        for result in evaluated.results.iter().step_by(23) {
            let seeds = result.query.seeds.clone();
            let ask = ExpandAsk {
                mode,
                seeds,
                rejected: Vec::new(),
                size: 100,
                class: None,
                joint: None,
                tuning: Tuning::default(),
            };
            // nothing is at hand from before
            let alone = session().expand(&ask).unwrap();
            let alone: Vec<(EntityId, f64)> = alone.iter().map(|(c, r)| (c.entity, r.score)).collect();
            assert_eq!(result.ranking, alone, "{:?}", result.query);
        }
    }
}

#[test]
fn requests_are_answered_while_the_explorer_evaluates() {
    let (send, replies) = channel();
    let engine = Engine::start(move |reply| send.send(reply).unwrap()).unwrap();
    let ask = |id, ask| engine.send(Request { id: RequestId(id), ask });
    let next = || replies.recv_timeout(Duration::from_secs(60)).unwrap();
    ask(1, Ask::Open { index: demo(), dataset: None, device: DeviceChoice::Cpu });
    assert!(matches!(next().say, Say::Opened(_)));
    let ranking = RankingKind::Expanded;
    let evaluate = |mode| Ask::Evaluate(Evaluation { mode, seed_count: SeedCount::Three, ranking });
    ask(2, evaluate(Mode::Both));
    assert!(matches!(next().say, Say::Progress(_)));
    ask(3, Ask::Pictures { entities: vec![EntityId(1)] });
    while next().id != RequestId(3) {}
    // and it goes on where it was
    let (mut classes, mut last) = (Vec::new(), 0);
    let measures = loop {
        match next().say {
            Say::Progress(progress) => {
                assert!(last <= progress.done && progress.done <= progress.total);
                last = progress.done;
            }
            Say::ClassMeasured { class, .. } => classes.push(class),
            Say::Evaluated { measures, .. } => break measures,
            other => panic!("{other:?}"),
        }
    };
    let whole = session().evaluate(&plan(Mode::Both, ranking), None, &mut Unobserved).unwrap().evaluation;
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
            reply if matches!(reply.say, Say::Evaluated { .. }) => break assert_eq!(reply.id, RequestId(5)),
            _ => {}
        }
    }
}
