//! A comparison as tables for people: values in %, p-values as they are.

use std::cmp::Ordering;

use crate::eval::comparison::comparison_result::{
    ChangedEntity, Comparison, Estimate, GroupComparison, GroupDifferences, PairComparison,
    RankingChange, RunPair, RunResult, TestedDifference, UntestedDifference,
};
use crate::eval::comparison::pair_outcome::PairOutcome;
use crate::table::{Cell, Table, percent, signed_percent, text};
use crate::types::Metric;

/// The headers of the table of tests.
const TEST_HEADERS: [&str; 13] = [
    "run",
    "reference",
    "metric",
    "difference",
    "verdict",
    "p",
    "p Holm",
    "p t-test",
    "p t-test Holm",
    "wins",
    "ties",
    "losses",
    "queries",
];

/// p-values below this are shown as "<.0001".
const LEAST_P_VALUE: f64 = 1e-4;

impl Comparison {
    /// Returns the tables of [`Comparison::summary`], then for each pair its classes by the first
    /// metric, with the levels above them, and the entities gained and lost.
    pub fn tables(&self) -> Vec<Table> {
        let mut tables = self.summary();
        for pair in &self.pairs {
            if let Some(result) = pair.result.done() {
                tables.extend(self.groups_table(pair));
                tables.push(self.ranking_changes_table(pair, result));
            }
        }
        tables
    }

    /// Returns the tables of the runs, of their metrics and, if there are pairs, of the tests.
    pub fn summary(&self) -> Vec<Table> {
        let mut tables = vec![self.runs_table(), self.metrics_table()];
        if !self.pairs.is_empty() {
            tables.push(self.tests_table());
        }
        tables
    }

    /// Returns the name of a run, with the number of its queries if some are missing.
    pub fn display_name(&self, run: &RunResult) -> String {
        match &run.scores {
            PairOutcome::Done(scores) if scores.queries < self.queries => {
                format!("{} ({} queries)", run.name, scores.queries)
            }
            _ => run.name.clone(),
        }
    }

    /// Returns the table of the runs: number of queries, file, and warnings.
    pub fn runs_table(&self) -> Table {
        Table {
            title: format!(
                "{}: {} queries of {} seeds",
                self.dataset.display(),
                self.queries,
                self.seeds.as_usize()
            ),
            headers: headers(&["run", "queries", "file", "notes"]),
            rows: self.runs.iter().map(run_row).collect(),
        }
    }

    /// Returns the table of the metrics, with a row per metric and a column per run.
    pub fn metrics_table(&self) -> Table {
        let mut headers = vec!["metric".to_owned()];
        headers.extend(self.runs.iter().map(|run| self.display_name(run)));
        Table {
            title:
                "In %, each run over its own queries, with 95 % bootstrap intervals over classes"
                    .into(),
            headers,
            rows: self.metrics.iter().map(|m| self.metric_row(*m)).collect(),
        }
    }

    fn metric_row(&self, metric: Metric) -> Vec<Cell> {
        let mut cells = vec![text(metric)];
        for run in &self.runs {
            let scores = run.scores.done();
            cells.push(match scores.and_then(|s| s.overall.get(&metric)) {
                Some(estimate) => text(estimate_text(estimate)),
                None => Cell::Empty,
            });
        }
        cells
    }

    /// Returns the table of the tests, with a row per pair and metric. A pair that was not compared
    /// has one row with the reason.
    pub fn tests_table(&self) -> Table {
        let mut rows = Vec::new();
        for pair in &self.pairs {
            match &pair.result {
                PairOutcome::Done(result) => {
                    for (metric, tested) in &result.metrics {
                        rows.push(test_row(pair, result, *metric, tested));
                    }
                }
                failed => rows.push(untested_row(pair, failed)),
            }
        }
        Table {
            title: format!(
                "Run minus reference, over the queries that both have; two-sided tests over \
                 classes, corrected over {} tests",
                self.family
            ),
            headers: headers(&TEST_HEADERS),
            rows,
        }
    }

    /// Returns the table of a pair's classes and the levels above them by the first metric; `None`
    /// if the pair was not compared.
    pub fn groups_table(&self, pair: &RunPair) -> Option<Table> {
        let result = pair.result.done()?;
        let metric = *self.metrics.first()?;
        let (run, reference) = (&*pair.run, &*pair.reference);
        let rows = result.groups.iter().map(|group| group_row(group, metric));
        Some(Table {
            title: format!("{run} against {reference}, {metric} by class and rolled up, untested"),
            headers: headers(&[
                "level",
                "group",
                "queries",
                run,
                reference,
                "difference",
                "wins",
                "ties",
                "losses",
                "notes",
            ]),
            rows: rows.collect(),
        })
    }

    fn ranking_changes_table(&self, pair: &RunPair, result: &PairComparison) -> Table {
        let changes = &result.ranking_changes;
        let [gold_gained, other_gained] = count_gold_and_other(changes, |change| &change.gained);
        let [gold_lost, other_lost] = count_gold_and_other(changes, |change| &change.lost);
        let row = |change: &RankingChange| {
            vec![
                text(&change.query),
                entity_names(&change.gained),
                entity_names(&change.lost),
            ]
        };
        Table {
            title: format!(
                "{} against {}, among the first {}: gained {gold_gained} gold and {other_gained} \
                 other, lost {gold_lost} gold and {other_lost} other (gold has a *)",
                pair.run, pair.reference, self.depth,
            ),
            headers: headers(&["query", "gained", "lost"]),
            rows: changes.iter().map(row).collect(),
        }
    }
}

fn run_row(run: &RunResult) -> Vec<Cell> {
    let queries = match run.scores.done() {
        Some(scores) => Cell::Count(scores.queries),
        None => Cell::Empty,
    };
    let mut notes: Vec<String> = run.scores.failure_reason().into_iter().collect();
    notes.extend(run.warnings.iter().cloned());
    vec![
        text(&run.name),
        queries,
        text(run.path.display()),
        text(notes.join("; ")),
    ]
}

fn test_row(
    pair: &RunPair,
    result: &PairComparison,
    metric: Metric,
    tested: &TestedDifference,
) -> Vec<Cell> {
    let test = &tested.test;
    let difference = format!(
        "{} {}",
        signed_percent(test.difference),
        interval_text([test.low, test.high], signed_percent)
    );
    vec![
        text(&pair.run),
        text(&pair.reference),
        text(metric),
        text(difference),
        text(conclusion(tested)),
        p_value(test.p),
        p_value(tested.p_holm),
        p_value(test.p_t),
        p_value(tested.p_t_holm),
        Cell::Count(test.wins),
        Cell::Count(test.ties),
        Cell::Count(test.losses),
        Cell::Count(result.queries),
    ]
}

fn conclusion(tested: &TestedDifference) -> &'static str {
    match tested.direction() {
        Ordering::Greater => "better",
        Ordering::Less => "worse",
        Ordering::Equal if tested.is_underpowered() => "too few classes",
        Ordering::Equal => "no difference found",
    }
}

fn p_value(p: f64) -> Cell {
    if p < LEAST_P_VALUE {
        return text("<.0001");
    }
    text(format!("{p:.4}"))
}

/// Returns the row of a pair that was not compared, with the reason instead of the verdict.
fn untested_row(pair: &RunPair, failed: &PairOutcome<PairComparison>) -> Vec<Cell> {
    let mut cells = vec![
        text(&pair.run),
        text(&pair.reference),
        Cell::Empty,
        Cell::Empty,
        text(failed.failure_reason().unwrap_or_default()),
    ];
    cells.resize(TEST_HEADERS.len(), Cell::Empty);
    cells
}

fn group_row(group: &GroupComparison, metric: Metric) -> Vec<Cell> {
    let mut cells = vec![text(group.level.name()), text(group.name.replace('_', " "))];
    match &group.result {
        PairOutcome::Done(differences) => cells.extend(group_cells(differences, metric)),
        failed => {
            cells.extend(std::iter::repeat_n(Cell::Empty, 7));
            cells.push(text(failed.failure_reason().unwrap_or_default()));
        }
    }
    cells
}

fn group_cells(differences: &GroupDifferences, metric: Metric) -> Vec<Cell> {
    let Some(difference) = differences.metrics.get(&metric) else {
        return Vec::new();
    };
    let [run, reference] = difference.means.map(|mean| text(padded(mean)));
    let note = match differences.unshared {
        [0, 0] => String::new(),
        [run, reference] => {
            format!("{run} queries are in the run alone, {reference} in the reference")
        }
    };
    vec![
        Cell::Count(differences.queries),
        run,
        reference,
        text(difference_text(difference)),
        Cell::Count(difference.wins),
        Cell::Count(difference.ties),
        Cell::Count(difference.losses),
        text(note),
    ]
}

fn difference_text(difference: &UntestedDifference) -> String {
    let value = signed_percent(difference.difference);
    match difference.interval {
        Some(bounds) => format!("{value} {}", interval_text(bounds, signed_percent)),
        None => value,
    }
}

fn estimate_text(estimate: &Estimate) -> String {
    let mean = padded(estimate.mean);
    match estimate.interval {
        Some(bounds) => format!("{mean} {}", interval_text(bounds, padded)),
        None => mean,
    }
}

fn interval_text(bounds: [f64; 2], format: fn(f64) -> String) -> String {
    let [low, high] = bounds.map(format);
    format!("[{}, {}]", low.trim(), high.trim())
}

/// Formats a value in %, as wide as "100.0".
fn padded(value: f64) -> String {
    format!("{:>5}", percent(value))
}

/// Counts the gold entities and the others among the entities that were gained or lost.
fn count_gold_and_other(
    changes: &[RankingChange],
    entities: fn(&RankingChange) -> &Vec<ChangedEntity>,
) -> [usize; 2] {
    let mut counts = [0, 0];
    for entity in changes.iter().flat_map(entities) {
        counts[usize::from(!entity.gold)] += 1;
    }
    counts
}

fn entity_names(entities: &[ChangedEntity]) -> Cell {
    let names: Vec<String> = entities.iter().map(entity_name).collect();
    text(names.join(", "))
}

/// Returns the name of an entity, with a star if it is gold.
fn entity_name(entity: &ChangedEntity) -> String {
    let unnamed = || format!("entity {}", entity.id);
    let name = entity.name.clone().unwrap_or_else(unnamed);
    if entity.gold {
        format!("{name}*")
    } else {
        name
    }
}

fn headers(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
