//! The search for the errors of an evaluation and their causes, one query and mode at a time.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::engine::background_evaluation::BackgroundEvaluation;
use crate::engine::background_job::{BackgroundJob, STEP_TIME};
use crate::engine::protocol::{EvaluationKey, Failure, Failures, Ranker, ReplyKind};
use crate::engine::query_rankings::QueryRankings;
use crate::engine::session::Session;
use crate::error::{Error, Result};
use crate::eval;
use crate::eval::{FailureContext, NameWords, PairCounts};
use crate::expand;
use crate::progress::Progress;
use crate::types::{ClassId, EntityId, Mode, Query, RankingKind, Row};

/// The time between two parts of the result.
const PART_INTERVAL: Duration = Duration::from_millis(150);

/// The class that has an entity in its joint ranking, with the rank there; `None` for a seed. By
/// query number and entity.
type JointOwners = HashMap<(usize, EntityId), (ClassId, Option<usize>)>;

/// An error of a query: a false positive with its rank, or a missed member without one.
type QueryError = (EntityId, Option<usize>);

/// A running search.
pub(super) struct FailureSearch {
    evaluation: EvaluationKey,
    /// The mode of the evaluation.
    mode: Mode,
    /// The evaluated queries; more are added while the evaluation runs.
    queries: Vec<Query>,
    /// The number of queries that there will be.
    total: usize,
    modes: Vec<Mode>,
    pair_counts: PairCounts,
    /// The number of searched queries, and so the position of the current one.
    searched: usize,
    /// The errors of the current query, false positives first.
    errors: Vec<QueryError>,
    /// The seed ranks of the errors, from 1, in each mode that is done.
    seed_ranks: Vec<HashMap<Row, usize>>,
    joint_owners: JointOwners,
    /// The failures found since the last part was sent.
    found: Vec<Failure>,
    /// The number of queries searched when the last part was sent, and the time.
    sent: Option<(usize, Instant)>,
}

impl FailureSearch {
    /// Prepares a search through a finished evaluation, or through what `running` has finished.
    ///
    /// # Errors
    ///
    /// Fails if the evaluation was neither made nor is running, and for imported rankers.
    pub(super) fn new(
        session: &Session,
        evaluation: EvaluationKey,
        running: Option<&BackgroundEvaluation>,
    ) -> Result<Self> {
        let Ranker::OpenIndex(mode) = evaluation.ranker else {
            return Err(Error::Mismatch(
                "failures can only be searched in rankings of the open index".into(),
            ));
        };
        let is_joint = evaluation.ranking == RankingKind::Joint;
        let (rankings, total) = match (session.rankings.get(&evaluation), running) {
            (Some(rankings), _) => (rankings, None),
            // the owners of entities in joint rankings are known only at the end
            (None, Some(running)) if !is_joint => (running.rankings(), Some(running.total())),
            (None, _) => {
                return Err(Error::Mismatch(format!(
                    "mode {mode} has not been evaluated yet"
                )));
            }
        };
        let queries = evaluated_queries(session, evaluation, rankings);
        let joint_owners = if is_joint {
            joint_owners(&queries, rankings)
        } else {
            JointOwners::new()
        };
        Ok(FailureSearch {
            evaluation,
            mode,
            total: total.unwrap_or(queries.len()),
            queries,
            modes: session.searchable_modes(),
            pair_counts: pair_counts(session),
            searched: 0,
            errors: Vec::new(),
            seed_ranks: Vec::new(),
            joint_owners,
            found: Vec::new(),
            sent: None,
        })
    }

    /// Returns true if the search waits for the evaluation to finish more queries.
    fn is_waiting(&self) -> bool {
        self.searched == self.queries.len() && !self.is_done()
    }

    /// Adds the queries that the evaluation has finished in the meantime.
    fn add_finished_queries(&mut self, session: &Session, rankings: &QueryRankings) {
        if rankings.len() <= self.queries.len() {
            return;
        }
        let known: HashSet<(ClassId, usize)> =
            self.queries.iter().map(|q| (q.class, q.number)).collect();
        for query in evaluated_queries(session, self.evaluation, rankings) {
            if !known.contains(&(query.class, query.number)) {
                self.queries.push(query);
            }
        }
    }

    /// Finds the errors of the current query, then their seed ranks in one mode after the other,
    /// then their causes. Each call does one of the last two.
    fn advance_query(&mut self, session: &Session, rankings: &QueryRankings) -> Result<()> {
        let query = &self.queries[self.searched];
        if self.seed_ranks.is_empty() {
            self.errors = query_errors(session, query, rankings);
        }
        match self.modes.get(self.seed_ranks.len()) {
            Some(&mode) => self.seed_ranks.push(self.seed_ranks_in(session, mode)?),
            None => {
                let failures = self.failures_of(session, query, rankings);
                self.found.extend(failures);
                self.searched += 1;
                self.seed_ranks.clear();
            }
        }
        Ok(())
    }

    /// Returns the seed ranks of the current query's errors in one mode.
    fn seed_ranks_in(&self, session: &Session, mode: Mode) -> Result<HashMap<Row, usize>> {
        let view = session.index.view(mode)?;
        let seeds = session.known_rows(&self.queries[self.searched].seeds);
        // the matrix product for the seeds has room for seeds of the next queries
        let mut rows = seeds.clone();
        let spare = view.free_rows(&seeds);
        let next = self.queries[self.searched + 1..]
            .iter()
            .flat_map(|query| session.known_rows(&query.seeds));
        rows.extend(next.filter(|&row| !view.has_cached_row(row)).take(spare));
        view.z_rows(&rows);
        let wanted: Vec<Row> = self
            .errors
            .iter()
            .filter_map(|&(entity, _)| session.index.row(entity))
            .collect();
        let ranks = expand::ranks_by_seeds(&view, &seeds, &wanted);
        Ok(wanted.into_iter().zip(ranks).collect())
    }

    /// Returns the failures of a query whose seed ranks are known in every mode.
    fn failures_of(
        &self,
        session: &Session,
        query: &Query,
        rankings: &QueryRankings,
    ) -> Vec<Failure> {
        let Some(dataset) = &session.dataset else {
            return Vec::new();
        };
        let class = &dataset.classes[query.class.index()];
        let ranking = rankings.get(&(query.class, query.number));
        let mut names = Vec::new();
        for &entity in query.seeds.iter().chain(&class.members) {
            if let Some(card) = session.catalogue.entity(entity) {
                names.push((entity, card.name.as_str()));
            }
        }
        let words = NameWords::from_names(names);
        let mut failures = Vec::with_capacity(self.errors.len());
        for &(entity, rank) in &self.errors {
            let card = session.catalogue.entity(entity);
            let seed_ranks = self.seed_ranks_of(session.index.row(entity));
            let context = FailureContext {
                name: card.map_or("", |card| &card.name),
                rank,
                length: ranking.map_or(0, Vec::len),
                first_wrong: self.errors.first().and_then(|&(_, rank)| rank),
                mode: self.mode,
                is_expansion: matches!(
                    self.evaluation.ranking,
                    RankingKind::Window | RankingKind::Joint
                ),
                seed_ranks: &seed_ranks,
                pairs: card.map(|card| card.pairs),
                known_classes: card.map_or(&[], |card| &card.classes),
                is_negative: class.negatives.contains(&entity),
                taken_by: self.joint_owners.get(&(query.number, entity)).copied(),
            };
            let classes = &dataset.classes;
            failures.push(Failure {
                class: query.class,
                number: query.number,
                entity,
                rank,
                seed_ranks: seed_ranks.iter().map(|&(_, rank)| rank).collect(),
                tags: eval::failure_tags(&context, query.class, classes, &words, &self.pair_counts),
            });
        }
        failures
    }

    /// Returns the seed rank of an entity in each mode; nothing if it is not in the index.
    fn seed_ranks_of(&self, row: Option<Row>) -> Vec<(Mode, usize)> {
        let Some(row) = row else {
            return Vec::new();
        };
        let mut seed_ranks = Vec::new();
        for (&mode, ranks) in self.modes.iter().zip(&self.seed_ranks) {
            if let Some(&rank) = ranks.get(&row) {
                seed_ranks.push((mode, rank));
            }
        }
        seed_ranks
    }

    /// Returns the failures found since the last part, if enough time has passed or the search is
    /// done. The first part is sent at once.
    fn next_part(&mut self) -> Option<Failures> {
        let previously_searched = self.sent.map_or(0, |(searched, _)| searched);
        let has_waited = self
            .sent
            .is_none_or(|(_, time)| time.elapsed() >= PART_INTERVAL);
        let is_due = has_waited && self.searched > previously_searched;
        if !is_due && !self.is_done() {
            return None;
        }
        self.sent = Some((self.searched, Instant::now()));
        Some(Failures {
            modes: self.modes.clone(),
            previously_searched,
            searched: self.searched,
            total: self.total,
            failures: std::mem::take(&mut self.found),
        })
    }
}

impl BackgroundJob for FailureSearch {
    fn evaluation(&self) -> EvaluationKey {
        self.evaluation
    }

    fn advance(
        &mut self,
        session: &Session,
        partial: Option<&QueryRankings>,
    ) -> Result<Vec<ReplyKind>> {
        let finished = session.rankings.get(&self.evaluation);
        let Some(rankings) = finished.or(partial) else {
            // the evaluation was replaced by another one
            return Err(Error::Stopped);
        };
        self.add_finished_queries(session, rankings);
        if partial.is_none() {
            self.total = self.queries.len();
        }
        let started = Instant::now();
        while started.elapsed() < STEP_TIME && self.searched < self.queries.len() {
            self.advance_query(session, rankings)?;
        }
        let part = self.next_part();
        Ok(part
            .map(|part| ReplyKind::Failures(Box::new(part)))
            .into_iter()
            .collect())
    }

    /// Returns `None` while the search waits: then the evaluation reports its own progress.
    fn progress(&self) -> Option<Progress> {
        if self.is_waiting() {
            return None;
        }
        Some(Progress::new(
            "looking for failures",
            self.searched as u64,
            self.total as u64,
        ))
    }

    fn is_done(&self) -> bool {
        self.searched == self.total
    }

    fn finish(self, _session: &mut Session, _elapsed: Duration) -> Option<ReplyKind> {
        None
    }
}

/// Returns the queries of an evaluation that have a ranking.
fn evaluated_queries(
    session: &Session,
    evaluation: EvaluationKey,
    rankings: &QueryRankings,
) -> Vec<Query> {
    session
        .queries_with(evaluation.seed_count)
        .filter(|query| rankings.contains_key(&(query.class, query.number)))
        .cloned()
        .collect()
}

/// Returns the errors of a query: the false positives by rank, then the members that are missed.
fn query_errors(session: &Session, query: &Query, rankings: &QueryRankings) -> Vec<QueryError> {
    let ranking = rankings.get(&(query.class, query.number));
    let (Some(ranking), Some(dataset)) = (ranking, &session.dataset) else {
        return Vec::new();
    };
    let class = &dataset.classes[query.class.index()];
    let gold = eval::gold(class, &query.seeds);
    let listed: HashSet<EntityId> = ranking.iter().copied().collect();
    let mut errors = Vec::new();
    for (&entity, rank) in ranking.iter().zip(1..) {
        if !gold.contains(&entity) {
            errors.push((entity, Some(rank)));
        }
    }
    for &member in &class.members {
        if gold.contains(&member) && !listed.contains(&member) {
            errors.push((member, None));
        }
    }
    errors
}

fn pair_counts(session: &Session) -> PairCounts {
    let rows = 0..session.index.len() as u32;
    let counts = rows.map(|row| session.index.pair_count(Row(row)) as u32);
    PairCounts::from_counts(counts.collect())
}

/// Returns the classes that have each entity in joint rankings. A false positive may also be in the
/// ranking of its own query; a missed member may not.
fn joint_owners(queries: &[Query], rankings: &QueryRankings) -> JointOwners {
    let mut owners = JointOwners::new();
    for query in queries {
        for &seed in &query.seeds {
            owners.insert((query.number, seed), (query.class, None));
        }
        let ranking = rankings.get(&(query.class, query.number));
        for (&entity, rank) in ranking.into_iter().flatten().zip(1..) {
            owners.insert((query.number, entity), (query.class, Some(rank)));
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::SeedCount;

    #[test]
    fn owners_are_found_by_query_number() {
        let query = |class, number, seed| {
            let (seed_count, seeds) = (SeedCount::Three, vec![EntityId(seed)]);
            Query {
                class: ClassId(class),
                seed_count,
                number,
                seeds,
            }
        };
        let rankings: QueryRankings = [
            ((ClassId(0), 0), [5, 6].map(EntityId).into()),
            ((ClassId(1), 0), vec![EntityId(7)]),
            ((ClassId(1), 1), vec![EntityId(5)]),
        ]
        .into();
        let owners = joint_owners(&[query(0, 0, 1), query(1, 0, 2), query(1, 1, 3)], &rankings);
        let owner = |number, entity| {
            owners
                .get(&(number, EntityId(entity)))
                .map(|(class, rank)| (class.0, *rank))
        };
        assert_eq!(
            [owner(0, 1), owner(0, 2), owner(1, 3)],
            [Some((0, None)), Some((1, None)), Some((1, None))]
        );
        assert_eq!(
            [owner(0, 6), owner(0, 7), owner(1, 5)],
            [Some((0, Some(2))), Some((1, Some(1))), Some((1, Some(1)))]
        );
        assert_eq!(
            [owner(1, 1), owner(1, 6)],
            [None, None],
            "another query number"
        );
    }
}
