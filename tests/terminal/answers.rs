//! The answers of terminals, early and late, and the images, colours and characters that follow
//! from them.

use std::time::Instant;

use crate::pty::{Answers, ESCAPE, HELP, PLAIN, SIXEL, Setup, Terminal};

const KITTY: Answers = Answers {
    version: Some("kitty(0.41.1)"),
    attributes: "62;52",
    cell: Some((10, 20)),
    late: false,
};
/// The beginning of an image in kitty's protocol.
const KITTY_IMAGE: &[u8] = b"\x1b_G";
/// The beginning of an image in sixel.
const SIXEL_IMAGE: &[u8] = b"\x1bP9;1;";

fn contains(raw: &[u8], sequence: &[u8]) -> bool {
    raw.windows(sequence.len()).any(|window| window == sequence)
}

/// Starts the explorer and expands a class, so that candidates with images are shown.
fn opened(setup: Setup) -> Terminal {
    let mut terminal = setup.start();
    terminal.until(" · both");
    terminal.keys("/carniv\r");
    terminal.until(" ranked");
    terminal
}

#[test]
fn late_answers_are_not_read_as_keys_and_change_the_protocol() {
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
    // Without an answer, half blocks are drawn after some time.
    terminal.until("▀");
    assert!(!contains(&terminal.raw, KITTY_IMAGE));
    terminal.send_answers();
    let from = terminal.raw.len();
    terminal.until_written(KITTY_IMAGE, from);
    terminal.redraw();
    assert!(
        terminal.contents().contains("query 1 of 5"),
        "{}",
        terminal.contents()
    );
    terminal.keys("q");
    terminal.wait_for_end();
}

#[test]
fn keys_before_the_answers_are_not_lost() {
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
    // The query was sent before the first frame.
    terminal.until("multiexpan");
    terminal.keys("?");
    terminal.send_answers();
    terminal.keys("j");
    terminal.until(HELP);
    terminal.keys(ESCAPE);
    terminal.until_gone(HELP);
    terminal.keys("q");
    terminal.wait_for_end();
}

#[test]
fn the_protocol_follows_the_answers() {
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
        // An impossible size of a cell is ignored.
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
        // The environment variables of another terminal are ignored.
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
        assert!(!contains(&terminal.raw, other), "{:?}", answers.version);
        terminal.keys("q");
        terminal.wait_for_end();
    }
}

#[test]
fn a_resize_queries_the_size_of_a_cell_again() {
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
    terminal.wait_for_end();
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
fn with_16_colours_only_these_are_written() {
    let variables = [("TERM", "xterm"), ("COLORTERM", "")];
    assert_never_written(&variables, '▀', &["38;2;", "48;2;", "38;5;", "48;5;"]);
}

#[test]
fn with_256_colours_no_truecolor_is_written() {
    assert_never_written(&[("COLORTERM", "")], '▀', &["38;2;", "48;2;"]);
}

/// Runs the explorer with images in half blocks until the character `image` is shown, and checks
/// that no colour sequence contains one of the forbidden parts.
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
    let raw = terminal.read_to_end();
    for sequence in forbidden {
        for (start, _) in raw.match_indices(sequence) {
            let rest = &raw[start..];
            assert!(
                !is_colour(rest),
                "{:?}",
                rest.chars().take(40).collect::<String>()
            );
        }
    }
}

/// Returns true if the sequence that begins here sets a style (ends in `m`), and does not move the
/// cursor.
fn is_colour(sequence: &str) -> bool {
    sequence[1..]
        .find(|c: char| c.is_ascii_alphabetic())
        .is_some_and(|end| sequence[1 + end..].starts_with('m'))
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
    // The probe, which finds out whether the terminal reads UTF-8, is the only exception.
    let written = terminal.read_to_end();
    let others: Vec<char> = written
        .replacen("\u{e9}\x1b[6n", "", 1)
        .chars()
        .filter(|letter| !letter.is_ascii())
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn a_dumb_terminal_is_an_error_of_one_line() {
    let home = tempfile::tempdir().unwrap();
    for term in ["dumb", ""] {
        let environment = vec![("TERM", term.to_owned())];
        let output = Setup {
            environment,
            ..Setup::new(home.path())
        }
        .start()
        .read_to_end();
        assert!(
            output.starts_with("multiexpan: TERM is") && output.contains("xterm-256color"),
            "{output}"
        );
        assert!(
            output.trim_end().lines().count() == 1 && !output.contains('\x1b'),
            "{output}"
        );
    }
}

/// Checks that the end does not wait for a terminal that never answers. The time is printed only.
#[test]
fn the_explorer_ends_in_a_terminal_that_never_answers() {
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
    let quit_at = Instant::now();
    terminal.keys("q");
    terminal.wait_for_end();
    println!(
        "ended without an answer in {:.0} ms",
        quit_at.elapsed().as_secs_f64() * 1e3
    );
}
