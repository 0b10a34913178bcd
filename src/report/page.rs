//! The page: every number of a comparison and its analyses, in HTML that needs nothing else, and in
//! Markdown.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use crate::eval::SubgroupAnalysis;
use crate::eval::comparison::{Comparison, RunPair, RunResult};
use crate::printable;
use crate::report::classes::ClassPlots;
use crate::report::plot;
use crate::report::plot::{Plot, PlotRow, RowPlot, stylesheet};
use crate::table::{Cell, Table, TableFormat, markdown_text, signed_percent};
use crate::types::{EntityId, Metric};

const CSS: &str = include_str!("page.css");
/// More pairs than these are folded one by one,
const OPEN_PAIRS: usize = 3;
/// and a table of more rows than these.
const OPEN_ROWS: usize = 40;

/// What a page is made of.
pub struct Report {
    pub comparison: Comparison,
    pub analyses: Vec<SubgroupAnalysis>,
    /// Why an analysis, or a run in it, is not here, in sentences.
    pub notes: Vec<String>,
    /// Of the entities gained and lost, as `data:` addresses.
    pub images: HashMap<EntityId, String>,
    /// How many more of these have a picture for which there is no room.
    pub images_left_out: usize,
}

impl Report {
    /// Every file of the report, by its name: the page, its Markdown, and each plot.
    pub fn files(&self) -> Vec<(String, String)> {
        let plots = self.plots();
        let pages = [
            ("report.html".to_owned(), self.html()),
            ("report.md".to_owned(), self.markdown(&plots)),
        ];
        let shown = |(name, text): (String, String)| (name, printable::lines(&text).into_owned());
        pages.into_iter().map(shown).chain(plots).collect()
    }

    /// The whole page: no script, nothing from elsewhere.
    fn html(&self) -> String {
        let title = format!("Runs on {}", self.dataset());
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width,initial-scale=1";
                    title { (title) }
                    style { (PreEscaped(stylesheet())) (PreEscaped(CSS)) (PreEscaped(self.picture_rules())) }
                }
                body {
                    (self.header(&title))
                    main {
                        (self.metrics())
                        @if self.is_paired() { (self.classes()) }
                        (self.analyses())
                        @if self.is_paired() { (self.exchanges()) }
                        (self.settings())
                    }
                }
            }
        }
        .into_string()
    }

    /// The same tables, and the plots by their names.
    fn markdown(&self, plots: &[(String, String)]) -> String {
        let sheets = self.comparison.tables();
        let all = sheets
            .iter()
            .chain(
                &self
                    .analyses
                    .iter()
                    .map(SubgroupAnalysis::table)
                    .collect::<Vec<_>>(),
            )
            .map(|s| s.render(TableFormat::Markdown))
            .collect::<Vec<_>>();
        let settings = settings_sheet(&self.comparison.runs).render(TableFormat::Markdown);
        let notes: String = self
            .notes
            .iter()
            .map(|note| format!("\n{}\n", markdown_text(note)))
            .collect();
        let plots: String = plots
            .iter()
            .map(|(name, _)| format!("\n![{name}]({name})\n"))
            .collect();
        let dataset = markdown_text(&self.dataset());
        format!(
            "# Runs on {dataset}\n\n{}\n{settings}{notes}{plots}",
            all.join("\n")
        )
    }

    fn dataset(&self) -> String {
        let name = self
            .comparison
            .dataset
            .file_name()
            .unwrap_or(self.comparison.dataset.as_os_str());
        name.to_string_lossy().into_owned()
    }

    fn header(&self, title: &str) -> Markup {
        let all = &self.comparison;
        let names: Vec<&str> = all.runs.iter().map(|run| run.name.as_str()).collect();
        let lead = if self.is_folded() {
            "one-of-many"
        } else {
            "lead"
        };
        html! {
            header {
                h1 { (title) }
                p.quiet { (names.join(" · ")) " — " (all.queries) " queries of " (all.seeds.as_usize()) " seeds" }
                @for pair in &all.pairs { p class=(lead) { (verdict(pair, all.metrics.first(), all.family)) } }
                nav {
                    a href="#metrics" { "Metrics" }
                    @if self.is_paired() { a href="#classes" { "Classes" } }
                    a href="#analyses" { "Analyses" }
                    @if self.is_paired() { a href="#exchanges" { "Gained and lost" } }
                    a href="#settings" { "Settings" }
                }
            }
        }
    }

    fn metrics(&self) -> Markup {
        let all = &self.comparison;
        html! {
            section #metrics {
                h2 { "Metrics" }
                figure { (self.metrics_plot().inline()) }
                (table(&all.runs_table())) (table(&all.metrics_table()))
                @if !all.pairs.is_empty() {
                    (folded("Every test", &all.tests_table()))
                    p.quiet { "Queries of a class share its gold, so intervals and tests take classes as wholes. The tests are two-sided; p Holm is corrected over all of this report’s tests of its kind." }
                }
            }
        }
    }

    fn metrics_plot(&self) -> Plot {
        let all = &self.comparison;
        let runs = all.runs.iter().enumerate();
        let scores: Vec<_> = runs
            .filter_map(|(place, run)| Some((place, all.display_name(run), run.scores.done()?)))
            .collect();
        let row = |metric: &Metric| PlotRow {
            label: metric.to_string().to_uppercase(),
            marks: scores
                .iter()
                .map(|(_, _, scores)| scores.overall.get(metric).copied())
                .collect(),
        };
        plot::dots(&RowPlot {
            title: "Every metric of every run, in %, with 95 % bootstrap intervals over classes",
            series: scores
                .iter()
                .map(|(place, name, _)| (*place, name.as_str()))
                .collect(),
            rows: all.metrics.iter().map(row).collect(),
        })
    }

    /// Every plot as a file of its own: (name, SVG).
    fn plots(&self) -> Vec<(String, String)> {
        let mut plots = vec![("metrics".to_owned(), self.metrics_plot())];
        for (at, classes) in (1..).zip(
            self.comparison
                .pairs
                .iter()
                .map(|pair| self.class_plots(pair)),
        ) {
            if let Some(ClassPlots {
                scatter,
                bars,
                rolled,
                ..
            }) = classes
            {
                plots.extend([
                    (format!("scatter-{at}"), scatter),
                    (format!("classes-{at}"), bars),
                ]);
                plots.extend(rolled.map(|rolled| (format!("rolled-{at}"), rolled)));
            }
        }
        let analyses = (1..).zip(&self.analyses);
        plots.extend(
            analyses.map(|(at, analysis)| (format!("analysis-{at}"), self.analysis_plot(analysis))),
        );
        plots
            .into_iter()
            .map(|(name, plot)| (format!("{name}.svg"), plot.file()))
            .collect()
    }

    /// A run that is in no analysis keeps its colour all the same.
    fn analysis_plot(&self, analysis: &SubgroupAnalysis) -> Plot {
        let names: Vec<String> = self
            .comparison
            .runs
            .iter()
            .map(|run| run.name.clone())
            .collect();
        plot::analysis(analysis, &names)
    }

    /// Whether there are two runs that could be held against each other.
    fn is_paired(&self) -> bool {
        self.comparison
            .pairs
            .iter()
            .any(|pair| pair.result.done().is_some())
    }

    fn is_folded(&self) -> bool {
        self.comparison.pairs.len() > OPEN_PAIRS
    }

    /// What there is of a pair under its names.
    pub(super) fn of_pair(&self, pair: &RunPair, what: &Markup) -> Markup {
        let names = format!("{} against {}", pair.run, pair.reference);
        html! {
            @if self.is_folded() { details { summary { (names) } (what) } } @else { h3 { (names) } (what) }
        }
    }

    fn analyses(&self) -> Markup {
        html! {
            section #analyses {
                h2 { "Analyses" }
                @for analysis in &self.analyses {
                    h3 { (analysis.title) }
                    p.quiet { (analysis.value_description) " Beside it: " (analysis.contrast_description) }
                    figure { (self.analysis_plot(analysis).inline()) }
                    (folded("Every number", &Table { title: String::new(), ..analysis.table() }))
                    @for note in &analysis.notes { p.quiet { (note) } }
                }
                @for note in &self.notes { p.quiet { (note) } }
            }
        }
    }

    fn settings(&self) -> Markup {
        html! { section #settings { h2 { "Settings" } (table(&settings_sheet(&self.comparison.runs))) p.quiet { "Data set " code { (self.comparison.dataset_hash) } } } }
    }
}

/// What the tests say of the first metric, in a sentence; `family`: how many tests were corrected
/// together.
fn verdict(pair: &RunPair, metric: Option<&Metric>, family: usize) -> String {
    let (run, reference) = (&pair.run, &pair.reference);
    let tested = metric.and_then(|metric| Some((metric, pair.result.done()?.metrics.get(metric)?)));
    let Some((metric, tested)) = tested else {
        let why = pair
            .result
            .failure_reason()
            .unwrap_or_else(|| "nothing was tested".into());
        return format!("{run} against {reference}: {why}.");
    };
    let v = &tested.test;
    let found = match tested.direction() {
        Ordering::Greater => "is better than",
        Ordering::Less => "is worse than",
        Ordering::Equal => "is not found to differ from",
    };
    let p = tested.p_holm;
    let found = if tested.is_underpowered() {
        "has too few classes to be told from"
    } else {
        found
    };
    let chance = if p < 0.001 {
        "p < .001".to_owned()
    } else {
        format!("p = {p:.3}")
    };
    let [difference, low, high] = [v.difference, v.low, v.high].map(signed_percent);
    let metric = metric.to_string().to_uppercase();
    format!(
        "{run} {found} {reference} ({chance}, corrected over {family} tests): {metric} {difference} points, 95 % from {low} to {high}."
    )
}

/// Every setting of every run; a run that brings none has blanks.
fn settings_sheet(runs: &[RunResult]) -> Table {
    let keys: BTreeSet<&String> = runs.iter().flat_map(|run| run.settings.keys()).collect();
    let cell = |value: Option<&Value>| match value {
        None | Some(Value::Null) => Cell::Empty,
        Some(Value::String(text)) => Cell::Text(text.clone()),
        Some(Value::Array(items)) => Cell::Text(
            items
                .iter()
                .map(|item| {
                    item.as_str()
                        .map_or_else(|| item.to_string(), str::to_owned)
                })
                .collect::<Vec<_>>()
                .join(", "),
        ),
        Some(value) => Cell::Text(value.to_string()),
    };
    let row = |key: &String| {
        std::iter::once(Cell::Text(key.clone()))
            .chain(runs.iter().map(|run| cell(run.settings.get(key))))
            .collect()
    };
    Table {
        title: "Every setting that made each run".into(),
        headers: std::iter::once("setting".to_owned())
            .chain(runs.iter().map(|run| run.name.clone()))
            .collect(),
        rows: keys.into_iter().map(row).collect(),
    }
}

/// A table, folded where it is long.
fn folded(what: &str, sheet: &Table) -> Markup {
    let rows = sheet.rows.len();
    html! {
        @if rows > OPEN_ROWS { details { summary { (what) span.quiet { (rows) " rows" } } (table(sheet)) } } @else { (table(sheet)) }
    }
}

/// A table that scrolls by itself where it is too wide.
pub(super) fn table(sheet: &Table) -> Markup {
    const LONG: usize = 60;
    let kind = |cell: &Cell| match cell {
        Cell::Text(text) if text.chars().count() > LONG => "long",
        Cell::Text(_) => "",
        _ => "number",
    };
    html! {
        div.scroll tabindex="0" { table {
            @if !sheet.title.is_empty() { caption { (sheet.title) } }
            thead { tr { @for head in &sheet.headers { th scope="col" { (head) } } } }
            tbody { @for row in &sheet.rows { tr {
                @for (at, cell) in row.iter().enumerate() {
                    @if at == 0 { th scope="row" { (cell.to_plain_text()) } } @else { td class=(kind(cell)) { (cell.to_plain_text()) } }
                }
            } } }
        } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;
    use crate::eval::comparison::{ComparisonInput, ComparisonSettings, PairSelection, compare};
    use crate::eval::run::{Ranking, Run};
    use crate::types::SeedCount;

    const HOSTILE: &str = "<img src=x onerror=alert(1)>\"&'|\u{202e}\x1b[2J";

    /// Two classes of which one run finds a hostile entity and the other does not.
    fn report() -> Report {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            (
                "entity2id.txt",
                format!("{HOSTILE}\t1\nant\t2\nbee\t3\ncow\t4\nfig\t5\noak\t6\n"),
            ),
            ("sentences.json", String::new()),
            ("gt/animals.txt", "1\tx\t1\n2\tant\t1\n3\tbee\t1\n".into()),
            ("gt/plants.txt", "5\tfig\t1\n6\toak\t1\n".into()),
            ("query/animals.txt", "2\n".into()),
            ("query/plants.txt", "5\n".into()),
        ] {
            std::fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let entry = |name: &str, animals: &[u32], plants: &[u32]| {
            let ranking = |query: &str, ids: &[u32]| Ranking {
                query: query.into(),
                candidates: ids.iter().map(|&id| (EntityId(id), 1.0)).collect(),
            };
            let rankings = vec![
                ranking("animals/3/1", animals),
                ranking("plants/3/1", plants),
            ];
            let settings = serde_json::json!({ "mode": HOSTILE })
                .as_object()
                .cloned()
                .unwrap();
            ComparisonInput {
                name: name.into(),
                run: Run {
                    rankings,
                    settings,
                    ..Run::default()
                },
                ..ComparisonInput::default()
            }
        };
        let entries = [entry("first", &[4, 3], &[6]), entry(HOSTILE, &[1, 3], &[4])];
        let settings = ComparisonSettings {
            metrics: Metric::ALL.to_vec(),
            pair_selection: PairSelection::WithReference,
            depth: 10,
        };
        let dataset = Dataset::open(folder.path()).unwrap();
        let comparison = compare(&entries, &dataset, SeedCount::Three, &settings).unwrap();
        let pictures = [(EntityId(1), "data:image/jpeg;base64,AA==".to_owned())].into();
        Report {
            comparison,
            analyses: Vec::new(),
            notes: vec![HOSTILE.into()],
            images: pictures,
            images_left_out: 7,
        }
    }

    #[test]
    fn hostile_names_stay_text() {
        let report = report();
        let page = report.html();
        assert!(
            page.matches("&lt;img src=x onerror=alert(1)&gt;").count() > 5,
            "{page}"
        );
        assert!(
            !page.contains("<img") && !page.contains("<script"),
            "{page}"
        );
        let markdown = report.markdown(&report.plots());
        assert!(
            markdown.contains("&lt;img") && !markdown.contains("<img"),
            "{markdown}"
        );
        for (name, text) in report.files() {
            // XML of any version has no place for control characters
            assert!(
                !text.contains(|c: char| c.is_control() && c != '\n' || c == '\u{202e}'),
                "{name}"
            );
        }
    }

    #[test]
    fn the_page_stands_alone_and_says_what_changed() {
        let page = report().html();
        assert!(
            !page.contains("src=\"") && !page.contains("@import") && !page.contains("<link"),
            "{page}"
        );
        assert_eq!(
            page.matches("data:image/jpeg;base64,AA==").count(),
            1,
            "a picture is there once"
        );
        assert!(
            page.contains("class=\"pic p1\"") && page.contains("gold gained 1, lost 0"),
            "{page}"
        );
        let plots = report().plots();
        let names: Vec<&str> = plots.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["metrics.svg", "scatter-1.svg", "classes-1.svg"]);
        assert!(
            names
                .iter()
                .all(|name| report().markdown(&plots).contains(&format!("]({name})")))
        );
        assert!(page.contains("and none for those of 7 more"), "{page}");
        assert!(
            page.contains("is not found to differ from first (p = "),
            "two classes tell nothing"
        );
    }
}
