//! What an evaluation got wrong and why, a query and a mode at a time.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::api::{Contender, Evaluation, Failure, Failures};
use super::session::Session;
use crate::error::{Error, Result};
use crate::eval::{self, Facts, Pairs, Words};
use crate::expand;
use crate::job::Progress;
use crate::types::{EntityId, Mode, Query, RankingKind, Row};

/// How long it works before it looks for a request.
const TURN: Duration = Duration::from_millis(5);

/// A search for failures in the making.
pub(super) struct FailureSearch {
    evaluation: Evaluation,
    /// Its mode.
    mode: Mode,
    queries: Vec<Query>,
    modes: Vec<Mode>,
    pairs: Pairs,
    /// Queries that are done.
    at: usize,
    /// Of the query under way: each mode's rank of each row by the seeds, from 1; seeds have 0.
    ranks: Vec<Vec<usize>>,
    found: Vec<Failure>,
}

impl FailureSearch {
    pub(super) fn progress(&self) -> Progress {
        Progress::new("looking for failures", self.at as u64, self.queries.len() as u64)
    }

    pub(super) fn is_done(&self) -> bool {
        self.at == self.queries.len()
    }

    pub(super) fn found(self) -> Failures {
        Failures { modes: self.modes, queries: self.queries.len(), failures: self.found }
    }
}

impl Session {
    /// Begins a search through what an evaluation kept. Error: one that was not made.
    pub(super) fn begin_failures(&self, evaluation: Evaluation) -> Result<FailureSearch> {
        let Contender::Own(mode) = evaluation.of else {
            return Err(Error::Mismatch("failures are looked for in the lists of the index".into()));
        };
        let kept = self.ranked.get(&evaluation);
        let kept = kept.ok_or_else(|| Error::Mismatch(format!("mode {mode} has not been evaluated yet")))?;
        let asked = |q: &&Query| q.seed_count == evaluation.seed_count && kept.contains_key(&(q.class, q.number));
        let counts = (0..self.index.len() as u32).map(|row| self.index.pair_count(Row(row)) as u32);
        Ok(FailureSearch {
            evaluation,
            mode,
            queries: self.catalogue.queries.iter().filter(asked).cloned().collect(),
            modes: self.index.modes().into_iter().filter(|&mode| mode != Mode::None).collect(),
            pairs: Pairs::of(counts.collect()),
            at: 0,
            ranks: Vec::new(),
            found: Vec::new(),
        })
    }

    /// A few milliseconds further; it may be late by the ranking of one query in one mode.
    pub(super) fn go_on_with_failures(&self, search: &mut FailureSearch) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < TURN
            && let Some(query) = search.queries.get(search.at)
        {
            match search.modes.get(search.ranks.len()) {
                Some(&mode) => search.ranks.push(self.ranks_by_seeds(mode, &query.seeds)?),
                None => {
                    let failures = self.failures_of(query, search);
                    search.found.extend(failures);
                    (search.at, search.ranks) = (search.at + 1, Vec::new());
                }
            }
        }
        Ok(())
    }

    fn ranks_by_seeds(&self, mode: Mode, seeds: &[EntityId]) -> Result<Vec<usize>> {
        let mut ranks = vec![0; self.index.len()];
        let ranking = expand::rank_by_seeds(&self.index.view(mode)?, &self.known_rows(seeds), &[]);
        ranking.into_iter().zip(1..).for_each(|((row, _), rank)| ranks[row.at()] = rank);
        Ok(ranks)
    }

    /// Of a query whose ranks by the seeds are known in every mode.
    fn failures_of(&self, query: &Query, search: &FailureSearch) -> Vec<Failure> {
        let kept = self.ranked.get(&search.evaluation).and_then(|of| of.get(&(query.class, query.number)));
        let (Some(list), Some(dataset)) = (kept, &self.dataset) else { return Vec::new() };
        let class = &dataset.classes[query.class.at()];
        let gold = eval::gold(class, &query.seeds);
        let wrong = list.iter().copied().zip(1..).filter(|(entity, _)| !gold.contains(entity));
        let listed: HashSet<EntityId> = list.iter().copied().collect();
        let missed = class.members.iter().copied().filter(|e| gold.contains(e) && !listed.contains(e));
        let seeds_and_members = query.seeds.iter().chain(&class.members);
        let named = seeds_and_members.filter_map(|&e| Some((e, self.catalogue.entity(e)?.name.as_str())));
        let (words, first_wrong) = (Words::of(named), wrong.clone().next().map(|(_, rank)| rank));
        let failure = |(entity, rank)| {
            let card = self.catalogue.entity(entity);
            let by_seeds = self.by_seeds(entity, search);
            let facts = Facts {
                name: card.map_or("", |card| &card.name),
                rank,
                length: list.len(),
                first_wrong,
                mode: search.mode,
                expanded: search.evaluation.ranking == RankingKind::Expanded,
                by_seeds: &by_seeds,
                pairs: card.map(|card| card.pairs),
                known: card.map_or(&[], |card| &card.classes),
                judged: class.negatives.contains(&entity),
            };
            let tags = eval::tags(&facts, query.class, &dataset.classes, &words, &search.pairs);
            let by_seeds = by_seeds.iter().map(|&(_, rank)| rank).collect();
            Failure { class: query.class, number: query.number, entity, rank, by_seeds, tags }
        };
        wrong.map(|(entity, rank)| (entity, Some(rank))).chain(missed.map(|e| (e, None))).map(failure).collect()
    }

    /// Its rank in each mode; nothing where it is not in the index.
    fn by_seeds(&self, entity: EntityId, search: &FailureSearch) -> Vec<(Mode, usize)> {
        let Some(row) = self.index.row(entity) else { return Vec::new() };
        search.modes.iter().copied().zip(search.ranks.iter().map(|ranks| ranks[row.at()])).collect()
    }
}
