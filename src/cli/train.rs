//! `multiexpan train`: pre-trains a model.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::path::{Path, PathBuf};

use crate::cli::arguments::DeviceArg;
use crate::cli::output::{print_left_out, print_note, print_text};
use crate::cli::progress::{Reporter, interrupt};
use crate::error::{Error, Result};
use crate::files::load_with_defaults;
use crate::jobs::train::{TrainOptions, train};
use crate::printable;
use crate::train::task::{Task, TaskSet};
use crate::train::train_config::{Preset, TrainConfig, TrainPrecision};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of the data set
    pub dataset: PathBuf,

    /// Folder to write the model to
    #[arg(long, value_name = "MODEL")]
    pub out: PathBuf,

    /// Sizes and recipe to start from
    ///
    /// mini: small encoders, minutes on a CPU, used for the demo. base: as in the paper, BERT-base and
    /// ResNet-50
    #[arg(long, default_value = "mini", value_parser = preset_parser())]
    pub preset: Preset,

    /// Pre-training tasks, separated by commas [default: those of the preset]
    ///
    /// mep: masked entity prediction, always required. contrastive and clustering: two views of a
    /// class, for which entities are first mined by an expansion with a model trained on mep only.
    /// distillation: a moving average of the model is the teacher of mep
    #[arg(long, value_name = "TASK,TASK…", value_delimiter = ',', value_parser = task_parser())]
    pub tasks: Option<Vec<Task>>,

    /// Continue from the last checkpoint in MODEL
    #[arg(long)]
    pub resume: bool,

    /// Seed of the random number generators
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Number of passes over the data [default: that of the preset]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: Option<u32>,

    /// Text encoder: a name or a folder [default: that of the preset]
    #[arg(long, value_name = "NAME|DIR")]
    pub text_encoder: Option<String>,

    /// Image encoder: a name, a folder or a file of weights [default: that of the preset]
    #[arg(long, value_name = "NAME|PATH")]
    pub image_encoder: Option<String>,

    /// Settings file that overrides the preset
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,

    /// Number of CPU threads [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,

    /// Train the same model on any machine of one kind, whatever its cores: one thread, f32
    #[arg(long, conflicts_with = "threads")]
    pub deterministic: bool,

    #[command(flatten)]
    pub device: DeviceArg,
}

/// Trains and writes the model folder.
pub fn run(args: Args) -> Result<()> {
    let config = settings(&args)?;
    let threads = if args.deterministic {
        Some(1)
    } else {
        args.threads
    };
    let options = TrainOptions {
        resume: args.resume,
        device: args.device.device,
        threads: threads.map(usize::from),
    };
    let mut reporter = Reporter::new(interrupt()?);
    let trained = match train(&args.dataset, &args.out, &config, options, &mut reporter) {
        Err(Error::Stopped) => {
            drop(reporter);
            print_note("stopped; `--resume` continues from here");
            return Err(Error::Stopped);
        }
        other => other?,
    };
    drop(reporter);
    print_left_out(&trained.left_out);
    let minutes = trained.took.as_secs_f64() / 60.0;
    let out = printable::path(&args.out);
    print_text(&format!(
        "{out}: {} steps in {minutes:.1} min, loss {:.3}\n",
        trained.steps, trained.loss
    ))?;
    if let Some((epoch, map)) = trained.best_epoch {
        print_text(&format!(
            "kept: epoch {epoch}, MAP@10 {:.1} over the queries of 5 seeds\n",
            100.0 * map
        ))?;
    }
    Ok(())
}

/// Returns the preset, overridden by the settings file, overridden by the options.
fn settings(args: &Args) -> Result<TrainConfig> {
    let mut config = settings_of(args.preset, args.config.as_deref())?;
    config.text_encoder = args.text_encoder.clone().unwrap_or(config.text_encoder);
    config.image_encoder = args.image_encoder.clone().unwrap_or(config.image_encoder);
    config.epochs = args.epochs.map_or(config.epochs, |n| n as usize);
    config.seed = args.seed.unwrap_or(config.seed);
    if let Some(tasks) = &args.tasks {
        config.tasks = TaskSet::new(tasks.iter().copied());
    }
    if args.deterministic {
        config.precision = TrainPrecision::F32;
    }
    Ok(config)
}

/// Returns the preset, overridden by the settings file if there is one.
pub(super) fn settings_of(preset: Preset, file: Option<&Path>) -> Result<TrainConfig> {
    file.map_or_else(
        || Ok(TrainConfig::preset(preset)),
        |path| load_with_defaults(&TrainConfig::preset(preset), path),
    )
}

pub(super) fn task_parser() -> impl TypedValueParser<Value = Task> {
    PossibleValuesParser::new(Task::OFFERED.map(Task::name)).try_map(|name| name.parse::<Task>())
}

pub(super) fn preset_parser() -> impl TypedValueParser<Value = Preset> {
    PossibleValuesParser::new(["mini", "base"]).try_map(|name| name.parse::<Preset>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_changes_only_its_own_settings() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "drop_text = 0.3\n").unwrap();
        let read = settings_of(Preset::Mini, Some(file.path())).unwrap();
        assert_eq!(
            read,
            TrainConfig {
                drop_text: 0.3,
                ..TrainConfig::preset(Preset::Mini)
            }
        );
    }

    #[test]
    fn an_unknown_setting_is_named_in_the_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "drop_txt = 0.3\n").unwrap();
        assert!(
            settings_of(Preset::Mini, Some(file.path()))
                .unwrap_err()
                .to_string()
                .contains("drop_txt")
        );
    }
}
