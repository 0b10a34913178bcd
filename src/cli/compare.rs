//! `multiexpan compare`: runs held against each other.

use clap::ValueEnum;
use std::path::PathBuf;

use super::{json, seeds_parser};
use crate::engine::comparison::{Against, Settings};
use crate::engine::jobs;
use crate::error::Result;
use crate::sheet::Form;
use crate::types::{Metric, SeedCount};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Runs; every other one is compared with the first
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,

    /// Data set with gold and queries [default: the one that the first run's settings name]
    #[arg(long, value_name = "DIR")]
    pub dataset: Option<PathBuf>,

    /// Queries with how many seeds [default: those of the first run; 3 where it has both]
    #[arg(long, value_name = "N", value_parser = seeds_parser())]
    pub seeds: Option<SeedCount>,

    /// What is compared, and corrected for being many [default: MAP and P at 10, 20, 50 and 100]
    #[arg(long, value_name = "METRIC,METRIC…", value_delimiter = ',')]
    pub metrics: Option<Vec<Metric>>,

    /// Compare every run with every other one
    #[arg(long)]
    pub all_pairs: bool,

    /// Entities are gained and lost among the first so many
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub depth: u16,

    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people; classes by the first metric
    Table,
    /// Everything
    Json,
    /// The tables
    Markdown,
}

/// Prints the comparison.
pub fn run(args: Args) -> Result<()> {
    let mut metrics = args.metrics.unwrap_or_else(|| Metric::ALL.to_vec());
    metrics.sort();
    metrics.dedup();
    let against = if args.all_pairs { Against::All } else { Against::First };
    let settings = Settings { seeds: args.seeds, metrics, against, depth: args.depth.into() };
    let comparison = jobs::compare(&args.runs, args.dataset.as_deref(), &settings)?;
    let tables = |written: fn(&crate::sheet::Sheet) -> String| {
        comparison.sheets().iter().map(written).collect::<Vec<_>>().join("\n")
    };
    match args.format {
        Format::Table => print!("{}", tables(|sheet| sheet.text())),
        Format::Markdown => print!("{}", tables(|sheet| sheet.write(Form::Markdown))),
        Format::Json => println!("{}", json(&comparison)?),
    }
    Ok(())
}
