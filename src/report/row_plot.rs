//! Plots with a row per label and a mark per series.

use maud::{Markup, html};
use unicode_width::UnicodeWidthStr;

use crate::eval::SubgroupAnalysis;
use crate::eval::comparison::Estimate;
use crate::report::plot::{
    KINDS, LETTER, Plot, WIDTH, colour_class, fit_label, px, shape, short_percent,
};
use crate::report::plot_axis::Axis;
use crate::table::percent;

/// The greatest width of the labels.
const MAX_LABEL_WIDTH: f64 = 310.0;
/// The distance between the marks of a row.
const MARK_HEIGHT: f64 = 13.0;
/// The height of a line of the legend.
const LINE_HEIGHT: f64 = 18.0;

/// Rows of estimates, with a mark per series.
pub struct RowPlot<'a> {
    /// The title, with the unit.
    pub title: &'a str,
    /// The name of each series, with the index that gives its colour and shape.
    pub series: Vec<(usize, &'a str)>,
    pub rows: Vec<PlotRow>,
}

/// A label, and the estimate of each series that has one: a fraction 0..1, or a difference of two.
pub struct PlotRow {
    pub label: String,
    pub marks: Vec<Option<Estimate>>,
}

/// Draws the values of an analysis. A column has the colour and shape of its index in `names`, the
/// names of the runs of the other plots.
pub fn analysis_plot(analysis: &SubgroupAnalysis, names: &[String]) -> Plot {
    let mut rows = Vec::with_capacity(analysis.rows.len());
    for row in &analysis.rows {
        rows.push(PlotRow {
            label: format!("{} ({})", row.name, row.count),
            marks: row.cells.iter().map(|cell| Some(cell.value)).collect(),
        });
    }
    let mut series = Vec::with_capacity(analysis.columns.len());
    for (number, column) in analysis.columns.iter().enumerate() {
        let index = names.iter().position(|name| name == column);
        series.push((index.unwrap_or(number), column.as_str()));
    }
    dots(&RowPlot {
        title: &format!("{}, in %", analysis.title),
        series,
        rows,
    })
}

/// Draws a dot for each estimate and a line for its interval, over an axis in %.
pub fn dots(plot: &RowPlot) -> Plot {
    draw(plot, None, dot)
}

/// Draws a bar from 0 for each estimate, over an axis in %.
pub fn bars(plot: &RowPlot) -> Plot {
    draw(plot, Some(0.0), bar)
}

/// Draws the mark of an estimate: axis, series, estimate, y, label.
type DrawMark = fn(&Axis, usize, &Estimate, f64, &str) -> Markup;

/// The positions of the parts of a plot, in px.
struct Layout {
    /// The right end of the labels.
    left: f64,
    /// The upper and lower end of the rows.
    top: f64,
    bottom: f64,
    row_height: f64,
    /// The number of marks in a row.
    marks: usize,
}

impl Layout {
    fn new(plot: &RowPlot, legend_lines: usize) -> Layout {
        let labels = plot.rows.iter().map(|row| row.label.width());
        let longest = labels.max().unwrap_or(0);
        let marks = plot.series.len().max(1);
        // rows of many marks are further apart, so that they can be seen as rows
        let extra = 2.0 * marks.saturating_sub(KINDS) as f64;
        let row_height = MARK_HEIGHT * marks as f64 + 9.0 + extra;
        let top = 8.0 + LINE_HEIGHT * legend_lines as f64;
        Layout {
            left: (longest as f64 * LETTER + 26.0).min(MAX_LABEL_WIDTH),
            top,
            bottom: top + row_height * plot.rows.len() as f64,
            row_height,
            marks,
        }
    }

    /// Returns the vertical middle of a row.
    fn row_middle(&self, row: usize) -> f64 {
        self.top + self.row_height * (row as f64 + 0.5)
    }

    /// Returns the vertical distance of a mark from the middle of its row.
    fn mark_offset(&self, mark: usize) -> f64 {
        MARK_HEIGHT * (mark as f64 + 0.5 - self.marks as f64 / 2.0)
    }
}

/// Draws a plot whose axis contains `also` as well as the estimates.
fn draw(plot: &RowPlot, also: Option<f64>, draw_mark: DrawMark) -> Plot {
    let legend = legend(&plot.series);
    let layout = Layout::new(plot, legend.len());
    let estimates = plot.rows.iter().flat_map(|row| &row.marks).flatten();
    let ends = estimates.flat_map(|mark| mark.interval.unwrap_or([mark.mean; 2]));
    let axis = Axis::new(ends.chain(also), layout.left, WIDTH - 16.0);
    let marks = html! {
        @for (index, line) in legend.iter().enumerate() { (legend_line(index, line)) }
        @for tick in &axis.ticks { (tick_line(&axis, &layout, *tick)) }
        @for (index, row) in plot.rows.iter().enumerate() {
            @let middle = layout.row_middle(index);
            text.end x=(px(layout.left - 10.0)) y=(px(middle + 4.0)) {
                (fit_label(&row.label, layout.left))
            }
            @for (position, ((series, _), mark)) in plot.series.iter().zip(&row.marks).enumerate() {
                @if let Some(mark) = mark {
                    @let y = middle + layout.mark_offset(position);
                    (draw_mark(&axis, *series, mark, y, &row.label))
                }
            }
        }
    };
    Plot {
        title: plot.title.to_owned(),
        size: [WIDTH, layout.bottom + 24.0],
        marks,
    }
}

fn tick_line(axis: &Axis, layout: &Layout, tick: f64) -> Markup {
    let class = if tick == 0.0 { "zero" } else { "grid" };
    let x = px(axis.coordinate(tick));
    let (top, bottom) = (px(layout.top - 4.0), px(layout.bottom));
    html! {
        line class=(class) x1=(x) x2=(x) y1=(top) y2=(bottom) {}
        text.quiet.mid x=(x) y=(px(layout.bottom + 16.0)) { (short_percent(tick)) }
    }
}

fn dot(axis: &Axis, series: usize, estimate: &Estimate, y: f64, label: &str) -> Markup {
    let interval = match estimate.interval {
        Some([low, high]) => format!(" [{}, {}]", percent(low), percent(high)),
        None => String::new(),
    };
    html! {
        g class=(colour_class(series)) {
            title { (label) ": " (percent(estimate.mean)) (interval) }
            @if let Some([low, high]) = estimate.interval {
                @let [from, to] = [low, high].map(|end| px(axis.coordinate(end)));
                line.whisker x1=(from) x2=(to) y1=(px(y)) y2=(px(y)) {}
            }
            (shape(series, axis.coordinate(estimate.mean), y))
        }
    }
}

fn bar(axis: &Axis, series: usize, estimate: &Estimate, y: f64, label: &str) -> Markup {
    let zero = axis.coordinate(0.0);
    let end = axis.coordinate(estimate.mean);
    let (x, width) = (px(zero.min(end)), px((end - zero).abs()));
    html! {
        g class=(colour_class(series)) {
            title { (label) ": " (percent(estimate.mean)) }
            rect.bar x=(x) y=(px(y - 4.5)) width=(width) height="9" {}
            // an earlier series has the same colour
            @if series >= KINDS { (shape(series, end, y)) }
        }
    }
}

/// The name of a series in the legend, and the position of its mark.
#[derive(Debug)]
struct LegendEntry {
    x: f64,
    series: usize,
    name: String,
}

/// Lays out the legend in lines. A name that is too wide for a line is cut.
fn legend(series: &[(usize, &str)]) -> Vec<Vec<LegendEntry>> {
    let mut lines: Vec<Vec<LegendEntry>> = Vec::new();
    // the first name starts a line
    let mut x = WIDTH;
    for &(series, name) in series {
        let name = fit_label(name, WIDTH - 20.0);
        let width = name.width() as f64 * LETTER;
        if x + 10.0 + width > WIDTH {
            x = 8.0;
            lines.push(Vec::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push(LegendEntry { x, series, name });
        }
        x += width + 34.0;
    }
    lines
}

fn legend_line(index: usize, line: &[LegendEntry]) -> Markup {
    let y = 9.0 + LINE_HEIGHT * index as f64;
    html! {
        @for LegendEntry { x, series, name } in line {
            g class=(colour_class(*series)) { (shape(*series, *x, y)) }
            text x=(px(x + 10.0)) y=(px(y + 4.0)) { (name) }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn hostile_names_are_escaped() {
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
            "the file uses plain SVG: {svg}"
        );
        assert_eq!(svg.matches("class=\"whisker\"").count(), 1);
    }

    #[test]
    fn a_legend_of_many_names_fits_the_width() {
        let mut names: Vec<String> = (0..11)
            .map(|at| format!("multiexpan-of-many-words-{at}"))
            .collect();
        names.push("name".repeat(99));
        let series: Vec<(usize, &str)> = names.iter().map(String::as_str).enumerate().collect();
        let lines = legend(&series);
        let shown: Vec<_> = lines.iter().flatten().collect();
        assert_eq!(
            shown.iter().map(|entry| entry.series).collect::<Vec<_>>(),
            (0..12).collect::<Vec<_>>()
        );
        assert!(
            shown
                .iter()
                .all(|entry| entry.x + 10.0 + entry.name.width() as f64 * LETTER <= WIDTH),
            "{lines:?}"
        );
        for line in &lines {
            let ends = line
                .iter()
                .map(|entry| entry.x + 10.0 + entry.name.width() as f64 * LETTER);
            assert!(
                ends.zip(&line[1..]).all(|(end, entry)| end + 5.0 < entry.x),
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
            .map(|series| (colour_class(series), shape(series, 0.0, 0.0).into_string()))
            .collect();
        assert_eq!(looks.len(), 16);
    }

    #[test]
    fn wide_labels_are_cut_by_columns() {
        assert_eq!(fit_label("猫猫猫猫", 12.0 + 5.0 * LETTER), "猫猫…");
        assert_eq!(fit_label("abcdef", 12.0 + 5.0 * LETTER), "abcd…");
        assert_eq!(fit_label("abcde", 12.0 + 5.0 * LETTER), "abcde");
    }

    #[test]
    fn bars_of_the_same_colour_have_different_marks() {
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
        assert_eq!(
            marks(vec![(0, "a"), (1, "b")]),
            2,
            "marks are in the legend only"
        );
        assert_eq!(marks(vec![(0, "a"), (4, "b")]), 3);
    }

    #[test]
    fn bars_begin_at_0() {
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
