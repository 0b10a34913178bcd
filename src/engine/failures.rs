//! What an evaluation got wrong and why, a query and a mode at a time.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::engine::evaluation::Background;
use crate::engine::protocol::{EvaluationKey, Failure, Failures, Ranker};
use crate::engine::session::{RankedQueries, Session};
use crate::error::{Error, Result};
use crate::eval;
use crate::eval::{FailureContext, NameWords, PairCounts};
use crate::expand;
use crate::progress::Progress;
use crate::types::{ClassId, EntityId, Mode, Query, RankingKind, Row};

/// How long it works before it looks for a request.
const TURN: Duration = Duration::from_millis(5);

/// How long found failures are gathered before they are sent.
const PART_EVERY: Duration = Duration::from_millis(150);

/// A search for failures in the making.
pub(super) struct FailureSearch {
    pub(super) evaluation: EvaluationKey,
    /// Its mode.
    mode: Mode,
    /// Those that have been evaluated; more come while the evaluation goes on.
    queries: Vec<Query>,
    /// How many queries there will be.
    total: usize,
    modes: Vec<Mode>,
    pairs: PairCounts,
    /// Queries that are done.
    at: usize,
    /// What is wrong in the query under way: false positives with their ranks, then what is missed.
    wrong: Vec<(EntityId, Option<usize>)>,
    /// The ranks of those by the seeds, from 1, in the modes that are done.
    ranks: Vec<HashMap<Row, usize>>,
    /// Of joint lists: who has an entity among the queries of a number, and at which rank; none: as
    /// a seed.
    taken: HashMap<(usize, EntityId), (ClassId, Option<usize>)>,
    /// What was found since the last part was sent.
    found: Vec<Failure>,
    /// How many queries were searched when the last part was sent, and when that was.
    sent: Option<(usize, Instant)>,
}

impl FailureSearch {
    pub(super) fn progress(&self) -> Progress {
        Progress::new("looking for failures", self.at as u64, self.total as u64)
    }

    pub(super) fn is_done(&self) -> bool {
        self.at == self.total
    }

    /// Whether it waits for the evaluation to go on.
    pub(super) fn waits(&self) -> bool {
        self.at == self.queries.len() && !self.is_done()
    }

    /// What was found since the last part, once enough time has passed or all is done; the first
    /// part comes at once.
    pub(super) fn part(&mut self) -> Option<Failures> {
        let previously_searched = self.sent.map_or(0, |(searched, _)| searched);
        let is_due = self
            .sent
            .is_none_or(|(_, then)| then.elapsed() >= PART_EVERY)
            && self.at > previously_searched;
        if !is_due && !self.is_done() {
            return None;
        }
        self.sent = Some((self.at, Instant::now()));
        let failures = std::mem::take(&mut self.found);
        Some(Failures {
            modes: self.modes.clone(),
            previously_searched,
            searched: self.at,
            total: self.total,
            failures,
        })
    }
}

impl Session {
    /// Begins a search through the lists of an evaluation: through those of a finished one, or
    /// through those that `running` has by now. Error: an evaluation that was neither made nor
    /// runs.
    pub(super) fn begin_failures(
        &self,
        evaluation: EvaluationKey,
        running: Option<&Background>,
    ) -> Result<FailureSearch> {
        let Ranker::OpenIndex(mode) = evaluation.ranker else {
            return Err(Error::Mismatch(
                "failures are looked for in the lists of the index".into(),
            ));
        };
        let (lists, total) = match (self.ranked.get(&evaluation), running) {
            (Some(lists), _) => (lists, None),
            // jointly, who has an entity is known only in the end
            (None, Some(running)) if evaluation.ranking != RankingKind::Joint => {
                (running.lists(), Some(running.total()))
            }
            (None, _) => {
                return Err(Error::Mismatch(format!(
                    "mode {mode} has not been evaluated yet"
                )));
            }
        };
        let queries = self.evaluated_queries(evaluation, lists);
        let counts = (0..self.index.len() as u32).map(|row| self.index.pair_count(Row(row)) as u32);
        Ok(FailureSearch {
            evaluation,
            mode,
            taken: if evaluation.ranking == RankingKind::Joint {
                taken(&queries, lists)
            } else {
                HashMap::new()
            },
            total: total.unwrap_or(queries.len()),
            queries,
            modes: self
                .index
                .modes()
                .into_iter()
                .filter(|&mode| mode != Mode::None)
                .collect(),
            pairs: PairCounts::from_counts(counts.collect()),
            at: 0,
            wrong: Vec::new(),
            ranks: Vec::new(),
            found: Vec::new(),
            sent: None,
        })
    }

    /// The queries of an evaluation that have a list.
    fn evaluated_queries(&self, evaluation: EvaluationKey, lists: &RankedQueries) -> Vec<Query> {
        let has_list = |q: &&Query| {
            q.seed_count == evaluation.seed_count && lists.contains_key(&(q.class, q.number))
        };
        self.catalogue
            .queries
            .iter()
            .filter(has_list)
            .cloned()
            .collect()
    }

    /// Takes up the queries that the evaluation has finished since.
    fn extend_search(&self, search: &mut FailureSearch, lists: &RankedQueries) {
        if lists.len() > search.queries.len() {
            let known: HashSet<(ClassId, usize)> =
                search.queries.iter().map(|q| (q.class, q.number)).collect();
            let finished = self.evaluated_queries(search.evaluation, lists);
            search.queries.extend(
                finished
                    .into_iter()
                    .filter(|q| !known.contains(&(q.class, q.number))),
            );
        }
    }

    /// A few milliseconds further; it may be late by one product. `running`: the evaluation, while
    /// it is not finished.
    pub(super) fn go_on_with_failures(
        &self,
        search: &mut FailureSearch,
        running: Option<&Background>,
    ) -> Result<()> {
        let Some(lists) = self
            .ranked
            .get(&search.evaluation)
            .or_else(|| running.map(Background::lists))
        else {
            // another evaluation took its place
            return Err(Error::Stopped);
        };
        self.extend_search(search, lists);
        if running.is_none() {
            search.total = search.queries.len();
        }
        let begun = Instant::now();
        while begun.elapsed() < TURN && search.at < search.queries.len() {
            if search.ranks.is_empty() {
                search.wrong = self.wrong(&search.queries[search.at], lists);
            }
            match search.modes.get(search.ranks.len()) {
                Some(&mode) => search.ranks.push(self.ranks_by_seeds(mode, search)?),
                None => {
                    let failures = self.failures_of(&search.queries[search.at], search, lists);
                    search.found.extend(failures);
                    (search.at, search.ranks) = (search.at + 1, Vec::new());
                }
            }
        }
        Ok(())
    }

    /// False positives in the list of a query with their ranks, then members that are not in it.
    fn wrong(&self, query: &Query, lists: &RankedQueries) -> Vec<(EntityId, Option<usize>)> {
        let list = lists.get(&(query.class, query.number));
        let (Some(list), Some(dataset)) = (list, &self.dataset) else {
            return Vec::new();
        };
        let class = &dataset.classes[query.class.index()];
        let gold = eval::gold(class, &query.seeds);
        let listed: HashSet<EntityId> = list.iter().copied().collect();
        let wrong = list
            .iter()
            .copied()
            .zip(1..)
            .filter(|(entity, _)| !gold.contains(entity));
        let missed = class
            .members
            .iter()
            .copied()
            .filter(|e| gold.contains(e) && !listed.contains(e));
        wrong
            .map(|(entity, rank)| (entity, Some(rank)))
            .chain(missed.map(|entity| (entity, None)))
            .collect()
    }

    /// Of what is wrong in the query under way.
    fn ranks_by_seeds(&self, mode: Mode, search: &FailureSearch) -> Result<HashMap<Row, usize>> {
        let view = self.index.view(mode)?;
        let seeds = self.known_rows(&search.queries[search.at].seeds);
        // the product that the seeds' rows come from has room for those of the next queries
        let mut rows = seeds.clone();
        let spare = view.spare_rows(&seeds);
        let next = search.queries[search.at + 1..]
            .iter()
            .flat_map(|query| self.known_rows(&query.seeds));
        rows.extend(next.filter(|&row| !view.has_row(row)).take(spare));
        view.z_rows(&rows);
        let wanted: Vec<Row> = search
            .wrong
            .iter()
            .filter_map(|&(entity, _)| self.index.row(entity))
            .collect();
        let ranks = expand::ranks_by_seeds(&view, &seeds, &wanted);
        Ok(wanted.into_iter().zip(ranks).collect())
    }

    /// Of a query whose ranks by the seeds are known in every mode.
    fn failures_of(
        &self,
        query: &Query,
        search: &FailureSearch,
        lists: &RankedQueries,
    ) -> Vec<Failure> {
        let Some(dataset) = &self.dataset else {
            return Vec::new();
        };
        let class = &dataset.classes[query.class.index()];
        let length = lists.get(&(query.class, query.number));
        let seeds_and_members = query.seeds.iter().chain(&class.members);
        let named =
            seeds_and_members.filter_map(|&e| Some((e, self.catalogue.entity(e)?.name.as_str())));
        let words = NameWords::from_names(named);
        let failure = |&(entity, rank): &(EntityId, Option<usize>)| {
            let card = self.catalogue.entity(entity);
            let by_seeds = by_seeds(self.index.row(entity), search);
            let facts = FailureContext {
                name: card.map_or("", |card| &card.name),
                rank,
                length: length.map_or(0, Vec::len),
                first_wrong: search.wrong.first().and_then(|&(_, rank)| rank),
                mode: search.mode,
                is_expansion: search.evaluation.ranking != RankingKind::SeedSimilarity,
                seed_ranks: &by_seeds,
                pairs: card.map(|card| card.pairs),
                known_classes: card.map_or(&[], |card| &card.classes),
                is_negative: class.negatives.contains(&entity),
                taken_by: search.taken.get(&(query.number, entity)).copied(),
            };
            let tags =
                eval::failure_tags(&facts, query.class, &dataset.classes, &words, &search.pairs);
            let seed_ranks = by_seeds.iter().map(|&(_, rank)| rank).collect();
            Failure {
                class: query.class,
                number: query.number,
                entity,
                rank,
                seed_ranks,
                tags,
            }
        };
        search.wrong.iter().map(failure).collect()
    }
}

/// Its rank in each mode; nothing where it is not in the index.
fn by_seeds(row: Option<Row>, search: &FailureSearch) -> Vec<(Mode, usize)> {
    let Some(row) = row else { return Vec::new() };
    let rank = |(&mode, ranks): (&Mode, &HashMap<Row, usize>)| Some((mode, *ranks.get(&row)?));
    search
        .modes
        .iter()
        .zip(&search.ranks)
        .filter_map(rank)
        .collect()
}

/// Who has what in joint lists. A false positive may be in the list of its own query too; what is
/// missed there is not.
fn taken(
    queries: &[Query],
    kept: &RankedQueries,
) -> HashMap<(usize, EntityId), (ClassId, Option<usize>)> {
    let mut taken = HashMap::new();
    for query in queries {
        taken.extend(
            query
                .seeds
                .iter()
                .map(|&seed| ((query.number, seed), (query.class, None))),
        );
        let list = kept
            .get(&(query.class, query.number))
            .into_iter()
            .flatten()
            .zip(1..);
        taken.extend(
            list.map(|(&entity, rank)| ((query.number, entity), (query.class, Some(rank)))),
        );
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::SeedCount;

    #[test]
    fn what_is_taken_is_told_by_query_number() {
        let query = |class, number, seed| {
            let (seed_count, seeds) = (SeedCount::Three, vec![EntityId(seed)]);
            Query {
                class: ClassId(class),
                seed_count,
                number,
                seeds,
            }
        };
        let kept: RankedQueries = [
            ((ClassId(0), 0), [5, 6].map(EntityId).into()),
            ((ClassId(1), 0), vec![EntityId(7)]),
            ((ClassId(1), 1), vec![EntityId(5)]),
        ]
        .into();
        let taken = taken(&[query(0, 0, 1), query(1, 0, 2), query(1, 1, 3)], &kept);
        let who = |number, entity| {
            taken
                .get(&(number, EntityId(entity)))
                .map(|(class, rank)| (class.0, *rank))
        };
        assert_eq!(
            [who(0, 1), who(0, 2), who(1, 3)],
            [Some((0, None)), Some((1, None)), Some((1, None))]
        );
        assert_eq!(
            [who(0, 6), who(0, 7), who(1, 5)],
            [Some((0, Some(2))), Some((1, Some(1))), Some((1, Some(1)))]
        );
        assert_eq!([who(1, 1), who(1, 6)], [None, None], "of another number");
    }
}
