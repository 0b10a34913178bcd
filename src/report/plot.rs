//! Plots as SVG that follows the reader's colours: marks are drawn with the classes of [`STYLE`], in a light page or a dark one.

use maud::{Markup, PreEscaped, html};
use unicode_width::UnicodeWidthStr;

use crate::eval::Analysis;
use crate::eval::comparison::Estimate;

/// Colours after Okabe and Ito, which the colour-blind tell apart; each ranking has a shape of its own too.
pub const STYLE: &str = "\
:root{--paper:#fff;--ink:#1c2024;--quiet:#5b6470;--line:#d9dee4;--wash:#f5f7f9;--s0:#0072b2;--s1:#c2410c;--s2:#00805c;--s3:#a8488a}\
@media(prefers-color-scheme:dark){:root{--paper:#14171b;--ink:#e6e9ed;--quiet:#9aa4b0;--line:#323942;--wash:#1c2126;\
--s0:#56b4e9;--s1:#f0883e;--s2:#3fc49a;--s3:#dd8fc3}}\
svg.plot{font:12px system-ui,sans-serif;fill:var(--ink)}svg .quiet{fill:var(--quiet)}svg .grid{stroke:var(--line)}\
svg .zero{stroke:var(--quiet)}svg .end{text-anchor:end}svg .mid{text-anchor:middle}\
svg .s0{fill:var(--s0);stroke:var(--s0)}svg .s1{fill:var(--s1);stroke:var(--s1)}\
svg .s2{fill:var(--s2);stroke:var(--s2)}svg .s3{fill:var(--s3);stroke:var(--s3)}\
svg .whisker{stroke-width:2;opacity:.55}svg .bar{stroke:none}svg .dot{stroke:var(--paper);stroke-width:1}";

const WIDTH: f64 = 680.0;
/// Of one letter, about.
const LETTER: f64 = 7.2;
const WIDEST_LABEL: f64 = 270.0;
/// Between the marks of a row.
const MARK_HEIGHT: f64 = 13.0;
/// How many colours and shapes there are.
const SERIES: usize = 4;

/// Rows of estimates, one mark a series.
pub struct Dots<'a> {
    /// What a reader who cannot see it is told.
    pub title: &'a str,
    /// Each with the place of its colour and shape.
    pub series: Vec<(usize, &'a str)>,
    pub rows: Vec<DotRow>,
}

/// A label, and an estimate (a share, 0..1, or a difference of two) of each series that has one.
pub struct DotRow {
    pub label: String,
    pub marks: Vec<Option<Estimate>>,
}

/// The values of an analysis.
pub fn analysis(analysis: &Analysis) -> Markup {
    let row = |row: &crate::eval::Row| DotRow {
        label: format!("{} ({})", row.name, row.count),
        marks: row.cells.iter().map(|cell| Some(cell.value)).collect(),
    };
    let series = analysis.columns.iter().map(String::as_str).enumerate().collect();
    dots(&Dots { title: &analysis.title, series, rows: analysis.rows.iter().map(row).collect() })
}

/// A dot for each estimate and a line for its interval, over an axis in %.
pub fn dots(plot: &Dots) -> Markup {
    rows(plot, None, dot)
}

/// A bar from 0 for each estimate, over an axis in %.
pub fn bars(plot: &Dots) -> Markup {
    rows(plot, Some(0.0), bar)
}

type Mark = fn(&Axis, usize, &Estimate, f64, &str) -> Markup;

/// `also`: what the axis holds beside the estimates.
fn rows(plot: &Dots, also: Option<f64>, mark_of: Mark) -> Markup {
    let longest = plot.rows.iter().map(|row| row.label.width()).max().unwrap_or(0);
    let left = (longest as f64 * LETTER + 26.0).min(WIDEST_LABEL);
    let ends =
        plot.rows.iter().flat_map(|row| &row.marks).flatten().flat_map(|mark| mark.interval.unwrap_or([mark.mean; 2]));
    let axis = Axis::over(ends.chain(also), left, WIDTH - 16.0);
    let row_height = MARK_HEIGHT * plot.series.len().max(1) as f64 + 9.0;
    let bottom = 26.0 + row_height * plot.rows.len() as f64;
    html! {
        svg.plot xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {WIDTH} {}", bottom + 24.0)) role="img" aria-label=(plot.title) {
            (legend(&plot.series))
            @for tick in &axis.ticks {
                line class=(if *tick == 0.0 { "zero" } else { "grid" }) x1=(px(axis.at(*tick))) x2=(px(axis.at(*tick))) y1="22" y2=(px(bottom)) {}
                text.quiet.mid x=(px(axis.at(*tick))) y=(px(bottom + 16.0)) { (percent(*tick)) }
            }
            @for (at, row) in plot.rows.iter().enumerate() {
                @let top = 26.0 + row_height * at as f64;
                text.end x=(px(left - 10.0)) y=(px(top + row_height / 2.0 + 4.0)) { (fitted(&row.label, left)) }
                @for (line, ((series, _), mark)) in plot.series.iter().zip(&row.marks).enumerate() {
                    @if let Some(mark) = mark { (mark_of(&axis, *series, mark, top + MARK_HEIGHT * (line as f64 + 0.5) + 4.5, &row.label)) }
                }
            }
        }
    }
}

fn dot(axis: &Axis, series: usize, mark: &Estimate, y: f64, label: &str) -> Markup {
    let said = mark.interval.map_or(String::new(), |[low, high]| format!(" [{:.1}, {:.1}]", 100.0 * low, 100.0 * high));
    html! {
        g class=(colour(series)) {
            title { (label) ": " (format!("{:.1}", 100.0 * mark.mean)) (said) }
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
            title { (label) ": " (format!("{:.1}", 100.0 * mark.mean)) }
            rect.bar x=(px(zero.min(end))) y=(px(y - 4.5)) width=(px((end - zero).abs())) height="9" {}
        }
    }
}

/// Classes as points: x of the one, y of the other, 0..1; above the diagonal the second is better, and a point has the colour of
/// the better one.
pub fn scatter([x_name, y_name]: [&str; 2], colours: [usize; 2], points: &[(String, f64, f64)]) -> Markup {
    let (side, left) = (380.0, 56.0);
    let axis = Axis::over([0.0, 1.0].into_iter(), left, left + side);
    let y = |value: f64| 20.0 + side - value * side;
    html! {
        svg.plot.square xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {} {}", left + side + 20.0, side + 68.0)) role="img"
            aria-label=(format!("Classes: {x_name} across, {y_name} up")) {
            @for tick in &axis.ticks {
                line.grid x1=(px(axis.at(*tick))) x2=(px(axis.at(*tick))) y1="20" y2=(px(20.0 + side)) {}
                line.grid x1=(px(left)) x2=(px(left + side)) y1=(px(y(*tick))) y2=(px(y(*tick))) {}
                text.quiet.mid x=(px(axis.at(*tick))) y=(px(side + 37.0)) { (percent(*tick)) }
                text.quiet.end x=(px(left - 8.0)) y=(px(y(*tick) + 4.0)) { (percent(*tick)) }
            }
            line.zero x1=(px(left)) y1=(px(y(0.0))) x2=(px(left + side)) y2=(px(y(1.0))) {}
            @for (name, across, up) in points {
                @let series = if up > across { colours[1] } else { colours[0] };
                g class=(colour(series)) {
                    title { (name) ": " (percent(*across)) " → " (percent(*up)) }
                    (shape(series, axis.at(*across), y(*up)))
                }
            }
            text.mid x=(px(left + side / 2.0)) y=(px(side + 60.0)) { (x_name) " →" }
            text x="4" y="13" { "↑ " (y_name) }
        }
    }
}

/// An SVG file of its own.
pub fn standalone(svg: Markup) -> String {
    let style = format!("<style>{STYLE}svg{{background:var(--paper)}}</style>");
    // the root's tag is the first to end
    svg.into_string().replacen('>', &format!(">{style}"), 1)
}

fn legend(series: &[(usize, &str)]) -> Markup {
    let mut from = 8.0;
    let mut placed = Vec::new();
    for &(at, name) in series {
        placed.push((at, name, from));
        from += name.width() as f64 * LETTER + 34.0;
    }
    html! {
        @for (at, name, x) in placed {
            g class=(colour(at)) { (shape(at, x, 9.0)) }
            text x=(px(x + 10.0)) y="13" { (name) }
        }
    }
}

fn colour(series: usize) -> String {
    format!("s{}", series % SERIES)
}

fn shape(series: usize, x: f64, y: f64) -> Markup {
    let path = |d: String| html! { path.dot d=(d) {} };
    let moved = |rest: &str, dx: f64, dy: f64| path(format!("M{} {}{rest}", px(x + dx), px(y + dy)));
    match series % SERIES {
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
        let (low, high) =
            values.filter(|v| v.is_finite()).fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high.max(low + 0.01)) };
        let rough = (high - low) / 5.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0].map(|n| n * power).into_iter().find(|step| *step >= rough).unwrap_or(10.0 * power);
        let (first, last) = ((low / step).floor() as i64, (high / step - 1e-9).ceil() as i64);
        let ticks: Vec<f64> = (first..=last).map(|n| n as f64 * step).collect();
        Axis { from: first as f64 * step, to: last as f64 * step, ticks, left, right }
    }

    fn at(&self, value: f64) -> f64 {
        self.left + (value - self.from) / (self.to - self.from) * (self.right - self.left)
    }
}

fn px(value: f64) -> String {
    format!("{value:.1}")
}

fn percent(value: f64) -> PreEscaped<String> {
    let shown = format!("{:.1}", 100.0 * value);
    PreEscaped(shown.strip_suffix(".0").map(str::to_owned).unwrap_or(shown).replace('-', "−"))
}

/// Cut where it is wider than there is room for.
fn fitted(label: &str, width: f64) -> String {
    let letters = ((width - 12.0) / LETTER) as usize;
    match label.width() <= letters {
        true => label.to_owned(),
        false => label.chars().take(letters.saturating_sub(1)).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_every_value() {
        let axis = Axis::over([0.113, 0.87].into_iter(), 100.0, 200.0);
        assert_eq!(
            axis.ticks.iter().map(|t| (t * 100.0).round()).collect::<Vec<_>>(),
            [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
        );
        assert_eq!((axis.at(0.0), axis.at(1.0)), (100.0, 200.0));
        let one = Axis::over([0.5].into_iter(), 0.0, 1.0);
        assert!(one.from <= 0.5 && one.to > 0.5 && one.ticks.len() > 1);
        assert_eq!(Axis::over(std::iter::empty(), 0.0, 1.0).to, 1.0);
    }

    #[test]
    fn a_hostile_name_stays_a_text() {
        let mark = Some(Estimate { mean: 0.5, interval: Some([0.4, 0.6]) });
        let row = DotRow { label: "<script>\"&'".into(), marks: vec![mark, None] };
        let svg = standalone(dots(&Dots { title: "\"><b>", series: vec![(0, "a<b"), (1, "c")], rows: vec![row] }));
        assert!(svg.contains("&lt;script&gt;&quot;&amp;") && !svg.contains("<script") && !svg.contains("<b>"), "{svg}");
        assert!(svg.starts_with("<svg") && svg.contains("<style>"), "{svg}");
        assert_eq!(svg.matches("class=\"whisker\"").count(), 1);
    }

    #[test]
    fn a_bar_begins_at_0() {
        let mark = |mean| Some(Estimate { mean, interval: None });
        let row = DotRow { label: String::new(), marks: vec![mark(0.9), mark(0.45)] };
        let svg = bars(&Dots { title: "", series: vec![(0, "a"), (1, "b")], rows: vec![row] }).into_string();
        let number = |text: &str| text.split('"').next().and_then(|n| n.parse::<f64>().ok()).unwrap();
        let of = |name: &str| {
            svg.split("class=\"bar\"").skip(1).map(|bar| number(bar.split(name).nth(1).unwrap())).collect()
        };
        let (from, width): (Vec<f64>, Vec<f64>) = (of(" x=\""), of("width=\""));
        assert_eq!(from[0], from[1]);
        assert!((width[0] - 2.0 * width[1]).abs() < 0.2, "{width:?}");
    }
}
