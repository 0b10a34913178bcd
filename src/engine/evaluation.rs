//! Evaluation over all queries: in one go for the command line, a query at a time in the background of the explorer.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::session::Session;
use crate::error::{Error, Result};
use crate::eval::{self, Evaluation};
use crate::expand::{self, Config, Expansion, Pick};
use crate::job::{Observer, Progress};
use crate::types::{CUTOFFS, ClassId, EntityId, Measures, Mode, Protocol, Query, RankingKind, Row, SeedCount};

/// What to evaluate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    pub mode: Mode,
    pub seed_count: SeedCount,
    pub ranking: RankingKind,
    pub protocol: Protocol,
    /// Only this class.
    pub class: Option<ClassId>,
}

/// One evaluated query.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryResult {
    pub query: Query,
    /// Best first, with ΣZ over the seeds or, expanded, with 9/i + 1/j.
    pub ranking: Vec<(EntityId, f64)>,
    pub measures: Measures,
}

/// A whole evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    pub results: Vec<QueryResult>,
    pub evaluation: Evaluation,
    /// Queries that could not be asked, and why.
    pub left_out: Vec<(String, usize)>,
}

/// An evaluation in the making, a query a step.
pub(super) struct Background {
    pub(super) plan: Plan,
    queries: Vec<Query>,
    next: usize,
    measured: Vec<(ClassId, Measures)>,
}

impl Background {
    pub(super) fn is_done(&self) -> bool {
        self.next >= self.queries.len()
    }

    pub(super) fn progress(&self) -> Progress {
        Progress::new(format!("evaluating {}", self.plan.mode), self.next as u64, self.queries.len() as u64)
    }

    pub(super) fn overall(&self) -> Measures {
        eval::aggregate(self.measured.iter().copied()).overall
    }
}

impl Session {
    /// All queries of a plan, one after another or, under the published protocol, each number's classes jointly.
    ///
    /// `queries`: these instead of the data set's own.
    pub fn evaluate(
        &mut self,
        plan: &Plan,
        queries: Option<Vec<Query>>,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<Evaluated> {
        let all = queries.unwrap_or_else(|| self.catalogue.queries.clone());
        let all: Vec<Query> = all.into_iter().filter(|q| q.seed_count == plan.seed_count).collect();
        let wanted = |q: &Query| plan.class.is_none_or(|c| c == q.class);
        let (asked, left_out) = self.askable(all);
        if !asked.iter().any(wanted) {
            return Err(Error::Mismatch(format!(
                "there is no query with {} seeds to evaluate",
                plan.seed_count.number()
            )));
        }
        let mut results = match (plan.protocol, plan.ranking) {
            (Protocol::Published, RankingKind::Expanded) => self.jointly(plan, &asked, observe)?,
            _ => self.one_by_one(plan, asked.into_iter().filter(wanted).collect(), observe)?,
        };
        results.retain(|r| wanted(&r.query));
        results.sort_by_key(|r| (r.query.class, r.query.number));
        let evaluation = eval::aggregate(results.iter().map(|r| (r.query.class, r.measures)));
        Ok(Evaluated { results, evaluation, left_out })
    }

    fn one_by_one(
        &mut self,
        plan: &Plan,
        queries: Vec<Query>,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<Vec<QueryResult>> {
        let total = queries.len() as u64;
        let mut results = Vec::with_capacity(queries.len());
        for query in queries {
            let ranking = self.named(self.rank(plan, &query)?);
            let measures = self.measure_under(plan.protocol, &query, &ranking);
            results.push(QueryResult { query, ranking, measures });
            if observe.on(Progress::new("evaluating", results.len() as u64, total)).is_break() {
                return Err(Error::Stopped);
            }
        }
        Ok(results)
    }

    /// The published protocol: all classes of one query number draw from one pool, in the classes' order.
    fn jointly(
        &mut self,
        plan: &Plan,
        queries: &[Query],
        observe: &mut dyn Observer<Progress>,
    ) -> Result<Vec<QueryResult>> {
        let numbers = queries.iter().map(|q| q.number + 1).max().unwrap_or(0);
        let config = Config { size: CUTOFFS[3], ..Config::default() };
        let mut results = Vec::with_capacity(queries.len());
        for number in 0..numbers {
            let together: Vec<&Query> = queries.iter().filter(|q| q.number == number).collect();
            let seeds: Vec<Vec<Row>> = together.iter().map(|q| self.known_rows(&q.seeds)).collect();
            let mut keep_on =
                |_: (usize, &Pick)| observe.on(Progress::new("evaluating", number as u64, numbers as u64));
            let found = expand::expand_joint(&self.index.view(plan.mode)?, &seeds, &config, &mut keep_on)?;
            for (query, expansion) in together.into_iter().zip(found) {
                let ranking = self.named(by_rerank(&expansion));
                let measures = self.measure_under(plan.protocol, query, &ranking);
                results.push(QueryResult { query: query.clone(), ranking, measures });
            }
        }
        Ok(results)
    }

    /// One query alone, best first, 100 long.
    fn rank(&self, plan: &Plan, query: &Query) -> Result<Vec<(Row, f64)>> {
        let view = self.index.view(plan.mode)?;
        let seeds = self.known_rows(&query.seeds);
        match plan.ranking {
            RankingKind::Seeds => {
                let ranking = expand::rank_by_seeds(&view, &seeds, &[]);
                Ok(ranking.into_iter().take(CUTOFFS[3]).collect())
            }
            RankingKind::Expanded => {
                let config = Config { size: CUTOFFS[3].min(self.index.len()), ..Config::default() };
                let found = expand::expand(&view, &seeds, &[], &config, &mut |_: &Pick| ControlFlow::Continue(()))?;
                Ok(by_rerank(&found))
            }
        }
    }

    fn named(&self, ranking: Vec<(Row, f64)>) -> Vec<(EntityId, f64)> {
        ranking.into_iter().map(|(row, score)| (self.entity(row), score)).collect()
    }

    fn measure_under(&self, protocol: Protocol, query: &Query, ranking: &[(EntityId, f64)]) -> Measures {
        let Some(dataset) = &self.dataset else { return Measures::default() };
        let list: Vec<EntityId> = ranking.iter().map(|&(entity, _)| entity).collect();
        let gold = eval::gold(&dataset.classes[query.class.at()], &query.seeds);
        let reachable = gold.iter().filter(|&&e| self.index.row(e).is_some()).count();
        eval::measure(&list, &gold, reachable, protocol)
    }

    /// Splits off queries of which no seed is in the index, or whose class has no other member.
    fn askable(&self, queries: Vec<Query>) -> (Vec<Query>, Vec<(String, usize)>) {
        let before = queries.len();
        let seeded: Vec<Query> = queries.into_iter().filter(|q| !self.known_rows(&q.seeds).is_empty()).collect();
        let seedless = before - seeded.len();
        let has_gold = |q: &Query| {
            self.dataset.as_ref().is_some_and(|d| !eval::gold(&d.classes[q.class.at()], &q.seeds).is_empty())
        };
        let (asked, goldless): (Vec<Query>, Vec<Query>) = seeded.into_iter().partition(has_gold);
        let left_out = [("queries without a seed in the index", seedless), ("queries without gold", goldless.len())];
        (asked, left_out.into_iter().filter(|(_, n)| *n > 0).map(|(what, n)| (what.to_owned(), n)).collect())
    }

    /// Begins an evaluation that [`Session::go_on`] carries forward.
    pub(super) fn begin(&mut self, plan: &Plan) -> Result<Background> {
        self.index.view(plan.mode)?;
        let all = self.catalogue.queries.iter().filter(|q| q.seed_count == plan.seed_count).cloned().collect();
        let (queries, _) = self.askable(all);
        self.ranked.insert((plan.mode, plan.seed_count, plan.ranking), HashMap::new());
        Ok(Background { plan: *plan, queries, next: 0, measured: Vec::new() })
    }

    /// One query further; gives a class and its mean when that was the class's last.
    pub(super) fn go_on(&mut self, at: &mut Background) -> Result<Option<(ClassId, Measures)>> {
        let Some(query) = at.queries.get(at.next) else { return Ok(None) };
        let ranking = self.rank(&at.plan, query)?;
        let rows = ranking.iter().map(|&(row, _)| row).collect();
        at.measured.push((query.class, self.measure_under(at.plan.protocol, query, &self.named(ranking))));
        let key = (at.plan.mode, at.plan.seed_count, at.plan.ranking);
        self.ranked.entry(key).or_default().insert((query.class, query.number), rows);
        let class = query.class;
        at.next += 1;
        if at.queries.get(at.next).is_some_and(|q| q.class == class) {
            return Ok(None);
        }
        let own = at.measured.iter().filter(|(c, _)| *c == class).copied();
        Ok(Some((class, eval::aggregate(own).overall)))
    }
}

/// The re-ranked list with its scores.
fn by_rerank(found: &Expansion) -> Vec<(Row, f64)> {
    found.reranked.iter().map(|r| (found.picks[r.pick].row, r.score)).collect()
}
