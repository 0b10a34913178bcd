//! Folders with one file a query: the published code's results and submissions to NLPCC 2024.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::column::{self, Columns, Fields};
use super::entity::{Entities, Place};
use super::odd::{FOREIGN_CLASS, STRAY};
use super::{Content, Entry, Form, List, Ranking, Run, key, queries, text};
use crate::data::{Dataset, Findings};
use crate::error::{Error, Result};
use crate::eval::{average_precision, precision};
use crate::file;
use crate::types::{CUTOFFS, ClassId, EntityId, Protocol, Query, SeedCount};

/// How lists are called.
const NAMES: &str = "<i>_<class>.txt or <class>_<i>_<3|5>.txt";
/// The published code's means over all queries, beside its lists.
const SUMMARY: &str = "summary";
/// How many numbers the published results begin with: AP at the four cutoffs, MultiExpan's P too.
const HEADERS: [usize; 2] = [4, 8];
/// So many seeds the published code leaves out of its lists, of 5 too.
const LEFT_OUT: usize = 3;
/// Stands for the classes of an entity that is in none: the published code takes the column to be there.
const NO_CLASS: &str = "none";

/// What a file is called after.
struct Named {
    form: Form,
    class: ClassId,
    /// From 0.
    number: usize,
    /// Not said by a published name.
    seeds: Option<SeedCount>,
}

struct ListFile {
    path: PathBuf,
    named: Named,
    lines: Vec<(usize, String)>,
}

pub(super) fn read(path: &Path, dataset: &Dataset, seeds: Option<SeedCount>, odd: &mut Findings) -> Result<Content> {
    if path.join("index.json").is_file() {
        return Err(Error::format(path, "is an index and no run"));
    }
    let files = list_files(path, dataset, odd)?;
    let form = one_form(path, dataset, &files, odd)?;
    let lists: Vec<Vec<Fields>> = files.iter().map(|file| file.lines.iter().map(split).collect()).collect();
    let columns = match lists.iter().all(Vec::is_empty) {
        true => return Err(Error::format(path, "has only empty lists")),
        false => column::find(&lists, &dataset.vocabulary).map_err(|why| Error::format(path, why))?,
    };
    let mut entities = Entities::new(&dataset.vocabulary, matches!(columns, Columns::Id(_)), odd);
    let entries = files.iter().zip(&lists).map(|(file, list)| read_list(&file.path, list, columns, &mut entities));
    let entries = entries.collect::<Result<Vec<_>>>()?;
    let strangers = entities.strangers;

    let told = match form {
        Form::Published => Some(tell_seeds(path, dataset, &files, &entries, seeds)?),
        _ => None,
    };
    let mut lists: Vec<(Query, List)> = Vec::with_capacity(files.len());
    for (file, entries) in files.into_iter().zip(entries) {
        let Named { class, number, seeds, .. } = file.named;
        let Some(seed_count) = seeds.or(told) else { continue };
        let query = Query { class, seed_count, number, seeds: Vec::new() };
        let list = List { query: key(&dataset.query_id(&query)), file: file.path, entries };
        if let Some((_, first)) = lists.iter().find(|(_, other)| other.query == list.query) {
            return Err(Error::format(&list.file, format!("is {}, as {} is", list.query, first.file.display())));
        }
        lists.push((query, list));
    }
    lists.sort_by_key(|(query, _)| (query.class, query.seed_count, query.number));
    let tag = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Content { form, tag, lists: lists.into_iter().map(|(_, list)| list).collect(), strangers })
}

/// The files that are called after a query of the data set's classes; others are noted.
fn list_files(folder: &Path, dataset: &Dataset, odd: &mut Findings) -> Result<Vec<ListFile>> {
    let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut paths = entries.map(|e| Ok(e.map_err(Error::io("read", folder))?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.strip_suffix(".gz").unwrap_or(&name);
        let stem = stem.strip_suffix(".txt").unwrap_or(stem);
        let readings = readings(stem);
        if readings.is_empty() || !fs::metadata(&path).map_err(Error::io("read", &path))?.is_file() {
            if stem != SUMMARY {
                odd.note(STRAY, &path, None, || format!("a list is called {NAMES}"));
            }
            continue;
        }
        let known = |&(form, class, number, seeds): &(Form, &str, usize, Option<SeedCount>)| {
            Some(Named { form, class: class_of(dataset, class)?, number, seeds })
        };
        let mut known: Vec<Named> = readings.iter().filter_map(known).collect();
        match (known.pop(), known.is_empty()) {
            (Some(named), true) => {
                let mut lines = text::read(&path, odd)?;
                if lines.first().is_some_and(|(_, line)| is_header(line)) {
                    lines.remove(0);
                }
                files.push(ListFile { named, lines, path });
            }
            (Some(_), false) => {
                let reason = "could be a published list of the one class and a submission's of another, by its name";
                return Err(Error::format(&path, reason));
            }
            (None, _) => {
                let class = readings[0].1;
                odd.note(FOREIGN_CLASS, &path, None, || format!("there is no class “{class}” in {}", dataset.name));
            }
        }
    }
    Ok(files)
}

/// What a file's name can mean: form, class, number from 0, seeds.
fn readings(stem: &str) -> Vec<(Form, &str, usize, Option<SeedCount>)> {
    let published = || {
        let (number, class) = stem.split_once('_')?;
        Some((Form::Published, class, number.parse().ok()?, None))
    };
    let nlpcc = || {
        let (rest, seeds) = stem.rsplit_once('_')?;
        let (class, number) = rest.rsplit_once('_')?;
        Some((Form::Nlpcc, class, number.parse().ok()?, Some(seeds.parse().ok()?)))
    };
    published().into_iter().chain(nlpcc()).collect()
}

/// The class of this name, or the one of which it is all before the first dot, where the published code cuts.
fn class_of(dataset: &Dataset, name: &str) -> Option<ClassId> {
    let cut = || dataset.classes.iter().find(|class| class.name.split('.').next() == Some(name));
    dataset.class(name).ok().or_else(|| dataset.class(&cut()?.name).ok())
}

/// The form that all files are of, or why there is none.
fn one_form(folder: &Path, dataset: &Dataset, files: &[ListFile], odd: &Findings) -> Result<Form> {
    let of = |form| files.iter().find(|file| file.named.form == form).map(|file| file.path.display());
    match (of(Form::Published), of(Form::Nlpcc)) {
        (Some(_), None) => Ok(Form::Published),
        (None, Some(_)) => Ok(Form::Nlpcc),
        (Some(one), Some(other)) => {
            Err(Error::format(folder, format!("mixes published lists ({one}) and a submission's ({other})")))
        }
        (None, None) => {
            let example = odd.iter().next().map(|f| format!("; {}: {}", f.file.display(), f.reason));
            let wanted = format!("files {NAMES} of classes of {}", dataset.name);
            let reason = format!("is no index (index.json) and no run ({wanted}){}", example.unwrap_or_default());
            Err(Error::format(folder, reason))
        }
    }
}

/// The published results begin with a line of metrics.
fn is_header(line: &str) -> bool {
    let fields: Vec<&str> = line.split(' ').collect();
    HEADERS.contains(&fields.len()) && fields.iter().all(|field| field.parse::<f64>().is_ok())
}

fn split((number, line): &(usize, String)) -> Fields<'_> {
    (*number, line.split('\t').map(str::trim).collect())
}

fn read_list(path: &Path, list: &[Fields], columns: Columns, entities: &mut Entities) -> Result<Vec<Entry>> {
    let mut entries = Vec::with_capacity(list.len());
    for (rank, (line, fields)) in (1u32..).zip(list) {
        let bad = |reason| Error::Line { path: path.to_owned(), line: *line, reason };
        let field = |column: usize| {
            let there = fields.get(column).filter(|field| !field.is_empty());
            there.ok_or_else(|| bad(format!("expected an entity in column {}, found {fields:?}", column + 1)))
        };
        let at = Place { file: path, line: *line };
        let entity = match columns {
            Columns::Id(column) | Columns::Name(column) => entities.find(field(column)?, at),
            Columns::Both { id, name } => {
                let number = field(id)?;
                let number = number.parse().map_err(|_| bad(format!("“{number}” is no entity id")))?;
                entities.find_both(EntityId(number), fields.get(name).copied().unwrap_or_default(), at)
            }
        };
        entries.push(Entry { line: *line, entity, score: 1.0 / f64::from(rank) });
    }
    Ok(entries)
}

/// Of how many seeds published lists are: as given; as a folder of its path says (`seed=5`); as the data set leaves no
/// choice; or by the lists, which never have the first three seeds of their own query. Error: `Format` where none tells.
fn tell_seeds(
    folder: &Path,
    dataset: &Dataset,
    files: &[ListFile],
    entries: &[Vec<Entry>],
    given: Option<SeedCount>,
) -> Result<SeedCount> {
    let counts = [SeedCount::Three, SeedCount::Five];
    let called = |part: &std::path::Component| {
        let part = part.as_os_str().to_string_lossy().into_owned();
        counts.into_iter().find(|count| part.contains(&format!("seed={}", count.number())))
    };
    if let Some(seeds) = given.or_else(|| folder.components().rev().find_map(|part| called(&part))) {
        return Ok(seeds);
    }
    let queries: HashMap<_, &Query> =
        dataset.queries.iter().map(|query| ((query.class, query.seed_count, query.number), query)).collect();
    let fits = |count: &SeedCount| {
        files.iter().zip(entries).all(|(file, entries)| {
            let query = queries.get(&(file.named.class, *count, file.named.number));
            query.is_some_and(|query| {
                let seeds: Vec<&EntityId> = query.seeds.iter().take(LEFT_OUT).collect();
                !entries.iter().any(|entry| seeds.contains(&&entry.entity))
            })
        })
    };
    let has = |count: &SeedCount| dataset.queries.iter().any(|query| query.seed_count == *count);
    let there: Vec<SeedCount> = counts.into_iter().filter(has).collect();
    match (there.as_slice(), counts.into_iter().filter(fits).collect::<Vec<_>>().as_slice()) {
        ([only], _) | (_, [only]) => Ok(*only),
        _ => Err(Error::format(
            folder,
            "does not tell whether its queries have 3 or 5 seeds: give --seeds, or have “seed=3” or “seed=5” in its name",
        )),
    }
}

/// Writes a file of lines `id<TAB>name` for each query.
pub(super) fn write_submission(run: &Run, path: &Path, dataset: &Dataset) -> Result<()> {
    let file = |(ranking, query): (&Ranking, &Query)| {
        let class = &dataset.classes[query.class.at()].name;
        let name = format!("{class}_{}_{}.txt", query.number, query.seed_count.number());
        (name, lines(run, ranking, dataset))
    };
    fill(path, with_queries(run, dataset)?.into_iter().map(file).collect())
}

/// Writes a file as the published code does for each query; gives of how many seeds they are.
pub(super) fn write_published(run: &Run, path: &Path, dataset: &Dataset) -> Result<SeedCount> {
    let lists = with_queries(run, dataset)?;
    let mut counts: Vec<SeedCount> = lists.iter().map(|(_, query)| query.seed_count).collect();
    counts.dedup();
    let &[seeds] = counts.as_slice() else {
        let reason =
            "is to hold queries of either 3 or 5 seeds, which published results do not tell apart: choose with --seeds";
        return Err(Error::format(path, reason));
    };
    let file = |(ranking, query): (&Ranking, &Query)| {
        let name = format!("{}_{}.txt", query.number, dataset.classes[query.class.at()].name);
        (name, published(run, ranking, query, dataset))
    };
    fill(path, lists.into_iter().map(file).collect())?;
    Ok(seeds)
}

/// Each list with its query. Error: `Mismatch` for one without.
fn with_queries<'a>(run: &'a Run, dataset: &'a Dataset) -> Result<Vec<(&'a Ranking, &'a Query)>> {
    let known = queries(dataset);
    let query = |ranking: &Ranking| known.get(&key(&ranking.query)).copied();
    let with = |ranking| match query(ranking) {
        Some(query) => Ok((ranking, query)),
        None => Err(Error::Mismatch(format!("{} is no query of {}, and has no file", ranking.query, dataset.name))),
    };
    run.rankings.iter().map(with).collect()
}

fn fill(path: &Path, files: Vec<(String, String)>) -> Result<()> {
    file::fill_folder(path, |folder| {
        files.iter().try_for_each(|(name, text)| {
            let path = folder.join(name);
            fs::write(&path, text).map_err(Error::io("write", path))
        })
    })
}

fn lines(run: &Run, ranking: &Ranking, dataset: &Dataset) -> String {
    let line = |entity: EntityId| format!("{entity}\t{}\n", name(run, entity, dataset));
    ranking.candidates.iter().map(|(entity, _)| line(*entity)).collect()
}

/// As the published code prints a result: its AP and P at the cutoffs, a blank line, and a line
/// `id<TAB>name<TAB><TAB>class & class` a candidate. Its gold is all members, seeds too.
fn published(run: &Run, ranking: &Ranking, query: &Query, dataset: &Dataset) -> String {
    let list: Vec<EntityId> = ranking.candidates.iter().map(|(entity, _)| *entity).collect();
    let gold = dataset.classes[query.class.at()].members.iter().copied().collect();
    let ap = CUTOFFS.map(|k| average_precision(&list, &gold, k, Protocol::Published));
    let p = CUTOFFS.map(|k| precision(&list, &gold, k, Protocol::Published));
    let numbers: Vec<String> = ap.iter().chain(&p).map(|value| format!("{value:?}")).collect();
    let mut text = format!("{}\n\n", numbers.join(" "));
    for entity in list {
        let of = dataset.classes.iter().filter(|class| class.members.contains(&entity));
        let names: Vec<&str> = of.map(|class| class.name.as_str()).collect();
        let classes = if names.is_empty() { NO_CLASS.to_owned() } else { names.join(" & ") };
        // writing to a string cannot fail
        let _ = writeln!(text, "{entity}\t{}\t\t{classes}", name(run, entity, dataset));
    }
    text
}

fn name<'a>(run: &'a Run, entity: EntityId, dataset: &'a Dataset) -> &'a str {
    let strange = || run.strangers.get(&entity).map(String::as_str);
    dataset.vocabulary.name(entity).or_else(strange).unwrap_or_default()
}
