//! `multiexpan expand`: expands one set of seeds.

use clap::ValueEnum;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::cli::arguments::{DeviceArg, mode_parser, ranking_parser};
use crate::cli::output::{print_json, print_text};
use crate::engine::Session;
use crate::engine::protocol::{Candidate, ExpandRequest, ListBoundary, RerankedPick};
use crate::error::{Error, Result};
use crate::printable;
use crate::table::probability_percent;
use crate::types::{EntityId, ModalityParts, Mode, RankingKind, SearchSettings};

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

    /// Ranking: feedback (affinity to the seeds and the best candidates), window (the published
    /// window search and re-ranking) or seeds (candidates sorted by ΣZ over the seeds)
    #[arg(long, default_value = "feedback", value_parser = ranking_parser(["feedback", "window", "seeds"]))]
    pub ranking: RankingKind,

    /// Accepted candidates, by name or id: they count as seeds
    #[arg(long, value_name = "NAME,NAME…", value_delimiter = ',')]
    pub accept: Vec<String>,

    /// Rejected candidates, by name or id: they are left out, and similar ones move down
    #[arg(long, value_name = "NAME,NAME…", value_delimiter = ',')]
    pub reject: Vec<String>,

    /// End the list where the class probably ends
    #[arg(long)]
    pub until_boundary: bool,

    /// Further indexes of the same entities: the mean of all is ranked by
    #[arg(long, value_name = "INDEX")]
    pub with: Vec<PathBuf>,

    /// Number of candidates [default: 100, or all if there are fewer]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub size: Option<u32>,

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
    for companion in &args.with {
        session.add_companion(companion, args.device.device)?;
    }
    let entities = |names: &[String]| session.find_seeds(names.iter().map(String::as_str));
    let request = ExpandRequest {
        mode: args.mode,
        ranking: args.ranking,
        seeds: entities(&args.seeds)?,
        accepted: entities(&args.accept)?,
        rejected: entities(&args.reject)?,
        size: args
            .size
            .map_or_else(|| default_size(&session), |size| size as usize),
        class: None,
        joint: None,
        settings: SearchSettings::default(),
    };
    let list = CandidateRows::new(&mut session, &request, args.until_boundary)?;
    match args.format {
        Format::Json => print_json(&list.rows),
        Format::Tsv => print_text(&list.tsv(args.ranking)),
        Format::Table => print_text(&list.table(args.ranking)),
    }
}

/// The number of candidates, if there are enough.
const DEFAULT_SIZE: usize = 100;

fn default_size(session: &Session) -> usize {
    DEFAULT_SIZE.min(session.catalogue.entities.len())
}

/// Returns the classes that all seeds are members of. Their members are gold.
fn shared_classes(session: &Session, seeds: &[EntityId]) -> Vec<usize> {
    let classes = session.catalogue.classes.iter().enumerate();
    classes
        .filter(|(_, c)| seeds.iter().all(|s| c.members.contains(s)))
        .map(|(i, _)| i)
        .collect()
}

/// The rows of the output, and the boundary of the class.
struct CandidateRows {
    rows: Vec<Row>,
    boundary: Option<ListBoundary>,
}

impl CandidateRows {
    /// Ranks the candidates of a request; with `until_boundary` only those before the boundary.
    ///
    /// Errors: those of the ranking; `Argument` where the boundary is asked for and not known.
    fn new(session: &mut Session, request: &ExpandRequest, until_boundary: bool) -> Result<Self> {
        let (mut candidates, boundary) = if request.is_window_search() {
            let picks = session.expand(request)?.into_iter();
            let with_reranking = picks.map(|(candidate, reranked)| (candidate, Some(reranked)));
            (with_reranking.collect::<Vec<_>>(), None)
        } else {
            let list = session.list(request)?;
            let candidates = list.candidates.into_iter().map(|c| (c, None));
            (candidates.collect(), list.boundary)
        };
        if until_boundary {
            let Some(boundary) = boundary else {
                return Err(Error::Argument(
                    "where the class ends is known only for the feedback ranking of two or more seeds, \
                     before anything is accepted or rejected"
                        .into(),
                ));
            };
            candidates.truncate(boundary.size);
        }
        let shared = shared_classes(session, &request.seeds);
        let members: Vec<EntityId> = request
            .seeds
            .iter()
            .chain(&request.accepted)
            .copied()
            .collect();
        let rows = candidates
            .iter()
            .zip(1..)
            .map(|((candidate, reranked), rank)| {
                let mut row = Row::new(
                    session,
                    &members,
                    &shared,
                    rank,
                    candidate,
                    reranked.as_ref(),
                );
                row.in_class = boundary.map(|boundary| rank <= boundary.size);
                row
            });
        Ok(CandidateRows {
            rows: rows.collect(),
            boundary,
        })
    }

    fn tsv(&self, ranking: RankingKind) -> String {
        let mut head = "rank\tid\tentity\tscore\tprior\ttext\timage".to_owned();
        head.push_str(match ranking {
            RankingKind::Window | RankingKind::Joint => "\tfrom\tdivergence_rank\trerank\tgold\n",
            _ => "\thubness\trejected\tprobability\tin_class\tgold\n",
        });
        head + &self.rows.iter().map(Row::tsv).collect::<String>()
    }

    /// Returns aligned columns, with a line where the class probably ends.
    fn table(&self, ranking: RankingKind) -> String {
        let [rank, entity] = ["rank", "entity"];
        let numbers = ["score", "prior", "text", "image"]
            .map(|name| format!("{name:>8} "))
            .concat();
        let last = match ranking {
            RankingKind::Feedback => format!("{:>8} {:>7}", "hubness", "member"),
            RankingKind::SeedSimilarity => String::new(),
            RankingKind::Window | RankingKind::Joint => format!("{:>6}", "from"),
        };
        let mut text = format!("{rank:>4}   {entity:<32} {numbers}{last}")
            .trim_end()
            .to_owned();
        text.push('\n');
        for row in &self.rows {
            text.push_str(&row.columns(ranking));
            if let Some(boundary) = self.boundary.filter(|boundary| boundary.size == row.rank) {
                text.push_str(&boundary_line(&boundary));
            }
        }
        text
    }
}

/// Returns the line below the last candidate before the boundary.
fn boundary_line(boundary: &ListBoundary) -> String {
    format!(
        "────── the class probably ends here: about {:.0} of {} are members\n",
        boundary.expected_members, boundary.size
    )
}

/// A candidate in the JSON output.
#[derive(Debug, Serialize)]
struct Row {
    rank: usize,
    id: EntityId,
    entity: String,
    /// The score over the seeds: of the feedback ranking, or ΣZ.
    score: f64,
    /// Null if the index does not have all modes.
    parts: Option<ModalityParts>,
    /// The contribution of each seed and accepted candidate by its id.
    seeds: BTreeMap<EntityId, f64>,
    /// The contribution of the candidates that were fed back.
    feedback: f64,
    /// The probability that it is a member of the class; null if it is not known.
    probability: Option<f64>,
    /// Whether it is before the place where the class probably ends; null if that is not known.
    in_class: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pick: Option<PickColumns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rerank: Option<RerankColumns>,
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
        members: &[EntityId],
        shared: &[usize],
        rank: usize,
        candidate: &Candidate,
        reranked: Option<&RerankedPick>,
    ) -> Self {
        let is_member = |&class: &usize| {
            session.catalogue.classes[class]
                .members
                .contains(&candidate.entity)
        };
        let contributions = candidate.seed_contributions.iter().copied();
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
            seeds: members.iter().copied().zip(contributions).collect(),
            feedback: candidate.feedback_contribution,
            probability: candidate.probability,
            in_class: None,
            pick: candidate.pick.map(|pick| PickColumns {
                round: pick.round,
                window: pick.window,
                window_place: pick.window_rank,
                divergence: pick.divergence,
                score: pick.set_score,
            }),
            rerank: reranked.map(|reranked| RerankColumns {
                from: reranked.pick + 1,
                divergence_rank: reranked.divergence_rank,
                score: reranked.score,
            }),
            gold: (!shared.is_empty()).then(|| shared.iter().any(is_member)),
        }
    }

    /// Returns a part of the score with this many decimals, or `missing` if it is not known.
    fn part(&self, of: fn(&ModalityParts) -> f64, decimals: usize, missing: &str) -> String {
        self.parts
            .as_ref()
            .map_or(missing.to_owned(), |p| format!("{:.decimals$}", of(p)))
    }

    fn tsv(&self) -> String {
        let part = |of| self.part(of, 4, "");
        let last = match &self.rerank {
            Some(rerank) => format!(
                "{}\t{}\t{:.6}",
                rerank.from, rerank.divergence_rank, rerank.score
            ),
            None => format!(
                "{}\t{}\t{}\t{}",
                part(|p| p.hubness),
                part(|p| p.rejected),
                self.probability
                    .map_or(String::new(), |p| format!("{p:.4}")),
                flag(self.in_class)
            ),
        };
        format!(
            "{}\t{}\t{}\t{:.4}\t{}\t{}\t{}\t{last}\t{}\n",
            self.rank,
            self.id,
            printable::one_line(&self.entity),
            self.score,
            part(|p| p.prior),
            part(|p| p.text),
            part(|p| p.image),
            flag(self.gold)
        )
    }

    fn columns(&self, ranking: RankingKind) -> String {
        let part = |of| self.part(of, 2, "–");
        let mark = self.gold.map_or(" ", |g| if g { "✓" } else { "✗" });
        let name = crate::cli::output::fit_columns(&self.entity, 32);
        let (prior, text, image) = (part(|p| p.prior), part(|p| p.text), part(|p| p.image));
        let last = match (ranking, &self.rerank) {
            (RankingKind::Feedback, _) => {
                let probability = self.probability.map(probability_percent);
                let probability = probability.unwrap_or_else(|| "–".to_owned());
                format!("{:>8} {probability:>7}", part(|p| p.hubness))
            }
            (_, Some(rerank)) => format!("{:>6}", rerank.from),
            (_, None) => String::new(),
        };
        let line = format!(
            "{:>4} {mark} {name} {:>8.2} {prior:>8} {text:>8} {image:>8} {last}",
            self.rank, self.score
        );
        format!("{}\n", line.trim_end())
    }
}

/// Returns 1, 0, or nothing if it is not known.
fn flag(value: Option<bool>) -> &'static str {
    match value {
        Some(true) => "1",
        Some(false) => "0",
        None => "",
    }
}
