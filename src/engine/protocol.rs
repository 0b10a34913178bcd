//! Requests and replies: plain data, no tensor, no terminal. They cross a pipe where the engine is
//! a process of its own.
//!
//! Every request has an id, drawn from one rising counter; replies carry it. A newer `Expand`
//! cancels the older one, as do a newer `Evaluate` and a newer `Failures`; a reply whose id is not
//! the latest of its kind is stale.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::data::nearest;
pub use crate::eval::{FailureKind, Tag, TagKind};
use crate::name::{fold, is_same};
use crate::progress::Progress;
use crate::types::{
    ClassId, DeviceChoice, EntityId, MetricValues, ModalityParts, Mode, PairedTest, Query,
    RankSimilarity, RankingKind, SearchSettings, SeedCount,
};

pub use crate::engine::why::{
    CompetitorCard, EntityExplanation, EntityStatus, Explained, RerankedRank, SeedContribution,
    SeedStates, StateCard, WindowPick,
};

/// Names a request; newer ones are greater.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
pub struct RequestId(pub u64);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub id: RequestId,
    pub ask: RequestKind,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RequestKind {
    /// Load an index and its data set. Answered by `Opened` (or `Failed`).
    Open {
        index: PathBuf,
        dataset: Option<PathBuf>,
        device: DeviceChoice,
    },
    /// Answered by `Picks`…, `Reranked`, `Measured`, `Beside` (one a further mode), `Missing`,
    /// `Expanded`.
    Expand(ExpandRequest),
    /// All about one entity. Answered by `Inspected`.
    Inspect { entity: EntityId, mode: Mode },
    /// The first picture of each of these entities. Answered by `Pictures`.
    Pictures { entities: Vec<EntityId> },
    /// Every query with this many seeds, in the background: `ClassMeasured` as classes finish, then
    /// `Evaluated`.
    Evaluate(EvaluationKey),
    /// Two evaluations that are done, of one number of seeds. Answered by `Compared`.
    Compare {
        first: EvaluationKey,
        second: EvaluationKey,
    },
    /// Why each of these entities stands where it stands. Answered by `Explained`.
    Explain {
        ask: ExpandRequest,
        entities: Vec<EntityId>,
    },
    /// The metrics alone of an expansion that has a class. Answered by `Measured`.
    Measure(ExpandRequest),
    /// What an evaluation that is done or under way got wrong, in the background. Answered by
    /// `Failures`, a part at a time.
    Failures(EvaluationKey),
    /// End the evaluation and the search for failures that run in the background. Answered by
    /// `Stopped`, after which nothing comes of them. What was under way goes on from there if it is
    /// the next of its kind to be asked for: classes that were told are not told again.
    Stop,
    /// An index of the same data set, or a run, to stand beside the index. Answered by `Brought`.
    Bring { path: PathBuf },
}

/// What ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ranker {
    /// The open index in this mode.
    Own(Mode),
    /// Another index, by its place among the imports, in this mode.
    Index(u16, Mode),
    /// A run, by its place among the imports.
    Run(u16),
}

/// What was brought to stand beside the index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Import {
    pub path: PathBuf,
    /// Of a few letters: the folder's name, the run's tag.
    pub label: String,
    /// As what it can be compared.
    pub contenders: Vec<Ranker>,
    /// What it lacks, for people.
    pub lacks: Vec<String>,
    /// What a run calls entities that the vocabulary does not have; their ids are of no entity.
    pub strangers: BTreeMap<EntityId, String>,
}

/// What is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EvaluationKey {
    pub of: Ranker,
    pub seed_count: SeedCount,
    pub ranking: RankingKind,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpandRequest {
    pub mode: Mode,
    pub seeds: Vec<EntityId>,
    /// Never to be picked.
    pub rejected: Vec<EntityId>,
    /// How many candidates to pick.
    pub size: usize,
    /// The class whose members are gold for `Measured` and `Missing`; none where the seeds are
    /// free.
    pub class: Option<ClassId>,
    /// Joint expansion: this class's query together with the same-numbered query of every other
    /// class, from one pool. Alone where none.
    pub joint: Option<JointScope>,
    pub tuning: SearchSettings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JointScope {
    pub seed_count: SeedCount,
    /// Query number, from 0.
    pub number: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    pub id: RequestId,
    pub say: ReplyKind,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ReplyKind {
    Progress(Progress),
    Opened(Arc<Catalogue>),
    /// The next candidates, in the order picked; they follow what came before under this id.
    Picks(Vec<Candidate>),
    /// The order after re-ranking: `order[0]` is the best.
    Reranked(Vec<RerankedPick>),
    /// Metrics of the list of picks, before and after re-ranking.
    Measured {
        picked: MetricValues,
        reranked: MetricValues,
    },
    /// The same seeds expanded in another mode: its final ranking, best first.
    Beside {
        mode: Mode,
        ranking: Vec<EntityId>,
    },
    Missing(Vec<Missing>),
    /// The expansion is complete.
    Expanded {
        took: Duration,
    },
    Inspected(Box<EntityDetail>),
    Pictures(Vec<(EntityId, Option<PathBuf>)>),
    /// Mean over the queries of one class.
    ClassMeasured {
        class: ClassId,
        measures: MetricValues,
    },
    /// `interval`: the 95 % bootstrap interval (low, high), clustered by class; none of fewer than
    /// two classes.
    Evaluated {
        measures: MetricValues,
        interval: Option<(MetricValues, MetricValues)>,
        took: Duration,
    },
    Compared(Box<QueryComparison>),
    Brought(Import),
    Failures(Box<Failures>),
    Explained(Box<Explained>),
    Stopped,
    /// The request failed: one sentence.
    Failed(String),
    /// The engine is gone, whatever was asked: one sentence why. Nothing comes after it.
    Ended(String),
}

/// One picked candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    pub entity: EntityId,
    /// ΣZ over the seeds: comparable down the list. The sum of `seeds`, and of `parts`.
    pub score: f64,
    /// None where the index has no single-modality modes.
    pub parts: Option<ModalityParts>,
    /// What each seed brought, in the order of the request's seeds.
    pub seeds: Vec<f64>,
    /// ΣZ over the seeds and everything picked before: what the search sorted by.
    pub set_score: f64,
    /// The search's r = |set| − 3 when it was picked.
    pub round: i64,
    /// Window w(r).
    pub window: usize,
    /// Its place by `set_score` among those not yet in the set, 1..=window.
    pub window_place: usize,
    /// KL(T‖P\[e\]) when it was picked.
    pub divergence: f64,
}

/// A place in the re-ranked list.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RerankedPick {
    /// Index into the picks, from 0.
    pub pick: usize,
    /// Its rank by divergence, from 1.
    pub divergence_rank: usize,
    /// 9/i + 1/j.
    pub score: f64,
}

/// Two evaluations over the same queries.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct QueryComparison {
    /// Of AP at each cutoff; none without queries.
    pub verdicts: [Option<PairedTest>; 4],
    /// In the order of the catalogue.
    pub queries: Vec<QueryPair>,
    /// Queries that only the first has, and only the second; they count nowhere.
    pub lacking: [usize; 2],
}

/// One query in both: the first, then the second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryPair {
    pub class: ClassId,
    pub number: usize,
    /// AP at each cutoff.
    pub ap: [[f64; 4]; 2],
    /// Of the lists as far as they were kept.
    pub likeness: RankSimilarity,
    /// Best first, at most 100.
    pub lists: [Vec<EntityId>; 2],
}

/// What is wrong in the lists of one evaluation, as far as it was searched.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Failures {
    /// The modes of [`Failure::by_seeds`].
    pub modes: Vec<Mode>,
    /// How many queries the parts before this one have searched; 0: it is the first part.
    pub since: usize,
    /// How many queries were searched by now.
    pub searched: usize,
    /// How many there are to search.
    pub queries: usize,
    /// Query by query: false positives by rank, then what is missed.
    pub failures: Vec<Failure>,
}

impl Failures {
    /// Whether every query was searched.
    pub fn is_complete(&self) -> bool {
        self.searched == self.queries
    }

    /// Puts the next part behind this one; a first part replaces it.
    pub fn extend(&mut self, part: Failures) {
        if part.since == 0 {
            *self = part;
        } else {
            (self.searched, self.queries) = (part.searched, part.queries);
            self.failures.extend(part.failures);
        }
    }
}

/// A false positive within the first 100, or a member that is not among them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub class: ClassId,
    /// Query number, from 0.
    pub number: usize,
    pub entity: EntityId,
    /// In the list, from 1; none: it is missed.
    pub rank: Option<usize>,
    /// Its rank by the seeds alone in each mode, from 1; empty where it is not in the index.
    pub by_seeds: Vec<usize>,
    pub tags: Vec<Tag>,
}

impl Failure {
    pub fn kind(&self) -> FailureKind {
        if self.rank.is_some() {
            FailureKind::FalsePositive
        } else {
            FailureKind::Missed
        }
    }

    /// The class that a false positive is known to belong to.
    pub fn known(&self) -> Option<ClassId> {
        self.tags.iter().find_map(|tag| match tag {
            Tag::SiblingClass { class, .. } | Tag::OtherClass { class } => Some(*class),
            _ => None,
        })
    }
}

/// A gold entity that is not in the list, and where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    pub entity: EntityId,
    pub why: MissingReason,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum MissingReason {
    /// It never came into the window. `seed_rank`: its rank by ΣZ over the seeds among all
    /// candidates, from 1; `final_rank`: by ΣZ over the whole set at the end.
    BelowWindow { seed_rank: usize, final_rank: usize },
    /// It was in the window at this pick (from 1) and another had the smaller divergence.
    LostInWindow { pick: usize },
    /// Joint expansion: another class took it, or has it as a seed.
    TakenBy(ClassId),
    /// Not in the index, and why.
    LeftOut(String),
    /// The user rejected it.
    Rejected,
}

/// What was opened: everything that screens list without asking again.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Catalogue {
    /// The data set's name, for the status line.
    pub name: String,
    pub index: PathBuf,
    pub dataset: Option<PathBuf>,
    /// Of the data set that was indexed; none of an index of its own.
    pub dataset_hash: Option<String>,
    /// "cpu", "cuda:0".
    pub device: String,
    /// Modes that the index holds, `Both` first.
    pub modes: Vec<Mode>,
    /// In row order.
    pub entities: Vec<EntityCard>,
    /// In the order of [`ClassId`].
    pub classes: Vec<ClassCard>,
    pub queries: Vec<Query>,
    /// What was left out on the way, for people: ("entities with fewer than 2 pairs", 3).
    pub left_out: Vec<(String, usize)>,
    /// Place in `entities` by id. Filled by [`Catalogue::indexed`].
    pub places: HashMap<EntityId, usize>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntityCard {
    pub id: EntityId,
    pub name: String,
    /// The classes it is a gold member of.
    pub classes: Vec<ClassId>,
    /// Sentence–picture pairs it was indexed with.
    pub pairs: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassCard {
    /// The file's name without `.txt`: "carnivorous_mammals".
    pub name: String,
    /// The two levels above it, where `classes.tsv` gives them.
    pub middle: Option<String>,
    pub coarse: Option<String>,
    pub members: Vec<EntityId>,
    /// Judged not to be members.
    pub negatives: Vec<EntityId>,
}

impl ClassCard {
    /// The name as people read it: "carnivorous mammals".
    pub fn title(&self) -> String {
        self.name.replace('_', " ")
    }
}

impl Catalogue {
    /// Fills the look-up by id; every other field is taken as given.
    pub fn indexed(mut self) -> Self {
        self.places = self
            .entities
            .iter()
            .enumerate()
            .map(|(i, e)| (e.id, i))
            .collect();
        self
    }

    pub fn entity(&self, id: EntityId) -> Option<&EntityCard> {
        self.places.get(&id).map(|&i| &self.entities[i])
    }

    /// An entity's name; its number where it is not known.
    pub fn name(&self, id: EntityId) -> String {
        self.entity(id)
            .map_or_else(|| format!("entity {id}"), |card| card.name.clone())
    }

    /// The entity of exactly this name; else the first whose name differs only in its Unicode form;
    /// else in case or in `_` for a space.
    pub fn find(&self, name: &str) -> Option<EntityId> {
        let first =
            |is_it: &dyn Fn(&str) -> bool| self.entities.iter().find(|card| is_it(&card.name));
        let folded = fold(name);
        let card = first(&|known| known == name)
            .or_else(|| first(&|known| is_same(known, name)))
            .or_else(|| first(&|known| fold(known) == folded));
        card.map(|card| card.id)
    }

    /// Up to `n` names like `name`, best first.
    pub fn near(&self, name: &str, n: usize) -> Vec<String> {
        nearest(name, self.entities.iter().map(|card| card.name.as_str()), n)
    }

    pub fn class(&self, id: ClassId) -> &ClassCard {
        &self.classes[id.at()]
    }

    /// The class of exactly this name, else of this name in another Unicode form.
    pub fn class_named(&self, name: &str) -> Option<ClassId> {
        let find = |is_named: fn(&str, &str) -> bool| {
            self.classes.iter().position(|c| is_named(&c.name, name))
        };
        find(|own, name| own == name)
            .or_else(|| find(is_same))
            .map(|at| ClassId(at as u16))
    }

    /// The class's queries with this many seeds, in file order.
    pub fn queries_of(&self, class: ClassId, seeds: SeedCount) -> impl Iterator<Item = &Query> {
        self.queries
            .iter()
            .filter(move |q| q.class == class && q.seed_count == seeds)
    }
}

/// Everything about one entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntityDetail {
    pub entity: EntityId,
    /// Each picture once, in the order of the corpus.
    pub pictures: Vec<PathBuf>,
    /// Up to 200 of its sentences, in the order of the corpus.
    pub sentences: Vec<SentenceCard>,
    /// Most alike by Z of the mode asked for, best first: (entity, Z).
    pub neighbours: Vec<(EntityId, f64)>,
    /// Its rank in each query that has been evaluated in that mode and whose class it belongs to,
    /// or whose list it is in: (class, query number, rank from 1).
    pub query_ranks: Vec<(ClassId, usize, usize)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SentenceCard {
    pub tokens: Vec<String>,
    /// The mention: tokens `start..=end`.
    pub start: usize,
    pub end: usize,
    pub picture: Option<PathBuf>,
}
