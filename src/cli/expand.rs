//! `multiexpan expand`: expands one set of seeds.

use clap::ValueEnum;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::cli::arguments::{DeviceArg, mode_parser};
use crate::cli::output::{print_json, print_text};
use crate::engine::Session;
use crate::engine::protocol::{Candidate, ExpandRequest, RerankedPick};
use crate::error::Result;
use crate::printable;
use crate::types::{EntityId, ModalityParts, Mode, SearchSettings};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of the index
    pub index: PathBuf,

    /// Seeds, by name or id, separated by commas
    #[arg(
        long,
        value_name = "NAME,NAME…",
        value_delimiter = ',',
        required = true
    )]
    pub seeds: Vec<String>,

    /// Modalities that the ranking uses
    #[arg(long, default_value = "both", value_parser = mode_parser())]
    pub mode: Mode,

    /// Number of candidates to pick
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub size: u32,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// Data set with the gold [default: the one the index was built from]
    #[arg(long, value_name = "DIR")]
    pub dataset: Option<PathBuf>,

    #[command(flatten)]
    pub device: DeviceArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns
    Table,
    /// An array with one object for each candidate
    Json,
    /// Tab-separated columns with a header line
    Tsv,
}

/// Prints the candidates in rank order.
pub fn run(args: Args) -> Result<()> {
    let mut session = Session::open(&args.index, args.dataset.as_deref(), args.device.device)?;
    let seeds = session.find_seeds(args.seeds.iter().map(String::as_str))?;
    let request = ExpandRequest {
        mode: args.mode,
        seeds,
        rejected: Vec::new(),
        size: args.size as usize,
        class: None,
        joint: None,
        settings: SearchSettings::default(),
    };
    let candidates = session.expand(&request)?;
    let shared = shared_classes(&session, &request.seeds);
    let rows: Vec<Row> = candidates
        .iter()
        .zip(1..)
        .map(|((c, r), rank)| Row::new(&session, &request.seeds, &shared, rank, c, r))
        .collect();
    match args.format {
        Format::Json => print_json(&rows),
        Format::Tsv => {
            print_text(&(TSV_HEAD.to_owned() + &rows.iter().map(Row::tsv).collect::<String>()))
        }
        Format::Table => {
            print_text(&(table_head() + &rows.iter().map(Row::columns).collect::<String>()))
        }
    }
}

const TSV_HEAD: &str =
    "rank\tid\tentity\tscore\tprior\ttext\timage\tfrom\tdivergence_rank\trerank\tgold\n";

fn table_head() -> String {
    let [rank, entity] = ["rank", "entity"];
    let numbers = ["score", "prior", "text", "image"]
        .map(|name| format!("{name:>8} "))
        .concat();
    format!("{rank:>4}   {entity:<32} {numbers}{:>6}\n", "from")
}

/// Returns the classes that all seeds are members of. Their members are gold.
fn shared_classes(session: &Session, seeds: &[EntityId]) -> Vec<usize> {
    let classes = session.catalogue.classes.iter().enumerate();
    classes
        .filter(|(_, c)| seeds.iter().all(|s| c.members.contains(s)))
        .map(|(i, _)| i)
        .collect()
}

/// A candidate in the JSON output.
#[derive(Debug, Serialize)]
struct Row {
    rank: usize,
    id: EntityId,
    entity: String,
    /// ΣZ over the seeds.
    score: f64,
    /// Null if the index does not have all modes.
    parts: Option<ModalityParts>,
    /// The contribution of each seed by its id. Their sum is the score.
    seeds: BTreeMap<EntityId, f64>,
    pick: PickColumns,
    rerank: RerankColumns,
    /// True if it is in a class that all seeds share; null if they share none.
    gold: Option<bool>,
}

#[derive(Debug, Serialize)]
struct PickColumns {
    round: i64,
    window: usize,
    window_place: usize,
    divergence: f64,
    /// ΣZ over the seeds and all earlier picks.
    score: f64,
}

#[derive(Debug, Serialize)]
struct RerankColumns {
    /// The rank before re-ranking.
    from: usize,
    divergence_rank: usize,
    /// 9/from + 1/divergence_rank.
    score: f64,
}

impl Row {
    fn new(
        session: &Session,
        seeds: &[EntityId],
        shared: &[usize],
        rank: usize,
        candidate: &Candidate,
        reranked: &RerankedPick,
    ) -> Self {
        let member = |&class: &usize| {
            session.catalogue.classes[class]
                .members
                .contains(&candidate.entity)
        };
        Row {
            rank,
            id: candidate.entity,
            entity: session
                .catalogue
                .entity(candidate.entity)
                .map(|e| e.name.clone())
                .unwrap_or_default(),
            score: candidate.score,
            parts: candidate.parts,
            seeds: seeds
                .iter()
                .copied()
                .zip(candidate.seed_contributions.iter().copied())
                .collect(),
            pick: PickColumns {
                round: candidate.round,
                window: candidate.window,
                window_place: candidate.window_rank,
                divergence: candidate.divergence,
                score: candidate.set_score,
            },
            rerank: RerankColumns {
                from: reranked.pick + 1,
                divergence_rank: reranked.divergence_rank,
                score: reranked.score,
            },
            gold: (!shared.is_empty()).then(|| shared.iter().any(member)),
        }
    }

    fn tsv(&self) -> String {
        let part = |of: fn(&ModalityParts) -> f64| {
            self.parts
                .as_ref()
                .map_or(String::new(), |p| format!("{:.4}", of(p)))
        };
        format!(
            "{}\t{}\t{}\t{:.4}\t{}\t{}\t{}\t{}\t{}\t{:.6}\t{}\n",
            self.rank,
            self.id,
            printable::one_line(&self.entity),
            self.score,
            part(|p| p.prior),
            part(|p| p.text),
            part(|p| p.image),
            self.rerank.from,
            self.rerank.divergence_rank,
            self.rerank.score,
            self.gold.map_or("", |g| if g { "1" } else { "0" })
        )
    }

    fn columns(&self) -> String {
        let part = |of: fn(&ModalityParts) -> f64| {
            self.parts
                .as_ref()
                .map_or("–".to_owned(), |p| format!("{:.2}", of(p)))
        };
        let mark = self.gold.map_or(" ", |g| if g { "✓" } else { "✗" });
        let name = crate::cli::output::fit_columns(&self.entity, 32);
        let (prior, text, image) = (part(|p| p.prior), part(|p| p.text), part(|p| p.image));
        format!(
            "{:>4} {mark} {name} {:>8.2} {prior:>8} {text:>8} {image:>8} {:>6}\n",
            self.rank, self.score, self.rerank.from
        )
    }
}
