//! Screens while results are still arriving, and notices that do not fit on a line.

use multiexpan::engine::protocol::{ReplyKind, RequestKind};
use multiexpan::types::Mode;

use super::harness::{Screens, screen};

/// Presses keys, and returns the first request of a kind.
fn request(
    s: &mut Screens,
    keys: &str,
    wanted: fn(&RequestKind) -> bool,
) -> multiexpan::engine::protocol::Request {
    let mut requests = s.take_requests(keys);
    let at = requests
        .iter()
        .position(|request| wanted(&request.kind))
        .expect("there is such a request");
    requests.swap_remove(at)
}

#[test]
fn failures_are_counted_only_once_there_are_some() {
    let mut s = screen(120, 40);
    let search = request(&mut s, "3", |kind| matches!(kind, RequestKind::Failures(_)));
    assert!(!s.text().contains("0 false positives"), "{}", s.text());
    let all = s.failures(&search);
    let mut part = all.clone();
    let half = part.failures.len() / 2;
    (part.searched, part.total) = (3, all.total);
    let rest = part.failures.split_off(half);
    s.send_reply(search.id, ReplyKind::Failures(Box::new(part)));
    assert!(
        s.text()
            .contains(&format!("missed in 3 of {} queries", all.total)),
        "{}",
        s.text()
    );
    let mut last = all.clone();
    (last.previously_searched, last.failures) = (3, rest);
    s.send_reply(search.id, ReplyKind::Failures(Box::new(last)));
    let mut at_once = screen(120, 40);
    at_once.keys("3");
    assert_eq!(s.text(), at_once.text());
}

#[test]
fn compare_shows_each_class_once_it_is_evaluated() {
    let mut s = screen(120, 40);
    let evaluation = request(&mut s, "2", |kind| matches!(kind, RequestKind::Evaluate(_)));
    let RequestKind::Evaluate(wanted) = evaluation.kind else {
        unreachable!("an evaluation was requested")
    };
    let text_ranker = multiexpan::engine::protocol::Ranker::OpenIndex(Mode::Text);
    assert_eq!(
        wanted.ranker, text_ranker,
        "Explore has evaluated the first mode"
    );
    let before = s.text();
    assert!(
        before.contains("carnivorous mammals") && !before.contains("wins"),
        "{before}"
    );
    let (class, metrics) = s.class_metrics();
    s.send_reply(evaluation.id, ReplyKind::ClassEvaluated { class, metrics });
    let after = s.text();
    assert_ne!(before, after);
    assert!(
        after.contains("▲ +") || after.contains("▼ −") || after.contains("· .00"),
        "{after}"
    );
}

#[test]
fn a_long_notice_is_wrapped() {
    let mut s = screen(80, 24);
    let message = "the session could not be saved (trying again): cannot write \
               /home/somebody/with/a/long/name/.local/state/multiexpan/session-0123456789abcdef.json: No space left on device \
               (os error 28)";
    s.notify(message);
    let shown: String = s.text().split_whitespace().collect();
    let tail: String = "device (os error 28)".split_whitespace().collect();
    assert!(
        shown.contains("cannotwrite") && shown.contains(&tail),
        "{}",
        s.text()
    );
}
