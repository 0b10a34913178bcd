//! Runs: the rankings of one system for many queries, in the file formats in which runs are
//! exchanged, and gold as TREC qrels.
//!
//! * `ranking` – the types [`Run`] and [`Ranking`]
//! * `run_format` – the three formats; `trec`, `published` and `nlpcc` read or write one each
//! * `run_reader`, `run_writer` – [`Run::open`] and [`Run::write`]
//! * `run_settings` – the settings in the JSON file beside a run
//! * `list_folder`, `list_file`, `file_name`, `columns` – folders with one file per query
//! * `entity_resolver` – entities by id or by name
//! * `warnings` – everything that is wrong with a run but does not stop it from being read

mod columns;
mod entity_resolver;
mod file_name;
mod folder_writer;
mod gzip_text;
mod list_file;
mod list_folder;
mod nlpcc;
mod published;
mod qrels_writer;
mod query_id;
mod query_list;
mod ranking;
mod run_format;
mod run_reader;
mod run_settings;
mod run_writer;
#[cfg(test)]
mod tests;
mod trec;
mod warnings;

pub use qrels_writer::write_qrels;
pub(in crate::eval) use query_id::queries_by_run_id;
pub use query_id::run_query_id;
pub use ranking::{Ranking, Run, check_scores};
pub use run_format::RunFormat;
pub use run_reader::OpenedRun;
pub use run_settings::{read_settings, stated_dataset};
