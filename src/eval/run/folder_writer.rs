//! Writing folders with one file per query.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::eval::run::query_id::{queries_by_run_id, run_query_id};
use crate::eval::run::ranking::{Ranking, Run};
use crate::files;
use crate::name::one_field;
use crate::types::{EntityId, Query};

/// Pairs each ranking with its query. Error: `Mismatch` for a ranking of an unknown query.
pub(super) fn rankings_with_queries<'a>(
    run: &'a Run,
    dataset: &'a Dataset,
) -> Result<Vec<(&'a Ranking, &'a Query)>> {
    let known = queries_by_run_id(dataset);
    let mut pairs = Vec::with_capacity(run.rankings.len());
    for ranking in &run.rankings {
        let Some(query) = known.get(&run_query_id(&ranking.query)) else {
            return Err(Error::Mismatch(format!(
                "{} is not a query of {}, so that no file can be written for it",
                ranking.query, dataset.name
            )));
        };
        pairs.push((ranking, *query));
    }
    Ok(pairs)
}

/// Writes files, given as names and texts, to a folder that appears complete or not at all.
pub(super) fn write_folder(path: &Path, files: Vec<(String, String)>) -> Result<()> {
    files::create_dir_atomic(path, |folder| {
        for (name, text) in &files {
            let path = folder.join(name);
            fs::write(&path, text).map_err(Error::io("write", path))?;
        }
        Ok(())
    })
}

/// Returns the name of an entity as one field of a line; empty if only its id is known.
pub(super) fn entity_name<'a>(
    run: &'a Run,
    entity: EntityId,
    dataset: &'a Dataset,
) -> Cow<'a, str> {
    let unknown = || run.unknown_entities.get(&entity).map(String::as_str);
    let name = dataset.vocabulary.name(entity).or_else(unknown);
    one_field(name.unwrap_or_default())
}
