//! Submissions to NLPCC 2024's shared task: a file `<class>_<i>_<3|5>.txt` for each query.

use std::path::Path;

use crate::data::Dataset;
use crate::error::Result;
use crate::eval::run::folder::{fill, name_of, rankings_with_queries};
use crate::eval::run::{Ranking, Run};
use crate::types::{EntityId, Query};

/// Writes a line `id<TAB>name` for each candidate.
pub(super) fn write(run: &Run, path: &Path, dataset: &Dataset) -> Result<()> {
    let line = |entity: EntityId| format!("{entity}\t{}\n", name_of(run, entity, dataset));
    let file = |(ranking, query): (&Ranking, &Query)| {
        let class = &dataset.classes[query.class.index()].name;
        let called = format!(
            "{class}_{}_{}.txt",
            query.number,
            query.seed_count.as_usize()
        );
        (
            called,
            ranking
                .candidates
                .iter()
                .map(|(entity, _)| line(*entity))
                .collect(),
        )
    };
    fill(
        path,
        rankings_with_queries(run, dataset)?
            .into_iter()
            .map(file)
            .collect(),
    )
}
