//! `multiexpan baseline`: another system over a data set's queries.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::path::PathBuf;

use crate::baselines::Baseline;
use crate::cli::arguments::{DeviceArg, seeds_parser};
use crate::cli::metrics_table::{Format, print};
use crate::cli::output::print_left_out;
use crate::cli::progress::{Reporter, interrupt};
use crate::error::{Error, Result};
use crate::eval::run::RunFormat;
use crate::jobs::baseline::{BaselineOptions, default_model_path};
use crate::types::SeedCount;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The system
    ///
    /// text-cosine, image-cosine: mean cosine of the frozen encoders' states to the seeds'.
    /// fused-cosine: both, z-scored and summed, the picture's share chosen for each class on the
    /// other classes' queries of 5 seeds. clip: a dual encoder that was trained elsewhere, see
    /// --clip. probexpan: masked entity prediction and contrast on sentences alone, trained here.
    /// dual, albef: trained here to align sentences with pictures; two towers of CLIP's shape,
    /// fused as the cosines are, and ALBEF, which fuses them by attention
    #[arg(value_name = "NAME", value_parser = rival_parser())]
    pub rival: Baseline,

    /// Folder of the data set
    pub dataset: PathBuf,

    /// Write the rankings to this file (TREC run), and every setting beside it (RUN.json)
    #[arg(long, value_name = "RUN")]
    pub out: PathBuf,

    /// Queries with how many seeds
    #[arg(long, value_name = "N", default_value = "3", value_parser = seeds_parser())]
    pub seeds: SeedCount,

    /// Text encoder: a name or a folder [default: the mini preset's]
    #[arg(long, value_name = "NAME|DIR")]
    pub text_encoder: Option<String>,

    /// Image encoder: a name, a folder or a file of weights [default: the mini preset's]
    #[arg(long, value_name = "NAME|PATH")]
    pub image_encoder: Option<String>,

    /// For clip: a folder of Hugging Face's CLIPModel (config.json, tokenizer.json,
    /// model.safetensors)
    #[arg(long, value_name = "DIR")]
    pub clip: Option<PathBuf>,

    /// Model of a system that is trained: taken where it is there with the same settings, gone on
    /// with where it was stopped, else trained there [default: RUN.model]
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,

    /// Settings of a system that is trained, which go over its own
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,

    /// CPU threads to compute with [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,

    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    #[command(flatten)]
    pub device: DeviceArg,
}

/// Runs the system, writes the run and prints MAP and P as `evaluate` does.
pub fn run(args: Args) -> Result<()> {
    args.refuse_unused()?;
    RunFormat::Trec.check_output_path(&args.out)?;
    let baseline = BaselineOptions {
        baseline: args.rival,
        dataset: args.dataset,
        seed_count: args.seeds,
        text_encoder: args.text_encoder,
        image_encoder: args.image_encoder,
        clip: args.clip,
        model: args.model.unwrap_or_else(|| default_model_path(&args.out)),
        config: args.config,
        device: args.device.device,
        threads: args.threads.map(usize::from),
    };
    let mut reporter = Reporter::new(interrupt()?);
    let ran = baseline.run(&mut reporter)?;
    drop(reporter);
    print_left_out(&ran.evaluated.left_out);
    ran.run.write(&args.out)?;
    print(args.format, &ran.classes, &ran.evaluated)
}

impl Args {
    /// Error: `Argument` for an option that the system would pass over.
    fn refuse_unused(&self) -> Result<()> {
        let trained = self.rival.is_trained();
        let options = [
            ("--clip", self.clip.is_some(), self.rival == Baseline::Clip),
            ("--model", self.model.is_some(), trained),
            ("--config", self.config.is_some(), trained),
        ];
        match options.iter().find(|(_, given, used)| *given && !used) {
            Some((option, ..)) => Err(Error::Argument(format!(
                "{} takes no {option}",
                self.rival.name()
            ))),
            None => Ok(()),
        }
    }
}

fn rival_parser() -> impl TypedValueParser<Value = Baseline> {
    PossibleValuesParser::new(Baseline::ALL.map(Baseline::name))
        .try_map(|name| name.parse::<Baseline>())
}
