//! Pasted text: names that become seeds, and text for a field.

use super::harness::screen;

const SEPARATORS: [&str; 6] = ["\r", "\n", "\r\n", "\t", ", ", ";"];

#[test]
fn several_names_become_seeds_with_every_separator() {
    for separator in SEPARATORS {
        let mut s = screen(120, 40);
        s.keys("a")
            .paste(&["lion", "tiger", "LEOPARD"].join(separator));
        assert_eq!(s.seeds(), ["lion", "tiger", "leopard"], "{separator:?}");
        assert!(s.text().contains("3 names pasted: 3 added"), "{}", s.text());
        s.keys("u");
        assert!(s.seeds().is_empty(), "one undo takes them all back");
    }
}

#[test]
fn unknown_names_and_existing_seeds_are_listed() {
    let mut s = screen(80, 24);
    s.paste("lion\ntigre\nlion\n\nzzzzqx");
    assert_eq!(s.seeds(), ["lion"]);
    s.snapshot("pasted_80x24");
}

#[test]
fn the_list_of_pasted_names_is_searched_and_closed_by_unused_keys() {
    let mut s = screen(120, 40);
    s.paste("lion\ntigre\nzebra").keys("/tig<enter>j");
    assert!(s.text().contains("3 names pasted"), "{}", s.text());
    s.keys("<enter>");
    assert!(!s.text().contains("names pasted"), "{}", s.text());
    s.paste("tiger\nleopard").keys("ys");
    assert!(!s.text().contains("names pasted"), "{}", s.text());
}

#[test]
fn a_single_name_is_inserted_without_control_characters() {
    for pasted in ["\nlion\n", "  lion", "li\x1b[31mon", "\u{202a}lion"] {
        let mut s = screen(120, 40);
        s.keys("a").paste(pasted);
        assert!(s.text().contains("┃ lion  "), "{pasted:?}\n{}", s.text());
    }
    let mut s = screen(120, 40);
    s.paste("lion").keys("<enter>");
    assert_eq!(
        s.seeds(),
        ["lion"],
        "a paste where nothing is typed yet begins to type"
    );
}

#[test]
fn a_paste_goes_into_the_field_that_has_the_keys() {
    let mut s = screen(120, 40);
    s.keys("/").paste("carni\nland");
    assert!(
        s.text().contains("carni▏") && s.seeds().is_empty(),
        "{}",
        s.text()
    );
    let mut s = screen(120, 40);
    s.open("carnivorous").keys("3").paste("lion\ntiger");
    assert!(s.text().contains("Failures by class"), "{}", s.text());
    assert_eq!(s.seeds().len(), 3);
}
