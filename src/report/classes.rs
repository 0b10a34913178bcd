//! The part of the page that holds two runs against each other class by class.

use maud::{Markup, html};

use crate::eval::comparison::{Estimate, PairComparison, RollupLevel, RunPair, UntestedDifference};
use crate::report::page::{Report, table};
use crate::report::plot;
use crate::report::plot::{Plot, PlotRow, RowPlot};
use crate::types::Metric;

/// Of two runs, class by class.
pub(super) struct ClassPlots {
    metric: String,
    pub(super) scatter: Plot,
    pub(super) bars: Plot,
    /// Of what classes are rolled up to; none in a data set without it.
    pub(super) rolled: Option<Plot>,
}

impl Report {
    pub(super) fn classes(&self) -> Markup {
        html! {
            section #classes {
                h2 { "Class by class" }
                @for pair in &self.comparison.pairs {
                    @if let Some(plots) = self.class_plots(pair) { (self.of_pair(pair, &self.classes_of(pair, &plots))) }
                }
            }
        }
    }

    fn classes_of(&self, pair: &RunPair, plots: &ClassPlots) -> Markup {
        let (run, reference, metric) = (&pair.run, &pair.reference, &plots.metric);
        html! {
            p.quiet { "A point is a class, placed by " (metric) "; above the line " (run) " is better." }
            figure { (plots.scatter.inline()) }
            p.quiet { (metric) " of each class, in %, the greatest gain first" }
            figure { (plots.bars.inline()) }
            @if let Some(rolled) = &plots.rolled {
                p.quiet { (metric) " of " (run) " less that of " (reference) ", in %, by middle and coarse class, with 95 % bootstrap intervals over classes" }
                figure { (rolled.inline()) }
            }
            @if let Some(sheet) = self.comparison.groups_table(pair) {
                details { summary { "Every class, and rolled up" } (table(&sheet)) }
            }
        }
    }

    /// None where two runs were not compared.
    pub(super) fn class_plots(&self, pair: &RunPair) -> Option<ClassPlots> {
        let (paired, metric) = (pair.result.done()?, self.comparison.metrics.first()?);
        let classes = gaps(paired, *metric, RollupLevel::Class);
        let points: Vec<(String, f64, f64)> = classes
            .iter()
            .map(|(name, gap)| (name.clone(), gap.means[1], gap.means[0]))
            .collect();
        let [run, reference] = pair.indices;
        let name = metric.to_string().to_uppercase();
        let title = format!("{name} of each class, in %");
        let bars = bars(pair, &title, &classes);
        let scatter = plot::scatter(
            &title,
            [&pair.reference, &pair.run],
            [reference, run],
            &points,
        );
        let title = format!("{name} by coarse and middle class, difference in %");
        let rolled = rolled(pair, &title, paired, *metric);
        Some(ClassPlots {
            metric: name,
            scatter,
            bars,
            rolled,
        })
    }
}

/// The parts of one level with their names and gaps, the greatest gain first.
fn gaps(
    paired: &PairComparison,
    metric: Metric,
    level: RollupLevel,
) -> Vec<(String, UntestedDifference)> {
    let mut parts = Vec::new();
    for part in paired.groups.iter().filter(|part| part.level == level) {
        let gap = part
            .result
            .done()
            .and_then(|result| result.metrics.get(&metric));
        if let Some(gap) = gap {
            parts.push((part.name.replace('_', " "), *gap));
        }
    }
    parts.sort_by(|a, b| b.1.difference.total_cmp(&a.1.difference));
    parts
}

/// The means of the reference and of the run, class by class.
fn bars(pair: &RunPair, title: &str, classes: &[(String, UntestedDifference)]) -> Plot {
    let mark = |mean: f64| {
        Some(Estimate {
            mean,
            interval: None,
        })
    };
    let row = |(name, gap): &(String, UntestedDifference)| PlotRow {
        label: name.clone(),
        marks: vec![mark(gap.means[1]), mark(gap.means[0])],
    };
    let [run, reference] = pair.indices;
    plot::bars(&RowPlot {
        title,
        series: vec![(reference, &pair.reference), (run, &pair.run)],
        rows: classes.iter().map(row).collect(),
    })
}

/// The differences by coarse and middle class; none in a data set without them.
fn rolled(pair: &RunPair, title: &str, paired: &PairComparison, metric: Metric) -> Option<Plot> {
    let mut rows = Vec::new();
    for level in [RollupLevel::Coarse, RollupLevel::Middle] {
        for (name, gap) in gaps(paired, metric, level) {
            let difference = Estimate {
                mean: gap.difference,
                interval: gap.interval,
            };
            rows.push(PlotRow {
                label: format!("{name} ({})", level.name()),
                marks: vec![Some(difference)],
            });
        }
    }
    if rows.is_empty() {
        return None;
    }
    let difference = format!("{} less {}", pair.run, pair.reference);
    let series = vec![(pair.indices[0], difference.as_str())];
    Some(plot::dots(&RowPlot {
        title,
        series,
        rows,
    }))
}
