//! Other indexes and runs beside the index, and evaluations that are kept for the next time.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use multiexpan::engine::protocol::{
    EvaluationKey, Import, QueryComparison, Ranker, ReplyKind, Request, RequestId, RequestKind,
};
use multiexpan::engine::{Engine, EvaluationPlan, Session};
use multiexpan::eval::run::{Ranking, Run, RunFormat};
use multiexpan::jobs::evaluate::evaluate;
use multiexpan::progress::Unobserved;
use multiexpan::types::{
    DeviceChoice, EntityId, EvaluationProtocol, MetricValues, Mode, RankingKind, SeedCount,
};

/// Only a hang takes longer, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/index")
}

/// An engine that has opened the demo, and is asked one thing at a time.
struct Asked {
    engine: Engine,
    replies: Receiver<multiexpan::engine::protocol::Reply>,
    last: u64,
}

impl Asked {
    fn start(kept: Option<PathBuf>) -> Asked {
        let (send, replies) = channel();
        // whoever no longer listens is told nothing
        let engine = Engine::start(kept, move |reply| drop(send.send(reply))).unwrap();
        let mut asked = Asked {
            engine,
            replies,
            last: 0,
        };
        let opened = asked.ask(RequestKind::Open {
            index: demo(),
            dataset: None,
            device: DeviceChoice::Cpu,
        });
        assert!(matches!(opened[..], [ReplyKind::Opened(_)]));
        asked
    }

    /// All replies, up to the one that ends it.
    fn ask(&mut self, ask: RequestKind) -> Vec<ReplyKind> {
        self.last += 1;
        self.engine.send(Request {
            id: RequestId(self.last),
            kind: ask,
        });
        let mut said = Vec::new();
        loop {
            let say = self.replies.recv_timeout(PATIENCE).unwrap().kind;
            let goes_on = matches!(
                say,
                ReplyKind::Progress(_) | ReplyKind::ClassEvaluated { .. }
            );
            said.push(say);
            if !goes_on {
                return said;
            }
        }
    }

    fn evaluate(&mut self, of: Ranker) -> (MetricValues, bool) {
        let said = self.ask(RequestKind::Evaluate(plan(of)));
        let worked = said.iter().any(|say| matches!(say, ReplyKind::Progress(_)));
        match said.last() {
            Some(ReplyKind::Evaluated { metrics, .. }) => (*metrics, worked),
            other => panic!("{other:?}"),
        }
    }

    fn bring(&mut self, path: &Path) -> Result<Import, String> {
        match self.ask(RequestKind::Import { path: path.into() }).pop() {
            Some(ReplyKind::Imported(import)) => Ok(import),
            Some(ReplyKind::Failed(why)) => Err(why),
            other => panic!("{other:?}"),
        }
    }

    fn compare(&mut self, first: Ranker, second: Ranker) -> QueryComparison {
        match self
            .ask(RequestKind::Compare {
                first: plan(first),
                second: plan(second),
            })
            .pop()
        {
            Some(ReplyKind::Compared(comparison)) => *comparison,
            other => panic!("{other:?}"),
        }
    }
}

fn plan(ranker: Ranker) -> EvaluationKey {
    EvaluationKey {
        ranker,
        seed_count: SeedCount::Three,
        ranking: RankingKind::SeedSimilarity,
    }
}

#[test]
fn an_evaluation_is_there_at_once_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let kept = || Some(folder.path().join("evaluations"));
    let (first, worked) = Asked::start(kept()).evaluate(Ranker::OpenIndex(Mode::Text));
    assert!(worked);
    let mut again = Asked::start(kept());
    assert_eq!(
        again.evaluate(Ranker::OpenIndex(Mode::Text)),
        (first, false)
    );
    // what was not evaluated is not there
    let (other, worked) = again.evaluate(Ranker::OpenIndex(Mode::Image));
    assert!(worked && other != first);
    // and without a place nothing is kept
    assert_eq!(
        Asked::start(None).evaluate(Ranker::OpenIndex(Mode::Text)),
        (first, true)
    );
}

#[test]
fn a_run_stands_beside_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.run");
    let session = Session::open(&demo(), None, DeviceChoice::Cpu).unwrap();
    let (mode, seed_count, ranking) = (Mode::Text, SeedCount::Three, RankingKind::SeedSimilarity);
    let plan = EvaluationPlan {
        mode,
        seed_count,
        ranking,
        protocol: EvaluationProtocol::Standard,
        class: None,
    };
    let evaluated = evaluate(&session, &plan, None, &mut Unobserved).unwrap();
    let name = |class| session.catalogue.class(class).name.clone();
    let ranking = |result: &multiexpan::jobs::evaluate::QueryResult| Ranking {
        query: format!("{}/3/{}", name(result.query.class), result.query.number + 1),
        candidates: result.ranking.clone(),
    };
    // of all but the first 7 queries
    let mut rankings: Vec<Ranking> = evaluated.results.iter().skip(7).map(ranking).collect();
    rankings[0].candidates.push((EntityId(9_999_999), -1e6));
    let twice = rankings[1].candidates[0];
    rankings[1].candidates.push((twice.0, -1e6));
    rankings[2]
        .candidates
        .insert(0, (evaluated.results[9].query.seeds[0], 1e6));
    rankings.push(Ranking {
        query: "nothing/3/1".into(),
        candidates: vec![twice],
    });
    Run {
        tag: "other".into(),
        rankings,
        ..Run::default()
    }
    .write(&path)
    .unwrap();

    let mut asked = Asked::start(None);
    let import = asked.bring(&path).unwrap();
    assert_eq!(
        (import.label.as_str(), &import.rankers[..]),
        ("other", &[Ranker::ImportedRun(0)][..])
    );
    let lacks = import.warnings.join("; ");
    for said in [
        "7 queries of 3 seeds that are missing",
        "1 queries that are not of this data set",
        "1 entities that are not in the vocabulary",
        "1 candidates that stand in a list twice",
        "1 candidates that are their query's seeds",
    ] {
        assert!(lacks.contains(said), "{lacks}");
    }
    assert!(
        !lacks.contains("5 seeds"),
        "a run of the one kind need not have the other: {lacks}"
    );
    let (_, worked) = asked.evaluate(Ranker::ImportedRun(0));
    assert!(!worked);
    asked.evaluate(Ranker::OpenIndex(Mode::Text));
    let compared = asked.compare(Ranker::OpenIndex(Mode::Text), Ranker::ImportedRun(0));
    assert_eq!(compared.unmatched, [7, 0]);
    assert_eq!(compared.queries.len(), evaluated.results.len() - 7);
    assert!(
        compared.queries.iter().all(|q| q.ap[0] == q.ap[1]),
        "the same lists"
    );
}

#[test]
fn every_form_of_a_run_stands_beside_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let session = Session::open(&demo(), None, DeviceChoice::Cpu).unwrap();
    let (mode, seed_count, ranking) = (Mode::Text, SeedCount::Three, RankingKind::SeedSimilarity);
    let plan = EvaluationPlan {
        mode,
        seed_count,
        ranking,
        protocol: EvaluationProtocol::Standard,
        class: None,
    };
    let evaluated = evaluate(&session, &plan, None, &mut Unobserved).unwrap();
    let ranking = |result: &multiexpan::jobs::evaluate::QueryResult| Ranking {
        query: format!(
            "{}/3/{}",
            session.catalogue.class(result.query.class).name,
            result.query.number + 1
        ),
        candidates: result.ranking.clone(),
    };
    let run = Run {
        rankings: evaluated.results.iter().map(ranking).collect(),
        ..Run::default()
    };
    let mut asked = Asked::start(None);
    let own = asked.evaluate(Ranker::OpenIndex(Mode::Text)).0;
    for (place, form) in (0..).zip(RunFormat::ALL) {
        let path = folder.path().join(form.name());
        session.write_run(&run, form, &path).unwrap();
        let import = asked.bring(&path).unwrap();
        assert_eq!(
            (&import.rankers[..], import.warnings.len()),
            (&[Ranker::ImportedRun(place)][..], 0),
            "{:?}",
            import.warnings
        );
        assert_eq!(
            asked.evaluate(Ranker::ImportedRun(place)).0.ap,
            own.ap,
            "{form}"
        );
    }
    let strange = folder.path().join("strange.run");
    std::fs::write(&strange, "fish/3/1 Q0 sea_unicorn 1 1 x\n").unwrap();
    let import = asked.bring(&strange).unwrap();
    assert_eq!(
        import.unknown_entities.values().collect::<Vec<_>>(),
        ["sea_unicorn"],
        "it is shown by its name"
    );
}

#[test]
fn another_index_stands_beside_it() {
    let mut asked = Asked::start(None);
    let import = asked.bring(&demo()).unwrap();
    let modes = [Mode::Both, Mode::Text, Mode::Image].map(|mode| Ranker::ImportedIndex(0, mode));
    assert_eq!(
        (
            import.label.as_str(),
            &import.rankers[..],
            import.warnings.len()
        ),
        ("demo", &modes[..], 0)
    );
    let own = asked.evaluate(Ranker::OpenIndex(Mode::Image)).0;
    assert_eq!(asked.evaluate(modes[2]).0, own, "it is the same index");
    let compared = asked.compare(Ranker::OpenIndex(Mode::Image), modes[2]);
    assert!(
        compared.unmatched == [0, 0]
            && compared
                .queries
                .iter()
                .all(|q| q.rankings[0] == q.rankings[1])
    );
}

#[test]
fn what_cannot_stand_beside_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut asked = Asked::start(None);
    let strange = folder.path().join("strange.run");
    std::fs::write(&strange, "nothing/3/1 Q0 5 1 0.5 x\n").unwrap();
    let damaged = folder.path().join("damaged.run");
    std::fs::write(&damaged, "fish/3/1 Q0 5\n").unwrap();
    let with = |name: &str, setting: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, "fish/3/1 Q0 5 1 0.5 x\n").unwrap();
        std::fs::write(
            path.with_extension("json"),
            format!("{{\"{setting}\": \"0123\"}}"),
        )
        .unwrap();
        path
    };
    for (path, said) in [
        (
            with("a", "dataset_hash"),
            "a is not comparable: it is of another data set",
        ),
        (
            with("b", "queries"),
            "b is not comparable: its queries are those of 0123",
        ),
        (
            with("c", "queries_hash"),
            "c is not comparable: the queries or the gold that it was made with",
        ),
        (folder.path().join("none"), "none"),
        (folder.path().to_owned(), "index.json"),
        (strange, "no query of this data set"),
        (damaged, "expected “query Q0 entity rank score tag”"),
    ] {
        let why = asked.bring(&path).unwrap_err();
        assert!(why.contains(said), "{why}");
    }
    assert!(matches!(
        asked
            .ask(RequestKind::Evaluate(plan(Ranker::ImportedRun(0))))
            .pop(),
        Some(ReplyKind::Failed(_))
    ));
}
