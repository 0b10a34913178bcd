//! The command line: one file a command. Results go to standard output, progress to standard error.
//!
//! A command is a struct of arguments and `run(args) -> Result<()>`. `explore` has no `run`: it
//! opens the terminal explorer, which only `main` may reach.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};
use std::borrow::Cow;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command as Program;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::engine::{Process, pipe};
use crate::error::{Error, Result};
use crate::eval::run::RunFormat;
use crate::printable;
use crate::types::{DeviceChoice, Mode, SeedCount};

pub mod ablate;
pub mod analyse;
pub mod baseline;
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

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open the explorer
    Explore(explore::Args),
    /// Expand one set of seeds
    Expand(expand::Args),
    /// Measure MAP and P over a data set's queries
    Evaluate(evaluate::Args),
    /// Hold runs against each other: metrics, tests, classes, entities gained and lost
    Compare(compare::Args),
    /// Measure another system over the same queries
    Baseline(baseline::Args),
    /// Look at one measure by kind of picture, shared words, pairs or seeds
    Analyse(analyse::Args),
    /// Write a comparison with its plots and pictures as one page
    Report(report::Args),
    /// Pre-train a model
    Train(train::Args),
    /// Train a recipe less each of its parts, and tell what each is worth
    Ablate(ablate::Args),
    /// Turn a checkpoint of the published code into a model
    Convert(convert::Args),
    /// Tell what is odd about a run of any system, and write it in another form
    ConvertRun(convert_run::Args),
    /// Write a data set's gold as TREC qrels
    Qrels(qrels::Args),
    /// Build an index from a data set and a model, or from any model's last layer
    Index(index::Args),
    /// Validate a data set
    Check(check::Args),
    /// Show an image in the terminal
    Show(show::Args),
    /// Tell what works here and what does not
    Doctor(doctor::Args),
    /// Write a shell's completions to standard output
    Completions(completions::Args),
    /// Write the manual page to standard output
    Man(man::Args),
    /// Answer the explorer's requests on standard input
    #[command(hide = true)]
    Serve,
}

/// Prints a text of several lines, in which nothing from data acts on a terminal
/// ([`printable::lines`]). Unlike `print!` it gives an error where nothing can be written.
fn say(text: &str) -> Result<()> {
    let shown = printable::lines(text);
    std::io::stdout()
        .write_all(shown.as_bytes())
        .map_err(Error::io("write to", "standard output"))
}

/// Prints a result as `--format json` does; names come back from it exactly.
fn say_json(result: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(result);
    let text = text.map_err(|e| Error::Mismatch(format!("cannot be written as JSON: {e}")))?;
    say(&(printable::json(&text) + "\n"))
}

/// Prints one line to standard error. What cannot be written there is no reason to end the work.
fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{}", printable::one_line(line));
}

/// Parses the arguments of this process; where they are wrong, ends it with what clap says of them.
pub fn parse() -> Cli {
    Cli::try_parse().unwrap_or_else(|error| {
        // clap repeats arguments as they are, and they may be names from data
        let acts = |argument: std::ffi::OsString| {
            matches!(
                printable::one_line(&argument.to_string_lossy()),
                Cow::Owned(_)
            )
        };
        if error.use_stderr() && std::env::args_os().any(acts) {
            // where standard error is closed, the exit code is all that is left to say
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

/// Runs any command but `explore` and `show`, which draw to the terminal and are for `main`.
pub fn run(command: Command) -> Result<()> {
    match command {
        Command::Explore(_) | Command::Show(_) => Err(Error::Argument(
            "`multiexpan` draws to the terminal; this is its engine, and does not".into(),
        )),
        Command::Expand(args) => expand::run(args),
        Command::Evaluate(args) => evaluate::run(args),
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
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
        Command::Serve => {
            // without this it only is slower to the eye
            let _ = rustix::process::nice(GIVES_WAY);
            pipe::serve(std::io::stdin(), std::io::stdout())
        }
    }
}

/// How much the explorer's engine gives way to the screen (as `nice` counts): where both want a
/// core, a key comes first.
const GIVES_WAY: i32 = 5;

/// Goes on as the program that computes, with the arguments that this one was given. Comes back
/// only where that cannot be started.
pub fn become_engine() -> Result<()> {
    let path = Process::program()?;
    let failed = Program::new(&path).args(std::env::args_os().skip(1)).exec();
    Err(Error::io("start", path)(failed))
}

/// `--device`, for every command that computes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DeviceArg {
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: DeviceChoice,
}

/// Parses a mode that people ask for; the prior (`none`) is not one.
fn mode_parser() -> impl TypedValueParser<Value = Mode> {
    PossibleValuesParser::new(["both", "text", "image"]).try_map(|name| name.parse::<Mode>())
}

fn seeds_parser() -> impl TypedValueParser<Value = SeedCount> {
    PossibleValuesParser::new(["3", "5"]).try_map(|n| n.parse::<SeedCount>())
}

/// Parses a form of runs.
fn run_form_parser() -> impl TypedValueParser<Value = RunFormat> {
    PossibleValuesParser::new(RunFormat::ALL.map(RunFormat::name))
        .try_map(|name| name.parse::<RunFormat>())
}

/// A name in exactly `width` columns, as it may be printed: padded, or cut with `…`. Wide
/// characters are measured.
fn cut(name: &str, width: usize) -> String {
    let name = printable::one_line(name);
    let mut out = String::new();
    let mut used = 0;
    let fits = name.width() <= width;
    for c in name.chars() {
        let columns = c.width().unwrap_or(0);
        if !fits && used + columns > width - 1 {
            out.push('…');
            used += 1;
            break;
        }
        out.push(c);
        used += columns;
    }
    out + &" ".repeat(width.saturating_sub(used))
}

/// Says on standard error what a job left out.
fn told_left_out(left_out: &[(String, usize)]) {
    left_out
        .iter()
        .for_each(|(what, count)| note(&format!("left out: {count} {what}")));
}

/// The folder, if it is there; else an error that says so.
fn existing(what: &'static str, path: PathBuf) -> Result<PathBuf> {
    if path.exists() {
        Ok(path)
    } else {
        Err(Error::Missing {
            what,
            path,
            hint: String::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_means_the_explorer() {
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
    fn values_that_cannot_be_are_refused() {
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
            "multiexpan index DATASET --out I",
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
    fn lines_of_the_documentation_parse() {
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
