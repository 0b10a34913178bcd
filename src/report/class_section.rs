//! The section of the page that compares runs class by class.

use maud::{Markup, html};

use crate::eval::comparison::RunPair;
use crate::report::class_plots::ClassPlots;
use crate::report::html_table::html_table;
use crate::report::report_data::Report;

impl Report {
    /// Returns the section with the plots of every compared pair.
    pub(super) fn classes_section(&self) -> Markup {
        html! {
            section #classes {
                h2 { "Class by class" }
                @for pair in &self.comparison.pairs {
                    @if let Some(plots) = ClassPlots::new(&self.comparison, pair) {
                        (self.pair_part(pair, &self.class_part(pair, &plots)))
                    }
                }
            }
        }
    }

    fn class_part(&self, pair: &RunPair, plots: &ClassPlots) -> Markup {
        let (run, reference, metric) = (&pair.run, &pair.reference, &plots.metric);
        html! {
            p.quiet {
                "A point is a class, placed by " (metric) "; above the line " (run) " is better."
            }
            figure { (plots.scatter.inline()) }
            p.quiet { (metric) " of each class, in %, the greatest gain first" }
            figure { (plots.bars.inline()) }
            @if let Some(rolled_up) = &plots.rolled_up {
                p.quiet {
                    (metric) " of " (run) " minus that of " (reference) ", in %, by middle and "
                    "coarse class, with 95 % bootstrap intervals over classes"
                }
                figure { (rolled_up.inline()) }
            }
            @if let Some(table) = self.comparison.groups_table(pair) {
                details { summary { "Every class, and rolled up" } (html_table(&table)) }
            }
        }
    }

    /// Returns the part of a section about one pair, under the names of its runs.
    pub(super) fn pair_part(&self, pair: &RunPair, content: &Markup) -> Markup {
        let names = format!("{} against {}", pair.run, pair.reference);
        html! {
            @if self.folds_pairs() {
                details { summary { (names) } (content) }
            } @else {
                h3 { (names) } (content)
            }
        }
    }
}
