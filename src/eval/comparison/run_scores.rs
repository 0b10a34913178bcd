//! The scores of one run, overall and by group of classes.

use std::collections::BTreeMap;

use crate::data::Dataset;
use crate::eval::aggregate::aggregate;
use crate::eval::bootstrap::bootstrap_intervals;
use crate::eval::comparison::class_group::{ClassGroup, class_groups};
use crate::eval::comparison::comparison_result::{Estimate, GroupScores, RunScores};
use crate::eval::comparison::evaluated_run::QueryMetrics;
use crate::types::{ClassId, Metric, MetricValues};

/// Averages the metrics of a run's queries.
pub(super) fn run_scores(
    query_metrics: &QueryMetrics,
    dataset: &Dataset,
    metrics: &[Metric],
) -> RunScores {
    let by_class: Vec<(ClassId, MetricValues)> = query_metrics
        .iter()
        .map(|((class, ..), values)| (*class, *values))
        .collect();
    let mut groups = Vec::new();
    for group in class_groups(dataset) {
        let scores = group_scores(group, &by_class, metrics);
        if scores.queries > 0 {
            groups.push(scores);
        }
    }
    RunScores {
        queries: query_metrics.len(),
        overall: overall(&by_class, metrics),
        groups,
    }
}

fn overall(by_class: &[(ClassId, MetricValues)], metrics: &[Metric]) -> BTreeMap<Metric, Estimate> {
    let means = aggregate(by_class.iter().copied()).overall;
    let bounds = bootstrap_intervals(by_class);
    let mut estimates = BTreeMap::new();
    for &metric in metrics {
        let interval = bounds
            .as_ref()
            .map(|(low, high)| [metric.value(low), metric.value(high)]);
        let mean = metric.value(&means);
        estimates.insert(metric, Estimate { mean, interval });
    }
    estimates
}

fn group_scores(
    group: ClassGroup,
    by_class: &[(ClassId, MetricValues)],
    metrics: &[Metric],
) -> GroupScores {
    let in_group = by_class
        .iter()
        .filter(|(class, _)| group.classes.contains(class));
    let evaluation = aggregate(in_group.copied());
    GroupScores {
        level: group.level,
        name: group.name,
        queries: evaluation.queries,
        metrics: metrics
            .iter()
            .map(|metric| (*metric, metric.value(&evaluation.overall)))
            .collect(),
    }
}
