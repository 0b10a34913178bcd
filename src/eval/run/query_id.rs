//! Query ids as runs write them.

use std::collections::{HashMap, HashSet};

use crate::data::Dataset;
use crate::eval::run::query_list::QueryList;
use crate::name::{fold, one_word};
use crate::types::Query;

/// Returns a query id as run lines write it: fields end at blanks, so that the id has none
/// ([`one_word`]).
pub fn run_query_id(query_id: &str) -> String {
    one_word(query_id)
}

/// Returns the data set's queries by the [`run_query_id`] of their ids.
pub(in crate::eval) fn queries_by_run_id(dataset: &Dataset) -> HashMap<String, &Query> {
    dataset
        .queries
        .iter()
        .map(|query| (run_query_id(&dataset.query_id(query)), query))
        .collect()
}

/// Replaces query ids that differ from an id of the data set in case only by that id, unless
/// another list has it already.
pub(super) fn normalize_query_ids(lists: &mut [QueryList], dataset: &Dataset) {
    let known = queries_by_run_id(dataset);
    let by_fold: HashMap<String, &String> = known.keys().map(|id| (fold(id), id)).collect();
    let mut taken: HashSet<String> = lists.iter().map(|list| list.query.clone()).collect();
    for list in lists {
        if known.contains_key(&list.query) {
            continue;
        }
        if let Some(id) = by_fold.get(&fold(&list.query))
            && taken.insert((*id).clone())
        {
            list.query.clone_from(id);
        }
    }
}
