//! Prints the metrics of an evaluation by class and overall.

use clap::ValueEnum;
use serde_json::{Map, Value, json};
use unicode_width::UnicodeWidthStr;

use crate::cli::output::{fit_columns, print_json, print_text};
use crate::engine::protocol::ClassCard;
use crate::error::Result;
use crate::eval::CutMetrics;
use crate::jobs::evaluate::EvaluatedQueries;
use crate::types::{CUTOFFS, MetricValues};

/// The output formats of `evaluate` and `baseline`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people
    Table,
    /// {"overall": {"map@10": …}, "classes": {…}}
    Json,
}

/// Prints the metrics.
pub(super) fn print(
    format: Format,
    classes: &[ClassCard],
    evaluated: &EvaluatedQueries,
) -> Result<()> {
    match format {
        Format::Json => print_json(&as_json(classes, evaluated)),
        Format::Table => print_text(&table(classes, evaluated)),
    }
}

fn as_json(cards: &[ClassCard], evaluated: &EvaluatedQueries) -> Value {
    let mut classes = Map::new();
    for (class, metrics, queries) in &evaluated.evaluation.classes {
        let mut columns = columns(metrics);
        columns.insert("queries".into(), json!(queries));
        let name = cards[class.index()].name.clone();
        classes.insert(name, Value::Object(columns));
    }
    let mut all = json!({
        "overall": columns(&evaluated.evaluation.overall),
        "queries": evaluated.evaluation.queries,
        "classes": classes,
    });
    if let (Some(cut), Some(all)) = (&evaluated.cut, all.as_object_mut()) {
        all.insert("boundary".into(), json!(cut));
    }
    all
}

/// Returns `{"map@10": …, "p@10": …, "ceiling@10": …}` with values from 0 to 1.
fn columns(metrics: &MetricValues) -> Map<String, Value> {
    let mut columns = Map::new();
    for (name, values) in [
        ("map", metrics.ap),
        ("p", metrics.p),
        ("ceiling", metrics.ceiling),
    ] {
        for (k, value) in CUTOFFS.iter().zip(values) {
            columns.insert(format!("{name}@{k}"), json!(value));
        }
    }
    columns
}

fn table(classes: &[ClassCard], evaluated: &EvaluatedQueries) -> String {
    let widths = classes.iter().map(|class| class.title().width());
    let width = widths.max().unwrap_or(0).clamp(8, 40);
    let mut text = fit_columns("class", width);
    for name in ["MAP", "P"] {
        for k in CUTOFFS {
            text += &format!("{:>8}", format!("{name}@{k}"));
        }
    }
    text.push('\n');
    for (class, metrics, _) in &evaluated.evaluation.classes {
        text += &row(&classes[class.index()].title(), metrics, width);
    }
    text += &row("overall", &evaluated.evaluation.overall, width);
    if let Some(cut) = &evaluated.cut {
        text += &cut_line(cut);
    }
    text
}

/// Returns a line about the cut where the class probably ends.
fn cut_line(cut: &CutMetrics) -> String {
    let percent = |value: f64| format!("{:.1}", 100.0 * value);
    format!(
        "cut where the class probably ends: F1 {}, precision {}, recall {}; calibration error {}\n",
        percent(cut.f1),
        percent(cut.precision),
        percent(cut.recall),
        percent(cut.calibration_error)
    )
}

fn row(name: &str, metrics: &MetricValues, width: usize) -> String {
    let mut text = fit_columns(name, width);
    for value in metrics.ap.iter().chain(&metrics.p) {
        text += &format!("{:>8.1}", value * 100.0);
    }
    text + "\n"
}
