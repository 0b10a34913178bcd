//! `multiexpan evaluate`: metrics over the queries of a data set.

use serde_json::{Map, Value, json};
use std::path::PathBuf;

use crate::cli::arguments::{
    DeviceArg, mode_parser, protocol_parser, ranking_parser, run_format_parser, seeds_parser,
};
use crate::cli::metrics_table::{Format, print};
use crate::cli::output::print_left_out;
use crate::cli::progress::{Reporter, interrupt};
use crate::engine::{EvaluationPlan, Session};
use crate::error::{Error, Result};
use crate::eval::run::{Ranking, Run, RunFormat};
use crate::jobs::evaluate::{EvaluatedQueries, evaluate, read_queries};
use crate::types::{EvaluationProtocol, Mode, RankingKind, SeedCount};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of the index
    pub index: PathBuf,

    /// Modalities that the ranking uses
    #[arg(long, default_value = "both", value_parser = mode_parser())]
    pub mode: Mode,

    /// Number of seeds of the queries
    #[arg(long, value_name = "N", default_value = "3", value_parser = seeds_parser())]
    pub seeds: SeedCount,

    /// Protocol: standard (each query alone) or published (all classes of a query number from one
    /// pool, as in the published code)
    #[arg(long, default_value = "standard", value_parser = protocol_parser())]
    pub protocol: EvaluationProtocol,

    /// Ranking: feedback (affinity to the seeds and the best candidates), window (the published
    /// window search and re-ranking), joint (the same, all classes of a query number from one pool)
    /// or seeds (candidates sorted by ΣZ over the seeds) [default: feedback; window with --protocol
    /// published]
    #[arg(long, value_parser = ranking_parser(["feedback", "window", "seeds", "joint"]))]
    pub ranking: Option<RankingKind>,

    /// Further indexes of the same entities: the mean of all is ranked by
    #[arg(long, value_name = "INDEX")]
    pub with: Vec<PathBuf>,

    /// Folder of query files to use instead of the data set's
    #[arg(long, value_name = "DIR")]
    pub queries: Option<PathBuf>,

    /// Only evaluate this class
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,

    /// Path for the rankings; the settings are written next to it (RUN.json)
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,

    /// Format of the rankings: a TREC run file, or a folder of published results or of an NLPCC 2024
    /// submission
    #[arg(long, value_name = "FORMAT", default_value = "trec", value_parser = run_format_parser(), requires = "out")]
    pub run_format: RunFormat,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// Data set with gold and queries [default: the one the index was built from]
    #[arg(long, value_name = "DIR")]
    pub dataset: Option<PathBuf>,

    #[command(flatten)]
    pub device: DeviceArg,
}

/// Prints MAP and P at every cutoff, by class and overall.
pub fn run(args: Args) -> Result<()> {
    if let Some(out) = &args.out {
        args.run_format.check_output_path(out)?;
    }
    let ranking = ranking(&args)?;
    let mut session = Session::open(&args.index, args.dataset.as_deref(), args.device.device)?;
    for companion in &args.with {
        session.add_companion(companion, args.device.device)?;
    }
    let class = args
        .class
        .as_deref()
        .map(|name| session.find_class(name))
        .transpose()?;
    let plan = EvaluationPlan {
        mode: args.mode,
        seed_count: args.seeds,
        ranking,
        protocol: args.protocol,
        class,
    };
    let queries = match (&args.queries, &session.catalogue.dataset) {
        (Some(folder), Some(dataset)) => Some(read_queries(dataset, folder, args.seeds)?),
        _ => None,
    };
    let (queries, hash) = queries.unzip();
    let hash = hash.or_else(|| session.queries_hash(args.seeds));
    let mut reporter = Reporter::new(interrupt()?);
    let evaluated = evaluate(&session, &plan, queries, &mut reporter)?;
    drop(reporter);
    print_left_out(&evaluated.left_out);
    if let Some(path) = &args.out {
        session.write_run(
            &run_of(&session, &args, &evaluated, hash),
            args.run_format,
            path,
        )?;
    }
    print(args.format, &session.catalogue.classes, &evaluated)
}

/// Returns the ranking to evaluate. The published protocol is defined for its own ranking.
fn ranking(args: &Args) -> Result<RankingKind> {
    match (args.protocol, args.ranking) {
        (EvaluationProtocol::Published, Some(RankingKind::Feedback)) => Err(Error::Argument(
            "--protocol published ranks by the window search; leave --ranking out".into(),
        )),
        (EvaluationProtocol::Published, None) => Ok(RankingKind::Window),
        (_, ranking) => Ok(ranking.unwrap_or_default()),
    }
}

/// Returns the rankings as a run, with all settings that produced them.
fn run_of(
    session: &Session,
    args: &Args,
    evaluated: &EvaluatedQueries,
    queries_hash: Option<String>,
) -> Run {
    let catalogue = &session.catalogue;
    let id = |class: crate::types::ClassId, number: usize| {
        format!(
            "{}/{}/{}",
            catalogue.class(class).name,
            args.seeds.as_usize(),
            number + 1
        )
    };
    let rankings = evaluated.results.iter().map(|r| Ranking {
        query: id(r.query.class, r.query.number),
        candidates: r.ranking.clone(),
    });
    let (tag, settings) = (
        format!("multiexpan-{}", args.mode),
        settings(session, args, queries_hash),
    );
    Run {
        tag,
        settings,
        rankings: rankings.collect(),
        ..Run::default()
    }
}

fn settings(session: &Session, args: &Args, queries_hash: Option<String>) -> Map<String, Value> {
    let catalogue = &session.catalogue;
    let settings = json!({
        "program": concat!("multiexpan ", env!("CARGO_PKG_VERSION")),
        "index": catalogue.index,
        "dataset": catalogue.dataset,
        "dataset_hash": catalogue.dataset_hash,
        "queries_hash": queries_hash,
        "device": catalogue.device,
        "mode": args.mode,
        "seeds": args.seeds,
        "ranking": ranking(args).unwrap_or_default(),
        "with": args.with,
        "protocol": args.protocol,
        "class": args.class,
        "queries": args.queries,
        // in a joint expansion the first class to pick an entity gets it, so the order of the classes
        // is part of the settings
        "class_order": catalogue.classes.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
    });
    settings.as_object().cloned().unwrap_or_default()
}
