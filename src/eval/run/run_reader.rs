//! Opening runs of any format.

use std::path::Path;

use crate::data::{Dataset, Diagnostics, Vocabulary};
use crate::error::{Error, Result};
use crate::eval::run::query_id::{normalize_query_ids, queries_by_run_id};
use crate::eval::run::query_list::{QueryList, RunContent};
use crate::eval::run::ranking::Run;
use crate::eval::run::run_format::RunFormat;
use crate::eval::run::run_settings::{read_settings, run_metadata, stated_seed_count};
use crate::eval::run::{list_folder, trec, warnings};
use crate::types::SeedCount;

/// A run as it was read.
#[derive(Debug)]
pub struct OpenedRun {
    pub run: Run,
    pub format: RunFormat,
    /// Everything in it that cannot be scored, is missing or is unusual.
    pub warnings: Diagnostics,
}

impl Run {
    /// Reads a run of any format: a file of TREC lines, or a folder of lists, each file plain or
    /// gzip. With `seeds`, only queries with this number of seeds are read, and a published folder
    /// whose settings do not state the number is assumed to have it.
    ///
    /// Errors: `Missing`, `Io`, `Line`, and `Format` for a path that is not a run, for columns that
    /// cannot be identified, and for invalid settings.
    pub fn open(path: &Path, dataset: &Dataset, seeds: Option<SeedCount>) -> Result<OpenedRun> {
        Run::open_with(path, dataset, seeds, seeds)
    }

    /// Like [`Run::open`], with two numbers of seeds: only queries with `wanted` seeds are kept,
    /// and a published folder whose settings state no number is assumed to have `assumed` seeds.
    pub fn open_with(
        path: &Path,
        dataset: &Dataset,
        wanted: Option<SeedCount>,
        assumed: Option<SeedCount>,
    ) -> Result<OpenedRun> {
        let metadata = run_metadata(path)?;
        let settings = read_settings(path)?;
        let mut found = Diagnostics::default();
        let mut content = if metadata.is_dir() {
            let seeds = stated_seed_count(&settings, path)?.or(assumed);
            list_folder::read(path, dataset, seeds, &mut found)?
        } else if metadata.is_file() {
            trec::read(path, &dataset.vocabulary, &mut found)?
        } else {
            return Err(Error::format(path, "is neither a file nor a folder"));
        };
        normalize_query_ids(&mut content.lists, dataset);
        if let Some(seeds) = wanted {
            keep_seed_count(&mut content.lists, dataset, seeds);
        }
        warnings::report_problems(&content.lists, dataset, path, &mut found);
        Ok(OpenedRun {
            format: content.format,
            run: content.into_run(settings),
            warnings: found,
        })
    }

    /// Reads a file of TREC lines without a data set: entities must be ids. Errors: those of
    /// [`Run::open`].
    pub fn read(path: &Path) -> Result<Run> {
        run_metadata(path)?;
        let content: RunContent =
            trec::read(path, &Vocabulary::default(), &mut Diagnostics::default())?;
        Ok(content.into_run(read_settings(path)?))
    }
}

/// Drops the lists of queries with another number of seeds; lists of unknown queries stay.
fn keep_seed_count(lists: &mut Vec<QueryList>, dataset: &Dataset, seeds: SeedCount) {
    let known = queries_by_run_id(dataset);
    lists.retain(|list| {
        known
            .get(&list.query)
            .is_none_or(|query| query.seed_count == seeds)
    });
}
