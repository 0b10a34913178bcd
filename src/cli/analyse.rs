//! `multiexpan analyse`: one measure by kind of picture, shared words, pairs or seeds.

use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

use crate::cli::arguments::{DeviceArg, mode_parser, ranking_parser, seeds_parser};
use crate::cli::output::{print_json, print_text};
use crate::cli::progress::{Reporter, interrupt};
use crate::engine::Session;
use crate::error::Result;
use crate::eval::SubgroupAnalysis;
use crate::files::write_atomic;
use crate::jobs::analyse::{Property, analyse, analyse_seeds};
use crate::jobs::compare::RunInputs;
use crate::report::analysis_plot;
use crate::table::{TableFormat, markdown_text};
use crate::types::{Mode, RankingKind, SeedCount};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    pub by: By,
}

#[derive(Debug, Subcommand)]
pub enum By {
    /// Recall of gold entities by the kinds of their pictures (image/SOURCES.tsv)
    Pictures(RunArgs),
    /// Recall of gold entities by whether their names share a word with another class
    Polysemy(RunArgs),
    /// Recall of gold entities by how many pairs they have
    Pairs(RunArgs),
    /// MAP by how many seeds of the 5-seed queries are given
    Seeds(SeedArgs),
}

#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Runs, side by side
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,

    /// Data set [default: the one that the first run's settings name]
    #[arg(long, value_name = "DIR")]
    pub dataset: Option<PathBuf>,

    /// Queries with how many seeds [default: those of the first run; 3 where it has both]
    #[arg(long, value_name = "N", value_parser = seeds_parser())]
    pub seeds: Option<SeedCount>,

    /// An entity is found among the first so many
    #[arg(long, value_name = "K", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..))]
    pub at: u16,

    #[command(flatten)]
    pub written: Written,
}

#[derive(Debug, clap::Args)]
pub struct SeedArgs {
    /// Folder of the index
    pub index: PathBuf,

    /// What the rankings see, side by side
    #[arg(long, value_name = "MODE,MODE…", value_delimiter = ',', default_value = "both,text,image", value_parser = mode_parser())]
    pub mode: Vec<Mode>,

    /// expanded: window search and re-ranking. seeds: candidates by their score over the seeds
    /// alone
    #[arg(long, default_value = "expanded", value_parser = ranking_parser(["expanded", "seeds"]))]
    pub ranking: RankingKind,

    /// MAP at 10, 20, 50 or 100
    #[arg(long, value_name = "K", default_value_t = 10)]
    pub at: usize,

    #[command(flatten)]
    pub written: Written,

    #[command(flatten)]
    pub device: DeviceArg,
}

#[derive(Debug, clap::Args)]
pub struct Written {
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// Write the plot to this file too
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people
    Table,
    /// Everything
    Json,
    /// The table
    Markdown,
    /// The plot
    Svg,
}

/// Prints the analysis.
pub fn run(args: Args) -> Result<()> {
    let mut reporter = Reporter::new(interrupt()?);
    let mut of_runs = |args: &RunArgs, property| {
        let runs = RunInputs {
            paths: &args.runs,
            dataset: args.dataset.as_deref(),
            queries: None,
            seeds: args.seeds,
        };
        analyse(&runs, property, args.at.into(), &mut reporter)
    };
    let (analysis, written) = match args.by {
        By::Pictures(args) => (of_runs(&args, Property::Images)?, args.written),
        By::Polysemy(args) => (of_runs(&args, Property::Polysemy)?, args.written),
        By::Pairs(args) => (of_runs(&args, Property::Pairs)?, args.written),
        By::Seeds(args) => {
            let session = Session::open(&args.index, None, args.device.device)?;
            (
                analyse_seeds(&session, &args.mode, args.ranking, args.at, &mut reporter)?,
                args.written,
            )
        }
    };
    drop(reporter);
    if let Some(path) = &written.plot {
        write_atomic(
            path,
            analysis_plot(&analysis, &analysis.columns)
                .file()
                .as_bytes(),
        )?;
    }
    print(&analysis, written.format)
}

fn print(analysis: &SubgroupAnalysis, format: Format) -> Result<()> {
    let said = || {
        let sentences = [
            format!("value: {}", analysis.value_description),
            format!("more: {}", analysis.contrast_description),
        ];
        sentences
            .into_iter()
            .chain(analysis.notes.iter().cloned())
            .collect::<Vec<_>>()
            .join("\n\n")
    };
    match format {
        Format::Table => print_text(&format!(
            "{}\n{}\n",
            analysis.table().to_text(),
            said().replace("\n\n", "\n")
        )),
        Format::Markdown => {
            let said: Vec<String> = said().split("\n\n").map(markdown_text).collect();
            print_text(&format!(
                "{}\n{}\n",
                analysis.table().render(TableFormat::Markdown),
                said.join("\n\n")
            ))
        }
        Format::Svg => print_text(&analysis_plot(analysis, &analysis.columns).file()),
        Format::Json => print_json(analysis),
    }
}
