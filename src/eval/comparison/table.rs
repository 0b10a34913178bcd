//! A comparison as tables for people: values in %, p-values as they are.

use std::cmp::Ordering;

use crate::eval::comparison::{
    ChangedEntity, Comparison, Estimate, GroupDifferences, PairComparison, PairOutcome, RunPair,
    RunResult, TestedDifference, UntestedDifference,
};
use crate::table::{Cell, Table, percent, signed_percent, text};
use crate::types::Metric;

impl Comparison {
    /// The runs, their metrics, the verdicts; then for each pair its classes by the first metric,
    /// with what they are rolled up to, and the entities gained and lost.
    pub fn tables(&self) -> Vec<Table> {
        let mut sheets = self.summary();
        for pair in &self.pairs {
            let PairOutcome::Done(paired) = &pair.result else {
                continue;
            };
            sheets.extend(self.parts_table(pair));
            sheets.push(self.exchanges_table(pair, paired));
        }
        sheets
    }

    /// The runs, their metrics and, where two were to be compared, the verdicts.
    pub fn summary(&self) -> Vec<Table> {
        let verdicts = (!self.pairs.is_empty()).then(|| self.verdicts_table());
        [self.runs_table(), self.metrics_table()]
            .into_iter()
            .chain(verdicts)
            .collect()
    }

    /// A run's name, with the number of its queries where it lacks some.
    pub fn display_name(&self, run: &RunResult) -> String {
        match &run.scores {
            PairOutcome::Done(scores) if scores.queries < self.queries => {
                format!("{} ({} queries)", run.name, scores.queries)
            }
            _ => run.name.clone(),
        }
    }

    /// Each run: how many queries it has, its file, what is odd about it.
    pub fn runs_table(&self) -> Table {
        let title = format!(
            "{}: {} queries of {} seeds",
            self.dataset.display(),
            self.queries,
            self.seeds.as_usize()
        );
        let rows = self.runs.iter().map(|run| {
            let (queries, why) = match &run.scores {
                PairOutcome::Done(scores) => (Cell::Count(scores.queries), None),
                refused => (Cell::Empty, refused.failure_reason()),
            };
            let remarks: Vec<String> = why
                .into_iter()
                .chain(run.warnings.iter().cloned())
                .collect();
            vec![
                text(&run.name),
                queries,
                text(run.path.display()),
                text(remarks.join("; ")),
            ]
        });
        Table {
            title,
            headers: heads(&["run", "queries", "file", "remarks"]),
            rows: rows.collect(),
        }
    }

    /// A line a metric, a column a run.
    pub fn metrics_table(&self) -> Table {
        let names = self.runs.iter().map(|run| self.display_name(run));
        let row = |metric: &Metric| {
            let estimates = self.runs.iter().map(|run| match &run.scores {
                PairOutcome::Done(scores) => scores
                    .overall
                    .get(metric)
                    .map_or(Cell::Empty, |e| text(estimate(e))),
                _ => Cell::Empty,
            });
            std::iter::once(text(metric)).chain(estimates).collect()
        };
        Table {
            title:
                "In %, each run over its own queries, with 95 % bootstrap intervals over classes"
                    .into(),
            headers: std::iter::once("metric".to_owned()).chain(names).collect(),
            rows: self.metrics.iter().map(row).collect(),
        }
    }

    /// A line a pair and metric; a pair that was not compared has one that says why.
    pub fn verdicts_table(&self) -> Table {
        let rows = self.pairs.iter().flat_map(|pair| match &pair.result {
            PairOutcome::Done(paired) => paired
                .metrics
                .iter()
                .map(|(m, tested)| tested_row(pair, *m, tested))
                .collect(),
            refused => {
                let names = [
                    text(&pair.run),
                    text(&pair.reference),
                    Cell::Empty,
                    Cell::Empty,
                ];
                let blanks = std::iter::repeat_n(Cell::Empty, 8);
                vec![
                    names
                        .into_iter()
                        .chain(refused.failure_reason().map(Cell::Text))
                        .chain(blanks)
                        .collect(),
                ]
            }
        });
        let columns = "run,reference,metric,difference,verdict,p,p Holm,p t-test,p t-test Holm,wins,ties,losses,queries";
        Table {
            title: format!(
                "Run less reference, over the queries that both have; two-sided tests over classes, corrected over {} tests",
                self.family
            ),
            headers: columns.split(',').map(str::to_owned).collect(),
            rows: rows.collect(),
        }
    }

    /// The classes of a pair by the first metric, with what they are rolled up to; none where it
    /// was not compared.
    pub fn parts_table(&self, pair: &RunPair) -> Option<Table> {
        Some(parts_table(
            pair,
            pair.result.done()?,
            *self.metrics.first()?,
        ))
    }

    fn exchanges_table(&self, pair: &RunPair, paired: &PairComparison) -> Table {
        let count = |of: fn(&crate::eval::comparison::RankingChange) -> &Vec<ChangedEntity>,
                     gold: bool| {
            paired
                .ranking_changes
                .iter()
                .flat_map(of)
                .filter(|entity| entity.gold == gold)
                .count()
        };
        let names = |entities: &[ChangedEntity]| {
            text(entities.iter().map(name).collect::<Vec<_>>().join(", "))
        };
        let title = format!(
            "{} against {}, among the first {}: gained {} gold and {} other, lost {} gold and {} other (gold has a *)",
            pair.run,
            pair.reference,
            self.depth,
            count(|e| &e.gained, true),
            count(|e| &e.gained, false),
            count(|e| &e.lost, true),
            count(|e| &e.lost, false),
        );
        let row = |e: &crate::eval::comparison::RankingChange| {
            vec![text(&e.query), names(&e.gained), names(&e.lost)]
        };
        let rows = paired.ranking_changes.iter().map(row).collect();
        Table {
            title,
            headers: heads(&["query", "gained", "lost"]),
            rows,
        }
    }
}

fn tested_row(pair: &RunPair, metric: Metric, tested: &TestedDifference) -> Vec<Cell> {
    let v = &tested.test;
    let verdict = match tested.direction() {
        Ordering::Greater => "better",
        Ordering::Less => "worse",
        Ordering::Equal if tested.is_underpowered() => "too few classes",
        Ordering::Equal => "no difference found",
    };
    let p = |p: f64| {
        text(if p < 1e-4 {
            "<.0001".to_owned()
        } else {
            format!("{p:.4}")
        })
    };
    let queries = pair
        .result
        .done()
        .map_or(Cell::Empty, |paired| Cell::Count(paired.queries));
    let names = [text(&pair.run), text(&pair.reference), text(metric)];
    let difference = text(format!(
        "{} {}",
        signed_percent(v.difference),
        interval([v.low, v.high], signed_percent)
    ));
    let tests = [v.p, tested.p_holm, v.p_t, tested.p_t_holm].map(p);
    let counts = [v.wins, v.ties, v.losses].map(Cell::Count);
    names
        .into_iter()
        .chain([difference, text(verdict)])
        .chain(tests)
        .chain(counts)
        .chain([queries])
        .collect()
}

fn parts_table(pair: &RunPair, paired: &PairComparison, metric: Metric) -> Table {
    let row = |part: &crate::eval::comparison::GroupComparison| {
        let mut cells = vec![text(part.level.name()), text(part.name.replace('_', " "))];
        match &part.result {
            PairOutcome::Done(result) => cells.extend(part_cells(result, metric)),
            refused => {
                cells.extend(std::iter::repeat_n(Cell::Empty, 7));
                cells.extend(refused.failure_reason().map(Cell::Text));
            }
        }
        cells
    };
    let (run, reference) = (&*pair.run, &*pair.reference);
    Table {
        title: format!("{run} against {reference}, {metric} by class and rolled up, untested"),
        headers: heads(&[
            "level",
            "part",
            "queries",
            run,
            reference,
            "difference",
            "wins",
            "ties",
            "losses",
            "remarks",
        ]),
        rows: paired.groups.iter().map(row).collect(),
    }
}

fn part_cells(result: &GroupDifferences, metric: Metric) -> Vec<Cell> {
    let Some(UntestedDifference {
        means,
        difference,
        interval: between,
        wins,
        ties,
        losses,
    }) = result.metrics.get(&metric)
    else {
        return Vec::new();
    };
    let between = between.map_or_else(String::new, |between| {
        format!(" {}", interval(between, signed_percent))
    });
    let alone = match result.unshared {
        [0, 0] => String::new(),
        [run, reference] => {
            format!("{run} queries are in the run alone, {reference} in the reference")
        }
    };
    let [run, reference] = means.map(|mean| text(padded(mean)));
    let counts = [wins, ties, losses].map(|count| Cell::Count(*count));
    let difference = text(signed_percent(*difference) + &between);
    [Cell::Count(result.queries), run, reference, difference]
        .into_iter()
        .chain(counts)
        .chain([text(alone)])
        .collect()
}

fn heads(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn estimate(estimate: &Estimate) -> String {
    let between = estimate.interval.map_or_else(String::new, |between| {
        format!(" {}", interval(between, padded))
    });
    padded(estimate.mean) + &between
}

fn interval(of: [f64; 2], written: fn(f64) -> String) -> String {
    let [low, high] = of.map(written);
    format!("[{}, {}]", low.trim(), high.trim())
}

/// As wide as "100.0".
fn padded(value: f64) -> String {
    format!("{:>5}", percent(value))
}

fn name(entity: &ChangedEntity) -> String {
    let name = entity
        .name
        .clone()
        .unwrap_or_else(|| format!("entity {}", entity.id));
    if entity.gold {
        format!("{name}*")
    } else {
        name
    }
}
