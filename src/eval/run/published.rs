//! Results of the published code: a file `<i>_<class>.txt` for each query of one number of seeds.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::eval::metrics::{average_precision, precision};
use crate::eval::query_key::{QueryKey, query_key};
use crate::eval::run::folder_writer::{entity_name, rankings_with_queries, write_folder};
use crate::eval::run::list_file::ListFile;
use crate::eval::run::query_list::ListEntry;
use crate::eval::run::ranking::{Ranking, Run};
use crate::name::one_field;
use crate::types::{CUTOFFS, EntityId, EvaluationProtocol, Query, SeedCount};

/// The file beside the lists with the means over all queries, without its extension.
pub(super) const SUMMARY: &str = "summary";
/// The possible numbers of values in the first line of a list: AP at the four cutoffs, and, in
/// results of MultiExpan, P as well.
const HEADER_LENGTHS: [usize; 2] = [4, 8];
/// The number of seeds that the lists leave out, even those of queries with 5 seeds.
const SEEDS_LEFT_OUT: usize = 3;
/// The text before the number of seeds in the name of a folder.
const SEED_MARKER: &str = "seed=";
/// Written for the classes of an entity that is in none, since the published code expects the
/// column to be there.
const NO_CLASS: &str = "none";

/// Returns whether a line holds the metrics with which a list begins.
pub(super) fn is_header(line: &str) -> bool {
    let fields: Vec<&str> = line.split(' ').collect();
    HEADER_LENGTHS.contains(&fields.len())
        && fields.iter().all(|field| field.parse::<f64>().is_ok())
}

/// Returns the number of seeds of published lists: `given`; or the number in the name of the
/// folder or of its parent (`seed=5`); or the only number that the data set has; or the only one
/// that agrees with the lists, which never contain the first three seeds of their own query.
/// Error: `Format` if none of these decides.
pub(super) fn infer_seed_count(
    folder: &Path,
    dataset: &Dataset,
    files: &[ListFile],
    entries: &[Vec<ListEntry>],
    given: Option<SeedCount>,
) -> Result<SeedCount> {
    let named = || folder.ancestors().take(2).find_map(seed_count_in_name);
    if let Some(seeds) = given.or_else(named) {
        return Ok(seeds);
    }
    let counts = [SeedCount::Three, SeedCount::Five];
    if let Some(only) = only_one(counts, |count| {
        dataset
            .queries
            .iter()
            .any(|query| query.seed_count == count)
    }) {
        return Ok(only);
    }
    let queries: HashMap<QueryKey, &Query> = dataset
        .queries
        .iter()
        .map(|query| (query_key(query), query))
        .collect();
    let agrees = |count| {
        files.iter().zip(entries).all(|(file, entries)| {
            let key = (file.name.class, count, file.name.number);
            queries
                .get(&key)
                .is_some_and(|query| without_first_seeds(entries, query))
        })
    };
    only_one(counts, agrees).ok_or_else(|| {
        Error::format(
            folder,
            "does not state whether its queries have 3 or 5 seeds; give --seeds, or put “seed=3” \
             or “seed=5” into its name",
        )
    })
}

/// Returns the only count for which `is_possible` holds.
fn only_one(counts: [SeedCount; 2], is_possible: impl Fn(SeedCount) -> bool) -> Option<SeedCount> {
    match counts.map(&is_possible) {
        [true, false] => Some(counts[0]),
        [false, true] => Some(counts[1]),
        _ => None,
    }
}

fn without_first_seeds(entries: &[ListEntry], query: &Query) -> bool {
    let seeds = &query.seeds[..query.seeds.len().min(SEEDS_LEFT_OUT)];
    !entries.iter().any(|entry| seeds.contains(&entry.entity))
}

/// Returns the number of seeds in the name of a folder, as in `results_seed=5`. A longer number
/// (`seed=3407`) is a random seed.
fn seed_count_in_name(folder: &Path) -> Option<SeedCount> {
    let name = folder.file_name()?.to_string_lossy();
    for (start, _) in name.match_indices(SEED_MARKER) {
        let rest = &name[start + SEED_MARKER.len()..];
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        if let Ok(count) = digits.parse() {
            return Some(count);
        }
    }
    None
}

/// Writes a file for each query as the published code does, and returns their number of seeds.
/// Error: `Format` if the run has queries of both numbers of seeds.
pub(super) fn write(run: &Run, path: &Path, dataset: &Dataset) -> Result<SeedCount> {
    let rankings = rankings_with_queries(run, dataset)?;
    let mut counts: Vec<SeedCount> = rankings.iter().map(|(_, query)| query.seed_count).collect();
    counts.dedup();
    let &[seeds] = counts.as_slice() else {
        return Err(Error::format(
            path,
            "cannot hold queries of both 3 and 5 seeds, which the names of published results do \
             not distinguish; choose with --seeds",
        ));
    };
    let mut files = Vec::with_capacity(rankings.len());
    for (ranking, query) in rankings {
        let class = &dataset.classes[query.class.index()].name;
        let name = format!("{}_{class}.txt", query.number);
        files.push((name, list_text(run, ranking, query, dataset)));
    }
    write_folder(path, files)?;
    Ok(seeds)
}

/// Formats a result like the published code: AP and P at the cutoffs, a blank line, and a line
/// `id<TAB>name<TAB><TAB>class & class` for each candidate. AP and P count seeds as gold.
fn list_text(run: &Run, ranking: &Ranking, query: &Query, dataset: &Dataset) -> String {
    let list: Vec<EntityId> = ranking.candidates.iter().map(|(e, _)| *e).collect();
    let mut text = format!("{}\n\n", header(&list, query, dataset));
    for entity in list {
        // writing to a string cannot fail
        let _ = writeln!(
            text,
            "{entity}\t{}\t\t{}",
            entity_name(run, entity, dataset),
            class_names(entity, dataset)
        );
    }
    text
}

fn header(list: &[EntityId], query: &Query, dataset: &Dataset) -> String {
    let members = dataset.classes[query.class.index()].members.iter();
    let gold = members.copied().collect();
    let protocol = EvaluationProtocol::Published;
    let ap = CUTOFFS.map(|k| average_precision(list, &gold, k, protocol));
    let p = CUTOFFS.map(|k| precision(list, &gold, k, protocol));
    let values: Vec<String> = ap.iter().chain(&p).map(|v| format!("{v:?}")).collect();
    values.join(" ")
}

fn class_names(entity: EntityId, dataset: &Dataset) -> String {
    let classes = dataset.classes.iter();
    let names: Vec<_> = classes
        .filter(|class| class.members.contains(&entity))
        .map(|class| one_field(&class.name))
        .collect();
    if names.is_empty() {
        return NO_CLASS.to_owned();
    }
    names.join(" & ")
}
