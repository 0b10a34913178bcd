//! What is odd about a run, named by file and line.

use std::collections::HashSet;
use std::path::Path;

use crate::data::{Dataset, DiagnosticKind, Diagnostics};
use crate::eval::run::{QueryList, queries_by_run_id, run_query_id};
use crate::types::{CUTOFFS, EntityId, Query, SeedCount};

pub(super) const UNKNOWN_ENTITY: DiagnosticKind =
    DiagnosticKind::error("entities that are not in the vocabulary");
pub(super) const AMBIGUOUS_NAME: DiagnosticKind =
    DiagnosticKind::error("names of more than one entity");
pub(super) const ID_NAME_CONFLICT: DiagnosticKind =
    DiagnosticKind::error("entities by the id of one and the name of another");
pub(super) const UNKNOWN_NAME: DiagnosticKind =
    DiagnosticKind::warning("entities by a name that is not in the vocabulary");
pub(super) const UNKNOWN_QUERY: DiagnosticKind =
    DiagnosticKind::error("queries that are not of this data set");
pub(super) const UNKNOWN_CLASS: DiagnosticKind =
    DiagnosticKind::error("lists of classes that are not of this data set");
pub(super) const UNRELATED_FILE: DiagnosticKind =
    DiagnosticKind::warning("files that are no list of a query");
const DUPLICATE: DiagnosticKind = DiagnosticKind::error("candidates that stand in a list twice");
const SEED: DiagnosticKind = DiagnosticKind::error("candidates that are their query's seeds");
const UNORDERED: DiagnosticKind = DiagnosticKind::warning("lists whose ranks and scores disagree");
const SHORT: DiagnosticKind = DiagnosticKind::warning("lists shorter than the metrics look");
const MISSING_THREE: DiagnosticKind = DiagnosticKind::error("queries of 3 seeds that are missing");
const MISSING_FIVE: DiagnosticKind = DiagnosticKind::error("queries of 5 seeds that are missing");

/// Notes what of the lists cannot be scored or is missing; `path` is the run's.
pub(super) fn note(lists: &[QueryList], dataset: &Dataset, path: &Path, odd: &mut Diagnostics) {
    let known = queries_by_run_id(dataset);
    // no list can be longer than what there is to list
    let longest =
        |query: &Query| CUTOFFS[3].min(dataset.vocabulary.len().saturating_sub(query.seeds.len()));
    for list in lists {
        let Some(query) = known.get(&list.query) else {
            let line = list.entries.first().map(|entry| entry.line);
            odd.report(UNKNOWN_QUERY, &list.file, line, || {
                format!("“{}” is no query of {}", list.query, dataset.name)
            });
            continue;
        };
        let (places, full) = (note_entries(list, query, dataset, odd), longest(query));
        if places < full {
            odd.report(SHORT, &list.file, None, || {
                format!("{} has {places} candidates of {full}", list.query)
            });
        }
        if let Some(pair) = list
            .entries
            .windows(2)
            .find(|pair| pair[0].score < pair[1].score)
        {
            odd.report(UNORDERED, &list.file, Some(pair[1].line), || {
                format!(
                    "a lower rank in {} with the higher score {}",
                    list.query, pair[1].score
                )
            });
        }
    }
    note_missing(lists, dataset, path, odd);
}

/// Gives how many candidates have a place when the list is scored; a stranger keeps its own.
fn note_entries(
    list: &QueryList,
    query: &Query,
    dataset: &Dataset,
    odd: &mut Diagnostics,
) -> usize {
    let mut seen: HashSet<EntityId> = HashSet::new();
    for entry in &list.entries {
        let name = || {
            dataset
                .vocabulary
                .name(entry.entity)
                .unwrap_or("unknown")
                .to_owned()
        };
        let (entity, line) = (entry.entity, Some(entry.line));
        if query.seeds.contains(&entity) {
            odd.report(SEED, &list.file, line, || {
                format!("{entity} “{}” is a seed of {}", name(), list.query)
            });
        } else if !seen.insert(entity) {
            odd.report(DUPLICATE, &list.file, line, || {
                format!("{entity} “{}” came before in {}", name(), list.query)
            });
        }
    }
    seen.len()
}

/// A run of the one number of seeds need not have the other.
fn note_missing(lists: &[QueryList], dataset: &Dataset, path: &Path, odd: &mut Diagnostics) {
    let there: HashSet<&str> = lists.iter().map(|list| list.query.as_str()).collect();
    for (count, kind) in [
        (SeedCount::Three, MISSING_THREE),
        (SeedCount::Five, MISSING_FIVE),
    ] {
        let ids = dataset
            .queries
            .iter()
            .filter(|query| query.seed_count == count)
            .map(|q| dataset.query_id(q));
        let (has, lacks): (Vec<_>, Vec<_>) =
            ids.partition(|id| there.contains(run_query_id(id).as_str()));
        if !has.is_empty() {
            lacks.into_iter().for_each(|id| {
                odd.report(kind, path, None, || format!("there is no list of {id}"))
            });
        }
    }
}
