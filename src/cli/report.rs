//! `multiexpan report`: a comparison as a page.

use std::path::PathBuf;

use super::progress::{Reporter, interrupt};
use super::seeds_parser;
use crate::engine::analyses::report;
use crate::engine::comparison::{Against, Settings};
use crate::error::{Error, Result};
use crate::file::write_whole;
use crate::types::{Metric, SeedCount};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Runs; every other one is compared with the first
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,

    /// Folder for report.html, report.md and the plots
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// Data set with gold, queries and pictures [default: the one that the first run's settings name]
    #[arg(long, value_name = "DIR")]
    pub dataset: Option<PathBuf>,

    /// Queries with how many seeds [default: those of the first run; 3 where it has both]
    #[arg(long, value_name = "N", value_parser = seeds_parser())]
    pub seeds: Option<SeedCount>,

    /// Entities are gained and lost among the first so many
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub depth: u16,
}

/// Writes the pages and the plots, and prints where they are.
pub fn run(args: Args) -> Result<()> {
    let (metrics, against) = (Metric::ALL.to_vec(), Against::First);
    let settings = Settings { seeds: args.seeds, metrics, against, depth: args.depth.into() };
    let mut reporter = Reporter::new(interrupt()?);
    let found = report(&args.runs, args.dataset.as_deref(), &settings, &mut reporter)?;
    drop(reporter);
    std::fs::create_dir_all(&args.out).map_err(Error::io("create", &args.out))?;
    for (name, text) in found.files() {
        let path = args.out.join(name);
        write_whole(&path, text.as_bytes())?;
        println!("{}", path.display());
    }
    Ok(())
}
