//! `multiexpan baseline`: a baseline over the queries of a data set.

use clap::builder::TypedValueParser;
use std::path::PathBuf;

use crate::baselines::{Baseline, BaselineRanking};
use crate::cli::arguments::{DeviceArg, name_parser, seeds_parser};
use crate::cli::metrics_table::{Format, print};
use crate::cli::output::print_left_out;
use crate::cli::progress::{Reporter, interrupt};
use crate::error::{Error, Result};
use crate::eval::run::RunFormat;
use crate::jobs::baseline::{BaselineOptions, default_model_path};
use crate::types::SeedCount;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The baseline
    ///
    /// text-cosine, image-cosine: mean cosine between the frozen encoders' states of a candidate and
    /// of the seeds. fused-cosine: the sum of both after z-scoring; the weight of the image cosine is
    /// chosen for each class on the 5-seed queries of the other classes. clip: a pre-trained dual
    /// encoder, see --clip. probexpan: masked entity prediction and contrastive learning on sentences
    /// only, trained here. dual, albef: trained here to align sentences with images; dual has two
    /// towers in the shape of CLIP and fuses them like the cosines, albef fuses them by attention
    #[arg(value_name = "NAME", value_parser = baseline_parser())]
    pub baseline: Baseline,

    /// Folder of the data set
    pub dataset: PathBuf,

    /// File for the rankings (TREC run); the settings are written next to it (RUN.json)
    #[arg(long, value_name = "RUN")]
    pub out: PathBuf,

    /// Number of seeds of the queries
    #[arg(long, value_name = "N", default_value = "3", value_parser = seeds_parser())]
    pub seeds: SeedCount,

    /// Ranking: own (that of the system itself: mean cosine to the seeds, or for probexpan the window
    /// search and re-ranking) or feedback (that of MultiExpan, over the vectors or the index of the
    /// system)
    #[arg(long, default_value = "own", value_parser = baseline_ranking_parser())]
    pub ranking: BaselineRanking,

    /// Text encoder: a name or a folder [default: the mini preset's]
    #[arg(long, value_name = "NAME|DIR")]
    pub text_encoder: Option<String>,

    /// Image encoder: a name, a folder or a file of weights [default: the mini preset's]
    #[arg(long, value_name = "NAME|PATH")]
    pub image_encoder: Option<String>,

    /// For clip: folder of a Hugging Face CLIPModel (config.json, tokenizer.json,
    /// model.safetensors)
    #[arg(long, value_name = "DIR")]
    pub clip: Option<PathBuf>,

    /// Folder of the model of a trained baseline: reused if it has the same settings, resumed if its
    /// training was stopped, and else trained [default: RUN.model]
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,

    /// Settings file for a trained baseline, which overrides its defaults
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,

    /// Number of CPU threads [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    #[command(flatten)]
    pub device: DeviceArg,
}

/// Runs the baseline, writes the run and prints MAP and P like `evaluate`.
pub fn run(args: Args) -> Result<()> {
    args.reject_unused()?;
    RunFormat::Trec.check_output_path(&args.out)?;
    let baseline = BaselineOptions {
        baseline: args.baseline,
        ranking: args.ranking,
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
    /// Fails for an option that the baseline does not use.
    fn reject_unused(&self) -> Result<()> {
        let trained = self.baseline.is_trained();
        let options = [
            (
                "--clip",
                self.clip.is_some(),
                self.baseline == Baseline::Clip,
            ),
            ("--model", self.model.is_some(), trained),
            ("--config", self.config.is_some(), trained),
        ];
        match options.iter().find(|(_, given, used)| *given && !used) {
            Some((option, ..)) => Err(Error::Argument(format!(
                "the baseline {} has no option {option}",
                self.baseline.name()
            ))),
            None => Ok(()),
        }
    }
}

fn baseline_ranking_parser() -> impl TypedValueParser<Value = BaselineRanking> {
    name_parser(["own", "feedback"])
}

fn baseline_parser() -> impl TypedValueParser<Value = Baseline> {
    name_parser(Baseline::ALL.map(Baseline::name))
}
