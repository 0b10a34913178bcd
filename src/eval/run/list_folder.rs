//! Reading folders with one file per query.

use std::fs;
use std::path::{Path, PathBuf};

use crate::data::{Dataset, Diagnostics};
use crate::error::{Error, Result};
use crate::eval::query_key::QueryKey;
use crate::eval::run::columns::{Columns, LineFields, find_columns};
use crate::eval::run::entity_resolver::{EntityResolver, SourceLine};
use crate::eval::run::file_name::{self, FILE_NAMES, FileNameKind, ListFileName};
use crate::eval::run::list_file::ListFile;
use crate::eval::run::query_id::run_query_id;
use crate::eval::run::query_list::{ListEntry, QueryList, RunContent};
use crate::eval::run::run_format::RunFormat;
use crate::eval::run::warnings::{UNKNOWN_CLASS, UNRELATED_FILE};
use crate::eval::run::{gzip_text, published};
use crate::types::{ClassId, EntityId, Query, SeedCount};

/// Reads all lists, in the order of the data set's queries. `seeds` is the number of seeds of a
/// published folder, if it is known.
pub(super) fn read(
    path: &Path,
    dataset: &Dataset,
    seeds: Option<SeedCount>,
    found: &mut Diagnostics,
) -> Result<RunContent> {
    if path.join("index.json").is_file() {
        return Err(Error::format(path, "is an index, not a run"));
    }
    let files = read_files(path, dataset, found)?;
    let format = common_format(path, dataset, &files, found)?;
    let fields: Vec<Vec<LineFields>> = files.iter().map(split_lines).collect();
    if fields.iter().all(Vec::is_empty) {
        return Err(Error::format(path, "has only empty lists"));
    }
    let columns = find_columns(&fields, &dataset.vocabulary)
        .map_err(|why| Error::format(path, format!("cannot be read as lists: {why}")))?;
    let by_id = matches!(columns, Columns::Id(_));
    let mut resolver = EntityResolver::new(&dataset.vocabulary, by_id, found);
    let mut entries = Vec::with_capacity(files.len());
    for (file, list) in files.iter().zip(&fields) {
        entries.push(read_entries(&file.path, list, columns, &mut resolver)?);
    }
    let unknown_entities = resolver.unknown_entities;
    let folder_seeds = match format {
        RunFormat::Published => Some(published::infer_seed_count(
            path, dataset, &files, &entries, seeds,
        )?),
        RunFormat::Nlpcc | RunFormat::Trec => None,
    };
    let tag = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(RunContent {
        format,
        tag: tag.into_owned(),
        lists: sorted_lists(files, entries, folder_seeds, dataset)?,
        unknown_entities,
    })
}

/// Reads the files that are named after a query of a known class, and reports the others.
fn read_files(folder: &Path, dataset: &Dataset, found: &mut Diagnostics) -> Result<Vec<ListFile>> {
    let mut files = Vec::new();
    for path in sorted_paths(folder)? {
        match file_name::parse(&path, dataset)? {
            FileNameKind::Query(name) if is_file(&path)? => {
                let mut lines = gzip_text::read_lines(&path, found)?;
                let first = lines.first();
                if first.is_some_and(|(_, line)| published::is_header(line)) {
                    lines.remove(0);
                }
                files.push(ListFile { path, name, lines });
            }
            FileNameKind::UnknownClass(class) => {
                found.report(UNKNOWN_CLASS, &path, None, || {
                    format!("there is no class “{class}” in {}", dataset.name)
                });
            }
            FileNameKind::Unrelated if file_name::stem(&path) == published::SUMMARY => {}
            FileNameKind::Query(_) | FileNameKind::Unrelated => {
                found.report(UNRELATED_FILE, &path, None, || {
                    format!("is not a file {FILE_NAMES}")
                });
            }
        }
    }
    Ok(files)
}

fn sorted_paths(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        paths.push(entry.map_err(Error::io("read", folder))?.path());
    }
    paths.sort();
    Ok(paths)
}

fn is_file(path: &Path) -> Result<bool> {
    let metadata = fs::metadata(path).map_err(Error::io("read", path))?;
    Ok(metadata.is_file())
}

/// Returns the format of all files. Error: `Format` if there are files of two formats, or none.
fn common_format(
    folder: &Path,
    dataset: &Dataset,
    files: &[ListFile],
    found: &Diagnostics,
) -> Result<RunFormat> {
    let first_of = |format| {
        let file = files.iter().find(|file| file.name.format == format);
        file.map(|file| file.path.display())
    };
    match (first_of(RunFormat::Published), first_of(RunFormat::Nlpcc)) {
        (Some(_), None) => Ok(RunFormat::Published),
        (None, Some(_)) => Ok(RunFormat::Nlpcc),
        (Some(published), Some(submitted)) => Err(Error::format(
            folder,
            format!("mixes published lists ({published}) and lists of a submission ({submitted})"),
        )),
        (None, None) => {
            let mut reason = format!(
                "is neither an index (index.json) nor a run (files {FILE_NAMES} of classes of {})",
                dataset.name
            );
            if let Some(first) = found.iter().next() {
                reason += &format!("; {}: {}", first.file.display(), first.reason);
            }
            Err(Error::format(folder, reason))
        }
    }
}

fn split_lines(file: &ListFile) -> Vec<LineFields<'_>> {
    let lines = file.lines.iter();
    lines
        .map(|(number, line)| (*number, line.split('\t').map(str::trim).collect()))
        .collect()
}

/// Resolves the entity of each line. Error: `Line` for a line without one.
fn read_entries(
    path: &Path,
    list: &[LineFields],
    columns: Columns,
    resolver: &mut EntityResolver,
) -> Result<Vec<ListEntry>> {
    let mut entries = Vec::with_capacity(list.len());
    for (rank, (line, fields)) in (1u32..).zip(list) {
        let source = SourceLine {
            file: path,
            line: *line,
        };
        let entity =
            read_entity(fields, columns, source, resolver).map_err(|reason| Error::Line {
                path: path.to_owned(),
                line: *line,
                reason,
            })?;
        entries.push(ListEntry {
            line: *line,
            entity,
            score: 1.0 / f64::from(rank),
        });
    }
    Ok(entries)
}

/// Resolves the entity of one line, or says what is wrong with it.
fn read_entity(
    fields: &[&str],
    columns: Columns,
    source: SourceLine,
    resolver: &mut EntityResolver,
) -> std::result::Result<EntityId, String> {
    let field = |column: usize| match fields.get(column) {
        Some(field) if !field.is_empty() => Ok(*field),
        _ => Err(format!(
            "expected an entity in column {}, found {fields:?}",
            column + 1
        )),
    };
    match columns {
        Columns::Id(column) | Columns::Name(column) => Ok(resolver.find(field(column)?, source)),
        Columns::Both { id, name } => {
            let id = field(id)?;
            let id = id
                .parse()
                .map_err(|_| format!("“{id}” is not an entity id"))?;
            let name = fields.get(name).copied().unwrap_or_default();
            Ok(resolver.find_both(EntityId(id), name, source))
        }
    }
}

/// Returns the lists in the order of their queries. Error: `Format` for two lists of one query.
fn sorted_lists(
    files: Vec<ListFile>,
    entries: Vec<Vec<ListEntry>>,
    folder_seeds: Option<SeedCount>,
    dataset: &Dataset,
) -> Result<Vec<QueryList>> {
    let mut lists: Vec<(QueryKey, QueryList)> = Vec::with_capacity(files.len());
    for (file, entries) in files.into_iter().zip(entries) {
        let Some(query) = stated_query(&file.name, folder_seeds) else {
            continue;
        };
        let list = QueryList {
            query: run_query_id(&dataset.query_id(&query)),
            file: file.path,
            entries,
        };
        lists.push(((query.class, query.seed_count, query.number), list));
    }
    lists.sort_by_key(|(key, _)| *key);
    for pair in lists.windows(2) {
        let [(first_key, first), (second_key, second)] = pair else {
            continue;
        };
        if first_key == second_key {
            return Err(Error::format(
                &second.file,
                format!(
                    "is a list of {}, and so is {}",
                    second.query,
                    first.file.display()
                ),
            ));
        }
    }
    Ok(lists.into_iter().map(|(_, list)| list).collect())
}

/// Returns the query that a file name states, without seeds. Its number of seeds is in the name,
/// or that of the folder.
fn stated_query(name: &ListFileName<ClassId>, folder_seeds: Option<SeedCount>) -> Option<Query> {
    Some(Query {
        class: name.class,
        seed_count: name.seeds.or(folder_seeds)?,
        number: name.number,
        seeds: Vec::new(),
    })
}
