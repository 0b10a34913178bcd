//! A run as it is scored on a data set.

use std::collections::{HashMap, HashSet};

use crate::data::Dataset;
use crate::eval::metrics::{gold, ranking_metrics};
use crate::eval::query_key::{QueryKey, query_key};
use crate::eval::run::{Run, queries_by_run_id};
use crate::types::{EntityId, EvaluationProtocol, MetricValues, SeedCount};

/// The rankings of a run that can be scored on a data set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScoredRun {
    /// The ranking of each query, best first, without seeds and duplicates. An entity that is not
    /// in the vocabulary keeps its rank, where it counts as wrong. [`Run::open`] reports what is
    /// left out.
    pub rankings: HashMap<QueryKey, Vec<EntityId>>,
}

impl ScoredRun {
    /// Takes the rankings of all queries that the data set has. It is not checked whether the run
    /// was made for this data set ([`Run::mismatch`]).
    pub fn from_run(run: &Run, dataset: &Dataset) -> ScoredRun {
        let known = queries_by_run_id(dataset);
        let mut rankings = HashMap::new();
        for ranking in &run.rankings {
            let Some(query) = known.get(&ranking.query) else {
                continue;
            };
            let mut seen: HashSet<EntityId> = query.seeds.iter().copied().collect();
            let entities = ranking.candidates.iter().map(|(entity, _)| *entity);
            let scored = entities.filter(|entity| seen.insert(*entity)).collect();
            rankings.insert(query_key(query), scored);
        }
        ScoredRun { rankings }
    }

    /// Returns the metrics of every query with this number of seeds that the run has and that has
    /// gold, in the data set's order. All gold counts as reachable.
    pub fn metric_values(
        &self,
        dataset: &Dataset,
        count: SeedCount,
        protocol: EvaluationProtocol,
    ) -> Vec<(QueryKey, MetricValues)> {
        let mut values = Vec::new();
        for query in dataset.queries.iter().filter(|q| q.seed_count == count) {
            let key = query_key(query);
            let Some(ranking) = self.rankings.get(&key) else {
                continue;
            };
            let gold = gold(&dataset.classes[query.class.index()], &query.seeds);
            if !gold.is_empty() {
                let metrics = ranking_metrics(ranking, &gold, gold.len(), protocol);
                values.push((key, metrics));
            }
        }
        values
    }
}
