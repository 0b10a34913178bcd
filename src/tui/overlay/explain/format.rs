//! Formats the values of an explanation.

use crate::engine::protocol::ExplanationKind;
use crate::table::probability_percent;

/// Formats a value with the number of decimal places of its kind.
pub(super) fn format_value(kind: ExplanationKind, value: f64) -> String {
    if kind == ExplanationKind::Probability {
        return probability_percent(value);
    }
    let decimals = kind.decimals();
    format!("{value:.decimals$}").replace('-', "−")
}
