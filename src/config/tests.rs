//! Tests that the shipped themes are legible, also for people with colour vision deficiencies: WCAG 2
//! for contrast, Viénot, Brettel and Mollon (1999) for the colours that dichromats see, CIE 1976
//! L*a*b* for differences.

use ratatui::style::Color;

use crate::config::theme::{Depth, Role, Theme};

type Rgb = [f64; 3];

/// Linear, 0..1.
fn linear(colour: Color) -> Rgb {
    let Color::Rgb(r, g, b) = colour else {
        panic!("{colour:?} is no RGB")
    };
    [r, g, b].map(|v| {
        let v = f64::from(v) / 255.0;
        if v <= 0.04045 {
            v / 12.92
        } else {
            ((v + 0.055) / 1.055).powf(2.4)
        }
    })
}

fn times(matrix: [Rgb; 3], v: Rgb) -> Rgb {
    matrix.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

fn luminance(v: Rgb) -> f64 {
    0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]
}

fn contrast(a: Color, b: Color) -> f64 {
    let (a, b) = (luminance(linear(a)) + 0.05, luminance(linear(b)) + 0.05);
    a.max(b) / a.min(b)
}

/// The matrices in linear RGB.
const PROTANOPIA: [Rgb; 3] = [
    [0.11238, 0.88762, 0.0],
    [0.11238, 0.88762, 0.0],
    [0.00401, -0.00401, 1.0],
];
const DEUTERANOPIA: [Rgb; 3] = [
    [0.29275, 0.70725, 0.0],
    [0.29275, 0.70725, 0.0],
    [-0.02234, 0.02234, 1.0],
];
const ALL: [Rgb; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

fn lab(v: Rgb) -> Rgb {
    let xyz = [
        [0.4124, 0.3576, 0.1805],
        [0.2126, 0.7152, 0.0722],
        [0.0193, 0.1192, 0.9505],
    ];
    let white = [0.9505, 1.0, 1.089];
    let xyz = times(xyz, v);
    let f = |i: usize| {
        let t = xyz[i].max(0.0) / white[i];
        if t > 0.008856 {
            t.cbrt()
        } else {
            7.787 * t + 16.0 / 116.0
        }
    };
    [
        116.0 * f(1) - 16.0,
        500.0 * (f(0) - f(1)),
        200.0 * (f(1) - f(2)),
    ]
}

fn difference(a: Color, b: Color, seen: [Rgb; 3]) -> f64 {
    let (a, b) = (lab(times(seen, linear(a))), lab(times(seen, linear(b))));
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
}

fn theme(name: &str) -> Theme {
    Theme::load(name, None, Depth::True).unwrap()
}

fn ink(theme: &Theme, role: Role) -> Color {
    theme.style(role).fg.unwrap()
}

#[test]
fn every_text_stands_out_from_its_paper() {
    for (name, least) in [
        ("dark", 4.5),
        ("light", 4.5),
        ("colour-blind", 4.5),
        ("high-contrast", 7.0),
    ] {
        let theme = theme(name);
        let paper = theme.style(Role::Paper).bg.unwrap();
        let frames = [Role::Border, Role::Selection, Role::Paper];
        for role in Role::ALL.iter().filter(|role| !frames.contains(role)) {
            let style = theme.style(*role);
            let own = style.bg.unwrap_or(paper);
            let found = contrast(ink(&theme, *role), own);
            assert!(
                found >= least,
                "{name}: {} has {found:.2} over its paper",
                role.name()
            );
        }
        // the row under the cursor is read too
        let selected = theme.style(Role::Selection).bg.unwrap();
        for role in [Role::Text, Role::Title, Role::Gold, Role::Miss] {
            let found = contrast(ink(&theme, role), selected);
            assert!(
                found >= 4.5,
                "{name}: {} has {found:.2} on the selected row",
                role.name()
            );
        }
    }
}

/// The colours of a text in the theme of 16 colours, as xterm and the Linux console show them.
fn usual(colour: Color) -> Vec<Color> {
    match colour {
        Color::Reset => Vec::new(),
        Color::Red => vec![Color::Rgb(205, 0, 0), Color::Rgb(170, 0, 0)],
        Color::Magenta => vec![Color::Rgb(205, 0, 205), Color::Rgb(170, 0, 170)],
        other => panic!("{other} is not readable on black and on white"),
    }
}

#[test]
fn the_theme_of_16_colours_is_readable_on_black_and_on_white() {
    let theme = Theme::load("ansi", None, Depth::Ansi).unwrap();
    // areas, and a colour over one of its own
    let others = [Role::TextShare, Role::ImageShare, Role::Found];
    for role in Role::ALL.iter().filter(|role| !others.contains(role)) {
        let style = theme.style(*role);
        assert_eq!(style.bg, None, "{}: the terminal's own paper", role.name());
        for colour in style.fg.map(usual).unwrap_or_default() {
            for paper in [Color::Rgb(0, 0, 0), Color::Rgb(255, 255, 255)] {
                let found = contrast(colour, paper);
                assert!(found >= 2.5, "{} has {found:.2} over {paper}", role.name());
            }
        }
    }
}

#[test]
fn meaningful_colours_differ_for_dichromats() {
    let theme = theme("colour-blind");
    let roles = [Role::Gold, Role::Miss, Role::TextShare, Role::ImageShare];
    for (seen, who) in [
        (ALL, "all"),
        (PROTANOPIA, "protanopes"),
        (DEUTERANOPIA, "deuteranopes"),
    ] {
        for (i, a) in roles.into_iter().enumerate() {
            for b in roles.into_iter().skip(i + 1) {
                let found = difference(ink(&theme, a), ink(&theme, b), seen);
                assert!(
                    found >= 20.0,
                    "{} and {} are {found:.1} apart for {who}",
                    a.name(),
                    b.name()
                );
            }
        }
    }
}

#[test]
fn the_simulation_takes_red_and_green_together() {
    let (red, green) = (Color::Rgb(200, 60, 60), Color::Rgb(110, 130, 40));
    assert!(difference(red, green, ALL) > 60.0);
    assert!(difference(red, green, DEUTERANOPIA) < 20.0);
    assert!((contrast(Color::Rgb(255, 255, 255), Color::Rgb(0, 0, 0)) - 21.0).abs() < 0.01);
}
