//! `multiexpan analyse`: a metric by kind of image, shared words, pairs, seeds or sentences.

use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

use crate::cli::arguments::{DeviceArg, mode_parser, ranking_parser, seeds_parser};
use crate::cli::output::{print_json, print_text};
use crate::cli::progress::{Reporter, interrupt};
use crate::engine::Session;
use crate::error::Result;
use crate::eval::SubgroupAnalysis;
use crate::files::write_atomic;
use crate::jobs::analyse::{Property, analyse, analyse_seeds};
use crate::jobs::analyse_sentences::SentenceAnalysis;
use crate::jobs::compare::RunInputs;
use crate::report::analysis_plot;
use crate::table::{TableFormat, markdown_text};
use crate::train::MINI_ENCODERS;
use crate::types::{Mode, RankingKind, SeedCount};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    pub by: By,
}

/// The property by which a metric is broken down.
#[derive(Debug, Subcommand)]
pub enum By {
    /// Recall of gold entities by the kinds of their images (image/SOURCES.tsv)
    Pictures(RunArgs),
    /// Recall of gold entities by whether their names share a word with another class
    Polysemy(RunArgs),
    /// Recall of gold entities by their number of pairs
    Pairs(RunArgs),
    /// MAP by the number of given seeds of 5-seed queries
    Seeds(SeedArgs),
    /// MAP by the number of sentences of an entity, by text alone and with images, without training
    Sentences(SentenceArgs),
}

/// The arguments of the analyses of runs.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Runs to show side by side
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,

    /// Data set [default: the one named in the first run's settings]
    #[arg(long, value_name = "DIR")]
    pub dataset: Option<PathBuf>,

    /// Number of seeds of the queries [default: that of the first run, or 3 if it has both]
    #[arg(long, value_name = "N", value_parser = seeds_parser())]
    pub seeds: Option<SeedCount>,

    /// Rank up to which an entity counts as found
    #[arg(long, value_name = "K", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..))]
    pub at: u16,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// The arguments of the analysis of an index.
#[derive(Debug, clap::Args)]
pub struct SeedArgs {
    /// Folder of the index
    pub index: PathBuf,

    /// Modes to show side by side
    #[arg(long, value_name = "MODE,MODE…", value_delimiter = ',', default_value = "both,text,image", value_parser = mode_parser())]
    pub mode: Vec<Mode>,

    /// Ranking: feedback (affinity to the seeds and the best candidates), window (the published
    /// window search and re-ranking) or seeds (candidates sorted by ΣZ over the seeds)
    #[arg(long, default_value = "feedback", value_parser = ranking_parser(["feedback", "window", "seeds"]))]
    pub ranking: RankingKind,

    /// Cutoff of MAP: 10, 20, 50 or 100
    #[arg(long, value_name = "K", default_value_t = 10)]
    pub at: usize,

    #[command(flatten)]
    pub output: OutputArgs,

    #[command(flatten)]
    pub device: DeviceArg,
}

/// The arguments of the analysis of a data set.
#[derive(Debug, clap::Args)]
pub struct SentenceArgs {
    /// Data set, or an index that was built from it
    #[arg(value_name = "DATASET|INDEX")]
    pub source: PathBuf,

    /// Number of seeds of the queries
    #[arg(long, value_name = "N", default_value = "3", value_parser = seeds_parser())]
    pub seeds: SeedCount,

    /// Number of times that sentences are drawn
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    pub draws: u16,

    /// Cutoff of MAP: 10, 20, 50 or 100
    #[arg(long, value_name = "K", default_value_t = 10)]
    pub at: usize,

    /// Text encoder: a folder, a name in encoders/, or a name on the Hugging Face hub
    #[arg(long, value_name = "ENCODER", default_value = MINI_ENCODERS[0])]
    pub text_encoder: String,

    /// Image encoder, given likewise
    #[arg(long, value_name = "ENCODER", default_value = MINI_ENCODERS[1])]
    pub image_encoder: String,

    #[command(flatten)]
    pub output: OutputArgs,

    #[command(flatten)]
    pub device: DeviceArg,
}

/// The output options.
#[derive(Debug, clap::Args)]
pub struct OutputArgs {
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// Also write the plot to this file
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns
    Table,
    /// All data
    Json,
    /// The table in Markdown
    Markdown,
    /// The plot
    Svg,
}

/// Prints the analysis.
pub fn run(args: Args) -> Result<()> {
    let mut reporter = Reporter::new(interrupt()?);
    let mut analyse_runs = |args: &RunArgs, property| {
        let runs = RunInputs {
            paths: &args.runs,
            dataset: args.dataset.as_deref(),
            queries: None,
            seeds: args.seeds,
        };
        analyse(&runs, property, args.at.into(), &mut reporter)
    };
    let (analysis, output) = match args.by {
        By::Pictures(args) => (analyse_runs(&args, Property::Images)?, args.output),
        By::Polysemy(args) => (analyse_runs(&args, Property::Polysemy)?, args.output),
        By::Pairs(args) => (analyse_runs(&args, Property::Pairs)?, args.output),
        By::Seeds(args) => {
            let session = Session::open(&args.index, None, args.device.device)?;
            (
                analyse_seeds(&session, &args.mode, args.ranking, args.at, &mut reporter)?,
                args.output,
            )
        }
        By::Sentences(args) => {
            let analysis = SentenceAnalysis {
                source: args.source,
                encoders: [args.text_encoder, args.image_encoder],
                seed_count: args.seeds,
                cutoff: args.at,
                draws: args.draws.into(),
                device: args.device.device,
            };
            (analysis.run(&mut reporter)?, args.output)
        }
    };
    drop(reporter);
    if let Some(path) = &output.plot {
        write_atomic(
            path,
            analysis_plot(&analysis, &analysis.columns)
                .file()
                .as_bytes(),
        )?;
    }
    print(&analysis, output.format)
}

fn print(analysis: &SubgroupAnalysis, format: Format) -> Result<()> {
    match format {
        Format::Table => print_text(&format!(
            "{}\n{}\n",
            analysis.table().to_text(),
            explanations(analysis).join("\n")
        )),
        Format::Markdown => {
            let paragraphs: Vec<String> = explanations(analysis)
                .iter()
                .map(|text| markdown_text(text))
                .collect();
            print_text(&format!(
                "{}\n{}\n",
                analysis.table().render(TableFormat::Markdown),
                paragraphs.join("\n\n")
            ))
        }
        Format::Svg => print_text(&analysis_plot(analysis, &analysis.columns).file()),
        Format::Json => print_json(analysis),
    }
}

/// Returns the explanations of the columns, and the notes.
fn explanations(analysis: &SubgroupAnalysis) -> Vec<String> {
    let mut texts = vec![
        format!("value: {}", analysis.value_description),
        format!("more: {}", analysis.contrast_description),
    ];
    texts.extend(analysis.notes.iter().cloned());
    texts
}
