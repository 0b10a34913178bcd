//! The conclusion of the significance test of a pair, in a sentence.

use std::cmp::Ordering;

use crate::eval::comparison::{RunPair, TestedDifference};
use crate::table::signed_percent;
use crate::types::Metric;

/// p-values below this are shown as "p < .001".
const LEAST_P_VALUE: f64 = 0.001;

/// Returns the result of the test of a metric in a sentence. `family` is the number of tests that
/// were corrected together.
pub(super) fn conclusion(pair: &RunPair, metric: Option<&Metric>, family: usize) -> String {
    let (run, reference) = (&pair.run, &pair.reference);
    let tested = metric.and_then(|metric| {
        let result = pair.result.done()?;
        Some((metric, result.metrics.get(metric)?))
    });
    let Some((metric, tested)) = tested else {
        let reason = pair.result.failure_reason();
        let reason = reason.unwrap_or_else(|| "nothing was tested".into());
        return format!("{run} against {reference}: {reason}.");
    };
    let test = &tested.test;
    let [difference, low, high] = [test.difference, test.low, test.high].map(signed_percent);
    format!(
        "{run} {} {reference} ({}, corrected over {family} tests): {} {difference} points, 95 % \
         from {low} to {high}.",
        verb_phrase(tested),
        p_value(tested.p_holm),
        metric.to_string().to_uppercase(),
    )
}

fn verb_phrase(tested: &TestedDifference) -> &'static str {
    if tested.is_underpowered() {
        return "has too few classes to show a difference from";
    }
    match tested.direction() {
        Ordering::Greater => "is better than",
        Ordering::Less => "is worse than",
        Ordering::Equal => "is not found to differ from",
    }
}

fn p_value(p: f64) -> String {
    if p < LEAST_P_VALUE {
        "p < .001".to_owned()
    } else {
        format!("p = {p:.3}")
    }
}
