//! The entities that entered and left the first candidates of each query.

use std::collections::{HashMap, HashSet};

use crate::data::Dataset;
use crate::eval::comparison::comparison_result::{ChangedEntity, RankingChange};
use crate::eval::comparison::evaluated_run::EvaluatedRun;
use crate::eval::metrics::gold;
use crate::eval::query_key::{QueryKey, query_key};
use crate::types::{EntityId, Query};

/// Returns the changes among the first `depth` candidates of the queries in `keys`: entities that
/// the run gained, and that the reference lost.
pub(super) fn ranking_changes(
    [run, reference]: [&EvaluatedRun; 2],
    dataset: &Dataset,
    keys: &HashSet<QueryKey>,
    depth: usize,
) -> Vec<RankingChange> {
    let mut changes = Vec::new();
    for query in &dataset.queries {
        if !keys.contains(&query_key(query)) {
            continue;
        }
        let gained = entities_only_in(run, reference, dataset, query, depth);
        let lost = entities_only_in(reference, run, dataset, query, depth);
        if !gained.is_empty() || !lost.is_empty() {
            changes.push(RankingChange {
                query: dataset.query_id(query),
                gained,
                lost,
            });
        }
    }
    changes
}

/// Returns the entities among the first `depth` of `run` but not of `other`.
fn entities_only_in(
    run: &EvaluatedRun,
    other: &EvaluatedRun,
    dataset: &Dataset,
    query: &Query,
    depth: usize,
) -> Vec<ChangedEntity> {
    let gold = gold(&dataset.classes[query.class.index()], &query.seeds);
    let other_ranking = other.ranking(query).iter().copied();
    let other_ranks: HashMap<EntityId, usize> = other_ranking.zip(1..).collect();
    let mut changed = Vec::new();
    for (&id, rank) in run.ranking(query).iter().zip(1..).take(depth) {
        let other_rank = other_ranks.get(&id).copied();
        if other_rank.is_some_and(|other_rank| other_rank <= depth) {
            continue;
        }
        let unknown = || run.input.run.unknown_entities.get(&id).map(String::as_str);
        let name = dataset.vocabulary.name(id).or_else(unknown);
        changed.push(ChangedEntity {
            id,
            name: name.map(str::to_owned),
            gold: gold.contains(&id),
            rank,
            other_rank,
        });
    }
    changed
}
