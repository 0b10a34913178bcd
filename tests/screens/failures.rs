//! The Failures screen, key by key.

use multiexpan::tui::message::LoopCommand;
use multiexpan::tui::persist::session::SavedSession;
use multiexpan::types::RankingKind;

use crate::harness::{Screens, screen};

#[test]
fn failures_are_listed_with_their_reasons() {
    for (width, height) in [(80, 24), (120, 40)] {
        screen(width, height)
            .keys("3")
            .snapshot(&format!("failures_group_{width}x{height}"));
        screen(width, height)
            .keys("3jj")
            .snapshot(&format!("failures_{width}x{height}"));
    }
    screen(60, 16).keys("3jj").snapshot("failures_60x16");
}

#[test]
fn failures_are_grouped_filtered_and_cut_off() {
    let mut s = screen(120, 40);
    s.keys("3jjbjj").snapshot("failures_by_tag_120x40");
    let subject = |s: &mut Screens| {
        s.text()
            .lines()
            .nth(1)
            .unwrap()
            .rsplit('╭')
            .next()
            .map(str::to_owned)
    };
    let before = subject(&mut s);
    s.keys("b");
    assert_eq!(subject(&mut s), before, "the cursor stays on its failure");
    assert!(s.text().contains("Failures by entity"), "{}", s.text());
    s.keys("bff");
    assert!(
        s.text().contains("only missed") && s.text().contains(" 0 false positives"),
        "{}",
        s.text()
    );
    s.keys("ft");
    assert!(s.text().contains("only sibling class"), "{}", s.text());
    s.keys("vv");
    assert!(
        s.text().contains("both @50 · 3 seeds · by feedback"),
        "{}",
        s.text()
    );
    s.keys("m<tab>rr");
    assert!(
        s.text().contains("text @50 · 5 seeds · ranked by seeds"),
        "{}",
        s.text()
    );
    s.keys("Fbird");
    assert!(
        s.text().contains("sibling class · named bird ") && s.text().contains(" filter: bird▏"),
        "{}",
        s.text()
    );
    s.keys("<enter>");
    assert!(
        s.text().contains("land birds") && !s.text().contains("▾ drinks"),
        "{}",
        s.text()
    );
    s.keys("<esc>");
    assert!(
        !s.text().contains("named bird") && s.text().contains("Failures by class"),
        "{}",
        s.text()
    );
    s.keys("<esc>");
    assert!(s.text().contains("Candidates"), "{}", s.text());
}

#[test]
fn a_joint_failure_names_the_class_that_took_the_entity() {
    let mut s = screen(120, 40);
    s.keys("3rrr");
    assert!(s.text().contains("expanded jointly"), "{}", s.text());
    s.keys("ffbt");
    while !s.text().contains("only missed · taken by another class") {
        s.keys("t");
    }
    s.keys("jj").snapshot("failures_taken_120x40");
    assert!(
        s.text()
            .contains("taken by another class: drinks has it at"),
        "{}",
        s.text()
    );
    s.keys("<enter>");
    let ranking = s.app().explore.query.ranking;
    assert_eq!(ranking, RankingKind::Joint, "{}", s.text());
    s.keys("3r");
    assert!(
        s.text().contains("No failure passes"),
        "outside joint expansion no class takes an entity: {}",
        s.text()
    );
}

#[test]
fn groups_fold_and_the_cursor_moves_to_their_head() {
    let mut s = screen(120, 40);
    s.keys("3jjh");
    let folded = s.text();
    assert!(
        folded.contains("▸") && folded.contains("by tag"),
        "{folded}"
    );
    s.keys("<space>");
    assert!(!s.text().contains("▸"), "{}", s.text());
    s.keys("Z");
    assert!(!s.text().contains("▾"), "{}", s.text());
}

#[test]
fn a_failure_opens_its_query_and_the_list_stays_as_it_was() {
    let mut s = screen(120, 40);
    s.keys("3mjjj");
    let before = s.text();
    let name = before
        .lines()
        .nth(1)
        .unwrap()
        .rsplit("╭ ")
        .next()
        .unwrap()
        .trim_end_matches(['─', '╮', ' '])
        .to_owned();
    s.keys("<enter>");
    assert!(
        s.text().contains("Candidates") && s.text().contains("· text ·"),
        "{}",
        s.text()
    );
    assert!(
        s.text().contains(&format!("╭ {name} ─")),
        "the cursor is on {name}: {}",
        s.text()
    );
    s.keys("3");
    // the top line shows the mode of Explore
    let below = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(below(&s.text()), below(&before));
    s.keys("ff");
    assert!(s.text().contains("only missed"), "{}", s.text());
    s.keys("gj<enter>");
    assert!(
        s.text().contains("rank  ") && s.text().contains("┏ horse ━"),
        "{}",
        s.text()
    );
}

#[test]
fn the_matrix_opens_into_the_entities_of_a_cell() {
    for (width, height) in [(80, 24), (120, 40)] {
        screen(width, height)
            .keys("3vvcjl")
            .snapshot(&format!("confusion_{width}x{height}"));
    }
    screen(60, 16).keys("3vvc").snapshot("confusion_60x16");
    let mut s = screen(120, 40);
    s.keys("3vvcRR").snapshot("confusion_coarse_120x40");
    s.keys("R");
    let matrix = s.text();
    s.keys("<enter>");
    assert!(
        s.text().contains("only ") && s.text().contains(" as "),
        "{}",
        s.text()
    );
    assert!(s.text().contains("· 0 missed"), "{}", s.text());
    s.keys("<esc>");
    assert_eq!(s.text(), matrix);
    s.keys("<esc>");
    assert!(s.text().contains("Failures by class"), "{}", s.text());
}

#[test]
fn marks_and_notes_are_saved() {
    let mut s = screen(120, 40);
    s.keys("3jxalooks alike<enter>janot this<esc>")
        .snapshot("failures_noted_120x40");
    let shown = s.text();
    assert!(
        shown.contains("* ✗") && shown.contains("“looks alike”") && !shown.contains("not this"),
        "{shown}"
    );
    s.keys("X");
    assert!(
        s.text().contains("1 false positive · 0 missed"),
        "{}",
        s.text()
    );
    let session = s.session();
    let saved = serde_json::to_string(&session).unwrap();
    let loaded: SavedSession = serde_json::from_str(&saved).unwrap();
    let mut again = Screens::with_session(120, 40, loaded);
    again.keys("3X");
    assert!(again.text().contains("“looks alike”"), "{}", again.text());
    again.keys("jx");
    assert!(
        again.text().contains("No failure passes"),
        "{}",
        again.text()
    );
    let left = again.session().annotations;
    assert!(
        left.len() == 1 && !left[0].1.marked,
        "the note stays without a mark"
    );
}

#[test]
fn a_note_takes_every_letter() {
    let mut s = screen(80, 24);
    s.keys("3jaq?13 <backspace>虎")
        .snapshot("failures_note_80x24");
    s.keys("<enter>");
    assert!(s.command().is_none() && s.session().annotations[0].1.note == "q?13虎");
}

#[test]
fn the_list_and_the_matrix_are_exported() {
    let mut s = screen(120, 40);
    s.keys("3jaoften seen, so<enter>Zke<enter>");
    let Some(LoopCommand::Write { stem, text, .. }) = s.command() else {
        panic!("nothing is written")
    };
    assert_eq!(stem, "multiexpan-failures");
    let head =
        "entity,failure,class,query,seeds,mode,ranking,rank,known as,\"rank by seeds, both\"";
    assert!(text.starts_with(head), "{text}");
    assert!(
        text.contains("\"often seen, so\"") && text.contains("sibling class: in "),
        "{text}"
    );
    s.keys("vvcej<enter>");
    let Some(LoopCommand::Write { stem, text, .. }) = s.command() else {
        panic!("nothing is written")
    };
    assert_eq!(stem, "multiexpan-confusion");
    let written: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(
        written["rows"][0]["gold"].is_string() && written["rows"][0]["land birds"].is_u64(),
        "{text}"
    );
}

#[test]
fn an_index_without_queries_has_no_failures() {
    let mut raw = Screens::with_catalogue(80, 24, |c| {
        (c.classes, c.queries) = (vec![], vec![]);
        c.entities.iter_mut().for_each(|e| e.classes.clear());
    });
    raw.keys("3");
    assert!(
        raw.text().contains("no queries of 3 seeds"),
        "{}",
        raw.text()
    );
    raw.keys("<enter>xncR<enter>hlje<enter>");
    assert!(
        raw.text().contains("no failure is shown") && raw.command().is_none(),
        "{}",
        raw.text()
    );
}

#[test]
fn the_mouse_folds_groups_and_opens_failures() {
    let mut s = screen(120, 40);
    s.keys("3");
    let first = s
        .text()
        .lines()
        .nth(3)
        .unwrap()
        .split("▾ ")
        .nth(1)
        .unwrap()
        .split("  ")
        .next()
        .unwrap()
        .to_owned();
    s.click_on(&format!("▾ {first}"));
    assert!(s.text().contains(&format!("▸ {first}")), "{}", s.text());
    s.click_on(&format!("▸ {first}"));
    s.click_on("✗    8 yak");
    assert!(s.text().contains("in the seed ranking"), "{}", s.text());
    s.click_on("4 Metrics");
    s.click_on("3 Failures");
    s.click_on("✗    8 yak");
    assert!(s.text().contains("Candidates"), "{}", s.text());
}
