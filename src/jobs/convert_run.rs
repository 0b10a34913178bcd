//! Reads a run in any format.

use std::path::Path;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::eval::run::{OpenedRun, Run};
use crate::jobs::compare::open_dataset;
use crate::types::SeedCount;

/// Reads a run and its data set: `dataset`, or the one that the run's settings name.
///
/// # Errors
///
/// Fails if either cannot be opened. `Argument` if no data set is named, and `Format` if the run has
/// no query with `seeds` seeds.
pub fn read_run(
    path: &Path,
    dataset: Option<&Path>,
    seeds: Option<SeedCount>,
) -> Result<(OpenedRun, Dataset)> {
    let dataset = open_dataset(path, dataset)?;
    let opened = Run::open(path, &dataset, seeds)?;
    match seeds {
        Some(seeds) if opened.run.rankings.is_empty() => Err(Error::format(
            path,
            format!("has no query with {} seeds", seeds.as_usize()),
        )),
        _ => Ok((opened, dataset)),
    }
}
