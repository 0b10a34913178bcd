//! What terminals answer, when, and what is drawn with it.

use std::time::Instant;

use crate::pty::{Answers, ESCAPE, HELP, PLAIN, SIXEL, Setup, Terminal};

const KITTY: Answers = Answers {
    version: Some("kitty(0.41.1)"),
    attributes: "62;52",
    cell: Some((10, 20)),
    late: false,
};
/// Begins an image of kitty's protocol, and one in sixel.
const KITTY_IMAGE: &[u8] = b"\x1b_G";
const SIXEL_IMAGE: &[u8] = b"\x1bP9;1;";

fn holds(raw: &[u8], sequence: &[u8]) -> bool {
    raw.windows(sequence.len()).any(|window| window == sequence)
}

/// An explorer where a class's candidates, with their images, are to be seen.
fn opened(setup: Setup) -> Terminal {
    let mut terminal = setup.start();
    terminal.until(" · both");
    terminal.keys("/carniv\r");
    terminal.until("re-ranked");
    terminal
}

#[test]
fn late_answers_are_no_keys_and_bring_the_images() {
    let home = tempfile::tempdir().unwrap();
    let answers = Answers {
        late: true,
        ..KITTY
    };
    let mut terminal = opened(Setup {
        images: "auto",
        answers,
        ..Setup::new(home.path())
    });
    // it has given up waiting: half blocks
    terminal.until("▀");
    assert!(!holds(&terminal.raw, KITTY_IMAGE));
    terminal.answer_now();
    let from = terminal.raw.len();
    terminal.until_written(KITTY_IMAGE, from);
    terminal.redraw();
    assert!(
        terminal.contents().contains("query 1 of 5"),
        "{}",
        terminal.contents()
    );
    terminal.keys("q");
    terminal.ends();
}

#[test]
fn keys_before_the_answers_are_kept() {
    let home = tempfile::tempdir().unwrap();
    let answers = Answers {
        late: true,
        ..SIXEL
    };
    let mut terminal = Setup {
        images: "auto",
        answers,
        ..Setup::new(home.path())
    }
    .start();
    // the terminal was asked before the first frame
    terminal.until("multiexpan");
    terminal.keys("?");
    terminal.answer_now();
    terminal.keys("j");
    terminal.until(HELP);
    terminal.keys(ESCAPE);
    terminal.until_gone(HELP);
    terminal.keys("q");
    terminal.ends();
}

#[test]
fn the_protocol_is_that_of_the_answers() {
    let konsole = Answers {
        version: Some("Konsole 25.04.2"),
        attributes: "62;1;4",
        ..KITTY
    };
    let cases = [
        (KITTY, Some(KITTY_IMAGE)),
        (konsole, Some(KITTY_IMAGE)),
        (SIXEL, Some(SIXEL_IMAGE)),
        (PLAIN, None),
        // an impossible cell counts as none
        (
            Answers {
                cell: Some((2, 1)),
                ..SIXEL
            },
            Some(SIXEL_IMAGE),
        ),
    ];
    for (answers, expected) in cases {
        let home = tempfile::tempdir().unwrap();
        // the variables of another terminal change nothing
        let environment = vec![
            ("KITTY_WINDOW_ID", "1".to_owned()),
            ("TERM_PROGRAM", "WezTerm".to_owned()),
        ];
        let mut terminal = opened(Setup {
            images: "auto",
            answers,
            environment,
            ..Setup::new(home.path())
        });
        match expected {
            Some(sequence) => drop(terminal.until_written(sequence, 0)),
            None => drop(terminal.until("▀")),
        }
        let other = if expected == Some(KITTY_IMAGE) {
            SIXEL_IMAGE
        } else {
            KITTY_IMAGE
        };
        assert!(!holds(&terminal.raw, other), "{:?}", answers.version);
        terminal.keys("q");
        terminal.ends();
    }
}

#[test]
fn another_size_asks_for_the_size_of_a_cell_again() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = opened(Setup {
        images: "auto",
        ..Setup::new(home.path())
    });
    terminal.until_written(SIXEL_IMAGE, 0);
    let from = terminal.raw.len();
    terminal.resize(100, 30);
    terminal.until_written(b"\x1b[16t", from);
    terminal.keys("q");
    terminal.ends();
}

#[test]
fn without_colours_no_colour_is_written() {
    assert_never_written(
        &[("NO_COLOR", "1")],
        '▒',
        &["\x1b[3", "\x1b[4", ";38;", ";48;"],
    );
}

#[test]
fn sixteen_colours_are_written_as_such_in_images_too() {
    let variables = [("TERM", "xterm"), ("COLORTERM", "")];
    assert_never_written(&variables, '▀', &["38;2;", "48;2;", "38;5;", "48;5;"]);
}

#[test]
fn of_256_colours_none_is_written_by_its_parts() {
    assert_never_written(&[("COLORTERM", "")], '▀', &["38;2;", "48;2;"]);
}

/// Runs the explorer with images in half blocks until `image` is seen; no sequence of colours has
/// any of these parts.
fn assert_never_written(variables: &[(&'static str, &str)], image: char, forbidden: &[&str]) {
    let home = tempfile::tempdir().unwrap();
    let environment = variables
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    let mut terminal = opened(Setup {
        images: "halfblocks",
        environment,
        ..Setup::new(home.path())
    });
    terminal.wait("an image", |screen| screen.contents().contains(image));
    terminal.keys("q");
    let raw = terminal.until_end();
    for sequence in forbidden {
        for (at, _) in raw.match_indices(sequence) {
            let rest = &raw[at..];
            assert!(
                !is_colour(rest),
                "{:?}",
                rest.chars().take(40).collect::<String>()
            );
        }
    }
}

/// Whether what begins here selects graphics (ends in `m`), and is no movement.
fn is_colour(sequence: &str) -> bool {
    sequence[1..]
        .find(|c: char| c.is_ascii_alphabetic())
        .is_some_and(|at| sequence[1 + at..].starts_with('m'))
}

#[test]
fn without_utf8_only_ascii_is_written() {
    let home = tempfile::tempdir().unwrap();
    let environment = vec![("LANG", "C".to_owned())];
    let mut terminal = Setup {
        environment,
        ..Setup::new(home.path())
    }
    .start();
    terminal.until("the locale is not UTF-8 (LANG=C)");
    terminal.until("825 entities");
    terminal.keys("q");
    // but for the letter that asks whether the terminal reads UTF-8 all the same
    let written = terminal.until_end();
    let others: Vec<char> = written
        .replacen("\u{e9}\x1b[6n", "", 1)
        .chars()
        .filter(|letter| !letter.is_ascii())
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn a_dumb_terminal_is_refused_in_one_sentence() {
    let home = tempfile::tempdir().unwrap();
    for term in ["dumb", ""] {
        let environment = vec![("TERM", term.to_owned())];
        let said = Setup {
            environment,
            ..Setup::new(home.path())
        }
        .start()
        .until_end();
        assert!(
            said.starts_with("multiexpan: TERM is") && said.contains("xterm-256color"),
            "{said}"
        );
        assert!(
            said.trim_end().lines().count() == 1 && !said.contains('\x1b'),
            "{said}"
        );
    }
}

/// Not a promise about time: whoever never answers must not be waited for.
#[test]
fn a_terminal_that_never_answers_is_left_all_the_same() {
    let home = tempfile::tempdir().unwrap();
    let answers = Answers {
        late: true,
        ..PLAIN
    };
    let mut terminal = opened(Setup {
        images: "auto",
        answers,
        ..Setup::new(home.path())
    });
    terminal.until("▀");
    let left = Instant::now();
    terminal.keys("q");
    terminal.ends();
    println!(
        "left without an answer in {:.0} ms",
        left.elapsed().as_secs_f64() * 1e3
    );
}
