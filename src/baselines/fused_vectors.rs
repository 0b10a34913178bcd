//! Rankings by two vectors of every entity, one of its sentences and one of its images.

use crate::baselines::baseline_ranking::{BaselineRanking, ScoredRows};
use crate::baselines::entity_vectors::{EntityVectors, rank_by_scores};
use crate::baselines::vector_index::VectorIndex;
use crate::error::Result;
use crate::progress::{Observer, Progress};
use crate::types::{EntityId, Row};

/// The vectors of every entity, and how candidates are ranked by both.
pub enum FusedVectors {
    /// Mean cosines to the seeds: those of each vector are standardised over the entities, and
    /// they are summed with a weight.
    Cosines {
        text: EntityVectors,
        image: EntityVectors,
    },
    /// By feedback: the affinities of both vectors are summed with a weight.
    Feedback(Box<VectorIndex>),
}

impl FusedVectors {
    /// Prepares a ranking by the vectors of the sentences and of the images.
    ///
    /// Errors: those of [`VectorIndex::new`].
    pub fn new(
        ranking: BaselineRanking,
        entities: &[EntityId],
        [text, image]: [EntityVectors; 2],
        observer: &mut dyn Observer<Progress>,
    ) -> Result<Self> {
        match ranking {
            BaselineRanking::Own => Ok(FusedVectors::Cosines { text, image }),
            BaselineRanking::Feedback => {
                let index = VectorIndex::new(entities, &[text.rows(), image.rows()], observer)?;
                Ok(FusedVectors::Feedback(Box::new(index)))
            }
        }
    }

    /// Ranks the candidates of a query once for each of these weights of the image, which are
    /// between 0 and 1.
    pub fn rankings(&self, image_weights: &[f64], seeds: &[Row]) -> Result<Vec<ScoredRows>> {
        let mut rankings = Vec::with_capacity(image_weights.len());
        match self {
            FusedVectors::Cosines { text, image } => {
                let text = standardise(&text.similarities(seeds)?);
                let image = standardise(&image.similarities(seeds)?);
                for &weight in image_weights {
                    let scores = weighted_sum(&text, &image, weight);
                    rankings.push(rank_by_scores(&scores, seeds));
                }
            }
            FusedVectors::Feedback(index) => {
                for &weight in image_weights {
                    rankings.push(index.rank(&[1.0 - weight, weight], seeds)?);
                }
            }
        }
        Ok(rankings)
    }
}

/// Returns (1 − weight) · text + weight · image.
fn weighted_sum(text: &[f64], image: &[f64], weight: f64) -> Vec<f64> {
    text.iter()
        .zip(image)
        .map(|(text, image)| (1.0 - weight) * text + weight * image)
        .collect()
}

/// Subtracts the mean and divides by the standard deviation.
fn standardise(values: &[f64]) -> Vec<f64> {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    let deviation = variance.sqrt().max(1e-12);
    values.iter().map(|v| (v - mean) / deviation).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weight_is_independent_of_the_scale_of_scores() {
        let [text, image] =
            [[0.0, 1.0, 2.0, 3.0], [900.0, 700.0, 500.0, 300.0]].map(|values| standardise(&values));
        assert!(
            weighted_sum(&text, &image, 0.5)
                .iter()
                .all(|score| score.abs() < 1e-12),
            "they cancel"
        );
        let scores = weighted_sum(&text, &image, 0.25);
        assert!(scores.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(standardise(&[2.0, 2.0]), [0.0, 0.0]);
    }
}
