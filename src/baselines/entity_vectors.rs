//! Rankings by the cosine of entity vectors to the seeds.

use tch::{Kind, Tensor};

use crate::baselines::fitted_baseline::{RankFn, ScoredRows};
use crate::error::Result;
use crate::expand::best_of;
use crate::model::layer::unit_rows;
use crate::types::{CUTOFFS, Row};

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

    /// Ranks the entities by their similarities to the seeds.
    pub fn into_rank_fn(self) -> RankFn {
        Box::new(move |_, seeds| Ok(rank_by_scores(&self.similarities(seeds)?, seeds)))
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
}
