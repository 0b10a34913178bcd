//! The names of list files.

use std::path::Path;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::eval::run::run_format::RunFormat;
use crate::name::is_same;
use crate::types::{ClassId, SeedCount};

/// The patterns of the names, for messages.
pub(super) const FILE_NAMES: &str = "<i>_<class>.txt or <class>_<i>_<3|5>.txt";

/// The query that a file name states, with the class as `C`.
pub(super) struct ListFileName<C> {
    pub format: RunFormat,
    pub class: C,
    /// The number of the query, from 0.
    pub number: usize,
    /// The number of seeds; `None` for published names, which do not state it.
    pub seeds: Option<SeedCount>,
}

/// The kinds of file names in a folder of lists.
pub(super) enum FileNameKind {
    /// The name of a query of the data set's classes.
    Query(ListFileName<ClassId>),
    /// The name of a query of a class that the data set does not have.
    UnknownClass(String),
    /// Any other name.
    Unrelated,
}

/// Returns the file name without `.gz` and `.txt`.
pub(super) fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.strip_suffix(".txt").unwrap_or(name).to_owned()
}

/// Parses a file name. Error: `Format` if the name states a known class in both formats.
pub(super) fn parse(path: &Path, dataset: &Dataset) -> Result<FileNameKind> {
    let stem = stem(path);
    let published = parse_published(&stem);
    let submitted = parse_submitted(&stem);
    let resolve = |name: &ListFileName<&str>| {
        Some(ListFileName {
            format: name.format,
            class: find_class(dataset, name.class)?,
            number: name.number,
            seeds: name.seeds,
        })
    };
    match (
        published.as_ref().and_then(resolve),
        submitted.as_ref().and_then(resolve),
    ) {
        (Some(name), None) | (None, Some(name)) => Ok(FileNameKind::Query(name)),
        (Some(_), Some(_)) => Err(Error::format(
            path,
            "could be, by its name, a published list of one class or a submitted list of another",
        )),
        (None, None) => Ok(match published.or(submitted) {
            Some(name) => FileNameKind::UnknownClass(name.class.to_owned()),
            None => FileNameKind::Unrelated,
        }),
    }
}

/// Parses `<i>_<class>`.
fn parse_published(stem: &str) -> Option<ListFileName<&str>> {
    let (number, class) = stem.split_once('_')?;
    Some(ListFileName {
        format: RunFormat::Published,
        class,
        number: number.parse().ok()?,
        seeds: None,
    })
}

/// Parses `<class>_<i>_<3|5>`.
fn parse_submitted(stem: &str) -> Option<ListFileName<&str>> {
    let (rest, seeds) = stem.rsplit_once('_')?;
    let (class, number) = rest.rsplit_once('_')?;
    Some(ListFileName {
        format: RunFormat::Nlpcc,
        class,
        number: number.parse().ok()?,
        seeds: Some(seeds.parse().ok()?),
    })
}

/// Returns the class of this name, or the class whose name up to its first dot is `name`: the
/// published code cuts names there.
fn find_class(dataset: &Dataset, name: &str) -> Option<ClassId> {
    if let Ok(class) = dataset.class(name) {
        return Some(class);
    }
    let cut = dataset.classes.iter().find(|class| {
        let start = class.name.split('.').next();
        start.is_some_and(|start| is_same(start, name))
    })?;
    dataset.class(&cut.name).ok()
}
