//! Plots as SVG. Within a page they follow the colour scheme of the reader, light or dark, through
//! the rules of `stylesheet`. In a file of its own a plot has a title and the light colours, with
//! SVG that any program supports.

use maud::{Markup, PreEscaped, html};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::printable;
use crate::table::percent;

/// The name of each colour, and its value on light and on dark background. The colours of series
/// follow Okabe and Ito, which colour-blind people can distinguish. Of 16 series, no two have the
/// same colour and shape.
const COLOURS: [(&str, &str, &str); 9] = [
    ("--paper", "#fff", "#14171b"),
    ("--ink", "#1c2024", "#e6e9ed"),
    ("--quiet", "#5b6470", "#9aa4b0"),
    ("--line", "#d9dee4", "#323942"),
    ("--wash", "#f5f7f9", "#1c2126"),
    ("--s0", "#0072b2", "#56b4e9"),
    ("--s1", "#c2410c", "#f0883e"),
    ("--s2", "#00805c", "#3fc49a"),
    ("--s3", "#a8488a", "#dd8fc3"),
];

const MARKS: &str = "\
svg.plot{font:12px system-ui,sans-serif;fill:var(--ink)}svg .quiet{fill:var(--quiet)}svg .grid{stroke:var(--line)}\
svg .zero{stroke:var(--quiet)}svg .end{text-anchor:end}svg .mid{text-anchor:middle}\
svg .s0{fill:var(--s0);stroke:var(--s0)}svg .s1{fill:var(--s1);stroke:var(--s1)}\
svg .s2{fill:var(--s2);stroke:var(--s2)}svg .s3{fill:var(--s3);stroke:var(--s3)}\
svg .whisker{stroke-width:2;opacity:.55}svg .bar{stroke:none}svg .dot{stroke:var(--paper);stroke-width:1}";

/// The height of the title of a plot in a file of its own.
const TITLE_HEIGHT: f64 = 26.0;
/// The width of a plot of rows.
pub(super) const WIDTH: f64 = 680.0;
/// The approximate width of a letter.
pub(super) const LETTER: f64 = 7.2;
/// The number of colours, and of shapes.
pub(super) const KINDS: usize = 4;

/// Returns the CSS rules for plots within a page.
pub(super) fn stylesheet() -> String {
    let mut light = String::new();
    let mut dark = String::new();
    for (name, on_light, on_dark) in COLOURS {
        light += &format!("{name}:{on_light};");
        dark += &format!("{name}:{on_dark};");
    }
    format!(":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}{MARKS}")
}

/// A plot for a page or a file.
pub struct Plot {
    pub(super) title: String,
    /// Width and height, in px.
    pub(super) size: [f64; 2],
    pub(super) marks: Markup,
}

impl Plot {
    /// Returns the plot for a page that has the rules of `stylesheet`.
    pub fn inline(&self) -> Markup {
        let [width, height] = self.size;
        let class = if width < WIDTH { "plot square" } else { "plot" };
        let view_box = format!("0 0 {width} {height}");
        html! {
            svg class=(class) viewBox=(view_box) role="img" aria-label=(self.title) {
                (self.marks)
            }
        }
    }

    /// Returns the plot as a file of its own.
    pub fn file(&self) -> String {
        let [width, height] = [self.size[0], self.size[1] + TITLE_HEIGHT];
        let mut style = MARKS.to_owned();
        for (name, light, _) in COLOURS {
            style = style.replace(&format!("var({name})"), light);
        }
        let view_box = format!("0 {} {width} {height}", -TITLE_HEIGHT);
        let namespace = "http://www.w3.org/2000/svg";
        let svg = html! {
            svg.plot xmlns=(namespace) width=(width) height=(height) viewBox=(view_box) role="img" {
                title { (self.title) }
                style { (PreEscaped(style)) }
                rect x="0" y=(-TITLE_HEIGHT) width=(width) height=(height) fill="#fff" {}
                text x="8" y="-9" font-weight="600" { (fit_label(&self.title, width)) }
                (self.marks)
            }
        };
        printable::lines(&svg.into_string()).into_owned() + "\n"
    }
}

/// Returns the CSS class of a series.
pub(super) fn colour_class(series: usize) -> String {
    format!("s{}", series % KINDS)
}

/// Draws the mark of a series. The first series differ in both colour and shape; with each new
/// round of colours the shapes shift by one.
pub(super) fn shape(series: usize, x: f64, y: f64) -> Markup {
    let path = |dx: f64, dy: f64, rest: &str| {
        let d = format!("M{} {}{rest}", px(x + dx), px(y + dy));
        html! { path.dot d=(d) {} }
    };
    match (series + series / KINDS) % KINDS {
        0 => html! { circle.dot cx=(px(x)) cy=(px(y)) r="4.5" {} },
        1 => path(0.0, -5.5, "l5.5 5.5l-5.5 5.5l-5.5 -5.5z"),
        2 => path(-4.0, -4.0, "h8v8h-8z"),
        _ => path(0.0, -5.0, "l5 9h-10z"),
    }
}

/// Formats a coordinate.
pub(super) fn px(value: f64) -> String {
    format!("{value:.1}")
}

/// Formats a value in %, without the decimal if it is 0.
pub(super) fn short_percent(value: f64) -> String {
    let text = percent(value);
    match text.strip_suffix(".0") {
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

/// Cuts a label that is wider than `width` px.
pub(super) fn fit_label(label: &str, width: f64) -> String {
    let columns = ((width - 12.0) / LETTER) as usize;
    if label.width() <= columns {
        return label.to_owned();
    }
    let mut cut = String::new();
    // one column is for the ellipsis
    let mut used = 1;
    for letter in label.chars() {
        used += letter.width().unwrap_or(0);
        if used > columns {
            break;
        }
        cut.push(letter);
    }
    cut.push('…');
    cut
}
