//! Tests of imported indexes and runs, and of cached evaluations.

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

/// The time to wait for a reply. Only a hang exceeds it, even on a busy machine.
const REPLY_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// Returns the folder of the demo index.
fn demo_index() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/index")
}

/// An engine that has opened the demo index and receives one request at a time.
struct TestEngine {
    engine: Engine,
    replies: Receiver<multiexpan::engine::protocol::Reply>,
    last_id: u64,
}

impl TestEngine {
    fn start(cache: Option<PathBuf>) -> TestEngine {
        let (send, replies) = channel();
        // The receiver may have been dropped at the end of a test.
        let engine = Engine::start(cache, move |reply| drop(send.send(reply))).unwrap();
        let mut engine = TestEngine {
            engine,
            replies,
            last_id: 0,
        };
        let opened = engine.request(RequestKind::Open {
            index: demo_index(),
            dataset: None,
            device: DeviceChoice::Cpu,
        });
        assert!(matches!(opened[..], [ReplyKind::Opened(_)]));
        engine
    }

    /// Sends a request and returns all its replies.
    fn request(&mut self, kind: RequestKind) -> Vec<ReplyKind> {
        self.last_id += 1;
        self.engine.send(Request {
            id: RequestId(self.last_id),
            kind,
        });
        let mut replies = Vec::new();
        loop {
            let reply = self.replies.recv_timeout(REPLY_TIMEOUT).unwrap().kind;
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

    /// Returns the metrics of a ranker, and whether they had to be computed.
    fn evaluate(&mut self, ranker: Ranker) -> (MetricValues, bool) {
        let replies = self.request(RequestKind::Evaluate(evaluation_key(ranker)));
        let computed = replies
            .iter()
            .any(|reply| matches!(reply, ReplyKind::Progress(_)));
        match replies.last() {
            Some(ReplyKind::Evaluated { metrics, .. }) => (*metrics, computed),
            other => panic!("{other:?}"),
        }
    }

    /// Imports an index or a run, or returns the error message.
    fn import(&mut self, path: &Path) -> Result<Import, String> {
        match self
            .request(RequestKind::Import { path: path.into() })
            .pop()
        {
            Some(ReplyKind::Imported(import)) => Ok(import),
            Some(ReplyKind::Failed(message)) => Err(message),
            other => panic!("{other:?}"),
        }
    }

    /// Compares two rankers query by query.
    fn compare(&mut self, first: Ranker, second: Ranker) -> QueryComparison {
        match self
            .request(RequestKind::Compare {
                first: evaluation_key(first),
                second: evaluation_key(second),
            })
            .pop()
        {
            Some(ReplyKind::Compared(comparison)) => *comparison,
            other => panic!("{other:?}"),
        }
    }
}

/// Returns the key of an evaluation with three seeds, ranked by similarity to the seeds.
fn evaluation_key(ranker: Ranker) -> EvaluationKey {
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
    let (text_metrics, computed) =
        TestEngine::start(cache()).evaluate(Ranker::OpenIndex(Mode::Text));
    assert!(computed);
    let mut restarted = TestEngine::start(cache());
    assert_eq!(
        restarted.evaluate(Ranker::OpenIndex(Mode::Text)),
        (text_metrics, false)
    );
    // Only completed evaluations are cached.
    let (image_metrics, computed) = restarted.evaluate(Ranker::OpenIndex(Mode::Image));
    assert!(computed && image_metrics != text_metrics);
    // Nothing is cached without a folder.
    assert_eq!(
        TestEngine::start(None).evaluate(Ranker::OpenIndex(Mode::Text)),
        (text_metrics, true)
    );
}

#[test]
fn a_run_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.run");
    let session = Session::open(&demo_index(), None, DeviceChoice::Cpu).unwrap();
    let (mode, seed_count, ranking) = (Mode::Text, SeedCount::Three, RankingKind::SeedSimilarity);
    let plan = EvaluationPlan {
        mode,
        seed_count,
        ranking,
        protocol: EvaluationProtocol::Standard,
        class: None,
    };
    let evaluated = evaluate(&session, &plan, None, &mut Unobserved).unwrap();
    let class_name = |class| session.catalogue.class(class).name.clone();
    let ranking = |result: &multiexpan::jobs::evaluate::QueryResult| Ranking {
        query: format!(
            "{}/3/{}",
            class_name(result.query.class),
            result.query.number + 1
        ),
        candidates: result.ranking.clone(),
    };
    // The run has rankings of all queries except the first 7.
    let mut rankings: Vec<Ranking> = evaluated.results.iter().skip(7).map(ranking).collect();
    rankings[0].candidates.push((EntityId(9_999_999), -1e6));
    let duplicate = rankings[1].candidates[0];
    rankings[1].candidates.push((duplicate.0, -1e6));
    rankings[2]
        .candidates
        .insert(0, (evaluated.results[9].query.seeds[0], 1e6));
    rankings.push(Ranking {
        query: "nothing/3/1".into(),
        candidates: vec![duplicate],
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
    let (_, computed) = engine.evaluate(Ranker::ImportedRun(0));
    assert!(!computed);
    engine.evaluate(Ranker::OpenIndex(Mode::Text));
    let comparison = engine.compare(Ranker::OpenIndex(Mode::Text), Ranker::ImportedRun(0));
    assert_eq!(comparison.unmatched, [7, 0]);
    assert_eq!(comparison.queries.len(), evaluated.results.len() - 7);
    assert!(
        comparison.queries.iter().all(|q| q.ap[0] == q.ap[1]),
        "the same lists"
    );
}

#[test]
fn every_run_format_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let session = Session::open(&demo_index(), None, DeviceChoice::Cpu).unwrap();
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
    let own_metrics = engine.evaluate(Ranker::OpenIndex(Mode::Text)).0;
    for (number, format) in (0..).zip(RunFormat::ALL) {
        let path = folder.path().join(format.name());
        session.write_run(&run, format, &path).unwrap();
        let import = engine.import(&path).unwrap();
        assert_eq!(
            (&import.rankers[..], import.warnings.len()),
            (&[Ranker::ImportedRun(number)][..], 0),
            "{:?}",
            import.warnings
        );
        assert_eq!(
            engine.evaluate(Ranker::ImportedRun(number)).0.ap,
            own_metrics.ap,
            "{format}"
        );
    }
    let unknown = folder.path().join("strange.run");
    std::fs::write(&unknown, "fish/3/1 Q0 sea_unicorn 1 1 x\n").unwrap();
    let import = engine.import(&unknown).unwrap();
    assert_eq!(
        import.unknown_entities.values().collect::<Vec<_>>(),
        ["sea_unicorn"],
        "it is shown by its name"
    );
}

#[test]
fn another_index_is_imported() {
    let mut engine = TestEngine::start(None);
    let import = engine.import(&demo_index()).unwrap();
    let modes = [
        Mode::Both,
        Mode::Text,
        Mode::Image,
        Mode::FrozenText,
        Mode::FrozenImage,
        Mode::Words,
    ]
    .map(|mode| Ranker::ImportedIndex(0, mode));
    assert_eq!(
        (
            import.label.as_str(),
            &import.rankers[..],
            import.warnings.len()
        ),
        ("demo", &modes[..], 0)
    );
    let own_metrics = engine.evaluate(Ranker::OpenIndex(Mode::Image)).0;
    assert_eq!(
        engine.evaluate(modes[2]).0,
        own_metrics,
        "it is the same index"
    );
    let comparison = engine.compare(Ranker::OpenIndex(Mode::Image), modes[2]);
    assert!(
        comparison.unmatched == [0, 0]
            && comparison
                .queries
                .iter()
                .all(|q| q.rankings[0] == q.rankings[1])
    );
}

#[test]
fn files_that_cannot_be_imported_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = TestEngine::start(None);
    let unknown = folder.path().join("strange.run");
    std::fs::write(&unknown, "nothing/3/1 Q0 5 1 0.5 x\n").unwrap();
    let damaged = folder.path().join("damaged.run");
    std::fs::write(&damaged, "fish/3/1 Q0 5\n").unwrap();
    let run_with_metadata = |name: &str, setting: &str| {
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
            run_with_metadata("a", "dataset_hash"),
            "a is not comparable: it is of another data set",
        ),
        (
            run_with_metadata("b", "queries"),
            "b is not comparable: its queries are those of 0123",
        ),
        (
            run_with_metadata("c", "queries_hash"),
            "c is not comparable: the queries or the gold that it was made with",
        ),
        (folder.path().join("none"), "none"),
        (folder.path().to_owned(), "index.json"),
        (unknown, "no query of this data set"),
        (damaged, "expected “query Q0 entity rank score tag”"),
    ] {
        let message = engine.import(&path).unwrap_err();
        assert!(message.contains(expected), "{message}");
    }
    let key = evaluation_key(Ranker::ImportedRun(0));
    assert!(matches!(
        engine.request(RequestKind::Evaluate(key)).pop(),
        Some(ReplyKind::Failed(_))
    ));
}
