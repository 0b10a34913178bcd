//! Writes the gold of a data set for TREC's tools.

use std::path::Path;

use crate::data::Dataset;
use crate::error::Result;
use crate::eval::run;

/// Writes the gold of a data set's queries as TREC qrels. Returns the number of queries with gold.
pub fn write_qrels(dataset: &Path, out: &Path) -> Result<usize> {
    run::write_qrels(&Dataset::open(dataset)?, out)
}
