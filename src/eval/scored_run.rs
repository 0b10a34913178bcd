//! A run held against a data set: its lists as they are scored.

use std::collections::{HashMap, HashSet};

use crate::data::Dataset;
use crate::eval::metrics::{gold, ranking_metrics};
use crate::eval::run::{Run, queries_by_run_id};
use crate::types::{ClassId, EntityId, EvaluationProtocol, MetricValues, Query, SeedCount};

/// A query: its class, how many seeds, its number from 0.
pub type QueryKey = (ClassId, SeedCount, usize);

/// What of a run can be scored on a data set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScoredRun {
    /// Best first. Seeds and second appearances are left out; an entity that the vocabulary lacks
    /// keeps its place, where it can only be wrong. Reading the run says what is left out
    /// ([`Run::open`]).
    pub rankings: HashMap<QueryKey, Vec<EntityId>>,
}

impl ScoredRun {
    /// A run's lists of queries that the data set has. Whether it is of this data set is another
    /// question ([`Run::mismatch`]).
    pub fn from_run(run: &Run, dataset: &Dataset) -> ScoredRun {
        let known = queries_by_run_id(dataset);
        let lists = run.rankings.iter().filter_map(|ranking| {
            let query = known.get(&ranking.query)?;
            let mut seen: HashSet<EntityId> = query.seeds.iter().copied().collect();
            let list = ranking
                .candidates
                .iter()
                .map(|(entity, _)| *entity)
                .filter(|entity| seen.insert(*entity));
            Some((query_key(query), list.collect()))
        });
        ScoredRun {
            rankings: lists.collect(),
        }
    }

    /// The measures of every query of this many seeds that the run has and that has gold, in the
    /// data set's order. All gold counts as reachable.
    pub fn metric_values(
        &self,
        dataset: &Dataset,
        count: SeedCount,
        protocol: EvaluationProtocol,
    ) -> Vec<(QueryKey, MetricValues)> {
        let asked = dataset.queries.iter().filter(|q| q.seed_count == count);
        let measured = asked.filter_map(|query| {
            let list = self.rankings.get(&query_key(query))?;
            let gold = gold(&dataset.classes[query.class.index()], &query.seeds);
            (!gold.is_empty()).then(|| {
                (
                    query_key(query),
                    ranking_metrics(list, &gold, gold.len(), protocol),
                )
            })
        });
        measured.collect()
    }
}

/// The key of a query.
pub fn query_key(query: &Query) -> QueryKey {
    (query.class, query.seed_count, query.number)
}
