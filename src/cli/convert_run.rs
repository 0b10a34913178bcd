//! `multiexpan convert-run`: a run of any form, in another; and what is odd about it.

use std::path::PathBuf;

use crate::cli::arguments::{run_format_parser, seeds_parser};
use crate::cli::check::{counted, report, tally};
use crate::cli::output::print_text;
use crate::error::Result;
use crate::eval::run::{OpenedRun, RunFormat};
use crate::jobs::convert_run::read_run;
use crate::printable;
use crate::types::SeedCount;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A file of TREC lines, or a folder of published results or of a submission to NLPCC 2024;
    /// files may be gzip
    pub run: PathBuf,

    /// Data set that its queries and entities are of [default: the one that RUN.json names]
    #[arg(long, value_name = "DIR")]
    pub dataset: Option<PathBuf>,

    /// Only queries with so many seeds; published results do not always tell of how many theirs are
    #[arg(long, value_name = "N", value_parser = seeds_parser())]
    pub seeds: Option<SeedCount>,

    /// Where to write it [default: nowhere: only what is odd is told]
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,

    /// As what to write it
    #[arg(long, value_name = "FORM", default_value = "trec", value_parser = run_format_parser())]
    pub format: RunFormat,
}

/// Prints what is odd about the run, by file and line, and writes it in another form.
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
    let held = format!(
        "{} ({format}) has {}",
        printable::path(&args.run),
        counted(run.rankings.len(), "list")
    );
    let text = match warnings.is_empty() {
        true => format!("{held}, and nothing is odd\n"),
        false => format!("{}\n{held}, {}\n", report(&warnings), tally(&warnings)),
    };
    print_text(&text)
}
