//! The plots of a report.

use crate::eval::SubgroupAnalysis;
use crate::report::class_plots::ClassPlots;
use crate::report::plot::Plot;
use crate::report::report_data::Report;
use crate::report::row_plot::{PlotRow, RowPlot, analysis_plot, dots};

impl Report {
    /// Draws every metric of every run.
    pub(super) fn metrics_plot(&self) -> Plot {
        let comparison = &self.comparison;
        let mut scored = Vec::new();
        for (index, run) in comparison.runs.iter().enumerate() {
            if let Some(scores) = run.scores.done() {
                scored.push((index, comparison.display_name(run), scores));
            }
        }
        let mut rows = Vec::with_capacity(comparison.metrics.len());
        for metric in &comparison.metrics {
            let estimates = scored
                .iter()
                .map(|(_, _, scores)| scores.overall.get(metric));
            rows.push(PlotRow {
                label: metric.to_string().to_uppercase(),
                marks: estimates.map(|estimate| estimate.copied()).collect(),
            });
        }
        dots(&RowPlot {
            title: "Every metric of every run, in %, with 95 % bootstrap intervals over classes",
            series: scored
                .iter()
                .map(|(index, name, _)| (*index, name.as_str()))
                .collect(),
            rows,
        })
    }

    /// Returns every plot as a file: (name, SVG).
    pub(super) fn plot_files(&self) -> Vec<(String, String)> {
        let mut plots = vec![("metrics".to_owned(), self.metrics_plot())];
        for (number, pair) in (1..).zip(&self.comparison.pairs) {
            let Some(class_plots) = ClassPlots::new(&self.comparison, pair) else {
                continue;
            };
            plots.push((format!("scatter-{number}"), class_plots.scatter));
            plots.push((format!("classes-{number}"), class_plots.bars));
            if let Some(rolled_up) = class_plots.rolled_up {
                plots.push((format!("rolled-{number}"), rolled_up));
            }
        }
        for (number, analysis) in (1..).zip(&self.analyses) {
            plots.push((format!("analysis-{number}"), self.analysis_plot(analysis)));
        }
        plots
            .into_iter()
            .map(|(name, plot)| (format!("{name}.svg"), plot.file()))
            .collect()
    }

    /// Draws an analysis. Runs have the colours of the other plots, even if some run is not in the
    /// analysis.
    pub(super) fn analysis_plot(&self, analysis: &SubgroupAnalysis) -> Plot {
        let runs = self.comparison.runs.iter();
        let names: Vec<String> = runs.map(|run| run.name.clone()).collect();
        analysis_plot(analysis, &names)
    }
}
