//! Options and value parsers that several commands use.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::error::{Error, Result};
use crate::eval::run::RunFormat;
use crate::types::{DeviceChoice, EvaluationProtocol, Mode, RankingKind, SeedCount};

/// The `--device` option of every command that computes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DeviceArg {
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: DeviceChoice,
}

/// Returns a parser of the values with these names.
pub(super) fn name_parser<T, const N: usize>(
    names: [&'static str; N],
) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse::<T>())
}

/// Returns a parser of the modes that have a ranking, which the prior (`none`) has not.
pub(super) fn mode_parser() -> impl TypedValueParser<Value = Mode> {
    name_parser([
        "both",
        "text",
        "image",
        "frozen-text",
        "frozen-image",
        "words",
    ])
}

pub(super) fn seeds_parser() -> impl TypedValueParser<Value = SeedCount> {
    name_parser(["3", "5"])
}

pub(super) fn run_format_parser() -> impl TypedValueParser<Value = RunFormat> {
    name_parser(RunFormat::ALL.map(RunFormat::name))
}

pub(super) fn protocol_parser() -> impl TypedValueParser<Value = EvaluationProtocol> {
    PossibleValuesParser::new(["standard", "published"]).map(|name| match name.as_str() {
        "published" => EvaluationProtocol::Published,
        _ => EvaluationProtocol::Standard,
    })
}

/// Returns a parser of the rankings with these names: `feedback`, `window`, `joint`, `seeds`.
/// `expanded` is an older name of `window`.
pub(super) fn ranking_parser<const N: usize>(
    names: [&'static str; N],
) -> impl TypedValueParser<Value = RankingKind> {
    let value = |name: &'static str| match name {
        "window" => PossibleValue::new(name).alias("expanded"),
        _ => PossibleValue::new(name),
    };
    PossibleValuesParser::new(names.map(value)).map(|name| match name.as_str() {
        "seeds" => RankingKind::SeedSimilarity,
        "joint" => RankingKind::Joint,
        "window" | "expanded" => RankingKind::Window,
        _ => RankingKind::Feedback,
    })
}

/// Returns `path`, or an error if nothing is there.
pub(super) fn existing_path(what: &'static str, path: PathBuf) -> Result<PathBuf> {
    if path.exists() {
        return Ok(path);
    }
    Err(Error::Missing {
        what,
        path,
        hint: String::new(),
    })
}
