//! What the files of lists are called.

use std::path::Path;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::eval::run::RunFormat;
use crate::name::is_same;
use crate::types::{ClassId, SeedCount};

/// How they are called, for people.
pub(super) const NAMES: &str = "<i>_<class>.txt or <class>_<i>_<3|5>.txt";

/// The query that a file is called after.
pub(super) struct ListFileName<C> {
    pub form: RunFormat,
    pub class: C,
    /// From 0.
    pub number: usize,
    /// Published names do not say it.
    pub seeds: Option<SeedCount>,
}

/// What a file is called after.
pub(super) enum FileNameKind {
    Query(ListFileName<ClassId>),
    /// A query of a class that the data set does not have.
    Foreign(String),
    /// No query.
    Stray,
}

/// The name without `.gz` and `.txt`.
pub(super) fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.strip_suffix(".txt").unwrap_or(name).to_owned()
}

/// Error: `Format` for a name that is a query's in either form, of classes that the data set has.
pub(super) fn read(path: &Path, dataset: &Dataset) -> Result<FileNameKind> {
    let stem = stem(path);
    let (published, submitted) = (published(&stem), submitted(&stem));
    let known = |name: &ListFileName<&str>| {
        let &ListFileName {
            form,
            class,
            number,
            seeds,
        } = name;
        Some(ListFileName {
            form,
            class: class_of(dataset, class)?,
            number,
            seeds,
        })
    };
    match (
        published.as_ref().and_then(known),
        submitted.as_ref().and_then(known),
    ) {
        (Some(name), None) | (None, Some(name)) => Ok(FileNameKind::Query(name)),
        (Some(_), Some(_)) => Err(Error::format(
            path,
            "could be a published list of one class or a submission's of another, by its name",
        )),
        (None, None) => Ok(match published.or(submitted) {
            Some(name) => FileNameKind::Foreign(name.class.to_owned()),
            None => FileNameKind::Stray,
        }),
    }
}

/// `<i>_<class>`
fn published(stem: &str) -> Option<ListFileName<&str>> {
    let (number, class) = stem.split_once('_')?;
    Some(ListFileName {
        form: RunFormat::Published,
        class,
        number: number.parse().ok()?,
        seeds: None,
    })
}

/// `<class>_<i>_<3|5>`
fn submitted(stem: &str) -> Option<ListFileName<&str>> {
    let (rest, seeds) = stem.rsplit_once('_')?;
    let (class, number) = rest.rsplit_once('_')?;
    Some(ListFileName {
        form: RunFormat::Nlpcc,
        class,
        number: number.parse().ok()?,
        seeds: Some(seeds.parse().ok()?),
    })
}

/// The class of this name, or the one of which it is all before the first dot, where the published
/// code cuts.
fn class_of(dataset: &Dataset, name: &str) -> Option<ClassId> {
    let is_cut = |class: &str| {
        class
            .split('.')
            .next()
            .is_some_and(|start| is_same(start, name))
    };
    let cut = || dataset.classes.iter().find(|class| is_cut(&class.name));
    dataset
        .class(name)
        .ok()
        .or_else(|| dataset.class(&cut()?.name).ok())
}
