//! The page: every number of a comparison and its analyses, in HTML that needs no other file.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::eval::SubgroupAnalysis;
use crate::report::conclusion::conclusion;
use crate::report::html_table::{foldable_table, html_table};
use crate::report::plot::stylesheet;
use crate::report::report_data::Report;
use crate::report::settings_table::settings_table;
use crate::table::Table;

const CSS: &str = include_str!("page.css");

impl Report {
    /// Returns the page, without scripts and external resources.
    pub(super) fn html(&self) -> String {
        let title = format!("Runs on {}", self.dataset_name());
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                (self.head(&title))
                body {
                    (self.header(&title))
                    main {
                        (self.metrics_section())
                        @if self.has_compared_pair() { (self.classes_section()) }
                        (self.analyses_section())
                        @if self.has_compared_pair() { (self.changes_section()) }
                        (self.settings_section())
                    }
                }
            }
        };
        page.into_string()
    }

    fn head(&self, title: &str) -> Markup {
        html! {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                title { (title) }
                style {
                    (PreEscaped(stylesheet()))
                    (PreEscaped(CSS))
                    (PreEscaped(self.image_rules()))
                }
            }
        }
    }

    fn header(&self, title: &str) -> Markup {
        let comparison = &self.comparison;
        let names: Vec<&str> = comparison
            .runs
            .iter()
            .map(|run| run.name.as_str())
            .collect();
        let class = if self.folds_pairs() {
            "one-of-many"
        } else {
            "lead"
        };
        let metric = comparison.metrics.first();
        html! {
            header {
                h1 { (title) }
                p.quiet {
                    (names.join(" · ")) " — " (comparison.queries) " queries of "
                    (comparison.seeds.as_usize()) " seeds"
                }
                @for pair in &comparison.pairs {
                    p class=(class) { (conclusion(pair, metric, comparison.family)) }
                }
                (self.navigation())
            }
        }
    }

    fn navigation(&self) -> Markup {
        html! {
            nav {
                a href="#metrics" { "Metrics" }
                @if self.has_compared_pair() { a href="#classes" { "Classes" } }
                a href="#analyses" { "Analyses" }
                @if self.has_compared_pair() { a href="#exchanges" { "Gained and lost" } }
                a href="#settings" { "Settings" }
            }
        }
    }

    fn metrics_section(&self) -> Markup {
        let comparison = &self.comparison;
        html! {
            section #metrics {
                h2 { "Metrics" }
                figure { (self.metrics_plot().inline()) }
                (html_table(&comparison.runs_table()))
                (html_table(&comparison.metrics_table()))
                @if !comparison.pairs.is_empty() {
                    (foldable_table("Every test", &comparison.tests_table()))
                    p.quiet {
                        "Queries of a class share its gold, so intervals and tests treat classes "
                        "as clusters. The tests are two-sided; p Holm is corrected over all of this "
                        "report’s tests of its kind."
                    }
                }
            }
        }
    }

    fn analyses_section(&self) -> Markup {
        html! {
            section #analyses {
                h2 { "Analyses" }
                @for analysis in &self.analyses { (self.analysis_part(analysis)) }
                @for note in &self.notes { p.quiet { (note) } }
            }
        }
    }

    fn analysis_part(&self, analysis: &SubgroupAnalysis) -> Markup {
        let untitled = Table {
            title: String::new(),
            ..analysis.table()
        };
        html! {
            h3 { (analysis.title) }
            p.quiet { (analysis.value_description) " Beside it: " (analysis.contrast_description) }
            figure { (self.analysis_plot(analysis).inline()) }
            (foldable_table("Every number", &untitled))
            @for note in &analysis.notes { p.quiet { (note) } }
        }
    }

    fn settings_section(&self) -> Markup {
        html! {
            section #settings {
                h2 { "Settings" }
                (html_table(&settings_table(&self.comparison.runs)))
                p.quiet { "Data set " code { (self.comparison.dataset_hash) } }
            }
        }
    }
}
