//! The screens of the explorer over a fake engine: tests press keys and look at what is drawn.

mod explanation;
mod failures;
mod fake;
mod fake_lists;
mod finding;
mod harness;
mod key_table;
mod overlays;
mod partial;
mod pasting;
mod queries_and_views;
mod stopping;

use harness::{Screens, screen};
use multiexpan::tui::message::LoopCommand;
use multiexpan::types::Mode;

#[test]
fn the_first_screen_has_no_open_class() {
    screen(80, 24).snapshot("start_80x24");
    screen(120, 40).snapshot("start_120x40");
}

#[test]
fn opening_a_class_expands_its_first_query() {
    for (width, height) in [(80, 24), (120, 40), (180, 50)] {
        screen(width, height)
            .open("carnivorous")
            .snapshot(&format!("class_{width}x{height}"));
    }
}

#[test]
fn every_pane_is_reachable_in_a_narrow_terminal() {
    screen(60, 16).open("carnivorous").snapshot("narrow_60x16");
    screen(60, 16)
        .open("carnivorous")
        .keys("l")
        .snapshot("narrow_entity_60x16");
    screen(80, 24)
        .open("carnivorous")
        .keys("c")
        .snapshot("classes_drawer_80x24");
    screen(59, 16).snapshot("too_small");
}

#[test]
fn a_miss_shows_its_class() {
    screen(80, 24)
        .open("carnivorous")
        .keys("fffjj")
        .snapshot("moved_80x24");
    let shown = screen(80, 24).open("carnivorous").keys("ff").text();
    assert!(shown.contains("✗ land birds (sibling class)"), "{shown}");
}

#[test]
fn tall_rows_have_two_lines() {
    screen(120, 40)
        .open("ungulates")
        .keys("tjj")
        .snapshot("tall_120x40");
}

#[test]
fn a_typed_seed_is_completed_added_and_undone() {
    let mut s = screen(80, 24);
    s.open("carnivorous")
        .keys("ahors")
        .snapshot("completion_80x24");
    s.keys("<enter><esc>").snapshot("seed_added_80x24");
    assert_eq!(s.seeds().len(), 4);
    s.keys("u");
    assert_eq!(s.seeds().len(), 3);
    s.keys("<ctrl-r>");
    assert_eq!(s.seeds().last().map(String::as_str), Some("horse"));
}

#[test]
fn chips_are_removed_from_the_keyboard() {
    let mut s = screen(80, 24);
    s.open("carnivorous");
    let before = s.seeds();
    s.keys("kl").keys("x");
    assert_eq!(s.seeds(), [before[0].clone(), before[2].clone()]);
    s.keys("a<backspace>");
    assert_eq!(s.seeds(), [before[0].clone()]);
    s.keys("<backspace><esc>").snapshot("no_seed_left_80x24");
}

#[test]
fn a_candidate_is_accepted_rejected_or_becomes_a_seed() {
    let mut s = screen(80, 24);
    s.open("carnivorous");
    let (seeds, rows) = (s.seeds(), s.rows());
    s.keys("+");
    assert_eq!(s.seeds(), seeds, "an accepted candidate is not a seed");
    assert!(!s.rows().contains(&rows[0]));
    assert!(
        s.text().contains(&format!(" + {} ✕", rows[0])),
        "{}",
        s.text()
    );
    s.keys("s");
    assert_eq!(s.seeds().last(), Some(&rows[1]));
    let first = s.rows()[0].clone();
    s.keys("g-");
    assert!(!s.rows().contains(&first));
    assert!(s.text().contains("− 1 rejected"), "{}", s.text());
    s.snapshot("judged_80x24");
    s.keys("uu");
    assert_eq!(s.seeds(), seeds);
    assert!(
        s.text().contains(&format!(" + {} ✕", rows[0])),
        "{}",
        s.text()
    );
    s.keys("u");
    assert_eq!(s.rows(), rows);
    s.keys("<ctrl-r><ctrl-r><ctrl-r>");
    assert!(s.text().contains("− 1 rejected"), "{}", s.text());
    // the chip of the accepted candidate is the last one
    s.keys("kllllx");
    assert!(!s.text().contains(" + "), "{}", s.text());
    assert!(s.rows().contains(&rows[0]));
}

#[test]
fn keys_step_through_queries_and_switch_seed_counts() {
    let mut s = screen(80, 24);
    s.open("carnivorous").keys("]]");
    assert!(s.text().contains("query 3 of 5 (3 seeds)"), "{}", s.text());
    s.keys("<tab>");
    assert!(s.text().contains("query 3 of 5 (5 seeds)"), "{}", s.text());
    s.keys("[[[[");
    assert!(s.text().contains("query 1 of 5 (5 seeds)"), "{}", s.text());
}

#[test]
fn modes_are_cycled_and_a_single_mode_is_reported() {
    let mut s = screen(80, 24);
    s.open("carnivorous").keys("m");
    assert!(
        s.text().contains("· text ·") && s.text().contains("vs both"),
        "{}",
        s.text()
    );
    let mut raw = Screens::with_catalogue(80, 24, |c| c.modes = vec![Mode::Both]);
    raw.open("carnivorous").keys("m").snapshot("one_mode_80x24");
}

#[test]
fn the_ranking_is_switched_where_others_are_possible() {
    let mut s = screen(80, 24);
    s.open("carnivorous");
    for ranking in [
        "window search",
        "ranked by seeds",
        "expanded jointly",
        "by feedback",
    ] {
        s.keys("r");
        assert!(s.text().contains(&format!("━ {ranking} ┓")), "{}", s.text());
    }
    s.keys("-rrr");
    assert!(
        s.text().contains("by feedback ┓"),
        "the query is edited: {}",
        s.text()
    );
    s.keys("R");
    assert!(
        s.text().contains("only a window search re-ranks"),
        "{}",
        s.text()
    );
    let mut frozen = Screens::with_catalogue(80, 24, |c| c.modes.retain(|m| *m != Mode::None));
    frozen.open("carnivorous").keys("r");
    assert!(
        frozen.text().contains("is ranked by feedback only"),
        "{}",
        frozen.text()
    );
    frozen.keys("mr");
    assert!(
        frozen.text().contains("window search ┓"),
        "{}",
        frozen.text()
    );
}

#[test]
fn an_index_without_classes_is_usable() {
    let mut raw = Screens::with_catalogue(80, 24, |c| {
        (c.classes, c.queries, c.modes) = (vec![], vec![], vec![Mode::Both]);
        c.entities.iter_mut().for_each(|e| e.classes.clear());
    });
    raw.snapshot("raw_start_80x24");
    raw.keys("alion<enter>tiger<enter><esc>")
        .snapshot("raw_expanded_80x24");
}

#[test]
fn missing_entities_are_listed_with_their_reasons() {
    let mut s = screen(80, 24);
    s.open("fruits").keys("jj-M").snapshot("missing_80x24");
    s.keys("<enter>");
    assert!(s.text().contains("missing:"), "{}", s.text());
}

#[test]
fn help_lists_the_keymap() {
    screen(120, 40)
        .open("fruits")
        .keys("?")
        .snapshot("help_120x40");
    screen(80, 24)
        .open("fruits")
        .keys("?G")
        .snapshot("help_end_80x24");
}

#[test]
fn classes_fold_filter_and_sort() {
    let mut s = screen(120, 24);
    s.keys("/bi").snapshot("filter_120x24");
    s.keys("<esc>sgg<space>").snapshot("sorted_folded_120x24");
}

#[test]
fn clicks_select_candidates_seeds_and_classes() {
    let mut s = screen(120, 40);
    s.open("carnivorous");
    let (seeds, third) = (s.seeds(), s.rows()[2].clone());
    s.click_on(&third);
    assert!(s.text().contains(&format!("╭ {third} ─")), "{}", s.text());
    s.click_on("✕");
    assert_eq!(s.seeds(), seeds[1..]);
    s.click_on("flowers");
    assert!(s.text().contains("flowers · query 1 of"), "{}", s.text());
    s.click_on("missing ");
    assert!(
        s.text().contains("missing gold entities")
            || s.text().contains("no gold entity is missing")
    );
}

#[test]
fn stale_replies_are_dropped() {
    let mut s = screen(80, 24);
    s.open("carnivorous");
    let old = s.take_requests("m");
    let new = s.take_requests("m");
    s.answer(&new);
    let rows = s.rows();
    s.answer(&old);
    assert_eq!(s.rows(), rows, "the older expansion is stale");
    assert!(s.text().contains("· image"));
}

#[test]
fn an_expansion_stays_visible_until_the_next_one_replies() {
    let mut s = screen(80, 24);
    s.open("carnivorous");
    let rows = s.rows();
    let requests = s.take_requests("m");
    assert_eq!(s.rows(), rows);
    s.answer(&requests);
    assert_ne!(s.rows(), rows);
}

#[test]
fn an_error_of_the_engine_is_shown() {
    let mut s = screen(80, 24);
    s.open("carnivorous")
        .fail("m", "the device ran out of memory")
        .snapshot("failed_80x24");
    s.keys("m");
    assert!(
        !s.rows().is_empty(),
        "the next expansion is requested all the same"
    );
}

#[test]
fn a_session_is_restored() {
    let mut s = screen(80, 24);
    s.open("carnivorous").keys("]m+");
    let session = s.session();
    let again = Screens::with_session(80, 24, session.clone());
    assert_eq!(again.session(), session);
    assert_eq!((again.rows(), again.seeds()), (s.rows(), s.seeds()));
}

#[test]
fn images_are_drawn_in_half_blocks() {
    let mut s = screen(120, 40);
    s.with_pictures().open("carnivorous").keys("t");
    let shown = s.text();
    assert!(shown.contains('▀') || shown.contains('▄'), "{shown}");
    s.keys("z");
    assert!(s.text().contains("1/"), "{}", s.text());
}

#[test]
fn metrics_show_every_class_in_every_mode() {
    for (width, height) in [(80, 24), (120, 40)] {
        screen(width, height)
            .keys("4")
            .snapshot(&format!("metrics_{width}x{height}"));
    }
    let mut s = screen(80, 24);
    s.keys("4");
    assert!(
        s.text().contains("MAP@10 · 3 seeds · by feedback"),
        "{}",
        s.text()
    );
    s.keys("v<tab>rr");
    assert!(
        s.text().contains("MAP@20 · 5 seeds · ranked by seeds"),
        "{}",
        s.text()
    );
}

#[test]
fn metrics_sort_by_any_column_and_open_their_class() {
    let mut s = screen(120, 40);
    s.keys("4ssss<ctrl-d>").snapshot("metrics_sorted_120x40");
    let first = |s: &mut Screens| {
        s.text()
            .lines()
            .nth(5)
            .unwrap()
            .trim_start_matches('┃')
            .trim()
            .to_owned()
    };
    let best = first(&mut s);
    s.keys("S");
    assert_ne!(first(&mut s), best);
    s.click_on("class ");
    assert!(
        s.text().contains("class ↓") && s.text().contains("Living things"),
        "{}",
        s.text()
    );
    s.keys("Gk<enter>");
    assert!(s.text().contains("flowers · query 1 of 3"), "{}", s.text());
    s.keys("4g<enter>");
    assert!(
        s.text().contains("select a class to open it"),
        "{}",
        s.text()
    );
    s.keys("<esc>");
    assert!(s.text().contains("Candidates"), "{}", s.text());
}

#[test]
fn a_table_is_exported_in_each_format() {
    let mut s = screen(80, 24);
    s.keys("4e").snapshot("export_80x24");
    s.keys("j<enter>");
    let Some(LoopCommand::Write { stem, ending, text }) = s.command() else {
        panic!("no file is written")
    };
    assert_eq!((stem.as_str(), ending), ("multiexpan-metrics", "json"));
    let written: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rows = written["rows"].as_array().unwrap();
    assert_eq!(
        (rows[0]["class"].as_str(), rows[0]["both"].as_f64()),
        (Some("all queries"), Some(0.75))
    );
    assert!(
        rows.iter()
            .any(|r| r["class"] == "flowers" && r["text"].is_f64() && r["both low"].is_null())
    );
}

#[test]
fn help_on_the_metrics_screen_lists_its_actions() {
    let mut s = screen(120, 40);
    s.keys("4?").snapshot("help_metrics_120x40");
    assert!(!s.text().contains("add a seed by its name"));
}

#[test]
fn an_index_without_queries_shows_that_nothing_can_be_measured() {
    let mut raw = Screens::with_catalogue(80, 24, |c| {
        (c.classes, c.queries, c.modes) = (vec![], vec![], vec![Mode::Both]);
        c.entities.iter_mut().for_each(|e| e.classes.clear());
    });
    raw.keys("4");
    assert!(
        raw.text().contains("no queries of 3 seeds"),
        "{}",
        raw.text()
    );
}

#[test]
fn two_modes_are_compared_class_by_class_and_rank_by_rank() {
    for (width, height) in [(80, 24), (120, 40)] {
        screen(width, height)
            .keys("2jj")
            .snapshot(&format!("compare_{width}x{height}"));
    }
    let mut s = screen(120, 40);
    s.keys("2");
    assert!(
        s.text()
            .contains("+0.021 [−0.004, +0.048] p .112 uncorrected · 5 wins, 1 ties, 2 losses"),
        "{}",
        s.text()
    );
    s.keys("m");
    assert!(s.text().contains("both against image"), "{}", s.text());
    s.keys("m");
    assert!(s.text().contains("text against image"), "{}", s.text());
    s.keys("v<tab>r");
    assert!(s.text().contains("MAP@20 · 5 seeds"), "{}", s.text());
}

#[test]
fn a_compared_query_opens_in_explore_and_keeps_its_row() {
    let mut s = screen(120, 40);
    s.keys("2j]");
    let before = s.text();
    s.keys("<enter>");
    assert!(s.text().contains("query 2 of"), "{}", s.text());
    s.keys("2");
    assert_eq!(s.text(), before);
    s.keys("s");
    assert!(s.text().contains("class↓"), "{}", s.text());
    s.keys("e<enter>");
    let Some(LoopCommand::Write { stem, text, .. }) = s.command() else {
        panic!("no file is written")
    };
    assert_eq!(stem, "multiexpan-compare");
    assert!(
        text.starts_with(
            "class,measure,seeds,ranking,both,text,difference,overlap,RBO,tau,queries\n"
        ),
        "{text}"
    );
}

#[test]
fn single_queries_are_compared_and_sorted_too() {
    for (width, height) in [(80, 24), (120, 40)] {
        screen(width, height)
            .keys("2cjj")
            .snapshot(&format!("compare_queries_{width}x{height}"));
    }
    let mut s = screen(120, 40);
    s.keys("2c");
    let shown = |s: &mut Screens| {
        s.text()
            .lines()
            .nth(3)
            .unwrap()
            .split("  ")
            .next()
            .unwrap()
            .to_owned()
    };
    let best = shown(&mut s);
    s.keys("S");
    assert_ne!(shown(&mut s), best, "the order is reversed");
    s.keys("Sss");
    assert!(s.text().contains("shared↓"), "{}", s.text());
    s.keys("2sss/fruits · <enter>]");
    assert!(
        s.text().contains("◆ fruits · ") && s.text().contains("query 2 of 5"),
        "{}",
        s.text()
    );
    let row = s.app().compare.selected_row(&s.app().shared).unwrap();
    let seeds = row.label;
    s.keys("<enter>");
    assert!(s.text().contains("fruits · query 2 of"), "{}", s.text());
    assert_eq!(seeds, format!("fruits · {}", s.seeds().join(", ")));
    s.keys("2e<enter>");
    let Some(LoopCommand::Write { text, .. }) = s.command() else {
        panic!("no file is written")
    };
    assert!(
        text.starts_with("class,query,seed names,measure,"),
        "{text}"
    );
    assert!(text.contains("fruits,2,\""), "{text}");
    s.keys("c");
    assert!(
        s.text().contains("◆ fruits ") && s.text().contains("query 2 of 5"),
        "{}",
        s.text()
    );
}

#[test]
fn a_query_row_has_the_metric_of_every_ranker() {
    let mut s = screen(120, 40);
    s.keys("2bG<enter>clip.run<enter><esc>c");
    let rows = s.app().compare.rows(&s.app().shared);
    assert!(
        rows.iter()
            .all(|row| row.all_ap.len() == 3 && row.all_ap.iter().all(Option::is_some))
    );
    s.keys("x");
    let rows_of_next_reference = s.app().compare.rows(&s.app().shared);
    for row in &rows {
        let mut others = rows_of_next_reference.iter();
        let same = others.find(|other| other.label == row.label).unwrap();
        assert_eq!(same.all_ap, row.all_ap, "the reference does not matter");
    }
}

#[test]
fn an_index_of_one_mode_asks_for_another_ranker() {
    let mut raw = Screens::with_catalogue(80, 24, |c| c.modes = vec![Mode::Both]);
    raw.keys("2");
    assert!(raw.text().contains("only one mode"), "{}", raw.text());
}

#[test]
fn other_indexes_and_runs_are_compared() {
    let mut s = screen(120, 40);
    s.keys("2b").snapshot("rankers_120x40");
    // the field for a path takes letters that are keys elsewhere
    s.keys("G<enter>clip.run<enter>");
    assert!(
        s.text().contains("clip: 3 queries of 3 seeds are missing"),
        "{}",
        s.text()
    );
    s.keys("G<enter>old<enter><esc>");
    assert!(s.text().contains("both against old both"), "{}", s.text());
    s.keys("jj").snapshot("compare_four_120x40");
    s.keys("x");
    assert!(s.text().contains("both against text"), "{}", s.text());
    s.keys("x");
    assert!(s.text().contains("both against clip"), "{}", s.text());
    s.keys("bjj<enter>");
    assert!(s.text().contains("at most 4 rankers"), "{}", s.text());
    s.keys("kk<enter>j<enter><esc>");
    assert!(s.text().contains("clip against old both"), "{}", s.text());
    s.keys("bjjj<enter><esc>");
    assert!(s.text().contains("at least two rankers"), "{}", s.text());
    s.keys("bG<enter>none<enter>");
    assert!(s.text().contains("no run at none"), "{}", s.text());
    let mut narrow = screen(80, 24);
    narrow
        .keys("2bG<enter>clip.run<enter><esc>")
        .snapshot("compare_three_80x24");
}

#[test]
fn an_unknown_entity_of_a_run_is_shown_by_its_name() {
    let mut s = screen(120, 40);
    s.keys("2bG<enter>clip.run<enter><esc>");
    assert!(s.text().contains("both against clip"), "{}", s.text());
    assert!(
        s.text().contains("– ? sea unicorn (unknown)"),
        "{}",
        s.text()
    );
}

#[test]
fn the_compared_rankings_scroll() {
    let mut s = screen(120, 40);
    s.keys("2v");
    let before = s.text();
    s.keys("JJJ");
    assert_ne!(s.text(), before);
    s.keys("KKK");
    assert_eq!(s.text(), before);
}

#[test]
fn a_compared_query_is_expanded_in_its_own_mode() {
    let mut s = screen(120, 40);
    s.keys("2<enter>");
    let (seeds, both) = (s.seeds(), s.rows());
    // the same query is expanded by text in between
    s.keys("m");
    assert_ne!(s.rows(), both);
    s.keys("2<enter>");
    assert_eq!((s.seeds(), s.rows()), (seeds, both));
    assert!(s.text().contains("· both ·"), "{}", s.text());
}

#[test]
fn an_open_popup_takes_all_keys() {
    let mut s = screen(120, 40);
    s.open("carnivorous").keys("4e=z<ctrl-r>");
    let seeds = s.seeds();
    assert!(s.text().contains("Export the table"), "{}", s.text());
    s.keys("<esc>1");
    assert_eq!(s.seeds(), seeds);
}

#[test]
fn class_names_are_visible_in_a_narrow_terminal() {
    screen(60, 16).keys("4").snapshot("metrics_60x16");
    screen(60, 16).keys("2").snapshot("compare_60x16");
}

#[test]
fn a_data_set_may_have_queries_of_one_seed_count_only() {
    let mut s = Screens::with_catalogue(120, 40, |c| c.queries.retain(|q| q.seeds.len() == 3));
    s.keys("2<tab>");
    assert!(s.text().contains("no queries of 5 seeds"), "{}", s.text());
    s.keys("4");
    assert!(s.text().contains("no queries of 5 seeds"), "{}", s.text());
    s.keys("e<enter>");
    assert!(
        s.text().contains("nothing is evaluated yet") && s.command().is_none(),
        "{}",
        s.text()
    );
}
