//! `multiexpan evaluate`: metrics over a data set's queries.

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::path::PathBuf;

use super::{DeviceArg, mode_parser};
use crate::error::{Error, Result};
use crate::types::{Mode, Protocol, RankingKind, SeedCount};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of the index
    pub index: PathBuf,

    /// What the ranking sees
    #[arg(long, default_value = "both", value_parser = mode_parser())]
    pub mode: Mode,

    /// Queries with how many seeds
    #[arg(long, value_name = "N", default_value = "3", value_parser = seeds_parser())]
    pub seeds: SeedCount,

    /// standard: each query alone. published: all classes of a query number from one pool, as the published code
    #[arg(long, default_value = "standard", value_parser = protocol_parser())]
    pub protocol: Protocol,

    /// expanded: window search and re-ranking. seeds: candidates by their score over the seeds alone
    #[arg(long, default_value = "expanded", value_parser = ranking_parser())]
    pub ranking: RankingKind,

    /// Folder of query files to use in place of the data set's
    #[arg(long, value_name = "DIR")]
    pub queries: Option<PathBuf>,

    /// Only this class
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,

    /// Write the rankings to this file as a TREC run, and every setting to RUN.json beside it
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,

    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// Data set with gold and queries [default: the one the index was built from]
    #[arg(long, value_name = "DIR")]
    pub dataset: Option<PathBuf>,

    #[command(flatten)]
    pub device: DeviceArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people
    Table,
    /// {"overall": {"map@10": …}, "classes": {…}}
    Json,
}

/// Prints MAP and P at every cutoff, by class and overall.
pub fn run(_args: Args) -> Result<()> {
    Err(Error::Argument("evaluate is not in this build".into()))
}

fn seeds_parser() -> impl TypedValueParser<Value = SeedCount> {
    PossibleValuesParser::new(["3", "5"]).try_map(|n| n.parse::<SeedCount>())
}

// The maps below are total: clap lets only the named values through.

fn protocol_parser() -> impl TypedValueParser<Value = Protocol> {
    PossibleValuesParser::new(["standard", "published"])
        .map(|name| if name == "published" { Protocol::Published } else { Protocol::Standard })
}

fn ranking_parser() -> impl TypedValueParser<Value = RankingKind> {
    PossibleValuesParser::new(["expanded", "seeds"])
        .map(|name| if name == "seeds" { RankingKind::Seeds } else { RankingKind::Expanded })
}
