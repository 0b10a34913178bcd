//! The rankings of many queries, alone or jointly, found side by side a block at a time and a
//! little at each call.

use std::collections::BTreeMap;
use std::vec::IntoIter;

use std::time::{Duration, Instant};

use crate::engine::evaluation::Plan;
use crate::error::Result;
use crate::expand;
use crate::expand::{BatchExpansion, BatchStep, ExpandConfig, Expansion};
use crate::index::{Index, ModeIndex};
use crate::types::{CUTOFFS, RankingKind, Row};

/// Bytes that the queries of a block may hold between them.
const BLOCK_BYTES: usize = 256 << 20;
/// What a query under way holds beside its scores and its pool: probabilities, mostly.
const QUERY_BYTES: usize = 400 << 10;

/// A query by its place, and its ranking: best first, at most 100 long, with ΣZ over the seeds or,
/// expanded, with 9/i + 1/j.
pub(super) type FinishedRanking = (usize, Vec<(Row, f64)>);

/// Queries, and how far they are.
pub(super) struct BatchRanker {
    plan: Plan,
    queries: Vec<Vec<Row>>,
    /// What is to come: queries that go together, by their places.
    blocks: IntoIter<Vec<usize>>,
    block: Option<Block>,
    finished: usize,
}

struct Block {
    /// By their places.
    queries: Vec<usize>,
    /// How many were finished before.
    before: usize,
    lockstep: BatchExpansion,
    picks: usize,
}

impl BatchRanker {
    /// `queries`: the number and the seeds of each, none empty. Those that are expanded jointly go
    /// together; else a block has at most `at_once` of them, and no more than memory is for.
    pub(super) fn new(
        plan: &Plan,
        queries: Vec<(usize, Vec<Row>)>,
        index: &Index,
        at_once: usize,
    ) -> Self {
        let fit =
            BLOCK_BYTES / (index.len() * (size_of::<f64>() + size_of::<bool>()) + QUERY_BYTES);
        // by lists a query asks for little that others could share, and alone it stays in the
        // processor's cache
        let lists = index.view(plan.mode).is_ok_and(|view| view.has_lists());
        let at_once = if lists { 1 } else { at_once.min(fit).max(1) };
        let blocks: Vec<Vec<usize>> = if plan.is_joint() {
            let mut by_number: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
            queries
                .iter()
                .enumerate()
                .for_each(|(at, (number, _))| by_number.entry(*number).or_default().push(at));
            by_number.into_values().collect()
        } else {
            let places: Vec<usize> = (0..queries.len()).collect();
            places.chunks(at_once).map(<[usize]>::to_vec).collect()
        };
        let queries = queries.into_iter().map(|(_, seeds)| seeds).collect();
        BatchRanker {
            plan: *plan,
            queries,
            blocks: blocks.into_iter(),
            block: None,
            finished: 0,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.finished == self.queries.len()
    }

    /// Of how many queries the work is done; those under way count by their picks.
    pub(super) fn done(&self) -> u64 {
        let under_way = self
            .block
            .as_ref()
            .map_or(0, |block| block.before + block.picks / CUTOFFS[3]);
        under_way.max(self.finished) as u64
    }

    /// Goes on until `time` has passed or all is done, whichever is first, and gives the queries
    /// that were finished. It may be late by one step, which is a pick or one round's product.
    pub(super) fn go_on(&mut self, index: &Index, time: Duration) -> Result<Vec<FinishedRanking>> {
        let view = index.view(self.plan.mode)?;
        let (begun, mut found) = (Instant::now(), Vec::new());
        while !self.is_done() {
            let ranking = match self.plan.ranking {
                RankingKind::SeedSimilarity => self.by_seeds(&view),
                RankingKind::Expanded | RankingKind::Joint => self.step(&view)?,
            };
            if let Some(ranking) = ranking {
                self.finished += 1;
                found.push(ranking);
            }
            if begun.elapsed() >= time {
                break;
            }
        }
        Ok(found)
    }

    /// The next query by ΣZ over its seeds.
    fn by_seeds(&mut self, view: &ModeIndex) -> Option<FinishedRanking> {
        let query = self.finished;
        let ranking = expand::rank_by_seeds(view, &self.queries[query], &[]);
        Some((query, ranking.into_iter().take(CUTOFFS[3]).collect()))
    }

    /// The next queries that go together.
    fn next_block(&mut self, view: &ModeIndex) -> Result<Block> {
        let places = self.blocks.next().unwrap_or_default();
        let seeds: Vec<Vec<Row>> = places.iter().map(|&at| self.queries[at].clone()).collect();
        let config = ExpandConfig {
            size: CUTOFFS[3].min(view.len()),
            ..ExpandConfig::default()
        };
        let lockstep = match self.plan.is_joint() {
            true => BatchExpansion::jointly(view, &seeds, &config)?,
            false => BatchExpansion::apart(view, &seeds, &[], &config)?,
        };
        Ok(Block {
            queries: places,
            before: self.finished,
            lockstep,
            picks: 0,
        })
    }

    /// One step of the block under way; a new one where there is none.
    fn step(&mut self, view: &ModeIndex) -> Result<Option<FinishedRanking>> {
        let block = match self.block.take() {
            Some(block) => block,
            None => self.next_block(view)?,
        };
        let block = self.block.insert(block);
        match block.lockstep.step(view) {
            None => self.block = None,
            Some(BatchStep::Picked(..)) => block.picks += 1,
            Some(BatchStep::Added) => {}
            Some(BatchStep::Finished(query, found)) => {
                return Ok(Some((block.queries[query], by_rerank(&found))));
            }
        }
        Ok(None)
    }
}

/// The re-ranked list with its scores.
fn by_rerank(found: &Expansion) -> Vec<(Row, f64)> {
    found
        .reranked
        .iter()
        .map(|r| (found.picks[r.pick].row, r.score))
        .collect()
}
