//! Formats the values of an explanation.

use crate::engine::protocol::ExplanationKind;

/// Formats a value with the number of decimal places of its kind.
pub(super) fn format_value(kind: ExplanationKind, value: f64) -> String {
    let decimals = kind.decimals();
    format!("{value:.decimals$}").replace('-', "−")
}
