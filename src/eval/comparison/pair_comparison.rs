//! The comparison of a run with a reference run.

use std::collections::BTreeMap;

use crate::data::Dataset;
use crate::eval::comparison::class_group::{ClassGroup, KnownQuery, class_groups, known_queries};
use crate::eval::comparison::comparison_result::{
    GroupComparison, PairComparison, TestedDifference,
};
use crate::eval::comparison::evaluated_run::EvaluatedRun;
use crate::eval::comparison::inputs::ComparisonSettings;
use crate::eval::comparison::pair_outcome::PairOutcome;
use crate::eval::comparison::ranking_changes::ranking_changes;
use crate::eval::comparison::shared_queries::{SharedQueries, shared_queries};
use crate::types::{Metric, SeedCount};

/// Compares a run with a reference run, in this order.
pub(super) fn compare_pair(
    runs: [&EvaluatedRun; 2],
    dataset: &Dataset,
    seeds: SeedCount,
    settings: &ComparisonSettings,
) -> PairOutcome<PairComparison> {
    shared_queries(runs).and_then(|shared| {
        let Some(metrics) = tested_differences(&shared, &settings.metrics) else {
            return PairOutcome::NotComparable(
                "the queries that they have in common are of one class alone, and a comparison \
                 takes 2"
                    .into(),
            );
        };
        let known = known_queries(dataset, seeds);
        let names = runs.map(|run| run.input.name.as_str());
        let groups = class_groups(dataset);
        let groups = groups
            .into_iter()
            .filter_map(|group| compare_group(&shared, group, &known, names, &settings.metrics));
        PairOutcome::Done(PairComparison {
            queries: shared.queries.len(),
            unshared: shared.unshared_counts(),
            metrics,
            groups: groups.collect(),
            ranking_changes: ranking_changes(runs, dataset, &shared.keys(), settings.depth),
        })
    })
}

/// Tests every metric; `None` if there are fewer than two classes.
fn tested_differences(
    shared: &SharedQueries,
    metrics: &[Metric],
) -> Option<BTreeMap<Metric, TestedDifference>> {
    let mut tested = BTreeMap::new();
    for &metric in metrics {
        tested.insert(metric, shared.tested_difference(metric)?);
    }
    Some(tested)
}

/// Compares the runs on one group; `None` if the data set has no query of it.
fn compare_group(
    shared: &SharedQueries,
    group: ClassGroup,
    known: &[KnownQuery],
    names: [&str; 2],
    metrics: &[Metric],
) -> Option<GroupComparison> {
    let mut of_group = known.to_vec();
    of_group.retain(|query| group.classes.contains(&query.key.0));
    if of_group.is_empty() {
        return None;
    }
    let with_gold = of_group.iter().filter(|query| query.has_gold).count();
    let within = shared.within(&group);
    Some(GroupComparison {
        level: group.level,
        name: group.name,
        result: within.group_differences(names, with_gold, metrics),
    })
}
