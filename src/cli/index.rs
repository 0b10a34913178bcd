//! `multiexpan index`: builds an index.

use std::path::PathBuf;

use crate::cli::arguments::DeviceArg;
use crate::cli::output::{print_left_out, print_text};
use crate::cli::progress::{Reporter, interrupt};
use crate::error::{Error, Result};
use crate::jobs::index::{build_frozen_index, build_index, build_raw_index};
use crate::printable;
use crate::train::MINI_ENCODERS;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of the data set
    #[arg(required_unless_present = "raw", conflicts_with = "raw")]
    pub dataset: Option<PathBuf>,

    /// Folder of the trained model [default: no model, only the frozen encoders]
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

    /// Leave out the modes of the frozen encoders, so that mode `both` is that of the model alone
    #[arg(long, requires = "model")]
    pub without_frozen: bool,

    /// Text encoder of an index without a model: a folder, a name in encoders/, or a name on the
    /// Hugging Face hub
    #[arg(long, value_name = "ENCODER", default_value = MINI_ENCODERS[0])]
    pub text_encoder: String,

    /// Image encoder of an index without a model, given likewise
    #[arg(long, value_name = "ENCODER", default_value = MINI_ENCODERS[1])]
    pub image_encoder: String,

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
                !args.without_frozen,
                args.device.device,
                &mut reporter,
            )?
        }
        (None, Some(dataset), None) => build_frozen_index(
            dataset,
            &args.out,
            [&args.text_encoder, &args.image_encoder],
            args.device.device,
            &mut reporter,
        )?,
        (None, None, _) => {
            return Err(Error::Argument(
                "an index is built from DATASET, or from --raw".into(),
            ));
        }
    };
    drop(reporter);
    print_left_out(&left_out);
    print_text(&format!("{}\n", printable::path(&args.out)))?;
    Ok(())
}
