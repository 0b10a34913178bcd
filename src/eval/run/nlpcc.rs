//! Submissions to the shared task of NLPCC 2024: a file `<class>_<i>_<3|5>.txt` for each query.

use std::path::Path;

use crate::data::Dataset;
use crate::error::Result;
use crate::eval::run::folder_writer::{entity_name, rankings_with_queries, write_folder};
use crate::eval::run::ranking::Run;

/// Writes a line `id<TAB>name` for each candidate.
pub(super) fn write(run: &Run, path: &Path, dataset: &Dataset) -> Result<()> {
    let mut files = Vec::new();
    for (ranking, query) in rankings_with_queries(run, dataset)? {
        let class = &dataset.classes[query.class.index()].name;
        let name = format!(
            "{class}_{}_{}.txt",
            query.number,
            query.seed_count.as_usize()
        );
        let mut text = String::new();
        for (entity, _) in &ranking.candidates {
            text += &format!("{entity}\t{}\n", entity_name(run, *entity, dataset));
        }
        files.push((name, text));
    }
    write_folder(path, files)
}
