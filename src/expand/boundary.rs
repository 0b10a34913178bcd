//! The boundary of a class (`docs/ALGORITHM.md`, "Where the class ends"): the probability that each
//! candidate of a feedback ranking is a member, and the number of candidates before the class
//! probably ends.

use crate::expand::feedback_ranking::FeedbackRanking;
use crate::index::BoundaryModel;

/// The number of candidates among which the boundary is looked for.
const MAX_MEMBERS: usize = 200;

/// Returns the log-odds of membership of a candidate with this score.
fn log_odds(model: &BoundaryModel, features: &QueryFeatures, score: f64) -> f64 {
    model.score * score
        + model.cohesion * features.cohesion
        + model.background * features.background
        + model.bias
}

/// What the model knows about a query besides the scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueryFeatures {
    /// The mean affinity of the seeds to each other.
    pub cohesion: f64,
    /// The mean score at the ranks k + 1 to 2k.
    pub background: f64,
}

impl QueryFeatures {
    /// Returns the features and the scores of the best candidates. `None` if the model does not
    /// apply: for a single seed, once a candidate was accepted or rejected, and with no more than k
    /// candidates.
    pub fn of_ranking(ranking: &FeedbackRanking) -> Option<(QueryFeatures, Vec<f64>)> {
        let query = &ranking.query;
        if query.seeds.len() < 2 || !query.accepted.is_empty() || !query.rejected.is_empty() {
            return None;
        }
        let k = ranking.neighborhood();
        let mut scores: Vec<f64> = ranking
            .best_candidates(2 * k.max(MAX_MEMBERS / 2))
            .into_iter()
            .map(|row| ranking.scores[row.index()])
            .collect();
        let far = scores.get(k..scores.len().min(2 * k))?;
        if far.is_empty() {
            return None;
        }
        let background = far.iter().sum::<f64>() / far.len() as f64;
        scores.truncate(MAX_MEMBERS);
        let features = QueryFeatures {
            cohesion: ranking.cohesion,
            background,
        };
        Some((features, scores))
    }
}

/// Where a class ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Boundary {
    /// The probability of membership of the best candidates, never rising.
    pub probabilities: Vec<f64>,
    /// The number of candidates before the class probably ends: the one with the greatest expected
    /// F1.
    pub size: usize,
}

impl Boundary {
    /// Returns the boundary of a ranking; `None` where the model does not apply
    /// ([`QueryFeatures::of_ranking`]).
    pub fn of_ranking(ranking: &FeedbackRanking, model: &BoundaryModel) -> Option<Boundary> {
        let (features, scores) = QueryFeatures::of_ranking(ranking)?;
        Some(Boundary::from_scores(&features, &scores, model))
    }

    /// Returns the boundary of candidates with these scores, best first.
    pub fn from_scores(
        features: &QueryFeatures,
        scores: &[f64],
        model: &BoundaryModel,
    ) -> Boundary {
        let mut probabilities = Vec::with_capacity(scores.len());
        let mut least = 1.0f64;
        for &score in scores {
            least = least.min(1.0 / (1.0 + (-log_odds(model, features, score)).exp()));
            probabilities.push(least);
        }
        let total: f64 = probabilities.iter().sum();
        let (mut best, mut size, mut sum) = (f64::NEG_INFINITY, 0, 0.0);
        for (probability, count) in probabilities.iter().zip(1..) {
            sum += probability;
            let expected_f1 = 2.0 * sum / (count as f64 + total);
            if expected_f1 > best {
                (best, size) = (expected_f1, count);
            }
        }
        Boundary {
            probabilities,
            size,
        }
    }

    /// Returns the expected number of members before the boundary.
    pub fn expected_members(&self) -> f64 {
        self.probabilities[..self.size].iter().sum()
    }
}
