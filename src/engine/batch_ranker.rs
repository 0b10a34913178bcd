//! Ranks many queries together, a block at a time and a few steps per call.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use std::vec::IntoIter;

use crate::engine::evaluation_plan::EvaluationPlan;
use crate::error::Result;
use crate::expand;
use crate::expand::{
    BatchExpansion, BatchStep, Boundary, ExpandConfig, Expansion, FeedbackConfig, FeedbackRanking,
    QueryFeatures, Similarity,
};
use crate::index::{BoundaryModel, Index, ModeIndex};
use crate::types::{CUTOFFS, RankingKind, Row};

/// The memory in bytes that the queries of a block may use together.
const BLOCK_BYTES: usize = 256 << 20;
/// The memory in bytes that a query uses besides its scores and its pool, mostly for probabilities.
const QUERY_BYTES: usize = 400 << 10;
/// The length of a ranking.
const RANKING_LENGTH: usize = CUTOFFS[3];

/// The position of a query, and its ranking, best first and at most 100 long. The scores are those of
/// the feedback ranking, ΣZ over the seeds or, for a window search, 9/i + 1/j.
pub(crate) type FinishedRanking = (usize, RankedQuery);

/// The ranking of a query.
pub(crate) struct RankedQuery {
    pub(crate) ranking: Vec<(Row, f64)>,
    /// What the boundary of the class depends on, for a feedback ranking.
    pub(crate) scored: Option<ScoredCandidates<Row>>,
}

/// The best candidates of a feedback ranking, and what the boundary of the class depends on besides
/// their scores.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredCandidates<T> {
    pub features: QueryFeatures,
    /// At most 200, best first, with their scores.
    pub candidates: Vec<(T, f64)>,
}

impl<T> ScoredCandidates<T> {
    /// Returns the boundary by a model.
    pub fn boundary(&self, model: &BoundaryModel) -> Boundary {
        let scores: Vec<f64> = self.candidates.iter().map(|(_, score)| *score).collect();
        Boundary::from_scores(&self.features, &scores, model)
    }

    /// Returns the same with each candidate converted.
    pub(crate) fn map<U>(self, convert: impl Fn(T) -> U) -> ScoredCandidates<U> {
        let candidates = self.candidates.into_iter();
        ScoredCandidates {
            features: self.features,
            candidates: candidates.map(|(c, score)| (convert(c), score)).collect(),
        }
    }
}

/// Returns the candidates that the boundary depends on; `None` if it does not apply.
fn scored_candidates(ranking: &FeedbackRanking) -> Option<ScoredCandidates<Row>> {
    let (features, scores) = QueryFeatures::of_ranking(ranking)?;
    let rows = ranking.best_candidates(scores.len());
    Some(ScoredCandidates {
        features,
        candidates: rows.into_iter().zip(scores).collect(),
    })
}

/// Queries that are ranked step by step.
pub(crate) struct BatchRanker {
    plan: EvaluationPlan,
    queries: Vec<Vec<Row>>,
    /// The next blocks: the positions of queries that are ranked together.
    blocks: IntoIter<Vec<usize>>,
    block: Option<Block>,
    /// The number of queries that are ranked together by feedback.
    batch_size: usize,
    finished: usize,
}

/// Queries that are being expanded together.
struct Block {
    /// The positions of the queries.
    queries: Vec<usize>,
    /// The number of queries finished before this block.
    finished_before: usize,
    expansion: BatchExpansion,
    picks: usize,
}

impl BatchRanker {
    /// Prepares the ranking of `queries`: the number and the seeds of each, none of them empty.
    /// Queries that are expanded jointly form a block for each number. Other blocks have at most
    /// `batch_size` queries, and no more than fit into memory.
    pub(crate) fn new(
        plan: &EvaluationPlan,
        queries: Vec<(usize, Vec<Row>)>,
        index: &Index,
        batch_size: usize,
    ) -> Self {
        let blocks = if plan.is_joint() {
            blocks_by_number(&queries)
        } else {
            let positions: Vec<usize> = (0..queries.len()).collect();
            let size = block_size(plan, index, batch_size);
            positions.chunks(size).map(<[usize]>::to_vec).collect()
        };
        BatchRanker {
            plan: *plan,
            queries: queries.into_iter().map(|(_, seeds)| seeds).collect(),
            blocks: blocks.into_iter(),
            block: None,
            batch_size: feedback_batch_size(index, batch_size),
            finished: 0,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.finished == self.queries.len()
    }

    /// Returns the number of queries that are done. The queries of the current block count by their
    /// picks.
    pub(crate) fn done(&self) -> u64 {
        let in_block = self.block.as_ref().map_or(0, |block| {
            block.finished_before + block.picks / RANKING_LENGTH
        });
        in_block.max(self.finished) as u64
    }

    /// Works until `time` has passed or everything is done, and returns the finished rankings. It
    /// may take one step longer, which is a pick or the matrix product of a round.
    pub(crate) fn advance(
        &mut self,
        index: &Index,
        similarity: &Similarity,
        time: Duration,
    ) -> Result<Vec<FinishedRanking>> {
        if self.plan.ranking == RankingKind::Feedback {
            return self.advance_by_feedback(similarity, time);
        }
        let view = index.view(self.plan.mode)?;
        let started = Instant::now();
        let mut rankings = Vec::new();
        while !self.is_done() {
            let ranking = match self.plan.ranking {
                RankingKind::SeedSimilarity => Some(self.rank_next_by_seeds(&view)),
                RankingKind::Window | RankingKind::Joint | RankingKind::Feedback => {
                    self.step(&view)?
                }
            };
            if let Some(ranking) = ranking {
                self.finished += 1;
                rankings.push(ranking);
            }
            if started.elapsed() >= time {
                break;
            }
        }
        Ok(rankings)
    }

    /// Ranks queries by feedback, some together, until `time` has passed or everything is done.
    fn advance_by_feedback(
        &mut self,
        similarity: &Similarity,
        time: Duration,
    ) -> Result<Vec<FinishedRanking>> {
        let started = Instant::now();
        let mut finished = Vec::new();
        while !self.is_done() {
            let end = (self.finished + self.batch_size).min(self.queries.len());
            let rankings = expand::rank_together(
                similarity,
                &self.queries[self.finished..end],
                RANKING_LENGTH,
                &FeedbackConfig::default(),
            )?;
            for (query, ranking) in (self.finished..).zip(&rankings) {
                let scored = |row: &Row| (*row, ranking.scores[row.index()]);
                let ranked = RankedQuery {
                    ranking: ranking.ranking.iter().map(scored).collect(),
                    scored: scored_candidates(ranking),
                };
                finished.push((query, ranked));
            }
            self.finished = end;
            if started.elapsed() >= time {
                break;
            }
        }
        Ok(finished)
    }

    /// Ranks the next query by ΣZ over its seeds.
    fn rank_next_by_seeds(&mut self, view: &ModeIndex) -> FinishedRanking {
        let query = self.finished;
        let ranking = expand::rank_by_seeds(view, &self.queries[query], &[]);
        let ranking = ranking.into_iter().take(RANKING_LENGTH).collect();
        (query, RankedQuery::without_scores(ranking))
    }

    /// Starts the next block.
    fn next_block(&mut self, view: &ModeIndex) -> Result<Block> {
        let queries = self.blocks.next().unwrap_or_default();
        let seeds: Vec<Vec<Row>> = queries.iter().map(|&q| self.queries[q].clone()).collect();
        let config = ExpandConfig {
            size: RANKING_LENGTH.min(view.len()),
            ..ExpandConfig::default()
        };
        let expansion = if self.plan.is_joint() {
            BatchExpansion::with_common_pool(view, &seeds, &config)?
        } else {
            BatchExpansion::independent(view, &seeds, &[], &config)?
        };
        Ok(Block {
            queries,
            finished_before: self.finished,
            expansion,
            picks: 0,
        })
    }

    /// Does one step of the current block, or of the next one if there is none.
    fn step(&mut self, view: &ModeIndex) -> Result<Option<FinishedRanking>> {
        let block = match self.block.take() {
            Some(block) => block,
            None => self.next_block(view)?,
        };
        let block = self.block.insert(block);
        match block.expansion.step(view) {
            None => self.block = None,
            Some(BatchStep::Picked(..)) => block.picks += 1,
            Some(BatchStep::RowsAdded) => {}
            Some(BatchStep::Finished(query, expansion)) => {
                let ranked = RankedQuery::without_scores(reranked(&expansion));
                return Ok(Some((block.queries[query], ranked)));
            }
        }
        Ok(None)
    }
}

impl RankedQuery {
    fn without_scores(ranking: Vec<(Row, f64)>) -> Self {
        RankedQuery {
            ranking,
            scored: None,
        }
    }
}

/// Returns the positions of the queries of each number.
fn blocks_by_number(queries: &[(usize, Vec<Row>)]) -> Vec<Vec<usize>> {
    let mut by_number: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (position, (number, _)) in queries.iter().enumerate() {
        by_number.entry(*number).or_default().push(position);
    }
    by_number.into_values().collect()
}

/// Returns the number of queries to expand together: 1 with neighbor lists, since then queries share
/// little work, and a single one stays in the processor's cache.
fn block_size(plan: &EvaluationPlan, index: &Index, batch_size: usize) -> usize {
    let has_lists = index.view(plan.mode).is_ok_and(|view| view.has_lists());
    if has_lists {
        return 1;
    }
    let query_bytes = index.len() * (size_of::<f64>() + size_of::<bool>()) + QUERY_BYTES;
    batch_size.min(BLOCK_BYTES / query_bytes).max(1)
}

/// The number of queries that are ranked together by feedback: their 12 seeds and 32 candidates that
/// are fed back fill the directions of three passes over the head.
const FEEDBACK_QUERIES: usize = 4;

/// Returns the number of queries to rank together by feedback.
fn feedback_batch_size(index: &Index, batch_size: usize) -> usize {
    let row_bytes = index.len() * size_of::<f64>();
    let rows = BLOCK_BYTES / row_bytes / 16;
    batch_size.min(FEEDBACK_QUERIES).min(rows).max(1)
}

/// Returns the re-ranked entities with their scores.
fn reranked(expansion: &Expansion) -> Vec<(Row, f64)> {
    let mut ranking = Vec::with_capacity(expansion.reranked.len());
    for entry in &expansion.reranked {
        ranking.push((expansion.picks[entry.pick].row, entry.score));
    }
    ranking
}
