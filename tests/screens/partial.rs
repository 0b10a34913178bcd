//! What is shown while it is still measured, and notices that do not fit on a line.

use multiexpan::engine::protocol::{ReplyKind, RequestKind};
use multiexpan::types::Mode;

use super::harness::{Screens, screen};

/// The first request of these keys of a kind.
fn request(
    s: &mut Screens,
    keys: &str,
    wanted: fn(&RequestKind) -> bool,
) -> multiexpan::engine::protocol::Request {
    let mut requests = s.take_requests(keys);
    let at = requests
        .iter()
        .position(|request| wanted(&request.kind))
        .expect("it is asked for");
    requests.swap_remove(at)
}

#[test]
fn failures_are_counted_only_once_there_are_some() {
    let mut s = screen(120, 40);
    let search = request(&mut s, "3", |ask| matches!(ask, RequestKind::Failures(_)));
    assert!(!s.text().contains("0 false positives"), "{}", s.text());
    let whole = s.failures(&search);
    let mut part = whole.clone();
    let half = part.failures.len() / 2;
    (part.searched, part.total) = (3, whole.total);
    let rest = part.failures.split_off(half);
    s.say(search.id, ReplyKind::Failures(Box::new(part)));
    assert!(
        s.text()
            .contains(&format!("missed in 3 of {} queries", whole.total)),
        "{}",
        s.text()
    );
    let mut last = whole.clone();
    (last.previously_searched, last.failures) = (3, rest);
    s.say(search.id, ReplyKind::Failures(Box::new(last)));
    let mut at_once = screen(120, 40);
    at_once.keys("3");
    assert_eq!(s.text(), at_once.text());
}

#[test]
fn compare_shows_classes_as_they_are_measured() {
    let mut s = screen(120, 40);
    let evaluation = request(&mut s, "2", |ask| matches!(ask, RequestKind::Evaluate(_)));
    let RequestKind::Evaluate(wanted) = evaluation.kind else {
        unreachable!("asked for above")
    };
    let of_text = multiexpan::engine::protocol::Ranker::OpenIndex(Mode::Text);
    assert_eq!(
        wanted.ranker, of_text,
        "the first mode was measured for Explore"
    );
    let before = s.text();
    assert!(
        before.contains("carnivorous mammals") && !before.contains("wins"),
        "{before}"
    );
    let (class, metrics) = s.class_measures();
    s.say(evaluation.id, ReplyKind::ClassEvaluated { class, metrics });
    let after = s.text();
    assert_ne!(before, after);
    assert!(
        after.contains("▲ +") || after.contains("▼ −") || after.contains("· .00"),
        "{after}"
    );
}

#[test]
fn a_long_notice_is_shown_whole() {
    let mut s = screen(80, 24);
    let why = "the session could not be saved (trying again): cannot write \
               /home/somebody/with/a/long/name/.local/state/multiexpan/session-0123456789abcdef.json: No space left on device \
               (os error 28)";
    s.notify(why);
    let shown: String = s.text().split_whitespace().collect();
    let tail: String = "device (os error 28)".split_whitespace().collect();
    assert!(
        shown.contains("cannotwrite") && shown.contains(&tail),
        "{}",
        s.text()
    );
}
