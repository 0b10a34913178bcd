//! The part of the page that holds two runs against each other class by class.

use maud::{Markup, html};

use super::page::{Report, table};
use super::plot::{self, DotRow, Dots, Plot};
use crate::eval::comparison::{Estimate, Gap, Level, Pair};

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

    fn classes_of(&self, pair: &Pair, plots: &ClassPlots) -> Markup {
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
            @if let Some(sheet) = self.comparison.parts_sheet(pair) {
                details { summary { "Every class, and rolled up" } (table(&sheet)) }
            }
        }
    }

    /// None where two runs were not compared.
    pub(super) fn class_plots(&self, pair: &Pair) -> Option<ClassPlots> {
        let (paired, metric) = (pair.result.done()?, self.comparison.metrics.first()?);
        let at = |level: Level| {
            let parts = paired.parts.iter().filter(|part| part.level == level);
            let mut parts: Vec<(String, Gap)> = parts
                .filter_map(|part| {
                    Some((
                        part.name.replace('_', " "),
                        *part.result.done()?.metrics.get(metric)?,
                    ))
                })
                .collect();
            parts.sort_by(|a, b| b.1.difference.total_cmp(&a.1.difference));
            parts
        };
        let classes = at(Level::Class);
        let points: Vec<(String, f64, f64)> = classes
            .iter()
            .map(|(name, gap)| (name.clone(), gap.means[1], gap.means[0]))
            .collect();
        let [run, reference] = pair.places;
        let mark = |mean: f64| {
            Some(Estimate {
                mean,
                interval: None,
            })
        };
        let row = |(name, gap): &(String, Gap)| DotRow {
            label: name.clone(),
            marks: vec![mark(gap.means[1]), mark(gap.means[0])],
        };
        let metric = metric.to_string().to_uppercase();
        let title = format!("{metric} of each class, in %");
        let bars = plot::bars(&Dots {
            title: &title,
            series: vec![(reference, &pair.reference), (run, &pair.run)],
            rows: classes.iter().map(row).collect(),
        });
        let scatter = plot::scatter(
            &title,
            [&pair.reference, &pair.run],
            [reference, run],
            &points,
        );
        let above = [Level::Coarse, Level::Middle]
            .into_iter()
            .flat_map(|level| {
                at(level).into_iter().map(move |(name, gap)| DotRow {
                    label: format!("{name} ({})", level.name()),
                    marks: vec![Some(Estimate {
                        mean: gap.difference,
                        interval: gap.interval,
                    })],
                })
            });
        let rows: Vec<DotRow> = above.collect();
        let difference = format!("{} less {}", pair.run, pair.reference);
        let title = format!("{metric} by coarse and middle class, difference in %");
        let rolled = (!rows.is_empty()).then(|| {
            plot::dots(&Dots {
                title: &title,
                series: vec![(run, &difference)],
                rows,
            })
        });
        Some(ClassPlots {
            metric,
            scatter,
            bars,
            rolled,
        })
    }
}
