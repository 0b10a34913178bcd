//! Plots as SVG. In a page they follow the reader's colours, light or dark, by the rules of
//! `style`; in a file of its own a plot has a title and the light colours, in words that any
//! program for SVG knows.

use maud::{Markup, PreEscaped, html};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::eval::SubgroupAnalysis;
use crate::eval::comparison::Estimate;
use crate::printable;
use crate::table::percent;

/// A colour's name, and how it is on light and on dark paper. Those of series are after Okabe and
/// Ito, which the colour-blind tell apart; of 16 series, no two have both colour and shape in
/// common.
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

/// Above a plot in a file of its own.
const TITLE_HEIGHT: f64 = 26.0;
const WIDTH: f64 = 680.0;
/// Of one letter, about.
const LETTER: f64 = 7.2;
const WIDEST_LABEL: f64 = 310.0;
/// Between the marks of a row.
const MARK_HEIGHT: f64 = 13.0;
/// Of the legend.
const LINE_HEIGHT: f64 = 18.0;
/// How many colours there are, and how many shapes.
const KINDS: usize = 4;

/// The rules that plots in a page need.
pub fn stylesheet() -> String {
    let all = |of: fn(&(&str, &str, &str)) -> String| COLOURS.iter().map(of).collect::<String>();
    let light = all(|(name, light, _)| format!("{name}:{light};"));
    let dark = all(|(name, _, dark)| format!("{name}:{dark};"));
    format!(":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}{MARKS}")
}

/// What is drawn, for a page or a file.
pub struct Plot {
    title: String,
    /// Width and height, in px.
    size: [f64; 2],
    marks: Markup,
}

impl Plot {
    /// For a page that has the rules of `style`.
    pub fn inline(&self) -> Markup {
        let [width, height] = self.size;
        let class = if width < WIDTH { "plot square" } else { "plot" };
        html! {
            svg class=(class) viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(self.title) { (self.marks) }
        }
    }

    /// A file of its own.
    pub fn file(&self) -> String {
        let [width, height] = [self.size[0], self.size[1] + TITLE_HEIGHT];
        let names = COLOURS
            .iter()
            .map(|(name, light, _)| (format!("var({name})"), *light));
        let style = names.fold(MARKS.to_owned(), |style, (name, light)| {
            style.replace(&name, light)
        });
        let svg = html! {
            svg.plot xmlns="http://www.w3.org/2000/svg" width=(width) height=(height) viewBox=(format!("0 {} {width} {height}", -TITLE_HEIGHT)) role="img" {
                title { (self.title) }
                style { (PreEscaped(style)) }
                rect x="0" y=(-TITLE_HEIGHT) width=(width) height=(height) fill="#fff" {}
                text x="8" y="-9" font-weight="600" { (fitted(&self.title, width)) }
                (self.marks)
            }
        };
        printable::lines(&svg.into_string()).into_owned() + "\n"
    }
}

/// Rows of estimates, one mark a series.
pub struct RowPlot<'a> {
    /// What it shows, and in what.
    pub title: &'a str,
    /// Each with the place of its colour and shape.
    pub series: Vec<(usize, &'a str)>,
    pub rows: Vec<PlotRow>,
}

/// A label, and an estimate (a share, 0..1, or a difference of two) of each series that has one.
pub struct PlotRow {
    pub label: String,
    pub marks: Vec<Option<Estimate>>,
}

/// The values of an analysis; a column has the colour and shape of its place among `names`, those
/// of the plots beside it.
pub fn analysis(analysis: &SubgroupAnalysis, names: &[String]) -> Plot {
    let row = |row: &crate::eval::SubgroupRow| PlotRow {
        label: format!("{} ({})", row.name, row.count),
        marks: row.cells.iter().map(|cell| Some(cell.value)).collect(),
    };
    let place = |column: &String| {
        names
            .iter()
            .position(|name| name == column)
            .unwrap_or_default()
    };
    let series = analysis
        .columns
        .iter()
        .map(|column| (place(column), column.as_str()))
        .collect();
    dots(&RowPlot {
        title: &format!("{}, in %", analysis.title),
        series,
        rows: analysis.rows.iter().map(row).collect(),
    })
}

/// A dot for each estimate and a line for its interval, over an axis in %.
pub fn dots(plot: &RowPlot) -> Plot {
    rows(plot, None, dot)
}

/// A bar from 0 for each estimate, over an axis in %.
pub fn bars(plot: &RowPlot) -> Plot {
    rows(plot, Some(0.0), bar)
}

type Mark = fn(&Axis, usize, &Estimate, f64, &str) -> Markup;

/// `also`: what the axis holds beside the estimates.
fn rows(plot: &RowPlot, also: Option<f64>, mark_of: Mark) -> Plot {
    let longest = plot
        .rows
        .iter()
        .map(|row| row.label.width())
        .max()
        .unwrap_or(0);
    let left = (longest as f64 * LETTER + 26.0).min(WIDEST_LABEL);
    let ends = plot
        .rows
        .iter()
        .flat_map(|row| &row.marks)
        .flatten()
        .flat_map(|mark| mark.interval.unwrap_or([mark.mean; 2]));
    let axis = Axis::over(ends.chain(also), left, WIDTH - 16.0);
    // rows of many marks stand further apart, to be seen as rows
    let marks = plot.series.len().max(1);
    let row_height = MARK_HEIGHT * marks as f64 + 9.0 + 2.0 * marks.saturating_sub(KINDS) as f64;
    let legend = legend(&plot.series);
    let top = 8.0 + LINE_HEIGHT * legend.len() as f64;
    let bottom = top + row_height * plot.rows.len() as f64;
    let marks = html! {
            @for (line, names) in legend.iter().enumerate() {
                @let y = 9.0 + LINE_HEIGHT * line as f64;
                @for (x, series, name) in names {
                    g class=(colour(*series)) { (shape(*series, *x, y)) }
                    text x=(px(x + 10.0)) y=(px(y + 4.0)) { (name) }
                }
            }
            @for tick in &axis.ticks {
                line class=(if *tick == 0.0 { "zero" } else { "grid" }) x1=(px(axis.at(*tick))) x2=(px(axis.at(*tick))) y1=(px(top - 4.0)) y2=(px(bottom)) {}
                text.quiet.mid x=(px(axis.at(*tick))) y=(px(bottom + 16.0)) { (rounded(*tick)) }
            }
            @for (at, row) in plot.rows.iter().enumerate() {
                @let middle = top + row_height * (at as f64 + 0.5);
                text.end x=(px(left - 10.0)) y=(px(middle + 4.0)) { (fitted(&row.label, left)) }
                @for (line, ((series, _), mark)) in plot.series.iter().zip(&row.marks).enumerate() {
                    @if let Some(mark) = mark { (mark_of(&axis, *series, mark, middle + MARK_HEIGHT * (line as f64 + 0.5 - marks as f64 / 2.0), &row.label)) }
                }
            }
    };
    Plot {
        title: plot.title.to_owned(),
        size: [WIDTH, bottom + 24.0],
        marks,
    }
}

fn dot(axis: &Axis, series: usize, mark: &Estimate, y: f64, label: &str) -> Markup {
    let said = mark.interval.map_or(String::new(), |[low, high]| {
        format!(" [{}, {}]", percent(low), percent(high))
    });
    html! {
        g class=(colour(series)) {
            title { (label) ": " (percent(mark.mean)) (said) }
            @if let Some([low, high]) = mark.interval {
                line.whisker x1=(px(axis.at(low))) x2=(px(axis.at(high))) y1=(px(y)) y2=(px(y)) {}
            }
            (shape(series, axis.at(mark.mean), y))
        }
    }
}

fn bar(axis: &Axis, series: usize, mark: &Estimate, y: f64, label: &str) -> Markup {
    let (zero, end) = (axis.at(0.0), axis.at(mark.mean));
    html! {
        g class=(colour(series)) {
            title { (label) ": " (percent(mark.mean)) }
            rect.bar x=(px(zero.min(end))) y=(px(y - 4.5)) width=(px((end - zero).abs())) height="9" {}
            // an earlier series has the same colour
            @if series >= KINDS { (shape(series, end, y)) }
        }
    }
}

/// Classes as points: x of the one, y of the other, 0..1; above the diagonal the second is better,
/// and a point has the colour of the better one.
pub fn scatter(
    title: &str,
    [x_name, y_name]: [&str; 2],
    colours: [usize; 2],
    points: &[(String, f64, f64)],
) -> Plot {
    let (side, left) = (380.0, 56.0);
    let axis = Axis::over([0.0, 1.0].into_iter(), left, left + side);
    let y = |value: f64| 20.0 + side - value * side;
    let marks = html! {
            @for tick in &axis.ticks {
                line.grid x1=(px(axis.at(*tick))) x2=(px(axis.at(*tick))) y1="20" y2=(px(20.0 + side)) {}
                line.grid x1=(px(left)) x2=(px(left + side)) y1=(px(y(*tick))) y2=(px(y(*tick))) {}
                text.quiet.mid x=(px(axis.at(*tick))) y=(px(side + 37.0)) { (rounded(*tick)) }
                text.quiet.end x=(px(left - 8.0)) y=(px(y(*tick) + 4.0)) { (rounded(*tick)) }
            }
            line.zero x1=(px(left)) y1=(px(y(0.0))) x2=(px(left + side)) y2=(px(y(1.0))) {}
            @for (name, across, up) in points {
                @let series = if up > across { colours[1] } else { colours[0] };
                g class=(if up == across { "quiet".to_owned() } else { colour(series) }) {
                    title { (name) ": " (rounded(*across)) " → " (rounded(*up)) }
                    (shape(series, axis.at(*across), y(*up)))
                }
            }
            text.mid x=(px(left + side / 2.0)) y=(px(side + 60.0)) { (fitted(x_name, side)) " →" }
            text x=(px(left)) y="13" { "↑ " (fitted(y_name, side)) }
    };
    Plot {
        title: title.to_owned(),
        size: [left + side + 20.0, side + 68.0],
        marks,
    }
}

/// Line by line: where a name's mark stands, its series, and the name, cut where it alone is too
/// wide.
fn legend(series: &[(usize, &str)]) -> Vec<Vec<(f64, usize, String)>> {
    let mut lines: Vec<Vec<_>> = Vec::new();
    // the first name begins a line
    let mut x = WIDTH;
    for &(at, name) in series {
        let name = fitted(name, WIDTH - 20.0);
        let width = name.width() as f64 * LETTER;
        if x + 10.0 + width > WIDTH {
            x = 8.0;
            lines.push(Vec::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push((x, at, name));
        }
        x += width + 34.0;
    }
    lines
}

fn colour(series: usize) -> String {
    format!("s{}", series % KINDS)
}

/// The first series differ in both colour and shape; with each new round of colours the shapes move
/// on by one.
fn shape(series: usize, x: f64, y: f64) -> Markup {
    let path = |d: String| html! { path.dot d=(d) {} };
    let moved =
        |rest: &str, dx: f64, dy: f64| path(format!("M{} {}{rest}", px(x + dx), px(y + dy)));
    match (series + series / KINDS) % KINDS {
        0 => html! { circle.dot cx=(px(x)) cy=(px(y)) r="4.5" {} },
        1 => moved("l5.5 5.5l-5.5 5.5l-5.5 -5.5z", 0.0, -5.5),
        2 => moved("h8v8h-8z", -4.0, -4.0),
        _ => moved("l5 9h-10z", 0.0, -5.0),
    }
}

/// A scale from values to places, with round ticks.
struct Axis {
    ticks: Vec<f64>,
    from: f64,
    to: f64,
    left: f64,
    right: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>, left: f64, right: f64) -> Axis {
        let (low, high) = values
            .filter(|v| v.is_finite())
            .fold((f64::MAX, f64::MIN), |(low, high), v| {
                (low.min(v), high.max(v))
            });
        let (low, high) = if low > high {
            (0.0, 1.0)
        } else {
            (low, high.max(low + 0.01))
        };
        let rough = (high - low) / 5.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0]
            .map(|n| n * power)
            .into_iter()
            .find(|step| *step >= rough)
            .unwrap_or(10.0 * power);
        let (first, last) = (
            (low / step).floor() as i64,
            (high / step - 1e-9).ceil() as i64,
        );
        let ticks: Vec<f64> = (first..=last).map(|n| n as f64 * step).collect();
        Axis {
            from: first as f64 * step,
            to: last as f64 * step,
            ticks,
            left,
            right,
        }
    }

    fn at(&self, value: f64) -> f64 {
        self.left + (value - self.from) / (self.to - self.from) * (self.right - self.left)
    }
}

fn px(value: f64) -> String {
    format!("{value:.1}")
}

/// In %, without a digit that says nothing.
fn rounded(value: f64) -> String {
    let shown = percent(value);
    shown.strip_suffix(".0").map(str::to_owned).unwrap_or(shown)
}

/// Cut where it is wider than there is room for.
fn fitted(label: &str, width: f64) -> String {
    let letters = ((width - 12.0) / LETTER) as usize;
    if label.width() <= letters {
        return label.to_owned();
    }
    let mut used = 1;
    let fits = |letter: &char| {
        used += letter.width().unwrap_or(0);
        used <= letters
    };
    label.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ticks_are_round_and_hold_every_value() {
        let axis = Axis::over([0.113, 0.87].into_iter(), 100.0, 200.0);
        assert_eq!(
            axis.ticks
                .iter()
                .map(|t| (t * 100.0).round())
                .collect::<Vec<_>>(),
            [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
        );
        assert_eq!((axis.at(0.0), axis.at(1.0)), (100.0, 200.0));
        let one = Axis::over([0.5].into_iter(), 0.0, 1.0);
        assert!(one.from <= 0.5 && one.to > 0.5 && one.ticks.len() > 1);
        assert_eq!(Axis::over(std::iter::empty(), 0.0, 1.0).to, 1.0);
    }

    #[test]
    fn a_hostile_name_stays_a_text() {
        let mark = Some(Estimate {
            mean: 0.5,
            interval: Some([0.4, 0.6]),
        });
        let row = PlotRow {
            label: "<script>\"&'".into(),
            marks: vec![mark, None],
        };
        let svg = dots(&RowPlot {
            title: "\"><b>",
            series: vec![(0, "a<b"), (1, "c")],
            rows: vec![row],
        })
        .file();
        assert!(
            svg.contains("&lt;script&gt;&quot;&amp;")
                && !svg.contains("<script")
                && !svg.contains("<b>"),
            "{svg}"
        );
        assert!(svg.starts_with("<svg") && svg.contains("<style>"), "{svg}");
        assert!(
            !svg.contains("var(") && !svg.contains("@media"),
            "any program knows its words: {svg}"
        );
        assert_eq!(svg.matches("class=\"whisker\"").count(), 1);
    }

    #[test]
    fn a_legend_of_many_names_stays_within_the_width() {
        let mut names: Vec<String> = (0..11)
            .map(|at| format!("multiexpan-of-many-words-{at}"))
            .collect();
        names.push("name".repeat(99));
        let series: Vec<(usize, &str)> = names.iter().map(String::as_str).enumerate().collect();
        let lines = legend(&series);
        let shown: Vec<_> = lines.iter().flatten().collect();
        assert_eq!(
            shown
                .iter()
                .map(|(_, series, _)| *series)
                .collect::<Vec<_>>(),
            (0..12).collect::<Vec<_>>()
        );
        assert!(
            shown
                .iter()
                .all(|(x, _, name)| x + 10.0 + name.width() as f64 * LETTER <= WIDTH),
            "{lines:?}"
        );
        for line in &lines {
            let ends = line
                .iter()
                .map(|(x, _, name)| x + 10.0 + name.width() as f64 * LETTER);
            assert!(
                ends.zip(&line[1..]).all(|(end, (x, ..))| end + 5.0 < *x),
                "{line:?}"
            );
        }
        let svg = dots(&RowPlot {
            title: "",
            series,
            rows: Vec::new(),
        })
        .inline()
        .into_string();
        let height = format!(
            "viewBox=\"0 0 680 {}\"",
            32.0 + LINE_HEIGHT * lines.len() as f64
        );
        assert!(
            lines.len() > 3 && svg.contains(&height) && svg.contains("…</text>"),
            "{svg}"
        );
        let looks: HashSet<_> = (0..16)
            .map(|at| (colour(at), shape(at, 0.0, 0.0).into_string()))
            .collect();
        assert_eq!(looks.len(), 16);
    }

    #[test]
    fn a_wide_label_is_cut_by_its_columns() {
        assert_eq!(fitted("猫猫猫猫", 12.0 + 5.0 * LETTER), "猫猫…");
        assert_eq!(fitted("abcdef", 12.0 + 5.0 * LETTER), "abcd…");
        assert_eq!(fitted("abcde", 12.0 + 5.0 * LETTER), "abcde");
    }

    #[test]
    fn bars_of_one_colour_differ() {
        let mark = Some(Estimate {
            mean: 0.5,
            interval: None,
        });
        let row = || PlotRow {
            label: String::new(),
            marks: vec![mark, mark],
        };
        let marks = |series| {
            bars(&RowPlot {
                title: "",
                series,
                rows: vec![row()],
            })
            .inline()
            .into_string()
            .matches("\"dot\"")
            .count()
        };
        assert_eq!(marks(vec![(0, "a"), (1, "b")]), 2, "in the legend alone");
        assert_eq!(marks(vec![(0, "a"), (4, "b")]), 3);
    }

    #[test]
    fn a_bar_begins_at_0() {
        let mark = |mean| {
            Some(Estimate {
                mean,
                interval: None,
            })
        };
        let row = PlotRow {
            label: String::new(),
            marks: vec![mark(0.9), mark(0.45)],
        };
        let svg = bars(&RowPlot {
            title: "",
            series: vec![(0, "a"), (1, "b")],
            rows: vec![row],
        })
        .inline()
        .into_string();
        let number = |text: &str| {
            text.split('"')
                .next()
                .and_then(|n| n.parse::<f64>().ok())
                .unwrap()
        };
        let of = |name: &str| {
            svg.split("class=\"bar\"")
                .skip(1)
                .map(|bar| number(bar.split(name).nth(1).unwrap()))
                .collect()
        };
        let (from, width): (Vec<f64>, Vec<f64>) = (of(" x=\""), of("width=\""));
        assert_eq!(from[0], from[1]);
        assert!((width[0] - 2.0 * width[1]).abs() < 0.2, "{width:?}");
    }
}
