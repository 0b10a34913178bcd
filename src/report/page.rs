//! The page: every number of a comparison and its analyses, in HTML that needs nothing else, and in Markdown.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use super::plot::{self, DotRow, Dots, STYLE};
use crate::eval::Analysis;
use crate::eval::comparison::{Comparison, Entrant, Estimate, Exchange, Exchanged, Gap, Level, Pair};
use crate::sheet::{Cell, Form, Sheet};
use crate::types::{EntityId, Metric};

const CSS: &str = include_str!("page.css");

/// What a page is made of.
pub struct Report {
    pub comparison: Comparison,
    pub analyses: Vec<Analysis>,
    /// Why an analysis is not here, in sentences.
    pub notes: Vec<String>,
    /// Of the entities gained and lost, as `data:` addresses.
    pub pictures: HashMap<EntityId, String>,
}

/// Of two runs, class by class.
struct ClassPlots {
    metric: String,
    scatter: Markup,
    bars: Markup,
    /// Of what classes are rolled up to; none in a data set without it.
    rolled: Option<Markup>,
}

impl Report {
    /// The whole page: no script, nothing from elsewhere.
    pub fn html(&self) -> String {
        let title = format!("Runs on {}", self.dataset());
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width,initial-scale=1";
                    title { (title) }
                    style { (PreEscaped(STYLE)) (PreEscaped(CSS)) (PreEscaped(self.picture_rules())) }
                }
                body {
                    (self.header(&title))
                    main { (self.metrics()) (self.classes()) (self.analyses()) (self.exchanges()) (self.settings()) }
                }
            }
        }
        .into_string()
    }

    /// The same tables, and the [plots](Report::plots) by their names.
    pub fn markdown(&self) -> String {
        let sheets = self.comparison.sheets();
        let all = sheets
            .iter()
            .chain(&self.analyses.iter().map(Analysis::sheet).collect::<Vec<_>>())
            .map(|s| s.write(Form::Markdown))
            .collect::<Vec<_>>();
        let settings = settings_sheet(&self.comparison.runs).write(Form::Markdown);
        let notes: String = self.notes.iter().map(|note| format!("\n{}\n", note.replace('<', "&lt;"))).collect();
        let plots: String = self.plots().iter().map(|(name, _)| format!("\n![{name}]({name})\n")).collect();
        format!("# Runs on {}\n\n{}\n{settings}{notes}{plots}", self.dataset(), all.join("\n"))
    }

    fn dataset(&self) -> String {
        let name = self.comparison.dataset.file_name().unwrap_or(self.comparison.dataset.as_os_str());
        name.to_string_lossy().into_owned()
    }

    fn header(&self, title: &str) -> Markup {
        let all = &self.comparison;
        let names: Vec<&str> = all.runs.iter().map(|run| run.name.as_str()).collect();
        html! {
            header {
                h1 { (title) }
                p.quiet { (names.join(" · ")) " — " (all.queries) " queries of " (all.seeds.number()) " seeds" }
                @for pair in &all.pairs { p.lead { (verdict(pair, all.metrics.first(), all.family)) } }
                nav {
                    a href="#metrics" { "Metrics" } a href="#classes" { "Classes" } a href="#analyses" { "Analyses" }
                    a href="#exchanges" { "Gained and lost" } a href="#settings" { "Settings" }
                }
            }
        }
    }

    fn metrics(&self) -> Markup {
        // runs, metrics and verdicts come before what is by pair
        html! {
            section #metrics {
                h2 { "Metrics" }
                figure { (self.metrics_plot()) }
                @for sheet in self.comparison.sheets().iter().take(3) { (table(sheet)) }
                p.quiet { "Queries of a class share its gold, so intervals and tests take classes as wholes. The tests are two-sided; p Holm is corrected over all of this report’s tests of its kind." }
            }
        }
    }

    fn metrics_plot(&self) -> Markup {
        let all = &self.comparison;
        let runs = all.runs.iter().enumerate();
        let scores: Vec<_> =
            runs.filter_map(|(place, run)| Some((place, run.name.as_str(), run.scores.done()?))).collect();
        let row = |metric: &Metric| DotRow {
            label: metric.to_string().to_uppercase(),
            marks: scores.iter().map(|(_, _, scores)| scores.overall.get(metric).copied()).collect(),
        };
        plot::dots(&Dots {
            title: "Every metric of every run, in %",
            series: scores.iter().map(|(place, name, _)| (*place, *name)).collect(),
            rows: all.metrics.iter().map(row).collect(),
        })
    }

    /// Every plot as a file of its own: (name, SVG).
    pub fn plots(&self) -> Vec<(String, String)> {
        let mut plots = vec![("metrics".to_owned(), self.metrics_plot())];
        for (at, classes) in (1..).zip(self.comparison.pairs.iter().map(|pair| self.class_plots(pair))) {
            if let Some(ClassPlots { scatter, bars, rolled, .. }) = classes {
                plots.extend([(format!("scatter-{at}"), scatter), (format!("classes-{at}"), bars)]);
                plots.extend(rolled.map(|rolled| (format!("rolled-{at}"), rolled)));
            }
        }
        let analyses = (1..).zip(&self.analyses);
        plots.extend(analyses.map(|(at, analysis)| (format!("analysis-{at}"), plot::analysis(analysis))));
        plots.into_iter().map(|(name, svg)| (format!("{name}.svg"), plot::standalone(svg))).collect()
    }

    fn classes(&self) -> Markup {
        html! {
            section #classes {
                h2 { "Class by class" }
                @for pair in &self.comparison.pairs {
                    @if let Some(ClassPlots { metric, scatter, bars, rolled }) = self.class_plots(pair) {
                        h3 { (pair.run) " against " (pair.reference) }
                        p.quiet { "A point is a class, placed by " (metric) "; above the line " (pair.run) " is better." }
                        figure { (scatter) }
                        p.quiet { (metric) " of each class, in %, the greatest gain first" }
                        figure { (bars) }
                        @if let Some(rolled) = rolled {
                            p.quiet { (metric) " of " (pair.run) " less that of " (pair.reference) ", in %, by middle and coarse class, with 95 % bootstrap intervals over classes" }
                            figure { (rolled) }
                        }
                        @if let Some(sheet) = self.comparison.parts_sheet(pair) {
                            details { summary { "Every class, and rolled up" } (table(&sheet)) }
                        }
                    }
                }
            }
        }
    }

    /// None where two runs were not compared.
    fn class_plots(&self, pair: &Pair) -> Option<ClassPlots> {
        let (paired, metric) = (pair.result.done()?, self.comparison.metrics.first()?);
        let at = |level: Level| {
            let parts = paired.parts.iter().filter(|part| part.level == level);
            let mut parts: Vec<(String, Gap)> = parts
                .filter_map(|part| Some((part.name.replace('_', " "), *part.result.done()?.metrics.get(metric)?)))
                .collect();
            parts.sort_by(|a, b| b.1.difference.total_cmp(&a.1.difference));
            parts
        };
        let classes = at(Level::Class);
        let points: Vec<(String, f64, f64)> =
            classes.iter().map(|(name, gap)| (name.clone(), gap.means[1], gap.means[0])).collect();
        let [run, reference] = pair.places;
        let mark = |mean: f64| Some(Estimate { mean, interval: None });
        let row = |(name, gap): &(String, Gap)| DotRow {
            label: name.clone(),
            marks: vec![mark(gap.means[1]), mark(gap.means[0])],
        };
        let metric = metric.to_string().to_uppercase();
        let bars = plot::bars(&Dots {
            title: &format!("{metric} of each class, in %"),
            series: vec![(reference, &pair.reference), (run, &pair.run)],
            rows: classes.iter().map(row).collect(),
        });
        let scatter = plot::scatter([&pair.reference, &pair.run], [reference, run], &points);
        let above = [Level::Coarse, Level::Middle].into_iter().flat_map(|level| {
            at(level).into_iter().map(move |(name, gap)| DotRow {
                label: format!("{name} ({})", level.name()),
                marks: vec![Some(Estimate { mean: gap.difference, interval: gap.interval })],
            })
        });
        let rows: Vec<DotRow> = above.collect();
        let difference = format!("{} less {}", pair.run, pair.reference);
        let title = format!("{metric}, {difference}, by coarse and middle class, in %");
        let rolled =
            (!rows.is_empty()).then(|| plot::dots(&Dots { title: &title, series: vec![(run, &difference)], rows }));
        Some(ClassPlots { metric, scatter, bars, rolled })
    }

    fn analyses(&self) -> Markup {
        html! {
            section #analyses {
                h2 { "Analyses" }
                @for analysis in &self.analyses {
                    h3 { (analysis.title) }
                    p.quiet { (analysis.measure) " Beside it: " (analysis.contrast) }
                    figure { (plot::analysis(analysis)) }
                    (table(&Sheet { title: String::new(), ..analysis.sheet() }))
                    @for note in &analysis.notes { p.quiet { (note) } }
                }
                @for note in &self.notes { p.quiet { (note) } }
            }
        }
    }

    fn exchanges(&self) -> Markup {
        html! {
            section #exchanges {
                h2 { "Gained and lost" }
                p.quiet { "Entities among the first " (self.comparison.depth) " of the one and not of the other. A star is gold." }
                @for pair in &self.comparison.pairs {
                    @if let Some(paired) = pair.result.done() {
                        h3 { (pair.run) " against " (pair.reference) }
                        @for (class, exchanges) in by_class(&paired.exchanges) { (self.exchanges_of(class, &exchanges)) }
                    }
                }
            }
        }
    }

    fn exchanges_of(&self, class: &str, exchanges: &[&Exchange]) -> Markup {
        let gold =
            |of: fn(&Exchange) -> &Vec<Exchanged>| exchanges.iter().flat_map(|e| of(e)).filter(|e| e.gold).count();
        html! {
            details {
                summary { (class.replace('_', " ")) span.quiet { "gold gained " (gold(|e| &e.gained)) ", lost " (gold(|e| &e.lost)) } }
                @for exchange in exchanges {
                    div.exchange {
                        p.quiet { "query " (exchange.query) }
                        ul aria-label="gained" { @for entity in &exchange.gained { (self.entity("+", entity)) } }
                        ul aria-label="lost" { @for entity in &exchange.lost { (self.entity("−", entity)) } }
                    }
                }
            }
        }
    }

    fn entity(&self, sign: &str, entity: &Exchanged) -> Markup {
        let other = entity.other_rank.map_or("not in the other".to_owned(), |rank| format!("{rank} in the other"));
        html! {
            li {
                @if self.pictures.contains_key(&entity.id) { span class={ "pic p" (entity.id) } {} }
                span {
                    (sign) " " span class=(if entity.gold { "gold" } else { "" }) { (entity.name.clone().unwrap_or_else(|| format!("entity {}", entity.id))) }
                    br; span.quiet { "rank " (entity.rank) ", " (other) }
                }
            }
        }
    }

    /// Each picture stands in the page once, however often it is shown.
    fn picture_rules(&self) -> String {
        let sorted: BTreeMap<_, _> = self.pictures.iter().collect();
        sorted.into_iter().map(|(id, address)| format!(".p{id}{{background-image:url({address})}}")).collect()
    }

    fn settings(&self) -> Markup {
        html! { section #settings { h2 { "Settings" } (table(&settings_sheet(&self.comparison.runs))) p.quiet { "Data set " code { (self.comparison.dataset_hash) } } } }
    }
}

/// What the tests say of the first metric, in a sentence; `family`: how many tests were corrected together.
fn verdict(pair: &Pair, metric: Option<&Metric>, family: usize) -> String {
    let tested = metric.and_then(|metric| Some((metric, pair.result.done()?.metrics.get(metric)?)));
    let Some((metric, tested)) = tested else {
        return format!("{} and {} are not compared.", pair.run, pair.reference);
    };
    let v = &tested.verdict;
    let found = match tested.p_holm < 0.05 {
        true if v.difference > 0.0 => "is better than",
        true => "is worse than",
        false => "is not found to differ from",
    };
    let p = tested.p_holm;
    let chance = if p < 0.001 { "p < .001".to_owned() } else { format!("p = {p:.3}") };
    let signed = |value: f64| format!("{:+.1}", 100.0 * value).replace('-', "−");
    format!(
        "{} {found} {} ({chance}, corrected over {family} tests): {} {} points, 95 % from {} to {}.",
        pair.run,
        pair.reference,
        metric.to_string().to_uppercase(),
        signed(v.difference),
        signed(v.low),
        signed(v.high)
    )
}

fn by_class(exchanges: &[Exchange]) -> BTreeMap<&str, Vec<&Exchange>> {
    let mut classes: BTreeMap<&str, Vec<&Exchange>> = BTreeMap::new();
    for exchange in exchanges {
        classes.entry(exchange.query.split('/').next().unwrap_or_default()).or_default().push(exchange);
    }
    classes
}

/// Every setting of every run; a run that brings none has blanks.
fn settings_sheet(runs: &[Entrant]) -> Sheet {
    let keys: BTreeSet<&String> = runs.iter().flat_map(|run| run.settings.keys()).collect();
    let cell = |value: Option<&Value>| match value {
        None | Some(Value::Null) => Cell::Nothing,
        Some(Value::String(text)) => Cell::Text(text.clone()),
        Some(Value::Array(items)) => Cell::Text(
            items
                .iter()
                .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
                .collect::<Vec<_>>()
                .join(", "),
        ),
        Some(value) => Cell::Text(value.to_string()),
    };
    let row = |key: &String| {
        std::iter::once(Cell::Text(key.clone())).chain(runs.iter().map(|run| cell(run.settings.get(key)))).collect()
    };
    Sheet {
        title: "Every setting that made each run".into(),
        heads: std::iter::once("setting".to_owned()).chain(runs.iter().map(|run| run.name.clone())).collect(),
        rows: keys.into_iter().map(row).collect(),
    }
}

/// A table that scrolls by itself where it is too wide.
fn table(sheet: &Sheet) -> Markup {
    const LONG: usize = 60;
    let kind = |cell: &Cell| match cell {
        Cell::Text(text) if text.chars().count() > LONG => "long",
        Cell::Text(_) => "",
        _ => "number",
    };
    html! {
        div.scroll tabindex="0" { table {
            @if !sheet.title.is_empty() { caption { (sheet.title) } }
            thead { tr { @for head in &sheet.heads { th scope="col" { (head) } } } }
            tbody { @for row in &sheet.rows { tr {
                @for (at, cell) in row.iter().enumerate() {
                    @if at == 0 { th scope="row" { (cell.plain()) } } @else { td class=(kind(cell)) { (cell.plain()) } }
                }
            } } }
        } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;
    use crate::eval::comparison::{Against, Entry, Settings, compare};
    use crate::eval::run::{Ranking, Run};

    const HOSTILE: &str = "<img src=x onerror=alert(1)>\"&'|";

    /// Two classes of which one run finds a hostile entity and the other does not.
    fn report() -> Report {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("entity2id.txt", format!("{HOSTILE}\t1\nant\t2\nbee\t3\ncow\t4\nfig\t5\noak\t6\n")),
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
            let rankings = vec![ranking("animals/3/1", animals), ranking("plants/3/1", plants)];
            let settings = serde_json::json!({ "mode": HOSTILE }).as_object().cloned().unwrap();
            Entry { name: name.into(), run: Run { rankings, settings, ..Run::default() }, ..Entry::default() }
        };
        let entries = [entry("first", &[4, 3], &[6]), entry(HOSTILE, &[1, 3], &[4])];
        let settings = Settings { seeds: None, metrics: Metric::ALL.to_vec(), against: Against::First, depth: 10 };
        let comparison = compare(&entries, &Dataset::open(folder.path()).unwrap(), &settings).unwrap();
        let pictures = [(EntityId(1), "data:image/jpeg;base64,AA==".to_owned())].into();
        Report { comparison, analyses: Vec::new(), notes: vec![HOSTILE.into()], pictures }
    }

    #[test]
    fn hostile_names_stay_text() {
        let report = report();
        let page = report.html();
        assert!(page.matches("&lt;img src=x onerror=alert(1)&gt;").count() > 5, "{page}");
        assert!(!page.contains("<img") && !page.contains("<script"), "{page}");
        let markdown = report.markdown();
        assert!(markdown.contains("&lt;img") && !markdown.contains("<img"), "{markdown}");
    }

    #[test]
    fn the_page_stands_alone_and_says_what_changed() {
        let page = report().html();
        assert!(!page.contains("src=\"") && !page.contains("@import") && !page.contains("<link"), "{page}");
        assert_eq!(page.matches("data:image/jpeg;base64,AA==").count(), 1, "a picture is there once");
        assert!(page.contains("class=\"pic p1\"") && page.contains("gold gained 1, lost 0"), "{page}");
        let plots = report().plots();
        let names: Vec<&str> = plots.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["metrics.svg", "scatter-1.svg", "classes-1.svg"]);
        assert!(names.iter().all(|name| report().markdown().contains(&format!("]({name})"))));
        assert!(page.contains("is not found to differ from first (p = "), "two classes tell nothing");
    }
}
