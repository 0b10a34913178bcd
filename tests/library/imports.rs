//! Other indexes and runs beside the index, and evaluations that are cache for the next time.

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

/// An engine that has opened the demo, and is engine one thing at a time.
struct TestEngine {
    engine: Engine,
    replies: Receiver<multiexpan::engine::protocol::Reply>,
    last: u64,
}

impl TestEngine {
    fn start(cache: Option<PathBuf>) -> TestEngine {
        let (send, replies) = channel();
        // The receiver may be gone at the end of a test.
        let engine = Engine::start(cache, move |reply| drop(send.send(reply))).unwrap();
        let mut engine = TestEngine {
            engine,
            replies,
            last: 0,
        };
        let opened = engine.request(RequestKind::Open {
            index: demo(),
            dataset: None,
            device: DeviceChoice::Cpu,
        });
        assert!(matches!(opened[..], [ReplyKind::Opened(_)]));
        engine
    }

    /// Sends a request; returns its replies up to the last.
    fn request(&mut self, kind: RequestKind) -> Vec<ReplyKind> {
        self.last += 1;
        self.engine.send(Request {
            id: RequestId(self.last),
            kind,
        });
        let mut replies = Vec::new();
        loop {
            let reply = self.replies.recv_timeout(PATIENCE).unwrap().kind;
            let more_follow = matches!(
                reply,
                ReplyKind::Progress(_) | ReplyKind::ClassEvaluated { .. }
            );
            replies.push(reply);
            if !more_follow {
                return replies;
            }
        }
    }

    fn evaluate(&mut self, of: Ranker) -> (MetricValues, bool) {
        let replies = self.request(RequestKind::Evaluate(plan(of)));
        let worked = replies
            .iter()
            .any(|reply| matches!(reply, ReplyKind::Progress(_)));
        match replies.last() {
            Some(ReplyKind::Evaluated { metrics, .. }) => (*metrics, worked),
            other => panic!("{other:?}"),
        }
    }

    fn import(&mut self, path: &Path) -> Result<Import, String> {
        match self
            .request(RequestKind::Import { path: path.into() })
            .pop()
        {
            Some(ReplyKind::Imported(import)) => Ok(import),
            Some(ReplyKind::Failed(why)) => Err(why),
            other => panic!("{other:?}"),
        }
    }

    fn compare(&mut self, first: Ranker, second: Ranker) -> QueryComparison {
        match self
            .request(RequestKind::Compare {
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
fn a_cached_evaluation_is_not_computed_again() {
    let folder = tempfile::tempdir().unwrap();
    let cache = || Some(folder.path().join("evaluations"));
    let (first, worked) = TestEngine::start(cache()).evaluate(Ranker::OpenIndex(Mode::Text));
    assert!(worked);
    let mut again = TestEngine::start(cache());
    assert_eq!(
        again.evaluate(Ranker::OpenIndex(Mode::Text)),
        (first, false)
    );
    // Only what was evaluated is cached.
    let (other, worked) = again.evaluate(Ranker::OpenIndex(Mode::Image));
    assert!(worked && other != first);
    // Without a folder nothing is cached.
    assert_eq!(
        TestEngine::start(None).evaluate(Ranker::OpenIndex(Mode::Text)),
        (first, true)
    );
}

#[test]
fn a_run_is_imported() {
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

    let mut engine = TestEngine::start(None);
    let import = engine.import(&path).unwrap();
    assert_eq!(
        (import.label.as_str(), &import.rankers[..]),
        ("other", &[Ranker::ImportedRun(0)][..])
    );
    let warnings = import.warnings.join("; ");
    for warning in [
        "7 queries of 3 seeds that are missing",
        "1 queries that are not of this data set",
        "1 entities that are not in the vocabulary",
        "1 candidates that stand in a list twice",
        "1 candidates that are their query's seeds",
    ] {
        assert!(warnings.contains(warning), "{warnings}");
    }
    assert!(
        !warnings.contains("5 seeds"),
        "a run of the one kind need not have the other: {warnings}"
    );
    let (_, worked) = engine.evaluate(Ranker::ImportedRun(0));
    assert!(!worked);
    engine.evaluate(Ranker::OpenIndex(Mode::Text));
    let compared = engine.compare(Ranker::OpenIndex(Mode::Text), Ranker::ImportedRun(0));
    assert_eq!(compared.unmatched, [7, 0]);
    assert_eq!(compared.queries.len(), evaluated.results.len() - 7);
    assert!(
        compared.queries.iter().all(|q| q.ap[0] == q.ap[1]),
        "the same lists"
    );
}

#[test]
fn every_form_of_a_run_is_imported() {
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
    let mut engine = TestEngine::start(None);
    let own = engine.evaluate(Ranker::OpenIndex(Mode::Text)).0;
    for (place, form) in (0..).zip(RunFormat::ALL) {
        let path = folder.path().join(form.name());
        session.write_run(&run, form, &path).unwrap();
        let import = engine.import(&path).unwrap();
        assert_eq!(
            (&import.rankers[..], import.warnings.len()),
            (&[Ranker::ImportedRun(place)][..], 0),
            "{:?}",
            import.warnings
        );
        assert_eq!(
            engine.evaluate(Ranker::ImportedRun(place)).0.ap,
            own.ap,
            "{form}"
        );
    }
    let strange = folder.path().join("strange.run");
    std::fs::write(&strange, "fish/3/1 Q0 sea_unicorn 1 1 x\n").unwrap();
    let import = engine.import(&strange).unwrap();
    assert_eq!(
        import.unknown_entities.values().collect::<Vec<_>>(),
        ["sea_unicorn"],
        "it is shown by its name"
    );
}

#[test]
fn another_index_is_imported() {
    let mut engine = TestEngine::start(None);
    let import = engine.import(&demo()).unwrap();
    let modes = [Mode::Both, Mode::Text, Mode::Image].map(|mode| Ranker::ImportedIndex(0, mode));
    assert_eq!(
        (
            import.label.as_str(),
            &import.rankers[..],
            import.warnings.len()
        ),
        ("demo", &modes[..], 0)
    );
    let own = engine.evaluate(Ranker::OpenIndex(Mode::Image)).0;
    assert_eq!(engine.evaluate(modes[2]).0, own, "it is the same index");
    let compared = engine.compare(Ranker::OpenIndex(Mode::Image), modes[2]);
    assert!(
        compared.unmatched == [0, 0]
            && compared
                .queries
                .iter()
                .all(|q| q.rankings[0] == q.rankings[1])
    );
}

#[test]
fn other_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = TestEngine::start(None);
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
    for (path, expected) in [
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
        let why = engine.import(&path).unwrap_err();
        assert!(why.contains(expected), "{why}");
    }
    assert!(matches!(
        engine
            .request(RequestKind::Evaluate(plan(Ranker::ImportedRun(0))))
            .pop(),
        Some(ReplyKind::Failed(_))
    ));
}
