//! The rankings of a baseline.

use crate::error::Result;
use crate::expand::{FeedbackConfig, FeedbackQuery, Similarity, rank_by_feedback};
use crate::types::{CUTOFFS, Row};

/// Rows with their scores, best first.
pub type ScoredRows = Vec<(Row, f64)>;

/// How a baseline ranks the candidates of a query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum BaselineRanking {
    /// The ranking of the system itself: mean cosine to the seeds, or the window search.
    #[default]
    Own,
    /// The feedback ranking of MultiExpan, by the vectors or the index of the system.
    Feedback,
}

/// Ranks the candidates of a query by feedback: at most 100, best first, without the seeds.
///
/// Errors: those of [`rank_by_feedback`].
pub fn feedback_ranking(similarity: &Similarity, seeds: &[Row]) -> Result<ScoredRows> {
    let query = FeedbackQuery::from_seeds(seeds);
    let config = FeedbackConfig::default();
    let ranked = rank_by_feedback(similarity, &query, CUTOFFS[3], &config)?;
    let scored = |row: &Row| (*row, ranked.scores[row.index()]);
    Ok(ranked.ranking.iter().map(scored).collect())
}
