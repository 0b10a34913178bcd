//! What if, undo over everything, named states and the file of a view.

use multiexpan::tui::message::LoopCommand;
use multiexpan::tui::persist::view_file::ViewFile;
use multiexpan::types::Mode;

use crate::harness::{Screens, screen};

#[test]
fn what_is_changed_and_what_it_does_is_shown() {
    for (width, height) in [(80, 24), (120, 40), (60, 16)] {
        screen(width, height)
            .open("carnivorous")
            .keys("i")
            .snapshot(&format!("what_if_{width}x{height}"));
    }
    let mut s = screen(80, 24);
    s.open("carnivorous")
        .keys("+jj-kkkxjji")
        .keys("ljjlljll")
        .snapshot("what_if_changed_80x24");
}

#[test]
fn every_change_can_be_undone_and_redone() {
    let mut s = screen(120, 40);
    s.open("carnivorous").keys("ijjlljlkkkl").keys("<esc>");
    s.keys("i");
    let changed = s.text();
    // a no-break space keeps a change together
    let said = changed.replace('\u{a0}', " ");
    assert!(
        said.contains("mode text") && said.contains("window 2"),
        "{said}"
    );
    assert!(said.contains("no re-ranking"), "{said}");
    s.keys("uuuu");
    assert!(s.text().contains("no changes"), "{}", s.text());
    s.keys("<ctrl-r><ctrl-r><ctrl-r><ctrl-r>");
    assert_eq!(s.text(), changed);
    s.keys("0");
    assert!(s.text().contains("no changes"), "{}", s.text());
    s.keys("u");
    assert_eq!(s.text(), changed, "one undo brings all of it back");
    s.keys("<esc>uuuuu");
    assert!(s.text().contains("· both ·"), "{}", s.text());
}

#[test]
fn a_named_state_is_come_back_to() {
    let mut s = screen(80, 24);
    s.open("carnivorous")
        .keys("xj-,n")
        .keys("no horse")
        .snapshot("naming_80x24");
    let (seeds, rows) = (s.seeds(), s.rows());
    s.keys("<enter>c")
        .open("fruits")
        .keys("m,nfruit by text<enter>,l")
        .snapshot("states_80x24");
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

/// What ctrl-s writes, read again.
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
fn a_view_opens_as_it_was_written() {
    let mut s = screen(120, 40);
    s.open("carnivorous").keys("]+jj-rmjjj").keys("ijjl<esc>");
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
fn what_a_view_lacks_elsewhere_is_said() {
    let mut s = screen(80, 24);
    s.open("carnivorous").keys("mj");
    let file = written(&mut s);
    let lost = s.seeds()[0].clone();
    let mut elsewhere = Screens::with_view(80, 24, file, |c| {
        c.entities.retain(|e| e.name != lost);
        c.entities.iter_mut().for_each(|e| e.id.0 += 1000);
        c.modes = vec![Mode::Both];
        c.classes
            .iter_mut()
            .flat_map(|class| &mut class.members)
            .for_each(|m| m.0 += 1000);
    });
    elsewhere.snapshot("told_80x24");
    elsewhere.keys("<esc>");
    assert_eq!(elsewhere.seeds(), s.seeds()[1..]);
}
