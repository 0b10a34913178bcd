//! The plots of a pair of runs, class by class.

use crate::eval::comparison::{
    Comparison, Estimate, PairComparison, RollupLevel, RunPair, UntestedDifference,
};
use crate::report::plot::Plot;
use crate::report::row_plot::{PlotRow, RowPlot, bars, dots};
use crate::report::scatter_plot::{ScatterPoint, scatter};
use crate::types::Metric;

/// The plots of a pair of runs, class by class.
pub(super) struct ClassPlots {
    /// The name of the metric in capitals.
    pub(super) metric: String,
    pub(super) scatter: Plot,
    pub(super) bars: Plot,
    /// The differences by middle and coarse class; `None` in a data set without them.
    pub(super) rolled_up: Option<Plot>,
}

impl ClassPlots {
    /// Draws the plots of the first metric; `None` if the pair was not compared.
    pub(super) fn new(comparison: &Comparison, pair: &RunPair) -> Option<ClassPlots> {
        let result = pair.result.done()?;
        let metric = *comparison.metrics.first()?;
        let name = metric.to_string().to_uppercase();
        let classes = group_differences(result, metric, RollupLevel::Class);
        let title = format!("{name} of each class, in %");
        Some(ClassPlots {
            scatter: scatter_plot(pair, &title, &classes),
            bars: bar_plot(pair, &title, &classes),
            rolled_up: rolled_up_plot(pair, result, metric),
            metric: name,
        })
    }
}

/// A group of classes with its difference.
type NamedDifference = (String, UntestedDifference);

/// Returns the groups of one level with their differences, the greatest gain first.
fn group_differences(
    result: &PairComparison,
    metric: Metric,
    level: RollupLevel,
) -> Vec<NamedDifference> {
    let mut differences = Vec::new();
    for group in result.groups.iter().filter(|group| group.level == level) {
        let Some(result) = group.result.done() else {
            continue;
        };
        if let Some(difference) = result.metrics.get(&metric) {
            differences.push((group.name.replace('_', " "), *difference));
        }
    }
    differences.sort_by(|(_, a), (_, b)| b.difference.total_cmp(&a.difference));
    differences
}

fn scatter_plot(pair: &RunPair, title: &str, classes: &[NamedDifference]) -> Plot {
    let points: Vec<ScatterPoint> = classes
        .iter()
        .map(|(name, difference)| ScatterPoint {
            label: name.clone(),
            x: difference.means[1],
            y: difference.means[0],
        })
        .collect();
    let [run, reference] = pair.indices;
    scatter(
        title,
        [&pair.reference, &pair.run],
        [reference, run],
        &points,
    )
}

/// Draws the means of the reference and of the run, class by class.
fn bar_plot(pair: &RunPair, title: &str, classes: &[NamedDifference]) -> Plot {
    let without_interval = |mean: f64| {
        Some(Estimate {
            mean,
            interval: None,
        })
    };
    let mut rows = Vec::with_capacity(classes.len());
    for (name, difference) in classes {
        let [run, reference] = difference.means.map(without_interval);
        rows.push(PlotRow {
            label: name.clone(),
            marks: vec![reference, run],
        });
    }
    let [run, reference] = pair.indices;
    bars(&RowPlot {
        title,
        series: vec![(reference, &pair.reference), (run, &pair.run)],
        rows,
    })
}

/// Draws the differences by coarse and middle class; `None` in a data set without them.
fn rolled_up_plot(pair: &RunPair, result: &PairComparison, metric: Metric) -> Option<Plot> {
    let mut rows = Vec::new();
    for level in [RollupLevel::Coarse, RollupLevel::Middle] {
        for (name, difference) in group_differences(result, metric, level) {
            let estimate = Estimate {
                mean: difference.difference,
                interval: difference.interval,
            };
            rows.push(PlotRow {
                label: format!("{name} ({})", level.name()),
                marks: vec![Some(estimate)],
            });
        }
    }
    if rows.is_empty() {
        return None;
    }
    let metric = metric.to_string().to_uppercase();
    let series_name = format!("{} minus {}", pair.run, pair.reference);
    Some(dots(&RowPlot {
        title: &format!("{metric} by coarse and middle class, difference in %"),
        series: vec![(pair.indices[0], &series_name)],
        rows,
    }))
}
