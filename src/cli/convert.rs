//! `multiexpan convert`: converts a state dict of the published code to a model folder.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::path::PathBuf;

use crate::cli::output::{print_left_out, print_note, print_text};
use crate::cli::progress::{Reporter, interrupt};
use crate::error::Result;
use crate::jobs::convert::{Conversion, RowOrder, convert};
use crate::model::network_config::Pooling;
use crate::printable;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// State dict written by torch.save or safetensors; no code in it is executed
    pub checkpoint: PathBuf,

    /// Vocabulary: the folder of the data set, or a file like its entity2id.txt
    #[arg(long, value_name = "DIR|FILE")]
    pub vocabulary: PathBuf,

    /// Entities in the order of the head's rows, one per line [default: rows.txt next to the
    /// vocabulary]
    ///
    /// The checkpoint does not state the entity of each row: the published loader uses the order in
    /// which its folder of entities is listed. `ls -U FOLDER > rows.txt` on the machine of the
    /// training writes this list. A line is a name, an id, or the name of a file that is named after
    /// either.
    #[arg(long, value_name = "LIST")]
    pub rows: Option<PathBuf>,

    /// Take the rows of the head in the order of entity2id.txt
    #[arg(long, conflicts_with = "rows")]
    pub vocabulary_order: bool,

    /// Folder to write the model to [default: the checkpoint's path without its extension]
    #[arg(long, value_name = "MODEL")]
    pub out: Option<PathBuf>,

    /// Text encoder of the training: a name or a folder
    #[arg(long, value_name = "NAME|DIR", default_value = "bert-base-uncased")]
    pub text_encoder: String,

    /// Image encoder of the training: a name, a folder or a file of weights
    #[arg(long, value_name = "NAME|PATH", default_value = "resnet50")]
    pub image_encoder: String,

    /// Normalise images by the mean and deviation of ImageNet, unlike the published code
    #[arg(long)]
    pub normalize: bool,

    /// Hidden state of a pair: mask (at the mask, as published) or mean (over the text)
    #[arg(long, default_value = "mask", value_parser = state_parser())]
    pub state: Pooling,

    /// Number of attention heads per layer [default: that of the text encoder]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    pub heads: Option<i64>,
}

/// Converts the checkpoint and prints a summary.
pub fn run(args: Args) -> Result<()> {
    let listed = args.rows.map(RowOrder::Listed);
    let conversion = Conversion {
        out: args
            .out
            .unwrap_or_else(|| args.checkpoint.with_extension("")),
        rows: if args.vocabulary_order {
            Some(RowOrder::Vocabulary)
        } else {
            listed
        },
        checkpoint: args.checkpoint,
        vocabulary: args.vocabulary,
        text_encoder: args.text_encoder,
        image_encoder: args.image_encoder,
        normalize: args.normalize,
        state: args.state,
        heads: args.heads,
    };
    let mut reporter = Reporter::new(interrupt()?);
    let converted = convert(&conversion, &mut reporter)?;
    drop(reporter);
    let rows = converted.rows.display();
    print_note(&format!(
        "the rows of the head are taken in the order of {rows}; the checkpoint has none"
    ));
    if converted.own_text_layers {
        print_note(&format!(
            "its frozen BERT layers are not those of {}, and are kept",
            conversion.text_encoder
        ));
    }
    print_left_out(&converted.left_out);
    print_text(&format!(
        "{}: {}\n",
        printable::path(&conversion.out),
        converted.network
    ))?;
    Ok(())
}

fn state_parser() -> impl TypedValueParser<Value = Pooling> {
    PossibleValuesParser::new(["mask", "mean"]).map(|name| {
        if name == "mean" {
            Pooling::Mean
        } else {
            Pooling::Mask
        }
    })
}
