//! Entities that came among the first of a query's candidates, and those that went.

use std::collections::{HashMap, HashSet};

use super::{Exchange, Exchanged};
use crate::data::Dataset;
use crate::eval::{QueryKey, gold, key_of};
use crate::types::{EntityId, Query};

type Lists = HashMap<QueryKey, Vec<EntityId>>;

/// Of every query of `keys`, among the first `depth`: gained by the run (the first lists), lost from the reference.
pub(super) fn exchanges(
    [run, reference]: [&Lists; 2],
    dataset: &Dataset,
    keys: &HashSet<QueryKey>,
    depth: usize,
) -> Vec<Exchange> {
    let exchange = |query: &Query| {
        let key = key_of(query);
        let (of_run, of_reference) = (run.get(&key)?, reference.get(&key)?);
        let entered = |list, other| entered(dataset, query, list, other, depth);
        let (gained, lost) = (entered(of_run, of_reference), entered(of_reference, of_run));
        let changed = !gained.is_empty() || !lost.is_empty();
        changed.then(|| Exchange { query: dataset.query_id(query), gained, lost })
    };
    dataset.queries.iter().filter(|query| keys.contains(&key_of(query))).filter_map(exchange).collect()
}

/// What is among the first of `list` and not of `other`.
fn entered(dataset: &Dataset, query: &Query, list: &[EntityId], other: &[EntityId], depth: usize) -> Vec<Exchanged> {
    let wanted = gold(&dataset.classes[query.class.at()], &query.seeds);
    let ranks: HashMap<EntityId, usize> = other.iter().copied().zip(1..).collect();
    let exchanged = |(&id, rank): (&EntityId, usize)| {
        let other_rank = ranks.get(&id).copied();
        let name = dataset.vocabulary.name(id).map(str::to_owned);
        let is_new = other_rank.is_none_or(|other| other > depth);
        is_new.then(|| Exchanged { id, name, gold: wanted.contains(&id), rank, other_rank })
    };
    list.iter().zip(1..).take(depth).filter_map(exchanged).collect()
}
