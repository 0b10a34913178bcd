//! Folders with one file a query.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use crate::data::{Dataset, Diagnostics};
use crate::error::{Error, Result};
use crate::eval::run::columns;
use crate::eval::run::columns::{Columns, LineFields};
use crate::eval::run::entity_resolver::{EntityResolver, SourceLine};
use crate::eval::run::file_name;
use crate::eval::run::file_name::{FileNameKind, ListFileName, NAMES};
use crate::eval::run::warnings::{UNKNOWN_CLASS, UNRELATED_FILE};
use crate::eval::run::{
    ListEntry, QueryList, Ranking, Run, RunContent, RunFormat, published, queries_by_run_id,
    run_query_id, text,
};
use crate::files;
use crate::name::one_field;
use crate::types::{ClassId, EntityId, Query, SeedCount};

/// A list as it lies in its file.
pub(super) struct ListFile {
    pub path: PathBuf,
    pub name: ListFileName<ClassId>,
    lines: Vec<(usize, String)>,
}

/// The lists in the order of the data set's queries. `seeds`: of how many a published folder's are.
pub(super) fn read(
    path: &Path,
    dataset: &Dataset,
    seeds: Option<SeedCount>,
    odd: &mut Diagnostics,
) -> Result<RunContent> {
    if path.join("index.json").is_file() {
        return Err(Error::format(path, "is an index and no run"));
    }
    let files = list_files(path, dataset, odd)?;
    let form = one_form(path, dataset, &files, odd)?;
    let fields: Vec<Vec<LineFields>> = files
        .iter()
        .map(|file| file.lines.iter().map(split).collect())
        .collect();
    if fields.iter().all(Vec::is_empty) {
        return Err(Error::format(path, "has only empty lists"));
    }
    let unreadable = |why: String| Error::format(path, format!("cannot be read as lists: {why}"));
    let columns = columns::find(&fields, &dataset.vocabulary).map_err(unreadable)?;
    let mut entities =
        EntityResolver::new(&dataset.vocabulary, matches!(columns, Columns::Id(_)), odd);
    let entries = files
        .iter()
        .zip(&fields)
        .map(|(file, list)| read_list(&file.path, list, columns, &mut entities));
    let entries = entries.collect::<Result<Vec<_>>>()?;
    let strangers = entities.strangers;
    let told = match form {
        RunFormat::Published => Some(published::infer_seed_count(
            path, dataset, &files, &entries, seeds,
        )?),
        RunFormat::Nlpcc | RunFormat::Trec => None,
    };
    let tag = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Ok(RunContent {
        form,
        tag,
        lists: in_order(files, entries, told, dataset)?,
        strangers,
    })
}

/// The files that are called after a query of the data set's classes; others are noted.
fn list_files(folder: &Path, dataset: &Dataset, odd: &mut Diagnostics) -> Result<Vec<ListFile>> {
    let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut paths = entries
        .map(|e| Ok(e.map_err(Error::io("read", folder))?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        match file_name::read(&path, dataset)? {
            FileNameKind::Query(name)
                if fs::metadata(&path)
                    .map_err(Error::io("read", &path))?
                    .is_file() =>
            {
                let mut lines = text::read(&path, odd)?;
                if lines
                    .first()
                    .is_some_and(|(_, line)| published::is_header(line))
                {
                    lines.remove(0);
                }
                files.push(ListFile { path, name, lines });
            }
            FileNameKind::Foreign(class) => {
                odd.report(UNKNOWN_CLASS, &path, None, || {
                    format!("there is no class “{class}” in {}", dataset.name)
                });
            }
            FileNameKind::Stray if file_name::stem(&path) == published::SUMMARY => {}
            FileNameKind::Query(_) | FileNameKind::Stray => {
                odd.report(UNRELATED_FILE, &path, None, || {
                    format!("is no file {NAMES}")
                });
            }
        }
    }
    Ok(files)
}

/// The lists by query. Error: `Format` for two of one query.
fn in_order(
    files: Vec<ListFile>,
    entries: Vec<Vec<ListEntry>>,
    told: Option<SeedCount>,
    dataset: &Dataset,
) -> Result<Vec<QueryList>> {
    let list = |(file, entries): (ListFile, Vec<ListEntry>)| {
        let ListFileName {
            class,
            number,
            seeds,
            ..
        } = file.name;
        // the name says it, or the folder
        let query = Query {
            class,
            seed_count: seeds.or(told)?,
            number,
            seeds: Vec::new(),
        };
        let list = QueryList {
            query: run_query_id(&dataset.query_id(&query)),
            file: file.path,
            entries,
        };
        Some(((class, query.seed_count, number), list))
    };
    let mut lists: Vec<_> = files.into_iter().zip(entries).filter_map(list).collect();
    lists.sort_by_key(|(place, _)| *place);
    match lists.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some([(_, first), (_, second)]) => Err(Error::format(
            &second.file,
            format!("is {}, as {} is", second.query, first.file.display()),
        )),
        _ => Ok(lists.into_iter().map(|(_, list)| list).collect()),
    }
}

/// The form that all files are of, or why there is none.
fn one_form(
    folder: &Path,
    dataset: &Dataset,
    files: &[ListFile],
    odd: &Diagnostics,
) -> Result<RunFormat> {
    let of = |form| {
        files
            .iter()
            .find(|file| file.name.form == form)
            .map(|file| file.path.display())
    };
    match (of(RunFormat::Published), of(RunFormat::Nlpcc)) {
        (Some(_), None) => Ok(RunFormat::Published),
        (None, Some(_)) => Ok(RunFormat::Nlpcc),
        (Some(one), Some(other)) => Err(Error::format(
            folder,
            format!("mixes published lists ({one}) and a submission's ({other})"),
        )),
        (None, None) => {
            let example = odd
                .iter()
                .next()
                .map(|f| format!("; {}: {}", f.file.display(), f.reason));
            let wanted = format!("files {NAMES} of classes of {}", dataset.name);
            let reason = format!(
                "is no index (index.json) and no run ({wanted}){}",
                example.unwrap_or_default()
            );
            Err(Error::format(folder, reason))
        }
    }
}

fn split((number, line): &(usize, String)) -> LineFields<'_> {
    (*number, line.split('\t').map(str::trim).collect())
}

fn read_list(
    path: &Path,
    list: &[LineFields],
    columns: Columns,
    entities: &mut EntityResolver,
) -> Result<Vec<ListEntry>> {
    let mut entries = Vec::with_capacity(list.len());
    for (rank, (line, fields)) in (1u32..).zip(list) {
        let bad = |reason| Error::Line {
            path: path.to_owned(),
            line: *line,
            reason,
        };
        let field = |column: usize| {
            let there = fields.get(column).filter(|field| !field.is_empty());
            there.ok_or_else(|| {
                bad(format!(
                    "expected an entity in column {}, found {fields:?}",
                    column + 1
                ))
            })
        };
        let at = SourceLine {
            file: path,
            line: *line,
        };
        let entity = match columns {
            Columns::Id(column) | Columns::Name(column) => entities.find(field(column)?, at),
            Columns::Both { id, name } => {
                let number = field(id)?;
                let number = number
                    .parse()
                    .map_err(|_| bad(format!("“{number}” is no entity id")))?;
                entities.find_both(
                    EntityId(number),
                    fields.get(name).copied().unwrap_or_default(),
                    at,
                )
            }
        };
        entries.push(ListEntry {
            line: *line,
            entity,
            score: 1.0 / f64::from(rank),
        });
    }
    Ok(entries)
}

/// Each list with its query. Error: `Mismatch` for one without.
pub(super) fn rankings_with_queries<'a>(
    run: &'a Run,
    dataset: &'a Dataset,
) -> Result<Vec<(&'a Ranking, &'a Query)>> {
    let known = queries_by_run_id(dataset);
    let query = |ranking: &Ranking| known.get(&run_query_id(&ranking.query)).copied();
    let with = |ranking| match query(ranking) {
        Some(query) => Ok((ranking, query)),
        None => Err(Error::Mismatch(format!(
            "{} is no query of {}, and has no file",
            ranking.query, dataset.name
        ))),
    };
    run.rankings.iter().map(with).collect()
}

/// Writes the files, by name and text, as a folder that is there whole or not at all.
pub(super) fn fill(path: &Path, files: Vec<(String, String)>) -> Result<()> {
    files::create_dir_atomic(path, |folder| {
        files.iter().try_for_each(|(name, text)| {
            let path = folder.join(name);
            fs::write(&path, text).map_err(Error::io("write", path))
        })
    })
}

/// What an entity is called, as one field; nothing for one of which only the id is known.
pub(super) fn name_of<'a>(run: &'a Run, entity: EntityId, dataset: &'a Dataset) -> Cow<'a, str> {
    let strange = || run.unknown_entities.get(&entity).map(String::as_str);
    one_field(
        dataset
            .vocabulary
            .name(entity)
            .or_else(strange)
            .unwrap_or_default(),
    )
}
