//! `multiexpan compare`: confidence intervals, significance tests and per-class results of runs.

use clap::ValueEnum;
use std::path::PathBuf;

use crate::cli::arguments::seeds_parser;
use crate::cli::output::{print_json, print_text};
use crate::error::Result;
use crate::eval::comparison::{Comparison, ComparisonSettings, PairSelection};
use crate::jobs::compare::{RunInputs, compare};
use crate::table::{Table, TableFormat};
use crate::types::{Metric, SeedCount};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub compared: CompareArgs,

    /// Also print every class, the coarser classes, and the entities gained and lost; Markdown and
    /// JSON always have them
    #[arg(long)]
    pub details: bool,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// The runs and the settings of the comparison.
#[derive(Debug, clap::Args)]
pub struct CompareArgs {
    /// Runs; the first is the reference run that the others are compared with
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,

    /// Data set with gold and queries [default: the one named in the first run's settings]
    #[arg(long, value_name = "DIR")]
    pub dataset: Option<PathBuf>,

    /// Folder of query files to use instead of the data set's, for runs of `evaluate --queries`
    #[arg(long, value_name = "DIR")]
    pub queries: Option<PathBuf>,

    /// Number of seeds of the queries [default: that of the first run, or 3 if it has both]
    #[arg(long, value_name = "N", value_parser = seeds_parser())]
    pub seeds: Option<SeedCount>,

    /// Metrics to compare, corrected for multiple tests [default: MAP and P at 10, 20, 50 and 100]
    #[arg(long, value_name = "METRIC,METRIC…", value_delimiter = ',')]
    pub metrics: Option<Vec<Metric>>,

    /// Compare every run with every other one
    #[arg(long)]
    pub all_pairs: bool,

    /// Rank up to which entities count as gained or lost
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub depth: u16,
}

impl CompareArgs {
    /// Returns the settings, with each metric once and in the standard order.
    pub(super) fn settings(&self) -> ComparisonSettings {
        let mut metrics = self.metrics.clone().unwrap_or_else(|| Metric::ALL.to_vec());
        metrics.sort();
        metrics.dedup();
        let pair_selection = if self.all_pairs {
            PairSelection::AllPairs
        } else {
            PairSelection::WithReference
        };
        ComparisonSettings {
            metrics,
            pair_selection,
            depth: self.depth.into(),
        }
    }

    pub(super) fn runs(&self) -> RunInputs<'_> {
        let (dataset, queries) = (self.dataset.as_deref(), self.queries.as_deref());
        RunInputs {
            paths: &self.runs,
            dataset,
            queries,
            seeds: self.seeds,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns; classes by the first metric
    Table,
    /// All data
    Json,
    /// The tables
    Markdown,
}

/// Prints the comparison.
pub fn run(args: Args) -> Result<()> {
    let Args {
        compared,
        details,
        format,
    } = args;
    let comparison = compare(&compared.runs(), &compared.settings())?;
    let tables = |select: fn(&Comparison) -> Vec<Table>, written: fn(&Table) -> String| {
        print_text(
            &select(&comparison)
                .iter()
                .map(written)
                .collect::<Vec<_>>()
                .join("\n"),
        )
    };
    match format {
        Format::Table if details => tables(Comparison::tables, Table::to_text),
        Format::Table => tables(Comparison::summary, Table::to_text),
        Format::Markdown => tables(Comparison::tables, |table| {
            table.render(TableFormat::Markdown)
        }),
        Format::Json => print_json(&comparison),
    }
}
