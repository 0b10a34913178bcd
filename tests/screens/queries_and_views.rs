//! The What-if popup, undo, named queries and view files.

use multiexpan::tui::message::LoopCommand;
use multiexpan::tui::persist::view_file::ViewFile;
use multiexpan::types::Mode;

use crate::harness::{Screens, screen};

#[test]
fn changes_and_their_effect_are_shown() {
    for (width, height) in [(80, 24), (120, 40), (60, 16)] {
        screen(width, height)
            .open("carnivorous")
            .keys("i")
            .snapshot(&format!("what_if_{width}x{height}"));
    }
    let mut s = screen(80, 24);
    s.open("carnivorous")
        .keys("+jj-kkkxjji")
        .keys("ljljlljll")
        .snapshot("what_if_changed_80x24");
}

#[test]
fn every_change_can_be_undone_and_redone() {
    let mut s = screen(120, 40);
    s.open("carnivorous").keys("ijljlljlkkkl").keys("<esc>");
    s.keys("i");
    let changed = s.text();
    // a change has no-break spaces
    let text = changed.replace('\u{a0}', " ");
    assert!(
        text.contains("mode text") && text.contains("window search") && text.contains("window 2"),
        "{text}"
    );
    assert!(text.contains("no re-ranking"), "{text}");
    s.keys("uuuuu");
    assert!(s.text().contains("no changes"), "{}", s.text());
    s.keys("<ctrl-r><ctrl-r><ctrl-r><ctrl-r><ctrl-r>");
    assert_eq!(s.text(), changed);
    s.keys("0");
    assert!(s.text().contains("no changes"), "{}", s.text());
    s.keys("u");
    assert_eq!(s.text(), changed, "one undo brings all of it back");
    s.keys("<esc>uuuuuu");
    assert!(s.text().contains("· both ·"), "{}", s.text());
}

#[test]
fn a_named_query_is_opened_again() {
    let mut s = screen(80, 24);
    s.open("carnivorous")
        .keys("xj-,n")
        .keys("no horse")
        .snapshot("save_query_80x24");
    let (seeds, rows) = (s.seeds(), s.rows());
    s.keys("<enter>c")
        .open("fruits")
        .keys("m,nfruit by text<enter>,l")
        .snapshot("named_queries_80x24");
    s.keys("<enter>");
    assert_eq!((s.seeds(), s.rows()), (seeds.clone(), rows));
    s.keys("u");
    assert_ne!(s.seeds(), seeds);
    let mut again = Screens::with_session(80, 24, s.session());
    again.keys(",l");
    assert!(
        again.text().contains("no horse") && again.text().contains("fruit by text"),
        "{}",
        again.text()
    );
    again.keys("xx");
    assert!(!again.text().contains("Named queries"), "{}", again.text());
}

/// Returns the view that ctrl-s writes.
fn written(s: &mut Screens) -> ViewFile {
    s.keys("<ctrl-s>");
    let Some(LoopCommand::Write { stem, ending, text }) = s.command() else {
        panic!("nothing is written")
    };
    assert_eq!((stem.as_str(), ending), ("view", "json"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("view.json");
    std::fs::write(&path, text).unwrap();
    ViewFile::load(&path).unwrap()
}

#[test]
fn a_view_opens_as_it_was_saved() {
    let mut s = screen(120, 40);
    s.open("carnivorous").keys("]+jj-rRmjjj").keys("ijjl<esc>");
    let file = written(&mut s);
    let mut again = Screens::with_view(120, 40, file, |_| {});
    assert_eq!(
        (again.seeds(), again.rows(), again.session()),
        (s.seeds(), s.rows(), s.session())
    );
    assert!(
        !again.text().contains("Opened with warnings"),
        "{}",
        again.text()
    );
    assert_eq!(written(&mut again), written(&mut s), "the cursor too");
    s.keys("4");
    let mut metrics = Screens::with_view(120, 40, written(&mut s), |_| {});
    assert!(metrics.text().contains("MAP@10"), "{}", metrics.text());
}

#[test]
fn missing_parts_of_a_view_are_listed() {
    let mut s = screen(80, 24);
    s.open("carnivorous").keys("mj");
    let file = written(&mut s);
    let missing = s.seeds()[0].clone();
    let mut elsewhere = Screens::with_view(80, 24, file, |c| {
        c.entities.retain(|e| e.name != missing);
        c.entities.iter_mut().for_each(|e| e.id.0 += 1000);
        c.modes = vec![Mode::Both];
        c.classes
            .iter_mut()
            .flat_map(|class| &mut class.members)
            .for_each(|m| m.0 += 1000);
    });
    elsewhere.snapshot("load_warnings_80x24");
    elsewhere.keys("<esc>");
    assert_eq!(elsewhere.seeds(), s.seeds()[1..]);
}
