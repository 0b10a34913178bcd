//! Entities that came among the first of a query's candidates, and those that went.

use std::collections::{HashMap, HashSet};

use crate::data::Dataset;
use crate::eval::comparison::evaluated_run::EvaluatedRun;
use crate::eval::comparison::{ChangedEntity, RankingChange};
use crate::eval::metrics::gold;
use crate::eval::scored_run::{QueryKey, query_key};
use crate::types::{EntityId, Query};

/// Of every query of `keys`, among the first `depth`: gained by the run (held first), lost from the
/// reference.
pub(super) fn exchanges(
    [run, reference]: [&EvaluatedRun; 2],
    dataset: &Dataset,
    keys: &HashSet<QueryKey>,
    depth: usize,
) -> Vec<RankingChange> {
    let exchange = |query: &Query| {
        let gained = entered([run, reference], dataset, query, depth);
        let lost = entered([reference, run], dataset, query, depth);
        let changed = !gained.is_empty() || !lost.is_empty();
        changed.then(|| RankingChange {
            query: dataset.query_id(query),
            gained,
            lost,
        })
    };
    dataset
        .queries
        .iter()
        .filter(|query| keys.contains(&query_key(query)))
        .filter_map(exchange)
        .collect()
}

/// What is among the first of a list and not of the other's.
fn entered(
    [held, other]: [&EvaluatedRun; 2],
    dataset: &Dataset,
    query: &Query,
    depth: usize,
) -> Vec<ChangedEntity> {
    let wanted = gold(&dataset.classes[query.class.index()], &query.seeds);
    let ranks: HashMap<EntityId, usize> = other.list(query).iter().copied().zip(1..).collect();
    let exchanged = |(&id, rank): (&EntityId, usize)| {
        let other_rank = ranks.get(&id).copied();
        let is_new = other_rank.is_none_or(|other| other > depth);
        let name = || {
            dataset
                .vocabulary
                .name(id)
                .or_else(|| Some(held.entry.run.unknown_entities.get(&id)?.as_str()))
        };
        is_new.then(|| ChangedEntity {
            id,
            name: name().map(str::to_owned),
            gold: wanted.contains(&id),
            rank,
            other_rank,
        })
    };
    held.list(query)
        .iter()
        .zip(1..)
        .take(depth)
        .filter_map(exchanged)
        .collect()
}
