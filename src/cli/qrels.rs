//! `multiexpan qrels`: the gold of a data set for TREC tools.

use std::path::PathBuf;

use crate::cli::output::print_text;
use crate::error::Result;
use crate::jobs::qrels::write_qrels;
use crate::printable;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of the data set
    pub dataset: PathBuf,

    /// File to write: query 0 entity label, with 1 for a member and 0 for a negative
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Writes the gold of every query, without its seeds.
pub fn run(args: Args) -> Result<()> {
    let queries = write_qrels(&args.dataset, &args.out)?;
    print_text(&format!(
        "{}: the gold of {queries} queries\n",
        printable::path(&args.out)
    ))?;
    Ok(())
}
