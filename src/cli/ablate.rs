//! `multiexpan ablate`: the effect of each part of a recipe.

use std::path::PathBuf;

use crate::cli::arguments::DeviceArg;
use crate::cli::output::print_text;
use crate::cli::progress::{Reporter, interrupt};
use crate::cli::train::{preset_parser, settings_of, task_parser};
use crate::error::{Error, Result};
use crate::jobs::ablate::{Ablation, ablate, markdown};
use crate::train::task::{Task, TaskSet};
use crate::train::train_config::Preset;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of the data set
    pub dataset: PathBuf,

    /// Folder for models, results and the table (ablation.md, ablation.json); finished parts are not
    /// repeated
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// Sizes and recipe to start from
    #[arg(long, default_value = "mini", value_parser = preset_parser())]
    pub preset: Preset,

    /// Settings file that overrides the preset
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,

    /// TaskSet of the whole recipe, each of which but mep is left out in turn [default: the recipe's]
    #[arg(long, value_name = "TASK,TASK…", value_delimiter = ',', value_parser = task_parser())]
    pub tasks: Option<Vec<Task>>,

    /// Training seeds
    #[arg(
        long,
        value_name = "N,N…",
        value_delimiter = ',',
        default_value = "1,2,3"
    )]
    pub seeds: Vec<u64>,

    #[command(flatten)]
    pub device: DeviceArg,
}

/// Runs the unfinished parts and prints the table.
pub fn run(args: Args) -> Result<()> {
    let mut config = settings_of(args.preset, args.config.as_deref())?;
    config.tasks = args.tasks.map_or(config.tasks, TaskSet::new);
    config.validate()?;
    std::fs::create_dir_all(&args.out).map_err(Error::io("create", &args.out))?;
    let (device, seeds) = (args.device.device, args.seeds);
    let ablation = Ablation {
        dataset: args.dataset,
        out: args.out,
        config,
        seeds,
        device,
    };
    let mut reporter = Reporter::new(interrupt()?);
    let rows = ablate(&ablation, &mut reporter)?;
    drop(reporter);
    print_text(&markdown(&rows))
}
