//! `multiexpan train`: pre-training.

use std::path::PathBuf;

use super::DeviceArg;
use crate::error::{Error, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of the data set
    pub dataset: PathBuf,

    /// Folder to write the model to
    #[arg(long, value_name = "MODEL")]
    pub out: PathBuf,

    /// Sizes and recipe to start from
    ///
    /// mini: small encoders, minutes on a CPU, the demo's. base: the paper's, BERT-base and ResNet-50
    #[arg(long, default_value = "mini", value_parser = ["mini", "base"])]
    pub preset: String,

    /// Pre-training tasks, with commas between; mep: masked entity prediction
    #[arg(long, value_name = "TASK,TASK…", value_delimiter = ',', default_value = "mep", value_parser = ["mep"])]
    pub tasks: Vec<String>,

    /// Go on from the last checkpoint in MODEL
    #[arg(long)]
    pub resume: bool,

    /// Seed of every random choice
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Passes over the data [default: the preset's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: Option<u32>,

    /// Text encoder: a name or a folder [default: the preset's]
    #[arg(long, value_name = "NAME|DIR")]
    pub text_encoder: Option<String>,

    /// Image encoder: a name, a folder or a file of weights [default: the preset's]
    #[arg(long, value_name = "NAME|PATH")]
    pub image_encoder: Option<String>,

    /// Settings that go over the preset's
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,

    /// CPU threads to compute with [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,

    #[command(flatten)]
    pub device: DeviceArg,
}

/// Trains and writes the model folder.
pub fn run(_args: Args) -> Result<()> {
    Err(Error::Argument("train is not in this build".into()))
}
