//! The queries that two runs share, and the differences of their metrics.

use std::collections::{HashMap, HashSet};

use crate::eval::bootstrap::Clusters;
use crate::eval::comparison::class_group::ClassGroup;
use crate::eval::comparison::comparison_result::{
    GroupDifferences, TestedDifference, UntestedDifference,
};
use crate::eval::comparison::evaluated_run::{EvaluatedRun, QueryMetrics};
use crate::eval::comparison::pair_outcome::{DIFFERENT_POOLS, PairOutcome};
use crate::eval::query_key::QueryKey;
use crate::eval::significance::{paired_test, wins_ties_losses};
use crate::types::{ClassId, Metric, MetricValues};

/// The queries that both runs have, and those that only one has. The run comes before the
/// reference.
pub(super) struct SharedQueries {
    /// The metrics of the run and of the reference, in the data set's order.
    pub(super) queries: Vec<(QueryKey, [MetricValues; 2])>,
    pub(super) unshared: [Vec<QueryKey>; 2],
}

/// Returns the queries that a run and a reference share, if the two can be compared on them.
pub(super) fn shared_queries([run, reference]: [&EvaluatedRun; 2]) -> PairOutcome<SharedQueries> {
    let name = |run: &EvaluatedRun| run.input.name.clone();
    let of_run = run.metrics.as_ref().named(&name(run));
    let of_reference = || reference.metrics.as_ref().named(&name(reference));
    of_run.and_then(|of_run| {
        of_reference().and_then(|of_reference| {
            if let (Some(joint), Some(reference_joint)) =
                (run.input.run.is_joint(), reference.input.run.is_joint())
                && joint != reference_joint
            {
                return PairOutcome::NotComparable(DIFFERENT_POOLS.into());
            }
            let shared = SharedQueries::new(of_run, of_reference);
            let count = shared.queries.len();
            if count < 2 {
                return PairOutcome::NotComparable(format!(
                    "they have {count} queries with gold in common, and a comparison takes 2"
                ));
            }
            PairOutcome::Done(shared)
        })
    })
}

impl SharedQueries {
    fn new(run: &QueryMetrics, reference: &QueryMetrics) -> SharedQueries {
        let by_key: HashMap<QueryKey, MetricValues> = reference.iter().copied().collect();
        let mut queries = Vec::new();
        let mut only_run = Vec::new();
        for (key, metrics) in run {
            match by_key.get(key) {
                Some(other) => queries.push((*key, [*metrics, *other])),
                None => only_run.push(*key),
            }
        }
        let in_run: HashSet<QueryKey> = run.iter().map(|(key, _)| *key).collect();
        let keys = reference.iter().map(|(key, _)| *key);
        let only_reference = keys.filter(|key| !in_run.contains(key)).collect();
        SharedQueries {
            queries,
            unshared: [only_run, only_reference],
        }
    }

    /// Returns the queries of a group of classes.
    pub(super) fn within(&self, group: &ClassGroup) -> SharedQueries {
        let is_in_group = |key: &QueryKey| group.classes.contains(&key.0);
        let mut queries = self.queries.clone();
        queries.retain(|(key, _)| is_in_group(key));
        let mut unshared = self.unshared.clone();
        for keys in &mut unshared {
            keys.retain(is_in_group);
        }
        SharedQueries { queries, unshared }
    }

    /// Returns the keys of the queries that both runs have.
    pub(super) fn keys(&self) -> HashSet<QueryKey> {
        self.queries.iter().map(|(key, _)| *key).collect()
    }

    /// Returns the numbers of queries that only the run and only the reference has.
    pub(super) fn unshared_counts(&self) -> [usize; 2] {
        self.unshared.each_ref().map(Vec::len)
    }

    /// Tests the difference in a metric, without correcting the p-values; `None` if there are fewer
    /// than two classes.
    pub(super) fn tested_difference(&self, metric: Metric) -> Option<TestedDifference> {
        let test = paired_test(&self.differences(metric))?;
        Some(TestedDifference {
            means: self.means(metric),
            test,
            p_holm: test.p,
            p_t_holm: test.p_t,
        })
    }

    /// Returns the differences in a group that has `known` queries with gold in the data set, whose
    /// shared queries these are.
    pub(super) fn group_differences(
        &self,
        names: [&str; 2],
        known: usize,
        metrics: &[Metric],
    ) -> PairOutcome<GroupDifferences> {
        if known == 0 {
            return PairOutcome::NotComparable("none of its queries has gold".into());
        }
        if self.queries.is_empty() {
            return self.no_shared_query(names, known);
        }
        PairOutcome::Done(GroupDifferences {
            queries: self.queries.len(),
            unshared: self.unshared_counts(),
            metrics: metrics
                .iter()
                .map(|&metric| (metric, self.untested_difference(metric)))
                .collect(),
        })
    }

    /// Returns the reason why no query of a group is shared.
    fn no_shared_query(&self, names: [&str; 2], known: usize) -> PairOutcome<GroupDifferences> {
        let [run, reference] = names;
        match self.unshared.each_ref().map(Vec::is_empty) {
            [true, true] => PairOutcome::NotRun(format!("neither has one of its {known} queries")),
            [true, false] => PairOutcome::NotRun(format!("{run} has none of its {known} queries")),
            [false, true] => {
                PairOutcome::NotRun(format!("{reference} has none of its {known} queries"))
            }
            [false, false] => {
                PairOutcome::NotComparable(format!("of its {known} queries none is in both"))
            }
        }
    }

    fn untested_difference(&self, metric: Metric) -> UntestedDifference {
        let differences = self.differences(metric);
        let clusters = Clusters::new(differences.into_iter().map(|(class, d)| (class, [d])));
        let [difference] = clusters.mean();
        let [wins, ties, losses] = wins_ties_losses(&clusters);
        let bounds = clusters.interval_if_enough_classes();
        UntestedDifference {
            means: self.means(metric),
            difference,
            interval: bounds.map(|([low], [high])| [low, high]),
            wins,
            ties,
            losses,
        }
    }

    /// Returns the difference of each query, run minus reference, with its class.
    fn differences(&self, metric: Metric) -> Vec<(ClassId, f64)> {
        let mut differences = Vec::with_capacity(self.queries.len());
        for ((class, ..), [run, reference]) in &self.queries {
            differences.push((*class, metric.value(run) - metric.value(reference)));
        }
        differences
    }

    fn means(&self, metric: Metric) -> [f64; 2] {
        let sum = |side: usize| {
            let values = self.queries.iter().map(|(_, both)| &both[side]);
            values.map(|values| metric.value(values)).sum::<f64>()
        };
        [sum(0), sum(1)].map(|sum| sum / self.queries.len() as f64)
    }
}
