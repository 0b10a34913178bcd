//! A run held against a data set: its lists as they are scored, and what is odd about them.

use std::collections::{HashMap, HashSet};

use super::run::{Run, key};
use super::{gold, measure};
use crate::data::Dataset;
use crate::types::{ClassId, EntityId, Measures, Protocol, Query, SeedCount};

/// A query: its class, how many seeds, its number from 0.
pub type QueryKey = (ClassId, SeedCount, usize);

/// What of a run can be scored on a data set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judged {
    /// Best first. Seeds and second appearances are left out; an entity that the vocabulary lacks keeps its place, where
    /// it can only be wrong.
    pub lists: HashMap<QueryKey, Vec<EntityId>>,
    /// What was left out or is missing, and how often.
    pub odd: Vec<(usize, &'static str)>,
}

impl Judged {
    pub fn of(run: &Run, dataset: &Dataset) -> Judged {
        let known: HashMap<String, &Query> = dataset.queries.iter().map(|q| (key(&dataset.query_id(q)), q)).collect();
        let mut lists = HashMap::new();
        let [mut unknown, mut strange, mut twice, mut seeds] = [0; 4];
        for ranking in &run.rankings {
            let Some(query) = known.get(&ranking.query) else {
                unknown += 1;
                continue;
            };
            let mut seen = HashSet::new();
            let mut list = Vec::with_capacity(ranking.candidates.len());
            for &(entity, _) in &ranking.candidates {
                if query.seeds.contains(&entity) {
                    seeds += 1;
                } else if !seen.insert(entity) {
                    twice += 1;
                } else {
                    strange += usize::from(dataset.vocabulary.name(entity).is_none());
                    list.push(entity);
                }
            }
            lists.insert(key_of(query), list);
        }
        let lacking = |count| {
            let asked: Vec<_> = dataset.queries.iter().filter(|q| q.seed_count == count).collect();
            let missing = asked.iter().filter(|q| !lists.contains_key(&key_of(q))).count();
            // a run of the one kind need not have the other
            if missing == asked.len() { 0 } else { missing }
        };
        let odd = [
            (lacking(SeedCount::Three), "queries of 3 seeds are missing"),
            (lacking(SeedCount::Five), "queries of 5 seeds are missing"),
            (unknown, "queries are not of this data set"),
            (strange, "entities are not in the vocabulary"),
            (twice, "candidates stand in a list twice"),
            (seeds, "candidates are their query's seeds"),
        ];
        Judged { lists, odd: odd.into_iter().filter(|(count, _)| *count > 0).collect() }
    }

    /// The measures of every query of this many seeds that the run has and that has gold, in the data set's order. All
    /// gold counts as reachable.
    pub fn measures(&self, dataset: &Dataset, count: SeedCount, protocol: Protocol) -> Vec<(QueryKey, Measures)> {
        let asked = dataset.queries.iter().filter(|q| q.seed_count == count);
        let measured = asked.filter_map(|query| {
            let list = self.lists.get(&key_of(query))?;
            let gold = gold(&dataset.classes[query.class.at()], &query.seeds);
            (!gold.is_empty()).then(|| (key_of(query), measure(list, &gold, gold.len(), protocol)))
        });
        measured.collect()
    }
}

/// The key of a query.
pub fn key_of(query: &Query) -> QueryKey {
    (query.class, query.seed_count, query.number)
}
