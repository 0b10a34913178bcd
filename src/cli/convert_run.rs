//! `multiexpan convert-run`: checks a run, and converts it to another format.

use std::path::PathBuf;

use crate::cli::arguments::{run_format_parser, seeds_parser};
use crate::cli::check::{counted, report, totals};
use crate::cli::output::print_text;
use crate::error::Result;
use crate::eval::run::{OpenedRun, RunFormat};
use crate::jobs::convert_run::read_run;
use crate::printable;
use crate::types::SeedCount;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A TREC run file, or a folder of published results or of an NLPCC 2024 submission; files may
    /// be gzipped
    pub run: PathBuf,

    /// Data set of its queries and entities [default: the one named in RUN.json]
    #[arg(long, value_name = "DIR")]
    pub dataset: Option<PathBuf>,

    /// Only queries with this number of seeds; published results do not always state it
    #[arg(long, value_name = "N", value_parser = seeds_parser())]
    pub seeds: Option<SeedCount>,

    /// Path to write the run to [default: only check the run]
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,

    /// Format to write
    #[arg(long, value_name = "FORMAT", default_value = "trec", value_parser = run_format_parser())]
    pub format: RunFormat,
}

/// Prints the warnings about the run by file and line, and writes it in another format.
pub fn run(args: Args) -> Result<()> {
    if let Some(out) = &args.out {
        args.format.check_output_path(out)?;
    }
    let (
        OpenedRun {
            run,
            format,
            warnings,
        },
        dataset,
    ) = read_run(&args.run, args.dataset.as_deref(), args.seeds)?;
    if let Some(out) = &args.out {
        run.write_as(args.format, out, &dataset)?;
    }
    let summary = format!(
        "{} ({format}) has {}",
        printable::path(&args.run),
        counted(run.rankings.len(), "list")
    );
    let text = if warnings.is_empty() {
        format!("{summary}, and no warnings\n")
    } else {
        let (report, totals) = (report(&warnings), totals(&warnings));
        format!("{report}\n{summary}, {totals}\n")
    };
    print_text(&text)
}
