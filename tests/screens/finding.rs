//! The palette, key sequences, searching, the jump list, copying and themes.

use multiexpan::config::{Action, Context};
use multiexpan::tui::message::LoopCommand;

use crate::harness::{Screens, screen};

#[test]
fn the_palette_finds_any_action() {
    for (width, height) in [(80, 24), (120, 40)] {
        screen(width, height)
            .open("carnivorous")
            .keys(":")
            .snapshot(&format!("palette_{width}x{height}"));
    }
    let mut s = screen(80, 24);
    s.open("carnivorous")
        .keys(":sort")
        .snapshot("palette_sort_80x24");
    screen(60, 16).keys(":sort").snapshot("palette_60x16");
}

#[test]
fn the_palette_runs_an_action_on_the_screen_below() {
    let mut s = screen(80, 24);
    s.open("carnivorous").keys(":undo a ch");
    assert_eq!(s.app().palette_rows()[0].action, Action::Undo);
    s.keys("<ctrl-u>tall rows<enter>");
    assert_eq!(
        (s.app().explore.candidates.tall, s.app().context()),
        (true, Context::Candidates)
    );
    s.keys(":fold-all");
    assert_eq!(
        s.app().palette_rows()[0].elsewhere.as_deref(),
        Some("in classes, Failures, Explain")
    );
    s.keys("<enter>");
    assert!(
        s.text().contains("fold-all is available in classes"),
        "{}",
        s.text()
    );
    s.keys("<esc>");
    assert_eq!(s.app().context(), Context::Candidates);
}

#[test]
fn continuations_of_a_key_are_shown_until_the_next_key() {
    let mut s = screen(80, 24);
    s.open("carnivorous")
        .keys("y")
        .snapshot("continuations_80x24");
    s.keys("<esc>");
    assert!(!s.text().contains("y …") && s.command().is_none());
    s.keys("yq");
    assert!(
        s.text().contains("no action is bound to y q") && s.command().is_none(),
        "{}",
        s.text()
    );
}

#[test]
fn a_search_goes_through_the_list_in_focus() {
    let mut s = screen(80, 24);
    s.open("carnivorous").keys("/ar").snapshot("search_80x24");
    let rows = s.rows();
    let hits: Vec<&String> = rows
        .iter()
        .filter(|name| name.to_lowercase().contains("ar"))
        .collect();
    let under = |s: &Screens| s.app().shared.name(s.app().subject().unwrap());
    assert_eq!(&under(&s), hits[0]);
    s.keys("<enter>n");
    assert_eq!(&under(&s), hits[1]);
    assert!(
        s.text().contains(&format!("2 of {}", hits.len())),
        "{}",
        s.text()
    );
    s.keys("NN");
    assert_eq!(
        &under(&s),
        hits[hits.len() - 1],
        "from the first on to the last"
    );
    s.keys("<esc>n");
    assert!(s.text().contains("search for a text first"), "{}", s.text());
}

#[test]
fn a_cancelled_search_restores_the_cursor() {
    let mut s = screen(80, 24);
    s.open("carnivorous").keys("jj");
    let before = s.app().subject();
    s.keys("/ar");
    assert_ne!(s.app().subject(), before);
    s.keys("zzzz");
    assert!(s.text().contains("no match"), "{}", s.text());
    s.keys("<esc>");
    assert_eq!(s.app().subject(), before);
}

#[test]
fn every_list_can_be_searched() {
    screen(120, 40)
        .keys("2/fl")
        .snapshot("search_compare_120x40");
    screen(120, 40)
        .open("fruits")
        .keys("?/seed<enter>n")
        .snapshot("search_help_120x40");
    let mut s = screen(80, 24);
    s.keys("4/birds<enter><enter>");
    assert!(s.text().contains("land birds · query 1"), "{}", s.text());
    s.open("fruits").keys("jj-M/zzz");
    assert!(s.text().contains("no match"), "{}", s.text());
    s.keys("<esc>");
    assert!(
        s.text().contains("missing gold entit"),
        "the popup stays: {}",
        s.text()
    );
}

#[test]
fn the_jump_list_has_queries_entities_and_screens() {
    let mut s = screen(80, 24);
    s.open("carnivorous").keys("jj");
    let (seeds, subject) = (s.seeds(), s.app().subject());
    s.keys("]24");
    assert!(s.text().contains("Metrics ━"), "{}", s.text());
    s.keys("<ctrl-o>");
    assert!(s.text().contains("both against text"), "{}", s.text());
    s.keys("<ctrl-o><ctrl-o>");
    assert_eq!((s.seeds(), s.app().subject()), (seeds.clone(), subject));
    s.keys("<alt-right>");
    assert_ne!(s.seeds(), seeds);
    s.keys("<alt-left><alt-left>");
    assert!(
        s.seeds().is_empty(),
        "before the class was opened there was none"
    );
    s.keys("<ctrl-o>");
    assert!(
        s.text().contains("there is no place to go back to"),
        "{}",
        s.text()
    );
    s.keys("<ctrl-p>");
    assert_eq!(s.seeds(), seeds);
}

#[test]
fn names_are_copied() {
    let mut s = screen(80, 24);
    s.open("carnivorous").keys("jyy");
    let rows = s.rows();
    assert_eq!(s.command(), Some(LoopCommand::Copy(rows[1].clone())));
    assert!(s.text().contains("copied: "), "{}", s.text());
    s.keys("yl");
    assert_eq!(s.command(), Some(LoopCommand::Copy(rows.join("\n") + "\n")));
    s.keys("ys");
    assert_eq!(s.command(), Some(LoopCommand::Copy(s.seeds().join(","))));
    let mut huge = Screens::with_catalogue(80, 24, |c| {
        let first = &mut c.entities[0];
        first.name = first.name.repeat(20_000);
    });
    huge.keys("a").paste("a").keys("<enter><esc>yl");
    assert!(
        huge.command().is_some() || huge.text().contains("not copied"),
        "{}",
        huge.text()
    );
}

#[test]
fn a_theme_is_previewed_and_saved_or_cancelled() {
    let mut s = screen(80, 24);
    s.open("carnivorous").keys("Tj").snapshot("themes_80x24");
    assert_eq!(s.app().overlay.themes.shown, "light");
    s.keys("<esc>");
    assert_eq!(
        (s.app().overlay.themes.shown.as_str(), s.session().theme),
        ("dark", None)
    );
    s.keys("T/blind<enter><enter>");
    assert_eq!(s.session().theme.as_deref(), Some("colour-blind"));
    assert_eq!(s.app().context(), Context::Candidates);
}

#[test]
fn the_mouse_reaches_themes_and_actions() {
    let mut s = screen(80, 24);
    s.open("carnivorous").keys("T").click_on("light");
    assert_eq!(
        (s.app().overlay.themes.shown.as_str(), s.app().context()),
        ("light", Context::Popup)
    );
    s.click_on("light");
    assert_eq!(
        (s.session().theme.as_deref(), s.app().context()),
        (Some("light"), Context::Candidates)
    );
    s.keys(":tall").click_on("compact and tall");
    assert!(s.app().explore.candidates.tall);
}

#[test]
fn whole_words_are_erased() {
    let mut s = screen(80, 24);
    s.keys("/land bi<ctrl-w>");
    assert_eq!(s.app().explore.classes.tree.filter, "land ");
    s.keys("<ctrl-u>");
    assert_eq!(s.app().explore.classes.tree.filter, "");
}
