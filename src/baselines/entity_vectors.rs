//! Rankings by one vector of every entity: by the cosine to the seeds, or by feedback.

use tch::{Kind, Tensor};

use crate::baselines::baseline_ranking::{BaselineRanking, ScoredRows};
use crate::baselines::fitted_baseline::RankFn;
use crate::baselines::vector_index::VectorIndex;
use crate::error::Result;
use crate::expand::best_of;
use crate::model::layer::unit_rows;
use crate::progress::{Observer, Progress};
use crate::types::{CUTOFFS, EntityId, Row};

/// A vector of unit length for every entity, `[V, D]`.
#[derive(Debug)]
pub struct EntityVectors(Tensor);

impl EntityVectors {
    /// Normalises `rows [V, D]` to unit length; a row of length 0 stays 0.
    pub fn new(rows: &Tensor) -> Self {
        EntityVectors(unit_rows(rows))
    }

    /// Returns the mean cosine of every entity to the seeds, `[V]`.
    pub fn similarities(&self, seeds: &[Row]) -> Result<Vec<f64>> {
        let indices: Vec<i64> = seeds.iter().map(|row| i64::from(row.0)).collect();
        let indices = Tensor::from_slice(&indices).to_device(self.0.device());
        let seeds = self.0.index_select(0, &indices); // [S, D]
        let mean = seeds.mean_dim([0i64].as_slice(), false, Kind::Float); // [D]
        let similarities = self.0.matmul(&mean); // [V]
        Ok(Vec::try_from(similarities.to_kind(Kind::Double))?)
    }

    /// Returns the vectors, `[V, D]`.
    pub fn rows(&self) -> &Tensor {
        &self.0
    }

    /// Ranks the entities by their similarities to the seeds, or by feedback.
    ///
    /// Errors: those of [`VectorIndex::new`].
    pub fn into_rank_fn(
        self,
        ranking: BaselineRanking,
        entities: &[EntityId],
        observer: &mut dyn Observer<Progress>,
    ) -> Result<RankFn> {
        match ranking {
            BaselineRanking::Own => Ok(Box::new(move |_, seeds| {
                Ok(rank_by_scores(&self.similarities(seeds)?, seeds))
            })),
            BaselineRanking::Feedback => {
                let index = VectorIndex::new(entities, &[self.rows()], observer)?;
                Ok(Box::new(move |_, seeds| index.rank(&[1.0], seeds)))
            }
        }
    }
}

/// Returns the entities with the highest `scores [V]`, best first, without the seeds.
pub fn rank_by_scores(scores: &[f64], seeds: &[Row]) -> ScoredRows {
    let rows = (0..scores.len() as u32).map(Row);
    let candidates = rows.filter(|row| !seeds.contains(row));
    best_of(scores, candidates, CUTOFFS[3])
        .into_iter()
        .map(|row| (row, scores[row.index()]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Unobserved;
    use crate::types::ClassId;

    #[test]
    fn rankings_depend_on_the_direction_of_vectors_only() {
        let rows =
            Tensor::from_slice(&[1f32, 0.0, 0.0, 2.0, 9.0, 3.0, 0.1, 0.1, -1.0, 0.0]).view([5, 2]);
        let vectors = EntityVectors::new(&rows);
        let seeds = [Row(0)];
        let found = rank_by_scores(&vectors.similarities(&seeds).unwrap(), &seeds);
        assert_eq!(
            found.iter().map(|(row, _)| row.0).collect::<Vec<_>>(),
            [2, 3, 1, 4]
        );
        assert!((found[3].1 + 1.0).abs() < 1e-6);
        let both = vectors.similarities(&[Row(0), Row(1)]).unwrap();
        assert!((both[3] - 0.5f64.sqrt()).abs() < 1e-6 && both[4] < 0.0);
    }

    #[test]
    fn the_feedback_ranking_of_vectors_differs_from_their_cosines() {
        let values: Vec<f32> = (0..80).map(|i| (i as f32 * 0.7).sin()).collect();
        let rows = Tensor::from_slice(&values).view([20, 4]);
        let entities: Vec<EntityId> = (0..20).map(EntityId).collect();
        let rank = |ranking: BaselineRanking| -> Vec<Row> {
            let vectors = EntityVectors::new(&rows);
            let rank = vectors.into_rank_fn(ranking, &entities, &mut Unobserved);
            let ranking = rank.unwrap()(ClassId(0), &[Row(0), Row(9)]).unwrap();
            ranking.into_iter().map(|(row, _)| row).collect()
        };
        let [mut own, mut feedback] = [BaselineRanking::Own, BaselineRanking::Feedback].map(rank);
        assert_ne!(own, feedback);
        own.sort();
        feedback.sort();
        assert_eq!(own, feedback);
        assert_eq!(own.len(), 18);
    }
}
