//! The feedback ranking (`docs/ALGORITHM.md`, "Feedback ranking"): candidates by their mean affinity
//! to the seeds and, with a smaller weight, to the best candidates. The affinity of two entities is
//! their similarity in both directions less their hubness.

use std::rc::Rc;

use crate::error::{Error, Result};
use crate::expand::similarity::{QueryPart, Similarity};
use crate::expand::top_k::{best_of, compare_by_score};
use crate::index::HUBNESS_WEIGHT;
use crate::types::Row;

/// The constants of the feedback ranking, chosen on queries of 5 seeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeedbackConfig {
    /// λ, the weight of hubness.
    pub hubness_weight: f64,
    /// The neighborhood size k is this factor times the geometric mean of the seeds' ranks for each
    /// other, between the stored sizes.
    pub rank_factor: f64,
    /// k of a query with one seed.
    pub single_seed_neighborhood: usize,
    /// The number of best candidates that are fed back.
    pub feedback: usize,
    /// The weight of a rejected candidate.
    pub rejection_weight: f64,
}

impl Default for FeedbackConfig {
    fn default() -> Self {
        FeedbackConfig {
            hubness_weight: HUBNESS_WEIGHT,
            rank_factor: 2.0,
            single_seed_neighborhood: 50,
            feedback: 8,
            rejection_weight: 0.25,
        }
    }
}

/// A query: all lists have rows of the index, each at most once over all lists.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FeedbackQuery {
    pub seeds: Vec<Row>,
    /// Candidates that the user accepted: they count as seeds.
    pub accepted: Vec<Row>,
    /// Candidates that the user rejected: they are not ranked, and similar ones move down.
    pub rejected: Vec<Row>,
}

impl FeedbackQuery {
    pub fn from_seeds(seeds: &[Row]) -> Self {
        FeedbackQuery {
            seeds: seeds.to_vec(),
            ..FeedbackQuery::default()
        }
    }

    /// Returns the seeds and the accepted candidates.
    pub fn members(&self) -> Vec<Row> {
        self.seeds.iter().chain(&self.accepted).copied().collect()
    }

    /// Refuses a query without seeds, rows that are not of the index, and an entity that occurs
    /// twice.
    fn check(&self, entities: usize) -> Result<()> {
        if self.seeds.is_empty() {
            return Err(Error::Argument("a query needs at least one seed".into()));
        }
        let mut seen = vec![false; entities];
        for row in self.members().iter().chain(&self.rejected) {
            match seen.get_mut(row.index()) {
                None => {
                    let reason = format!("row {} is not one of {entities}", row.0);
                    return Err(Error::Argument(reason));
                }
                Some(seen) if *seen => {
                    let reason = "an entity is twice among the seeds, accepted and rejected";
                    return Err(Error::Argument(reason.into()));
                }
                Some(seen) => *seen = true,
            }
        }
        Ok(())
    }
}

/// The result of a query.
pub struct FeedbackRanking<'a> {
    /// The score of every entity `[V]`.
    pub scores: Vec<f64>,
    /// The best candidates, best first; the seeds, accepted and rejected are not candidates.
    pub ranking: Vec<Row>,
    /// The candidates that were fed back; none once a candidate was accepted or rejected.
    pub fed_back: Vec<Row>,
    /// The mean affinity of the seeds to each other; 0 for a single seed.
    pub cohesion: f64,
    /// The parts of the similarity with the weights and neighborhood sizes of this query.
    pub parts: Vec<QueryPart<'a>>,
    pub query: FeedbackQuery,
    config: FeedbackConfig,
}

/// The contributions to a candidate's score.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FeedbackContributions {
    /// Of each seed and accepted candidate, in the order of [`FeedbackQuery::members`].
    pub members: Vec<f64>,
    /// Of each candidate that was fed back.
    pub fed_back: Vec<f64>,
    /// Of each rejected candidate, at most 0.
    pub rejected: Vec<f64>,
}

impl FeedbackContributions {
    /// Returns the score.
    pub fn sum(&self) -> f64 {
        let all = [&self.members, &self.fed_back, &self.rejected];
        all.into_iter().flatten().sum()
    }
}

/// Ranks the candidates of a query, and returns the best `size` in order.
///
/// Errors: no seeds, an entity twice, a row that is not of the index; those of the index.
pub fn rank_by_feedback<'a>(
    similarity: &Similarity<'a>,
    query: &FeedbackQuery,
    size: usize,
    config: &FeedbackConfig,
) -> Result<FeedbackRanking<'a>> {
    let mut ranking = begin_feedback(similarity, query, config)?;
    ranking.finish(size);
    Ok(ranking)
}

/// Ranks several queries of seeds alone. The similarities that they need are computed together,
/// which does not change the results.
///
/// Errors: those of [`rank_by_feedback`].
pub fn rank_together<'a>(
    similarity: &Similarity<'a>,
    queries: &[Vec<Row>],
    size: usize,
    config: &FeedbackConfig,
) -> Result<Vec<FeedbackRanking<'a>>> {
    similarity.prepare(&queries.concat());
    let mut rankings = Vec::with_capacity(queries.len());
    for seeds in queries {
        let query = FeedbackQuery::from_seeds(seeds);
        rankings.push(begin_feedback(similarity, &query, config)?);
    }
    let fed_back: Vec<Row> = rankings.iter().flat_map(|r| r.fed_back.clone()).collect();
    similarity.prepare(&fed_back);
    for ranking in &mut rankings {
        ranking.finish(size);
    }
    Ok(rankings)
}

/// Ranks by the members alone, and chooses the candidates that are fed back.
fn begin_feedback<'a>(
    similarity: &Similarity<'a>,
    query: &FeedbackQuery,
    config: &FeedbackConfig,
) -> Result<FeedbackRanking<'a>> {
    query.check(similarity.len())?;
    let seeds = &query.seeds;
    let parts = similarity.for_query(seeds, |rows| neighborhood(rows, seeds, config))?;
    let members = query.members();
    let mut ranking = FeedbackRanking {
        scores: Vec::new(),
        ranking: Vec::new(),
        fed_back: Vec::new(),
        cohesion: 0.0,
        parts,
        query: query.clone(),
        config: *config,
    };
    ranking.cohesion = ranking.cohesion_of_seeds();
    ranking.scores = ranking.mean_affinity(&members);
    if query.accepted.is_empty() && query.rejected.is_empty() {
        ranking.fed_back = ranking.best(&ranking.scores, config.feedback);
    }
    Ok(ranking)
}

/// Returns k from the rows of S of the seeds: twice the geometric mean of each seed's rank for the
/// other seeds.
fn neighborhood(rows: &[Rc<Vec<f32>>], seeds: &[Row], config: &FeedbackConfig) -> usize {
    if seeds.len() < 2 {
        return config.single_seed_neighborhood;
    }
    let mut logarithms = 0.0;
    for (i, seed) in seeds.iter().enumerate() {
        let others: Vec<&[f32]> = (0..seeds.len())
            .filter(|&j| j != i)
            .map(|j| rows[j].as_slice())
            .collect();
        let sum_at = |c: usize| -> f64 { others.iter().map(|row| f64::from(row[c])).sum() };
        let own = sum_at(seed.index());
        let mut better = (0..rows[0].len()).filter(|&c| sum_at(c) > own).count();
        better -= seeds.iter().filter(|s| sum_at(s.index()) > own).count();
        logarithms += ((1 + better) as f64).ln();
    }
    (config.rank_factor * (logarithms / seeds.len() as f64).exp()) as usize
}

impl FeedbackRanking<'_> {
    /// Adds the affinity to what is fed back, and what rejected candidates subtract, to the scores,
    /// and sorts.
    fn finish(&mut self, size: usize) {
        let mut scores = std::mem::take(&mut self.scores);
        if !self.fed_back.is_empty() {
            let n = self.query.seeds.len() as f64;
            let feedback = self.mean_affinity(&self.fed_back);
            for (score, feedback) in scores.iter_mut().zip(feedback) {
                *score = (n * *score + feedback) / (n + 1.0);
            }
        }
        let rejections = self.rejections(&scores);
        for (score, rejection) in scores.iter_mut().zip(rejections) {
            *score += rejection;
        }
        self.ranking = self.best(&scores, size);
        self.scores = scores;
    }

    /// Returns k of the part with the greatest weight.
    pub fn neighborhood(&self) -> usize {
        let greatest = self
            .parts
            .iter()
            .reduce(|a, b| if b.weight > a.weight { b } else { a });
        greatest.map_or(0, |part| part.stored_neighborhood())
    }

    /// Returns the mean affinity of every entity to these, `[V]`.
    pub fn mean_affinity(&self, members: &[Row]) -> Vec<f64> {
        let mut sums = vec![0.0; self.parts[0].view.len()];
        for part in &self.parts {
            for (member, row) in members.iter().zip(part.view.symmetric_rows(members)) {
                let own = f64::from(part.hubness[member.index()]);
                let weight = part.weight / members.len() as f64;
                let lambda = self.config.hubness_weight;
                let at_itself = sums[member.index()];
                for ((sum, &s), &h) in sums.iter_mut().zip(row.iter()).zip(part.hubness) {
                    *sum += weight * (f64::from(s) - lambda * (own + f64::from(h)));
                }
                sums[member.index()] = at_itself;
            }
        }
        sums
    }

    /// Returns what the rejected candidates add to the scores of all entities `[V]`, at most 0.
    fn rejections(&self, scores: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; scores.len()];
        for &rejected in &self.query.rejected {
            let affinity = self.mean_affinity(&[rejected]);
            for ((sum, affinity), score) in sums.iter_mut().zip(affinity).zip(scores) {
                *sum -= self.config.rejection_weight * (affinity - score).max(0.0);
            }
        }
        sums
    }

    /// Returns the `count` candidates with the best of these scores.
    fn best(&self, scores: &[f64], count: usize) -> Vec<Row> {
        let mut is_candidate = vec![true; scores.len()];
        for row in self.query.members().iter().chain(&self.query.rejected) {
            is_candidate[row.index()] = false;
        }
        let rows = (0..scores.len() as u32).map(Row);
        best_of(scores, rows.filter(|r| is_candidate[r.index()]), count)
    }

    /// Returns the `count` best candidates, best first: more than [`FeedbackRanking::ranking`] if
    /// `count` is greater than its size.
    pub fn best_candidates(&self, count: usize) -> Vec<Row> {
        if count <= self.ranking.len() {
            return self.ranking[..count].to_vec();
        }
        self.best(&self.scores, count)
    }

    /// Returns the rank of every candidate, from 1, `[V]`; 0 for entities that are not candidates.
    pub fn ranks(&self) -> Vec<usize> {
        let mut order = self.best(&self.scores, self.scores.len());
        order.sort_unstable_by(|a, b| compare_by_score(&self.scores, *a, *b));
        let mut ranks = vec![0; self.scores.len()];
        for (row, rank) in order.iter().zip(1..) {
            ranks[row.index()] = rank;
        }
        ranks
    }

    /// Returns the affinity of each of `entities` to each of `targets`, `[entities][targets]`; 0 of
    /// an entity to itself. It costs one dot product for each part and pair.
    pub fn affinity(&self, entities: &[Row], targets: &[Row]) -> Vec<Vec<f64>> {
        let mut sums = vec![vec![0.0; targets.len()]; entities.len()];
        for part in &self.parts {
            let similarities = part.view.symmetric(entities, targets);
            for ((sums, similarities), e) in sums.iter_mut().zip(similarities).zip(entities) {
                for ((sum, s), t) in sums.iter_mut().zip(similarities).zip(targets) {
                    if e != t {
                        *sum += part.weight * (s - self.hubness_term(part, *e, *t));
                    }
                }
            }
        }
        sums
    }

    /// Returns what the hubness of two entities takes from their similarity in a part.
    pub fn hubness_term(&self, part: &QueryPart, a: Row, b: Row) -> f64 {
        let [a, b] = [a, b].map(|row| f64::from(part.hubness[row.index()]));
        self.config.hubness_weight * (a + b)
    }

    /// Returns the mean affinity of each seed to the others, averaged over the seeds; 0 for one
    /// seed.
    fn cohesion_of_seeds(&self) -> f64 {
        let seeds = &self.query.seeds;
        if seeds.len() < 2 {
            return 0.0;
        }
        let affinity = self.affinity(seeds, seeds);
        let sum: f64 = affinity.iter().flatten().sum();
        sum / (seeds.len() * (seeds.len() - 1)) as f64
    }

    /// Returns the contributions to the score of each candidate, which sum to it up to rounding.
    pub fn contributions(&self, candidates: &[Row]) -> Vec<FeedbackContributions> {
        let members = self.query.members();
        let [member_weight, feedback_weight] = self.weights();
        let to_members = self.affinity(&members, candidates);
        let to_fed_back = self.affinity(&self.fed_back, candidates);
        let to_rejected = self.affinity(&self.query.rejected, candidates);
        let column = |affinity: &[Vec<f64>], c: usize, weight: f64| -> Vec<f64> {
            affinity.iter().map(|row| weight * row[c]).collect()
        };
        let of_candidate = |c: usize| {
            let members = column(&to_members, c, member_weight);
            let fed_back = column(&to_fed_back, c, feedback_weight);
            let before: f64 = members.iter().chain(&fed_back).sum();
            let rejection =
                |row: &Vec<f64>| -self.config.rejection_weight * (row[c] - before).max(0.0);
            FeedbackContributions {
                rejected: to_rejected.iter().map(rejection).collect(),
                members,
                fed_back,
            }
        };
        (0..candidates.len()).map(of_candidate).collect()
    }

    /// Returns the weight of a member and that of a candidate that was fed back.
    pub fn weights(&self) -> [f64; 2] {
        let n = (self.query.seeds.len() + self.query.accepted.len()) as f64;
        if self.fed_back.is_empty() {
            return [1.0 / n, 0.0];
        }
        [
            1.0 / (n + 1.0),
            1.0 / ((n + 1.0) * self.fed_back.len() as f64),
        ]
    }
}

impl QueryPart<'_> {
    /// Returns k, limited to the sizes for which hubness is stored.
    pub fn stored_neighborhood(&self) -> usize {
        let (least, most) = crate::index::neighborhood_sizes(self.view.len());
        self.neighborhood.clamp(least, most)
    }
}
