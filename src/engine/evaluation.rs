//! Evaluation over all queries: in one go for the command line, a little at a time in the
//! background of the explorer.

use std::collections::HashMap;
use std::time::Duration;

use crate::engine::batch_ranker::BatchRanker;
use crate::engine::protocol::{EvaluationKey, Ranker};
use crate::engine::session::{RankedQueries, Session};
use crate::error::{Error, Result};
use crate::eval;
use crate::eval::run::check_scores;
use crate::index::Index;
use crate::progress::{Observer, Progress};
use crate::types::{
    ClassId, EntityId, EvaluationProtocol, MetricValues, Mode, Query, RankingKind, Row, SeedCount,
};

/// What to evaluate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    pub mode: Mode,
    pub seed_count: SeedCount,
    pub ranking: RankingKind,
    pub protocol: EvaluationProtocol,
    /// Only this class.
    pub class: Option<ClassId>,
}

impl Plan {
    /// Whether all classes of a query number draw from one pool, as the published protocol has it.
    pub(super) fn is_joint(&self) -> bool {
        let published =
            self.ranking == RankingKind::Expanded && self.protocol == EvaluationProtocol::Published;
        published || self.ranking == RankingKind::Joint
    }
}

/// One evaluated query.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryResult {
    pub query: Query,
    /// Best first, with ΣZ over the seeds or, expanded, with 9/i + 1/j.
    pub ranking: Vec<(EntityId, f64)>,
    pub measures: MetricValues,
}

/// A whole evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    pub results: Vec<QueryResult>,
    pub evaluation: eval::Evaluation,
    /// Queries that could not be asked, and why.
    pub left_out: Vec<(String, usize)>,
}

/// Queries that the explorer's evaluation expands side by side: more of them would make the first
/// class late.
const IN_BACKGROUND: usize = 32;
/// Queries that the command line's expands side by side: enough to share products, few enough to
/// stay in the processor's cache.
const AT_ONCE: usize = 64;
/// How long the background works before it looks for a request: with the step it is at, under 10
/// ms.
const BACKGROUND_TURN: Duration = Duration::from_millis(5);
/// How long the command line works before it tells how far it is.
const TURN: Duration = Duration::from_millis(100);

/// An evaluation in the making.
pub(super) struct Background {
    pub(super) evaluation: EvaluationKey,
    queries: Vec<Query>,
    rankings: BatchRanker,
    ranked: RankedQueries,
    measured: Vec<(ClassId, MetricValues)>,
    /// How many queries of each class are to come.
    missing: HashMap<ClassId, usize>,
}

/// What an evaluation came to.
pub(super) struct EvaluationResult {
    pub(super) classes: Vec<(ClassId, MetricValues)>,
    pub(super) overall: MetricValues,
    pub(super) interval: Option<(MetricValues, MetricValues)>,
}

impl Background {
    pub(super) fn is_done(&self) -> bool {
        self.rankings.is_done()
    }

    /// The lists that are finished.
    pub(super) fn lists(&self) -> &RankedQueries {
        &self.ranked
    }

    /// How many queries it evaluates.
    pub(super) fn total(&self) -> usize {
        self.queries.len()
    }

    pub(super) fn progress(&self) -> Progress {
        let mode = match self.evaluation.ranker {
            Ranker::OpenIndex(mode) | Ranker::ImportedIndex(_, mode) => mode.name(),
            Ranker::ImportedRun(_) => "",
        };
        Progress::new(
            format!("evaluating {mode}"),
            self.rankings.done(),
            self.queries.len() as u64,
        )
    }
}

/// Of single queries: class by class and in all.
fn outcome(measured: &[(ClassId, MetricValues)]) -> EvaluationResult {
    let all = eval::aggregate(measured.iter().copied());
    let classes = all
        .classes
        .into_iter()
        .map(|(class, mean, _)| (class, mean))
        .collect();
    EvaluationResult {
        classes,
        overall: all.overall,
        interval: eval::bootstrap_intervals(measured),
    }
}

impl Session {
    /// All queries of a plan, each alone or each number's classes jointly.
    ///
    /// `queries`: these instead of the data set's own.
    pub fn evaluate(
        &mut self,
        plan: &Plan,
        queries: Option<Vec<Query>>,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<Evaluated> {
        let all = queries.unwrap_or_else(|| self.catalogue.queries.clone());
        let all: Vec<Query> = all
            .into_iter()
            .filter(|q| q.seed_count == plan.seed_count)
            .collect();
        let wanted = |q: &Query| plan.class.is_none_or(|c| c == q.class);
        let (asked, left_out) = self.askable(all, &self.index);
        if !asked.iter().any(wanted) {
            return Err(Error::Mismatch(format!(
                "there is no query with {} seeds to evaluate",
                plan.seed_count.as_usize()
            )));
        }
        // jointly, other classes' queries have their effect on those of the one that is wanted
        let together = asked
            .into_iter()
            .filter(|q| plan.is_joint() || wanted(q))
            .collect();
        let mut results = self.side_by_side(plan, together, observe)?;
        results.retain(|r| wanted(&r.query));
        results.sort_by_key(|r| (r.query.class, r.query.number));
        let evaluation = eval::aggregate(results.iter().map(|r| (r.query.class, r.measures)));
        Ok(Evaluated {
            results,
            evaluation,
            left_out,
        })
    }

    fn side_by_side(
        &mut self,
        plan: &Plan,
        queries: Vec<Query>,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<Vec<QueryResult>> {
        let total = queries.len() as u64;
        let seeds = queries
            .iter()
            .map(|q| (q.number, self.known_rows(&q.seeds)))
            .collect();
        let mut rankings = BatchRanker::new(plan, seeds, &self.index, AT_ONCE);
        let mut results = Vec::with_capacity(queries.len());
        while !rankings.is_done() {
            for (place, ranking) in rankings.go_on(&self.index, TURN)? {
                let (query, ranking) = (queries[place].clone(), self.named(ranking));
                let class = &self.catalogue.class(query.class).name;
                check_scores(
                    &format!("{class}/{}", query.seed_count.as_usize()),
                    &ranking,
                )?;
                let measures = self.measure_under(plan.protocol, &query, &ranking);
                results.push(QueryResult {
                    query,
                    ranking,
                    measures,
                });
            }
            observe.report(Progress::new("evaluating", rankings.done(), total))?;
        }
        Ok(results)
    }

    fn named(&self, ranking: Vec<(Row, f64)>) -> Vec<(EntityId, f64)> {
        ranking
            .into_iter()
            .map(|(row, score)| (self.entity(row), score))
            .collect()
    }

    fn measure_under(
        &self,
        protocol: EvaluationProtocol,
        query: &Query,
        ranking: &[(EntityId, f64)],
    ) -> MetricValues {
        let list: Vec<EntityId> = ranking.iter().map(|&(entity, _)| entity).collect();
        self.measure_list(protocol, query, &list, Some(&self.index))
    }

    /// `index`: what could be reached; none: everything.
    fn measure_list(
        &self,
        protocol: EvaluationProtocol,
        query: &Query,
        list: &[EntityId],
        index: Option<&Index>,
    ) -> MetricValues {
        let knows = |entity| index.is_none_or(|index| index.row(entity).is_some());
        let dataset = self.dataset.as_ref();
        dataset.map_or_else(MetricValues::default, |d| {
            eval::evaluate_query(d, query, list, protocol, knows)
        })
    }

    /// Queries that can be asked of an index, and why how many cannot. Without a data set there are
    /// none.
    fn askable(&self, queries: Vec<Query>, index: &Index) -> (Vec<Query>, Vec<(String, usize)>) {
        let knows = |entity| index.row(entity).is_some();
        self.dataset
            .as_ref()
            .map(|d| eval::answerable_queries(d, queries, knows))
            .unwrap_or_default()
    }

    /// What is known without work: the lists of a run, and evaluations of before.
    pub(super) fn at_hand(&mut self, wanted: EvaluationKey) -> Option<EvaluationResult> {
        let ranked = match self.run_lists(wanted.ranker, wanted.seed_count) {
            Some(lists) => lists,
            None => self.shelf.as_ref()?.find(&self.name_of(wanted)?)?,
        };
        let index = self.index_of(wanted.ranker).ok().map(|(index, _)| index);
        let queries = self
            .catalogue
            .queries
            .iter()
            .filter(|q| q.seed_count == wanted.seed_count);
        let measure = |query: &Query| {
            let list = ranked.get(&(query.class, query.number))?;
            Some((
                query.class,
                self.measure_list(EvaluationProtocol::Standard, query, list, index),
            ))
        };
        let measured: Vec<(ClassId, MetricValues)> = queries.filter_map(measure).collect();
        self.ranked.insert(wanted, ranked);
        Some(outcome(&measured))
    }

    /// All that the lists of an evaluation depend on, but for the program. None where the index
    /// cannot be read any more.
    fn name_of(&self, wanted: EvaluationKey) -> Option<String> {
        let (index, mode) = self.index_of(wanted.ranker).ok()?;
        let (seeds, ranking) = (wanted.seed_count.as_usize(), wanted.ranking);
        Some(format!(
            "{} {mode} {seeds} {ranking:?}",
            index.fingerprint().ok()?
        ))
    }

    /// Begins an evaluation that [`Session::go_on`] carries forward.
    pub(super) fn begin(&mut self, wanted: EvaluationKey) -> Result<Background> {
        let (index, mode) = self.index_of(wanted.ranker)?;
        index.view(mode)?;
        let EvaluationKey {
            seed_count,
            ranking,
            ..
        } = wanted;
        let plan = Plan {
            mode,
            seed_count,
            ranking,
            protocol: EvaluationProtocol::Standard,
            class: None,
        };
        let all = self
            .catalogue
            .queries
            .iter()
            .filter(|q| q.seed_count == seed_count)
            .cloned()
            .collect();
        let (queries, _) = self.askable(all, index);
        let mut missing = HashMap::new();
        queries
            .iter()
            .for_each(|q| *missing.entry(q.class).or_default() += 1);
        let rows = |q: &Query| q.seeds.iter().filter_map(|&seed| index.row(seed)).collect();
        let seeds = queries.iter().map(|q| (q.number, rows(q))).collect();
        let rankings = BatchRanker::new(&plan, seeds, index, IN_BACKGROUND);
        let (ranked, measured) = (RankedQueries::new(), Vec::new());
        Ok(Background {
            evaluation: wanted,
            queries,
            rankings,
            ranked,
            measured,
            missing,
        })
    }

    /// A few milliseconds further; gives each class whose last query that was, and its mean.
    pub(super) fn go_on(&self, at: &mut Background) -> Result<Vec<(ClassId, MetricValues)>> {
        let mut classes = Vec::new();
        let (index, _) = self.index_of(at.evaluation.ranker)?;
        for (place, ranking) in at.rankings.go_on(index, BACKGROUND_TURN)? {
            let query = &at.queries[place];
            let list: Vec<EntityId> = ranking
                .iter()
                .map(|&(row, _)| index.entity(row).id)
                .collect();
            at.measured.push((
                query.class,
                self.measure_list(EvaluationProtocol::Standard, query, &list, Some(index)),
            ));
            at.ranked.insert((query.class, query.number), list);
            let missing = at.missing.entry(query.class).or_default();
            *missing = missing.saturating_sub(1);
            if *missing == 0 {
                let own = at
                    .measured
                    .iter()
                    .filter(|(c, _)| *c == query.class)
                    .copied();
                classes.push((query.class, eval::aggregate(own).overall));
            }
        }
        Ok(classes)
    }

    /// Keeps a finished evaluation, for this time and for the next.
    pub(super) fn finish(&mut self, done: Background) -> EvaluationResult {
        if let Some((shelf, name)) = self.shelf.as_ref().zip(self.name_of(done.evaluation)) {
            // it is only for being faster, and can be found again
            let _ = shelf.keep(&name, &done.ranked);
        }
        self.ranked.insert(done.evaluation, done.ranked);
        outcome(&done.measured)
    }
}
