//! `multiexpan evaluate`: metrics over a data set's queries.

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use unicode_width::UnicodeWidthStr;

use crate::cli::progress::{Reporter, interrupt};
use crate::cli::{DeviceArg, mode_parser, run_form_parser, say, say_json, seeds_parser};
use crate::engine::protocol::ClassCard;
use crate::engine::{EvaluationPlan, Session};
use crate::error::Result;
use crate::eval::run::{Ranking, Run, RunFormat};
use crate::jobs::evaluate::{EvaluatedQueries, evaluate, read_queries};
use crate::types::{CUTOFFS, EvaluationProtocol, MetricValues, Mode, RankingKind, SeedCount};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of the index
    pub index: PathBuf,

    /// What the ranking sees
    #[arg(long, default_value = "both", value_parser = mode_parser())]
    pub mode: Mode,

    /// Queries with how many seeds
    #[arg(long, value_name = "N", default_value = "3", value_parser = seeds_parser())]
    pub seeds: SeedCount,

    /// standard: each query alone. published: all classes of a query number from one pool, as the
    /// published code
    #[arg(long, default_value = "standard", value_parser = protocol_parser())]
    pub protocol: EvaluationProtocol,

    /// expanded: window search and re-ranking. joint: the same, all classes of a query number from
    /// one pool. seeds: candidates by their score over the seeds alone
    #[arg(long, default_value = "expanded", value_parser = ranking_parser(["expanded", "seeds", "joint"]))]
    pub ranking: RankingKind,

    /// Folder of query files to use in place of the data set's
    #[arg(long, value_name = "DIR")]
    pub queries: Option<PathBuf>,

    /// Only this class
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,

    /// Write the rankings there, and every setting beside it (RUN.json)
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,

    /// As what the rankings are written: a file of TREC lines, or a folder of published results or
    /// of a submission to NLPCC 2024
    #[arg(long, value_name = "FORM", default_value = "trec", value_parser = run_form_parser(), requires = "out")]
    pub run_format: RunFormat,

    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// Data set with gold and queries [default: the one the index was built from]
    #[arg(long, value_name = "DIR")]
    pub dataset: Option<PathBuf>,

    #[command(flatten)]
    pub device: DeviceArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people
    Table,
    /// {"overall": {"map@10": …}, "classes": {…}}
    Json,
}

/// Prints MAP and P at every cutoff, by class and overall.
pub fn run(args: Args) -> Result<()> {
    if let Some(out) = &args.out {
        args.run_format.check_output_path(out)?;
    }
    let session = Session::open(&args.index, args.dataset.as_deref(), args.device.device)?;
    let class = args
        .class
        .as_deref()
        .map(|name| session.find_class(name))
        .transpose()?;
    let plan = EvaluationPlan {
        mode: args.mode,
        seed_count: args.seeds,
        ranking: args.ranking,
        protocol: args.protocol,
        class,
    };
    let asked = match (&args.queries, &session.catalogue.dataset) {
        (Some(folder), Some(dataset)) => Some(read_queries(dataset, folder, args.seeds)?),
        _ => None,
    };
    let (asked, hash) = asked.unzip();
    let hash = hash.or_else(|| session.queries_hash(args.seeds));
    let mut reporter = Reporter::new(interrupt()?);
    let evaluated = evaluate(&session, &plan, asked, &mut reporter)?;
    drop(reporter);
    crate::cli::told_left_out(&evaluated.left_out);
    if let Some(path) = &args.out {
        session.write_run(
            &run_of(&session, &args, &evaluated, hash),
            args.run_format,
            path,
        )?;
    }
    print(args.format, &session.catalogue.classes, &evaluated)
}

/// The metrics by class and overall.
pub(super) fn print(
    format: Format,
    classes: &[ClassCard],
    evaluated: &EvaluatedQueries,
) -> Result<()> {
    match format {
        Format::Json => say_json(&as_json(classes, evaluated)),
        Format::Table => say(&table(classes, evaluated)),
    }
}

/// The rankings as a run, with every setting that made them.
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

fn as_json(cards: &[ClassCard], evaluated: &EvaluatedQueries) -> Value {
    let classes: Map<String, Value> = (evaluated.evaluation.classes.iter())
        .map(|(class, measures, queries)| {
            let mut columns = columns(measures);
            columns.insert("queries".into(), json!(queries));
            (cards[class.index()].name.clone(), Value::Object(columns))
        })
        .collect();
    json!({ "overall": columns(&evaluated.evaluation.overall), "queries": evaluated.evaluation.queries, "classes": classes })
}

/// `{"map@10": …, "p@10": …, "ceiling@10": …}`, 0..1.
fn columns(measures: &MetricValues) -> Map<String, Value> {
    let sorts = [
        ("map", measures.ap),
        ("p", measures.p),
        ("ceiling", measures.ceiling),
    ];
    sorts
        .iter()
        .flat_map(|(name, values)| {
            CUTOFFS
                .iter()
                .zip(values)
                .map(move |(k, v)| (format!("{name}@{k}"), json!(v)))
        })
        .collect()
}

fn table(classes: &[ClassCard], evaluated: &EvaluatedQueries) -> String {
    let width = classes
        .iter()
        .map(|c| c.title().width())
        .max()
        .unwrap_or(0)
        .clamp(8, 40);
    let heads = |name: &str| {
        CUTOFFS
            .iter()
            .map(|k| format!("{:>8}", format!("{name}@{k}")))
            .collect::<String>()
    };
    let mut text = format!(
        "{}{}{}\n",
        crate::cli::cut("class", width),
        heads("MAP"),
        heads("P")
    );
    let line = |name: &str, m: &MetricValues| {
        let values: String =
            m.ap.iter()
                .chain(&m.p)
                .map(|v| format!("{:>8.1}", v * 100.0))
                .collect();
        format!("{}{values}\n", crate::cli::cut(name, width))
    };
    for (class, measures, _) in &evaluated.evaluation.classes {
        text += &line(&classes[class.index()].title(), measures);
    }
    text + &line("overall", &evaluated.evaluation.overall)
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
        "ranking": args.ranking,
        "protocol": args.protocol,
        "class": args.class,
        "queries": args.queries,
        // joint expansion gives an entity to whoever asks first, so the order of classes is part of
        // a run
        "class_order": catalogue.classes.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
    });
    settings.as_object().cloned().unwrap_or_default()
}

// The maps below are total: clap lets only the named values through.

fn protocol_parser() -> impl TypedValueParser<Value = EvaluationProtocol> {
    PossibleValuesParser::new(["standard", "published"]).map(|name| {
        if name == "published" {
            EvaluationProtocol::Published
        } else {
            EvaluationProtocol::Standard
        }
    })
}

pub(super) fn ranking_parser<const N: usize>(
    names: [&'static str; N],
) -> impl TypedValueParser<Value = RankingKind> {
    PossibleValuesParser::new(names).map(|name| match name.as_str() {
        "seeds" => RankingKind::SeedSimilarity,
        "joint" => RankingKind::Joint,
        _ => RankingKind::Expanded,
    })
}
