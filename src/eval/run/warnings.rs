//! Problems of a run that do not stop it from being read, by file and line.

use std::collections::HashSet;
use std::path::Path;

use crate::data::{Dataset, DiagnosticKind, Diagnostics};
use crate::eval::run::query_id::{queries_by_run_id, run_query_id};
use crate::eval::run::query_list::QueryList;
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

/// Reports everything in the lists that cannot be scored, and missing queries. `path` is that of
/// the run.
pub(super) fn report_problems(
    lists: &[QueryList],
    dataset: &Dataset,
    path: &Path,
    found: &mut Diagnostics,
) {
    let known = queries_by_run_id(dataset);
    for list in lists {
        let Some(query) = known.get(&list.query) else {
            let line = list.entries.first().map(|entry| entry.line);
            found.report(UNKNOWN_QUERY, &list.file, line, || {
                format!("“{}” is not a query of {}", list.query, dataset.name)
            });
            continue;
        };
        let count = report_entries(list, query, dataset, found);
        report_length(list, query, count, dataset, found);
        report_order(list, found);
    }
    report_missing(lists, dataset, path, found);
}

/// Reports seeds and duplicates, and returns the number of candidates that get a rank when the
/// list is scored; unknown entities do.
fn report_entries(
    list: &QueryList,
    query: &Query,
    dataset: &Dataset,
    found: &mut Diagnostics,
) -> usize {
    let mut seen: HashSet<EntityId> = HashSet::new();
    for entry in &list.entries {
        let entity = entry.entity;
        let name = || dataset.vocabulary.name(entity).unwrap_or("unknown");
        if query.seeds.contains(&entity) {
            found.report(SEED, &list.file, Some(entry.line), || {
                format!("{entity} “{}” is a seed of {}", name(), list.query)
            });
        } else if !seen.insert(entity) {
            found.report(DUPLICATE, &list.file, Some(entry.line), || {
                format!("{entity} “{}” is already in {}", name(), list.query)
            });
        }
    }
    seen.len()
}

/// Reports a list of `count` candidates that is shorter than the largest cutoff. No list can be
/// longer than the vocabulary without the seeds.
fn report_length(
    list: &QueryList,
    query: &Query,
    count: usize,
    dataset: &Dataset,
    found: &mut Diagnostics,
) {
    let candidates = dataset.vocabulary.len().saturating_sub(query.seeds.len());
    let full = CUTOFFS[3].min(candidates);
    if count < full {
        found.report(SHORT, &list.file, None, || {
            format!("{} has {count} candidates of {full}", list.query)
        });
    }
}

/// Reports the first entry whose score is higher than that of the rank before it.
fn report_order(list: &QueryList, found: &mut Diagnostics) {
    let mut pairs = list.entries.windows(2);
    if let Some(pair) = pairs.find(|pair| pair[0].score < pair[1].score) {
        found.report(UNORDERED, &list.file, Some(pair[1].line), || {
            format!(
                "a lower rank in {} has the higher score {}",
                list.query, pair[1].score
            )
        });
    }
}

/// Reports missing queries of each number of seeds of which the run has a query.
fn report_missing(lists: &[QueryList], dataset: &Dataset, path: &Path, found: &mut Diagnostics) {
    let present: HashSet<&str> = lists.iter().map(|list| list.query.as_str()).collect();
    for (count, kind) in [
        (SeedCount::Three, MISSING_THREE),
        (SeedCount::Five, MISSING_FIVE),
    ] {
        let queries = dataset.queries.iter().filter(|q| q.seed_count == count);
        let (complete, missing): (Vec<String>, Vec<String>) = queries
            .map(|query| dataset.query_id(query))
            .partition(|id| present.contains(run_query_id(id).as_str()));
        if complete.is_empty() {
            continue;
        }
        for id in missing {
            found.report(kind, path, None, || format!("there is no list for {id}"));
        }
    }
}
