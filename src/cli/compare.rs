//! `multiexpan compare`: runs held against each other.

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

    /// Print every class too, what classes are rolled up to, and the entities gained and lost;
    /// Markdown and JSON always have them
    #[arg(long)]
    pub details: bool,

    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// What is compared, and how.
#[derive(Debug, clap::Args)]
pub struct CompareArgs {
    /// Runs; every other one is compared with the first
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,

    /// Data set with gold and queries [default: the one that the first run's settings name]
    #[arg(long, value_name = "DIR")]
    pub dataset: Option<PathBuf>,

    /// Folder of query files in place of the data set's, for runs of `evaluate --queries`
    #[arg(long, value_name = "DIR")]
    pub queries: Option<PathBuf>,

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
}

impl CompareArgs {
    /// Each metric once, in their order.
    pub(super) fn settings(&self) -> ComparisonSettings {
        let mut metrics = self.metrics.clone().unwrap_or_else(|| Metric::ALL.to_vec());
        metrics.sort();
        metrics.dedup();
        let against = if self.all_pairs {
            PairSelection::AllPairs
        } else {
            PairSelection::WithReference
        };
        ComparisonSettings {
            metrics,
            pair_selection: against,
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
    /// Columns for people; classes by the first metric
    Table,
    /// Everything
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
    let tables = |sheets: fn(&Comparison) -> Vec<Table>, written: fn(&Table) -> String| {
        print_text(
            &sheets(&comparison)
                .iter()
                .map(written)
                .collect::<Vec<_>>()
                .join("\n"),
        )
    };
    match format {
        Format::Table if details => tables(Comparison::tables, Table::to_text),
        Format::Table => tables(Comparison::summary, Table::to_text),
        Format::Markdown => tables(Comparison::tables, |sheet| {
            sheet.render(TableFormat::Markdown)
        }),
        Format::Json => print_json(&comparison),
    }
}
