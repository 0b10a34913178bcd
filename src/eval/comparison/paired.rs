//! Two runs, query by query.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::data::Dataset;
use crate::eval::bootstrap::Clusters;
use crate::eval::comparison::class_group;
use crate::eval::comparison::class_group::ClassGroup;
use crate::eval::comparison::evaluated_run::{EvaluatedRun, QueryMetrics};
use crate::eval::comparison::ranking_changes::exchanges;
use crate::eval::comparison::{
    ComparisonSettings, DIFFERENT_POOLS, GroupComparison, GroupDifferences, PairComparison,
    PairOutcome, TestedDifference, UntestedDifference,
};
use crate::eval::scored_run::QueryKey;
use crate::eval::significance::{paired_test, wins_ties_losses};
use crate::types::{ClassId, Metric, MetricValues, SeedCount};

/// What both runs have, and what one has alone.
struct SharedQueries {
    /// The measures of the run and of the reference, in the data set's order.
    queries: Vec<(QueryKey, [MetricValues; 2])>,
    alone: [Vec<QueryKey>; 2],
}

/// The run, then the reference.
pub(super) fn paired(
    held: [&EvaluatedRun; 2],
    dataset: &Dataset,
    seeds: SeedCount,
    settings: &ComparisonSettings,
) -> PairOutcome<PairComparison> {
    let common = match common(held) {
        PairOutcome::Done(common) => common,
        PairOutcome::NotRun(why) => return PairOutcome::NotRun(why),
        PairOutcome::NotComparable(why) => return PairOutcome::NotComparable(why),
    };
    let tested: Option<BTreeMap<Metric, TestedDifference>> = settings
        .metrics
        .iter()
        .map(|&metric| Some((metric, common.tested(metric)?)))
        .collect();
    let Some(metrics) = tested else {
        return PairOutcome::NotComparable(
            "the queries that they have in common are of one class alone, and a comparison takes 2"
                .into(),
        );
    };
    let asked: Vec<(QueryKey, bool)> = class_group::asked(dataset, seeds).collect();
    let names = held.map(|held| &*held.entry.name);
    let part_pair = |part: &ClassGroup| common.part_pair(part, &asked, names, &settings.metrics);
    PairOutcome::Done(PairComparison {
        queries: common.queries.len(),
        unshared: common.alone.each_ref().map(Vec::len),
        metrics,
        groups: class_group::parts(dataset)
            .iter()
            .filter_map(part_pair)
            .collect(),
        ranking_changes: exchanges(held, dataset, &common.keys(), settings.depth),
    })
}

/// The queries that two runs have in common, where the runs can be compared on them.
fn common(held: [&EvaluatedRun; 2]) -> PairOutcome<SharedQueries> {
    let mut measured = Vec::new();
    for held in held {
        match &held.measured {
            PairOutcome::Done(queries) => measured.push(queries),
            PairOutcome::NotRun(why) => {
                return PairOutcome::NotRun(format!("{}: {why}", held.entry.name));
            }
            PairOutcome::NotComparable(why) => {
                return PairOutcome::NotComparable(format!("{}: {why}", held.entry.name));
            }
        }
    }
    if let [Some(true), Some(false)] | [Some(false), Some(true)] =
        held.map(|held| held.entry.run.is_joint())
    {
        return PairOutcome::NotComparable(DIFFERENT_POOLS.into());
    }
    let common = SharedQueries::of(measured[0], measured[1]);
    if common.queries.len() < 2 {
        let count = common.queries.len();
        return PairOutcome::NotComparable(format!(
            "they have {count} queries with gold in common, and a comparison takes 2"
        ));
    }
    PairOutcome::Done(common)
}

impl SharedQueries {
    fn of(run: &QueryMetrics, reference: &QueryMetrics) -> SharedQueries {
        let of_reference: HashMap<QueryKey, MetricValues> = reference.iter().copied().collect();
        let (mut queries, mut alone) = (Vec::new(), [Vec::new(), Vec::new()]);
        for (key, measures) in run {
            match of_reference.get(key) {
                Some(other) => queries.push((*key, [*measures, *other])),
                None => alone[0].push(*key),
            }
        }
        let of_run: HashSet<QueryKey> = run.iter().map(|(key, _)| *key).collect();
        alone[1] = reference
            .iter()
            .map(|(key, _)| *key)
            .filter(|key| !of_run.contains(key))
            .collect();
        SharedQueries { queries, alone }
    }

    /// Compares the runs on one part; `None` where no query of the part is asked. `asked` tells of
    /// each query that is asked whether it has gold.
    fn part_pair(
        &self,
        part: &ClassGroup,
        asked: &[(QueryKey, bool)],
        names: [&str; 2],
        metrics: &[Metric],
    ) -> Option<GroupComparison> {
        let of_part: Vec<bool> = asked
            .iter()
            .filter(|((class, ..), _)| part.classes.contains(class))
            .map(|(_, has_gold)| *has_gold)
            .collect();
        if of_part.is_empty() {
            return None;
        }
        let with_gold = of_part.iter().filter(|has_gold| **has_gold).count();
        Some(GroupComparison {
            level: part.level,
            name: part.name.clone(),
            result: self.within(part).result(names, with_gold, metrics),
        })
    }

    fn within(&self, part: &ClassGroup) -> SharedQueries {
        let is_in = |key: &QueryKey| part.classes.contains(&key.0);
        let queries = self
            .queries
            .iter()
            .filter(|(key, _)| is_in(key))
            .copied()
            .collect();
        let alone = self
            .alone
            .each_ref()
            .map(|keys| keys.iter().filter(|key| is_in(key)).copied().collect());
        SharedQueries { queries, alone }
    }

    fn keys(&self) -> HashSet<QueryKey> {
        self.queries.iter().map(|(key, _)| *key).collect()
    }

    /// None of fewer than two classes.
    fn tested(&self, metric: Metric) -> Option<TestedDifference> {
        let verdict = paired_test(&self.differences(metric))?;
        // corrected when all pairs are known
        Some(TestedDifference {
            means: self.means(metric),
            test: verdict,
            p_holm: verdict.p,
            p_t_holm: verdict.p_t,
        })
    }

    /// The outcome of a part whose queries these are; `asked`: how many the data set has in it that
    /// have gold.
    fn result(
        &self,
        names: [&str; 2],
        asked: usize,
        metrics: &[Metric],
    ) -> PairOutcome<GroupDifferences> {
        if asked == 0 {
            return PairOutcome::NotComparable("none of its queries has gold".into());
        }
        if self.queries.is_empty() {
            return match self.alone.each_ref().map(Vec::is_empty) {
                [true, true] => {
                    PairOutcome::NotRun(format!("neither has one of its {asked} queries"))
                }
                [true, false] => {
                    PairOutcome::NotRun(format!("{} has none of its {asked} queries", names[0]))
                }
                [false, true] => {
                    PairOutcome::NotRun(format!("{} has none of its {asked} queries", names[1]))
                }
                [false, false] => {
                    PairOutcome::NotComparable(format!("of its {asked} queries none is in both"))
                }
            };
        }
        let metrics = metrics
            .iter()
            .map(|&metric| (metric, self.gap(metric)))
            .collect();
        PairOutcome::Done(GroupDifferences {
            queries: self.queries.len(),
            unshared: self.alone.each_ref().map(Vec::len),
            metrics,
        })
    }

    fn gap(&self, metric: Metric) -> UntestedDifference {
        let classes = Clusters::of(
            self.differences(metric)
                .into_iter()
                .map(|(class, d)| (class, [d])),
        );
        let [difference] = classes.mean();
        let [wins, ties, losses] = wins_ties_losses(&classes);
        let interval = classes
            .interval_of_enough()
            .map(|([low], [high])| [low, high]);
        UntestedDifference {
            means: self.means(metric),
            difference,
            interval,
            wins,
            ties,
            losses,
        }
    }

    fn differences(&self, metric: Metric) -> Vec<(ClassId, f64)> {
        let difference =
            |[run, reference]: &[MetricValues; 2]| metric.value(run) - metric.value(reference);
        self.queries
            .iter()
            .map(|((class, ..), both)| (*class, difference(both)))
            .collect()
    }

    fn means(&self, metric: Metric) -> [f64; 2] {
        let sum = |at: usize| {
            self.queries
                .iter()
                .map(|(_, both)| metric.value(&both[at]))
                .sum::<f64>()
        };
        [sum(0), sum(1)].map(|sum| sum / self.queries.len() as f64)
    }
}
