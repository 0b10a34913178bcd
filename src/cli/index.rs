//! `multiexpan index`: builds an index.

use std::path::PathBuf;

use crate::cli::arguments::DeviceArg;
use crate::cli::output::{print_left_out, print_text};
use crate::cli::progress::{Reporter, interrupt};
use crate::error::{Error, Result};
use crate::jobs::index::{build_index, build_raw_index};
use crate::printable;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of the data set
    #[arg(
        required_unless_present = "raw",
        conflicts_with = "raw",
        requires = "model"
    )]
    pub dataset: Option<PathBuf>,

    /// Folder of the trained model
    #[arg(
        long,
        value_name = "MODEL",
        requires = "dataset",
        conflicts_with = "raw"
    )]
    pub model: Option<PathBuf>,

    /// Last layer of any model: `head.weight`, `head.bias`, `pre_head`, `row_offsets`
    /// (docs/FORMATS.md)
    #[arg(long, value_name = "FILE.safetensors")]
    pub raw: Option<PathBuf>,

    /// Vocabulary with the names of the rows of --raw (entity2id.txt) [default: row numbers]
    #[arg(long, value_name = "FILE", requires = "raw")]
    pub entities: Option<PathBuf>,

    /// Folder to write the index to
    #[arg(long, value_name = "INDEX")]
    pub out: PathBuf,

    /// Use the trained head even if the model's settings replace its rows by prototypes
    #[arg(long, requires = "model")]
    pub trained_head: bool,

    #[command(flatten)]
    pub device: DeviceArg,
}

/// Builds the index.
pub fn run(args: Args) -> Result<()> {
    let mut reporter = Reporter::new(interrupt()?);
    let left_out = match (&args.raw, &args.dataset, &args.model) {
        (Some(raw), ..) => build_raw_index(
            raw,
            args.entities.as_deref(),
            &args.out,
            args.device.device,
            &mut reporter,
        )?,
        (None, Some(dataset), Some(model)) => {
            let prototypes = args.trained_head.then_some(None);
            build_index(
                dataset,
                model,
                &args.out,
                prototypes,
                args.device.device,
                &mut reporter,
            )?
        }
        _ => {
            return Err(Error::Argument(
                "an index is built from DATASET and --model, or from --raw".into(),
            ));
        }
    };
    drop(reporter);
    print_left_out(&left_out);
    print_text(&format!("{}\n", printable::path(&args.out)))?;
    Ok(())
}
