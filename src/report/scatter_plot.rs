//! A scatter plot of classes.

use maud::{Markup, html};

use crate::report::plot::{Plot, colour_class, fit_label, px, shape, short_percent};
use crate::report::plot_axis::Axis;

/// The length of the sides of the square, in px.
const SIDE: f64 = 380.0;
/// The left end of the square.
const LEFT: f64 = 56.0;
/// The upper end of the square.
const TOP: f64 = 20.0;

/// A class with its values 0..1.
pub(super) struct ScatterPoint {
    pub(super) label: String,
    pub(super) x: f64,
    pub(super) y: f64,
}

/// Draws classes as points. Above the diagonal the run of the y axis is better; a point has the
/// colour of the better run. `series` are the indices of the runs of x and y.
pub(super) fn scatter(
    title: &str,
    [x_name, y_name]: [&str; 2],
    series: [usize; 2],
    points: &[ScatterPoint],
) -> Plot {
    let axis = Axis::new([0.0, 1.0].into_iter(), LEFT, LEFT + SIDE);
    let x_label = fit_label(x_name, SIDE);
    let y_label = fit_label(y_name, SIDE);
    let marks = html! {
        @for tick in &axis.ticks { (tick_lines(&axis, *tick)) }
        line.zero x1=(px(LEFT)) y1=(px(y(0.0))) x2=(px(LEFT + SIDE)) y2=(px(y(1.0))) {}
        @for point in points { (point_mark(&axis, series, point)) }
        text.mid x=(px(LEFT + SIDE / 2.0)) y=(px(SIDE + 60.0)) { (x_label) " →" }
        text x=(px(LEFT)) y="13" { "↑ " (y_label) }
    };
    Plot {
        title: title.to_owned(),
        size: [LEFT + SIDE + 20.0, SIDE + 68.0],
        marks,
    }
}

/// Returns the vertical coordinate of a value.
fn y(value: f64) -> f64 {
    TOP + SIDE - value * SIDE
}

/// Draws the grid lines and labels of a tick on both axes.
fn tick_lines(axis: &Axis, tick: f64) -> Markup {
    let across = px(axis.coordinate(tick));
    let up = px(y(tick));
    let (left, right) = (px(LEFT), px(LEFT + SIDE));
    let label = short_percent(tick);
    html! {
        line.grid x1=(across) x2=(across) y1="20" y2=(px(TOP + SIDE)) {}
        line.grid x1=(left) x2=(right) y1=(up) y2=(up) {}
        text.quiet.mid x=(across) y=(px(SIDE + 37.0)) { (label) }
        text.quiet.end x=(px(LEFT - 8.0)) y=(px(y(tick) + 4.0)) { (label) }
    }
}

fn point_mark(axis: &Axis, series: [usize; 2], point: &ScatterPoint) -> Markup {
    let ScatterPoint { label, x, y: value } = point;
    let better = if value > x { series[1] } else { series[0] };
    let class = if value == x {
        "quiet".to_owned()
    } else {
        colour_class(better)
    };
    html! {
        g class=(class) {
            title { (label) ": " (short_percent(*x)) " → " (short_percent(*value)) }
            (shape(better, axis.coordinate(*x), y(*value)))
        }
    }
}
