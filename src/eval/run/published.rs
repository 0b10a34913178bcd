//! Results of the published code: a file `<i>_<class>.txt` for each query of one number of seeds.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::eval::metrics::{average_precision, precision};
use crate::eval::run::folder::{ListFile, fill, name_of, rankings_with_queries};
use crate::eval::run::{ListEntry, Ranking, Run};
use crate::eval::scored_run::{QueryKey, query_key};
use crate::name::one_field;
use crate::types::{CUTOFFS, EntityId, EvaluationProtocol, Query, SeedCount};

/// The means over all queries, beside the lists.
pub(super) const SUMMARY: &str = "summary";
/// How many numbers a list begins with: AP at the four cutoffs, MultiExpan's P too.
const HEADERS: [usize; 2] = [4, 8];
/// So many seeds are left out of the lists, of 5 too.
const LEFT_OUT: usize = 3;
/// Comes before the number of seeds in a folder's name.
const SAID: &str = "seed=";
/// Stands for the classes of an entity that is in none: the published code takes the column to be
/// there.
const NO_CLASS: &str = "none";

/// Whether a line is the metrics that a list begins with.
pub(super) fn is_header(line: &str) -> bool {
    let fields: Vec<&str> = line.split(' ').collect();
    HEADERS.contains(&fields.len()) && fields.iter().all(|field| field.parse::<f64>().is_ok())
}

/// Of how many seeds published lists are: as given; as the folder's name or that of the one above
/// it says (`seed=5`); as the data set leaves no choice; or by the lists, which never have the
/// first three seeds of their own query. Error: `Format` where none tells.
pub(super) fn infer_seed_count(
    folder: &Path,
    dataset: &Dataset,
    files: &[ListFile],
    entries: &[Vec<ListEntry>],
    given: Option<SeedCount>,
) -> Result<SeedCount> {
    let counts = [SeedCount::Three, SeedCount::Five];
    if let Some(seeds) = given.or_else(|| folder.ancestors().take(2).find_map(called)) {
        return Ok(seeds);
    }
    let queries: HashMap<QueryKey, &Query> = dataset
        .queries
        .iter()
        .map(|query| (query_key(query), query))
        .collect();
    let fits = |count: &SeedCount| {
        files.iter().zip(entries).all(|(file, entries)| {
            let query = queries.get(&(file.name.class, *count, file.name.number));
            query.is_some_and(|query| {
                let seeds: Vec<&EntityId> = query.seeds.iter().take(LEFT_OUT).collect();
                !entries.iter().any(|entry| seeds.contains(&&entry.entity))
            })
        })
    };
    let has = |count: &SeedCount| {
        dataset
            .queries
            .iter()
            .any(|query| query.seed_count == *count)
    };
    let there: Vec<SeedCount> = counts.into_iter().filter(has).collect();
    match (
        there.as_slice(),
        counts
            .into_iter()
            .filter(fits)
            .collect::<Vec<_>>()
            .as_slice(),
    ) {
        ([only], _) | (_, [only]) => Ok(*only),
        _ => Err(Error::format(
            folder,
            "does not tell whether its queries have 3 or 5 seeds: give --seeds, or have “seed=3” or “seed=5” in its name",
        )),
    }
}

/// What a folder's name says: `results_seed=5`. A number that only begins so (`seed=3407`) is
/// another's seed.
fn called(folder: &Path) -> Option<SeedCount> {
    let name = folder.file_name()?.to_string_lossy();
    let mut after = name
        .match_indices(SAID)
        .map(|(at, _)| &name[at + SAID.len()..]);
    after.find_map(|rest| {
        rest.split(|c: char| !c.is_ascii_digit())
            .next()?
            .parse()
            .ok()
    })
}

/// Writes a file as the published code does for each query; gives of how many seeds they are.
pub(super) fn write(run: &Run, path: &Path, dataset: &Dataset) -> Result<SeedCount> {
    let lists = rankings_with_queries(run, dataset)?;
    let mut counts: Vec<SeedCount> = lists.iter().map(|(_, query)| query.seed_count).collect();
    counts.dedup();
    let &[seeds] = counts.as_slice() else {
        let reason = "is to hold queries of either 3 or 5 seeds, which published results do not tell apart: choose with --seeds";
        return Err(Error::format(path, reason));
    };
    let file = |(ranking, query): (&Ranking, &Query)| {
        let called = format!(
            "{}_{}.txt",
            query.number,
            dataset.classes[query.class.index()].name
        );
        (called, text(run, ranking, query, dataset))
    };
    fill(path, lists.into_iter().map(file).collect())?;
    Ok(seeds)
}

/// As the published code prints a result: its AP and P at the cutoffs, a blank line, and a line
/// `id<TAB>name<TAB><TAB>class & class` a candidate. Its gold is all members, seeds too.
fn text(run: &Run, ranking: &Ranking, query: &Query, dataset: &Dataset) -> String {
    let list: Vec<EntityId> = ranking
        .candidates
        .iter()
        .map(|(entity, _)| *entity)
        .collect();
    let gold = dataset.classes[query.class.index()]
        .members
        .iter()
        .copied()
        .collect();
    let ap = CUTOFFS.map(|k| average_precision(&list, &gold, k, EvaluationProtocol::Published));
    let p = CUTOFFS.map(|k| precision(&list, &gold, k, EvaluationProtocol::Published));
    let numbers: Vec<String> = ap
        .iter()
        .chain(&p)
        .map(|value| format!("{value:?}"))
        .collect();
    let mut text = format!("{}\n\n", numbers.join(" "));
    for entity in list {
        let of = dataset
            .classes
            .iter()
            .filter(|class| class.members.contains(&entity));
        let names: Vec<_> = of.map(|class| one_field(&class.name)).collect();
        let classes = if names.is_empty() {
            NO_CLASS.to_owned()
        } else {
            names.join(" & ")
        };
        // writing to a string cannot fail
        let _ = writeln!(
            text,
            "{entity}\t{}\t\t{classes}",
            name_of(run, entity, dataset)
        );
    }
    text
}
