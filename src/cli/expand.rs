//! `multiexpan expand`: one expansion.

use clap::ValueEnum;
use std::path::PathBuf;

use super::{DeviceArg, mode_parser};
use crate::error::{Error, Result};
use crate::types::Mode;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of the index
    pub index: PathBuf,

    /// Entities to expand, by name or id, with commas between
    #[arg(long, value_name = "NAME,NAME…", value_delimiter = ',', required = true)]
    pub seeds: Vec<String>,

    /// What the ranking sees
    #[arg(long, default_value = "both", value_parser = mode_parser())]
    pub mode: Mode,

    /// How many candidates to pick
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub size: u32,

    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// Data set that says which candidates are gold [default: the one the index was built from]
    #[arg(long, value_name = "DIR")]
    pub dataset: Option<PathBuf>,

    #[command(flatten)]
    pub device: DeviceArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people
    Table,
    /// An array, one object a candidate
    Json,
    /// Columns with tabs between, one header line
    Tsv,
}

/// Prints the candidates in rank order.
pub fn run(_args: Args) -> Result<()> {
    Err(Error::Argument("expand is not in this build".into()))
}
