//! An evaluation that is stopped by a key, and goes on by the same.

use multiexpan::engine::protocol::{EvaluationKey, ReplyKind, Request, RequestKind};
use multiexpan::progress::Progress;
use multiexpan::types::{ClassId, MetricValues};

use crate::harness::{Screens, screen};

/// The evaluations among requests.
fn evaluations(requests: &[Request]) -> Vec<EvaluationKey> {
    let of = |request: &Request| match request.kind {
        RequestKind::Evaluate(evaluation) => Some(evaluation),
        _ => None,
    };
    requests.iter().filter_map(of).collect()
}

/// These keys ask for an evaluation, which then is on its way.
fn under_way(s: &mut Screens, keys: &str) -> Vec<Request> {
    let (asked, others): (Vec<Request>, Vec<Request>) = s
        .take_requests(keys)
        .into_iter()
        .partition(|request| matches!(request.kind, RequestKind::Evaluate(_)));
    s.answer(&others);
    assert_eq!(asked.len(), 1, "{keys}");
    s.say(
        asked[0].id,
        ReplyKind::Progress(Progress::new("evaluating text", 3, 40)),
    );
    assert!(s.text().contains("evaluating text 3 of 40"), "{}", s.text());
    asked
}

#[test]
fn a_key_stops_the_evaluation_on_every_screen() {
    // 2 and 4 want a mode that Explore has not measured, 3 a kind of list
    for (before, keys) in [("", "m"), ("", "2"), ("3", "r"), ("", "4")] {
        let mut s = screen(120, 40);
        s.open("carnivorous").keys(before);
        let asked = under_way(&mut s, keys);
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
        // what comes too late changes nothing
        s.answer(&asked);
        assert!(s.text().contains("■ stopped"), "{}", s.text());
        let again = s.take_requests("<ctrl-x>");
        assert_eq!(evaluations(&again), evaluations(&asked), "{keys}");
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
fn what_is_measured_stays_and_nothing_goes_on_by_itself() {
    let mut s = screen(120, 40);
    s.open("carnivorous");
    let asked = under_way(&mut s, "m");
    let metrics = MetricValues {
        ap: [0.11; 4],
        ..MetricValues::default()
    };
    s.say(
        asked[0].id,
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
    // what was not stopped is measured, and coming back asks anew
    assert_eq!(evaluations(&s.take_requests("m")).len(), 1);
    assert_eq!(
        evaluations(&s.take_requests("mm")).len(),
        1,
        "both is there, text is not"
    );
}

#[test]
fn a_search_for_failures_is_stopped_alike() {
    let mut s = screen(80, 24);
    let asked = s.take_requests("3");
    let search = asked
        .iter()
        .find(|request| matches!(request.kind, RequestKind::Failures(_)))
        .unwrap()
        .clone();
    s.say(
        search.id,
        ReplyKind::Progress(Progress::new("looking for failures", 3, 40)),
    );
    s.keys("<ctrl-x>").snapshot("stopped_80x24");
    s.answer(&asked);
    assert!(s.text().contains("was stopped"), "{}", s.text());
    s.keys("<ctrl-x>");
    assert!(s.text().contains("false positives"), "{}", s.text());
}
