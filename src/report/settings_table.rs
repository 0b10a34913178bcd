//! The settings of all runs as a table.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::eval::comparison::RunResult;
use crate::table::{Cell, Table};

/// Returns a table with a row per setting and a column per run. A run without a setting has an
/// empty cell.
pub(super) fn settings_table(runs: &[RunResult]) -> Table {
    let keys: BTreeSet<&String> = runs.iter().flat_map(|run| run.settings.keys()).collect();
    let mut headers = vec!["setting".to_owned()];
    headers.extend(runs.iter().map(|run| run.name.clone()));
    let mut rows = Vec::with_capacity(keys.len());
    for key in keys {
        let mut row = vec![Cell::Text(key.clone())];
        row.extend(runs.iter().map(|run| setting_cell(run.settings.get(key))));
        rows.push(row);
    }
    Table {
        title: "Every setting that made each run".into(),
        headers,
        rows,
    }
}

fn setting_cell(value: Option<&Value>) -> Cell {
    match value {
        None | Some(Value::Null) => Cell::Empty,
        Some(Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(value_text).collect();
            Cell::Text(items.join(", "))
        }
        Some(value) => Cell::Text(value_text(value)),
    }
}

/// Formats a value like JSON, but a text without quotes.
fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
