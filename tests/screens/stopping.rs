//! A key stops evaluations, and the same key continues them.

use multiexpan::engine::protocol::{EvaluationKey, ReplyKind, Request, RequestKind};
use multiexpan::progress::Progress;
use multiexpan::types::{ClassId, MetricValues};

use crate::harness::{Screens, screen};

/// Returns the evaluations among requests.
fn evaluations(requests: &[Request]) -> Vec<EvaluationKey> {
    let evaluation = |request: &Request| match request.kind {
        RequestKind::Evaluate(key) => Some(key),
        _ => None,
    };
    requests.iter().filter_map(evaluation).collect()
}

/// Presses keys that start an evaluation, and reports its progress. Returns the request.
fn start_evaluation(s: &mut Screens, keys: &str) -> Vec<Request> {
    let (requests, others): (Vec<Request>, Vec<Request>) = s
        .take_requests(keys)
        .into_iter()
        .partition(|request| matches!(request.kind, RequestKind::Evaluate(_)));
    s.answer(&others);
    assert_eq!(requests.len(), 1, "{keys}");
    s.send_reply(
        requests[0].id,
        ReplyKind::Progress(Progress::new("evaluating text", 3, 40)),
    );
    assert!(s.text().contains("evaluating text 3 of 40"), "{}", s.text());
    requests
}

#[test]
fn a_key_stops_the_evaluation_on_every_screen() {
    // 2 and 4 need a mode that Explore has not evaluated, 3 needs another kind of ranking
    for (before, keys) in [("", "m"), ("", "2"), ("3", "r"), ("", "4")] {
        let mut s = screen(120, 40);
        s.open("carnivorous").keys(before);
        let requests = start_evaluation(&mut s, keys);
        let stopping = s.take_requests("<ctrl-x>");
        assert!(
            stopping
                .iter()
                .any(|request| request.kind == RequestKind::Stop),
            "{keys}"
        );
        s.answer(&stopping);
        assert!(
            s.text().contains("■ stopped · ctrl-x continues"),
            "{}",
            s.text()
        );
        // replies that arrive too late change nothing
        s.answer(&requests);
        assert!(s.text().contains("■ stopped"), "{}", s.text());
        let again = s.take_requests("<ctrl-x>");
        assert_eq!(evaluations(&again), evaluations(&requests), "{keys}");
        s.answer(&again);
        assert!(
            !s.text().contains("stopped ·") && s.take_requests("<ctrl-x>").is_empty(),
            "{}",
            s.text()
        );
        assert!(
            s.text().contains("nothing is being evaluated"),
            "{}",
            s.text()
        );
    }
}

#[test]
fn results_stay_and_nothing_continues_by_itself() {
    let mut s = screen(120, 40);
    s.open("carnivorous");
    let requests = start_evaluation(&mut s, "m");
    let metrics = MetricValues {
        ap: [0.11; 4],
        ..MetricValues::default()
    };
    s.send_reply(
        requests[0].id,
        ReplyKind::ClassEvaluated {
            class: ClassId(0),
            metrics,
        },
    );
    s.keys("<ctrl-x>");
    assert!(
        s.text().contains(".11 ") && s.text().contains("■ stopped"),
        "{}",
        s.text()
    );
    for keys in ["+", "u", "J", "]", "<ctrl-r>", ":tall rows<enter>"] {
        assert_eq!(evaluations(&s.take_requests(keys)), [], "{keys}");
    }
    // another mode is evaluated, and coming back starts the stopped one again
    assert_eq!(evaluations(&s.take_requests("m")).len(), 1);
    assert_eq!(
        evaluations(&s.take_requests("mm")).len(),
        1,
        "both is evaluated, text is not"
    );
}

#[test]
fn a_search_for_failures_is_stopped_too() {
    let mut s = screen(80, 24);
    let requests = s.take_requests("3");
    let search = requests
        .iter()
        .find(|request| matches!(request.kind, RequestKind::Failures(_)))
        .unwrap()
        .clone();
    s.send_reply(
        search.id,
        ReplyKind::Progress(Progress::new("looking for failures", 3, 40)),
    );
    s.keys("<ctrl-x>").snapshot("stopped_80x24");
    s.answer(&requests);
    assert!(s.text().contains("was stopped"), "{}", s.text());
    s.keys("<ctrl-x>");
    assert!(s.text().contains("false positives"), "{}", s.text());
}
