//! The command line, one file for each command.
//!
//! A command is a struct of arguments and `run(args) -> Result<()>`. Results go to standard output,
//! progress to standard error. `explore` has no `run`: it opens the terminal explorer, which only
//! `main` may use. Shared code is in `arguments` (options and value parsers), `output`, `progress`,
//! `metrics_table` and `terminal`.

use clap::{CommandFactory, Parser, Subcommand};
use std::borrow::Cow;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::Command as Program;

use crate::engine::{Process, pipe};
use crate::error::{Error, Result};
use crate::printable;

pub mod ablate;
pub mod analyse;
mod arguments;
pub mod baseline;
mod calibrate;
pub mod check;
pub mod compare;
pub mod completions;
pub mod convert;
pub mod convert_run;
pub mod demo;
pub mod doctor;
pub mod evaluate;
pub mod exit;
pub mod expand;
pub mod explore;
pub mod index;
pub mod man;
mod metrics_table;
mod output;
pub mod progress;
pub mod qrels;
pub mod report;
pub mod show;
mod terminal;
pub mod train;

/// Explore multi-modal entity set expansion in the terminal. Without a command, opens the explorer
/// on the bundled demo.
#[derive(Debug, Parser)]
#[command(name = "multiexpan", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open the explorer
    Explore(explore::Args),
    /// Expand one set of seeds
    Expand(expand::Args),
    /// Compute MAP and P over the queries of a data set
    Evaluate(evaluate::Args),
    /// Compare runs: confidence intervals, significance tests, per-class results
    Compare(compare::Args),
    /// Fit where classes end to the gold of a data set
    Calibrate(calibrate::Args),
    /// Evaluate a baseline on the same queries
    Baseline(baseline::Args),
    /// Break a metric down by kind of image, shared words, pairs or seeds
    Analyse(analyse::Args),
    /// Write a comparison with its plots and images as one page
    Report(report::Args),
    /// Pre-train a model
    Train(train::Args),
    /// Train a recipe without each of its parts, and compare the results
    Ablate(ablate::Args),
    /// Convert a checkpoint of the published code to a model
    Convert(convert::Args),
    /// Check a run of any system, and convert it to another format
    ConvertRun(convert_run::Args),
    /// Write the gold of a data set as TREC qrels
    Qrels(qrels::Args),
    /// Build an index from a data set and a model, or from the last layer of any model
    Index(index::Args),
    /// Validate a data set
    Check(check::Args),
    /// Show an image in the terminal
    Show(show::Args),
    /// Check the terminal, the device, the data and the settings
    Doctor(doctor::Args),
    /// Write shell completions to standard output
    Completions(completions::Args),
    /// Write the manual page to standard output
    Man(man::Args),
    /// Answer the explorer's requests on standard input
    #[command(hide = true)]
    Serve,
}

/// Returns the definition of every command and option.
pub fn definition() -> clap::Command {
    Cli::command()
}

/// Parses the arguments of this process. If they are invalid, prints clap's message and exits.
pub fn parse() -> Cli {
    Cli::try_parse().unwrap_or_else(|error| {
        // clap repeats arguments unchanged, and they may be names from data
        let is_unsafe = |argument: std::ffi::OsString| {
            matches!(
                printable::one_line(&argument.to_string_lossy()),
                Cow::Owned(_)
            )
        };
        if error.use_stderr() && std::env::args_os().any(is_unsafe) {
            // if standard error is closed, only the exit code remains
            let _ = write!(
                std::io::stderr(),
                "{}",
                printable::lines(&error.to_string())
            );
            std::process::exit(error.exit_code());
        }
        error.exit()
    })
}

/// Runs any command but `explore` and `show`, which draw to the terminal and belong to `main`.
pub fn run(command: Command) -> Result<()> {
    match command {
        Command::Explore(_) | Command::Show(_) => Err(Error::Argument(
            "this is the engine, which does not draw; use `multiexpan`".into(),
        )),
        Command::Expand(args) => expand::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Calibrate(args) => calibrate::run(args),
        Command::Compare(args) => compare::run(args),
        Command::Baseline(args) => baseline::run(args),
        Command::Analyse(args) => analyse::run(args),
        Command::Report(args) => report::run(args),
        Command::Train(args) => train::run(args),
        Command::Ablate(args) => ablate::run(args),
        Command::Convert(args) => convert::run(args),
        Command::ConvertRun(args) => convert_run::run(args),
        Command::Qrels(args) => qrels::run(args),
        Command::Index(args) => index::run(args),
        Command::Check(args) => check::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Completions(args) => completions::run(args, definition()),
        Command::Man(args) => man::run(args, definition()),
        Command::Serve => {
            // without it, the screen only reacts more slowly
            let _ = rustix::process::nice(NICENESS);
            pipe::serve(std::io::stdin(), std::io::stdout())
        }
    }
}

/// The niceness of the explorer's engine: if the screen and the engine need the same core, a key
/// comes first.
const NICENESS: i32 = 5;

/// Replaces this process by the engine program, with the same arguments. Returns only if it cannot be
/// started.
pub fn become_engine() -> Result<()> {
    let path = Process::program()?;
    let failed = Program::new(&path).args(std::env::args_os().skip(1)).exec();
    Err(Error::io("start", path)(failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_opens_the_explorer() {
        assert!(
            Cli::try_parse_from(["multiexpan"])
                .unwrap()
                .command
                .is_none()
        );
    }

    #[test]
    fn every_command_that_computes_takes_a_device() {
        let cli = Cli::command();
        for name in [
            "explore", "expand", "evaluate", "baseline", "train", "ablate", "index",
        ] {
            let command = cli.find_subcommand(name).unwrap();
            assert!(
                command
                    .get_arguments()
                    .any(|a| a.get_long() == Some("device")),
                "{name}"
            );
        }
    }

    #[test]
    fn invalid_values_are_rejected() {
        for line in [
            "multiexpan expand INDEX --seeds a,b --size 0",
            "multiexpan expand INDEX --seeds a,b --mode none",
            "multiexpan expand INDEX",
            "multiexpan expand INDEX --seeds a --device gpu",
            "multiexpan evaluate INDEX --seeds 4",
            "multiexpan evaluate INDEX --format tsv",
            "multiexpan evaluate INDEX --ranking jointly",
            "multiexpan analyse seeds INDEX --ranking joint",
            "multiexpan compare",
            "multiexpan compare RUN --seeds 4",
            "multiexpan compare RUN --metrics map@11",
            "multiexpan compare RUN --depth 0",
            "multiexpan evaluate INDEX --out RUN --run-format csv",
            "multiexpan qrels DATASET",
            "multiexpan baseline text-cosine DATASET",
            "multiexpan baseline sparse-cosine DATASET --out RUN",
            "multiexpan train DATASET",
            "multiexpan train DATASET --out M --tasks sleeping",
            "multiexpan convert epoch_12.pkl",
            "multiexpan convert epoch_12.pkl --vocabulary DIR --rows LIST --vocabulary-order",
            "multiexpan convert epoch_12.pkl --vocabulary DIR --heads 0",
            "multiexpan convert epoch_12.pkl --vocabulary DIR --state max",
            "multiexpan index DATASET --without-frozen --out I",
            "multiexpan index --out I",
            "multiexpan index DATASET --raw F --out I",
            "multiexpan index --model M --out I",
            "multiexpan show x.png --width 0",
            "multiexpan explore --images cinema",
            "multiexpan completions cmd",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }

    #[test]
    fn examples_of_the_documentation_parse() {
        for line in [
            "multiexpan expand INDEX --seeds lion,tiger,leopard --mode text --size 10 --format json --device cpu",
            "multiexpan evaluate INDEX --seeds 5 --protocol published --ranking seeds --class fish --out RUN",
            "multiexpan compare RUN RUN RUN --dataset D --seeds 5 --metrics map@10,p@10 --all-pairs --format markdown",
            "multiexpan evaluate INDEX --out RUN --run-format nlpcc",
            "multiexpan evaluate INDEX --ranking joint",
            "multiexpan convert-run RUN --dataset DIR --seeds 5 --out OUT --format published",
            "multiexpan qrels DATASET --out FILE",
            "multiexpan baseline fused-cosine DATASET --out RUN --seeds 5 --text-encoder DIR --image-encoder DIR --device cpu",
            "multiexpan train DATASET --out MODEL --preset mini --tasks mep --resume --epochs 3 --threads 2",
            "multiexpan ablate DATASET --out DIR --seeds 1,2 --tasks mep,clustering --config FILE.toml",
            "multiexpan convert epoch_12.pkl --vocabulary DIR",
            "multiexpan convert epoch_12.pkl --vocabulary FILE --rows LIST --out MODEL --text-encoder DIR --normalize",
            "multiexpan convert epoch_12.pkl --vocabulary DIR --vocabulary-order --state mean --heads 12",
            "multiexpan index DATASET --model MODEL --out INDEX --device cuda:1",
            "multiexpan index DATASET --out INDEX --text-encoder DIR",
            "multiexpan expand INDEX --seeds lion,tiger --accept lynx --reject horse,zebra --until-boundary",
            "multiexpan calibrate INDEX --mode both --seeds 5 --dry-run",
            "multiexpan evaluate INDEX --with OTHER --with THIRD --ranking expanded",
            "multiexpan index --raw FILE.safetensors --entities entity2id.txt --out INDEX",
            "multiexpan explore INDEX --images off --theme light",
            "multiexpan check DATASET",
            "multiexpan show IMAGE --width 40",
            "multiexpan doctor",
            "multiexpan explore --print-config",
            "multiexpan completions bash",
            "multiexpan man expand",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
    }
}
