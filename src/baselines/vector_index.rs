//! The feedback ranking of entity vectors (`docs/ALGORITHM.md`, "Feedback ranking").

use tch::Tensor;
use tempfile::TempDir;

use crate::baselines::baseline_ranking::{ScoredRows, feedback_ranking};
use crate::error::{Error, Result};
use crate::expand::Similarity;
use crate::index::{Builder, Entity, Index, Provenance};
use crate::progress::{Observer, Progress};
use crate::types::{EntityId, Mode, Row};

/// The modes under which the vectors are stored, in their order.
const MODES: [Mode; 2] = [Mode::FrozenText, Mode::FrozenImage];

/// An index of one or two vectors of every entity. The inner products of the vectors, standardised
/// over the candidates, are its Z.
pub struct VectorIndex {
    index: Index,
    /// The number of vectors of an entity.
    vectors: usize,
    /// The folder of the index, which is removed when the index is dropped.
    _folder: TempDir,
}

impl VectorIndex {
    /// Writes the index to a temporary folder and opens it. `vectors` are one or two tensors
    /// `[V, D]` of rows of unit length.
    ///
    /// Errors: fewer than 2 entities; those of writing; `Stopped`.
    pub fn new(
        entities: &[EntityId],
        vectors: &[&Tensor],
        observer: &mut dyn Observer<Progress>,
    ) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(Error::io("create", std::env::temp_dir()))?;
        let path = folder.path().join("index");
        let device = vectors[0].device();
        let entity = |&id: &EntityId| Entity {
            id,
            name: id.to_string(),
        };
        let entities = entities.iter().map(entity).collect();
        let mut builder = Builder::without_head(&path, entities, Provenance::default(), device)?;
        for (mode, vectors) in MODES.into_iter().zip(vectors) {
            builder.add_frozen_mode(mode, vectors, Vec::new(), observer)?;
        }
        builder.finish()?;
        Ok(VectorIndex {
            index: Index::open(&path, device)?,
            vectors: vectors.len(),
            _folder: folder,
        })
    }

    /// Ranks the candidates of a query by feedback. The affinity of two entities is the sum of the
    /// affinities of their vectors with these weights, one for each vector of an entity.
    ///
    /// Errors: those of the index.
    pub fn rank(&self, weights: &[f64], seeds: &[Row]) -> Result<ScoredRows> {
        let mut parts = Vec::with_capacity(self.vectors);
        for (mode, weight) in MODES.into_iter().take(self.vectors).zip(weights) {
            parts.push((self.index.view(mode)?, *weight));
        }
        feedback_ranking(&Similarity::weighted(parts), seeds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expand::{FeedbackConfig, FeedbackQuery, rank_by_feedback};
    use crate::index::{States, StoragePrecision};
    use crate::model::layer::unit_rows;
    use crate::progress::Unobserved;
    use tch::{Device, Kind};

    const ENTITIES: usize = 60;

    /// Returns vectors `[ENTITIES, 6]` of unit length, near to one of 5 centers, as they are stored.
    fn vectors(angle: f64) -> Tensor {
        let positions = Tensor::arange(ENTITIES as i64 * 6, (Kind::Double, Device::Cpu));
        let noise = (&positions * angle).sin().view([ENTITIES as i64, 6]);
        let classes = Tensor::arange(ENTITIES as i64, (Kind::Int64, Device::Cpu)).remainder(5);
        let centers = Tensor::eye(6, (Kind::Double, Device::Cpu)).index_select(0, &classes);
        let unit = unit_rows(&(centers + noise * 0.4).to_kind(Kind::Float));
        unit.to_kind(Kind::Half).to_kind(Kind::Float)
    }

    fn ids() -> Vec<EntityId> {
        (0..ENTITIES as u32).map(|n| EntityId(3 * n)).collect()
    }

    fn index_of(vectors: &[&Tensor]) -> VectorIndex {
        VectorIndex::new(&ids(), vectors, &mut Unobserved).unwrap()
    }

    /// Asserts that both rank the same rows with nearly the same scores.
    fn assert_same(found: &ScoredRows, expected: &ScoredRows) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(found.0, expected.0);
            let difference = (found.1 - expected.1).abs();
            assert!(difference < 1e-4, "{found:?} {expected:?}");
        }
    }

    fn ranked(similarity: &Similarity, seeds: &[Row]) -> ScoredRows {
        let query = FeedbackQuery::from_seeds(seeds);
        let config = FeedbackConfig::default();
        let ranked = rank_by_feedback(similarity, &query, ENTITIES, &config).unwrap();
        let scored = |&row: &Row| (row, ranked.scores[row.index()]);
        ranked.ranking.iter().map(scored).collect()
    }

    #[test]
    fn vectors_are_ranked_like_an_index_whose_head_and_states_are_these_vectors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index");
        let vectors = vectors(0.7);
        let entity = |id: EntityId| Entity {
            id,
            name: format!("entity {id}"),
        };
        let entities = ids().into_iter().map(entity).collect();
        let bias = Tensor::zeros([ENTITIES as i64], (Kind::Float, Device::Cpu));
        let mut builder =
            Builder::new(&path, entities, &vectors, &bias, Provenance::default()).unwrap();
        let offsets: Vec<i64> = (0..=ENTITIES as i64).collect();
        let own: Vec<i32> = (0..ENTITIES as i32).collect();
        let states = States::from_pairs(
            vectors.shallow_clone(),
            &offsets,
            &own,
            StoragePrecision::Single,
        );
        builder
            .add_mode(Mode::Text, states, &mut Unobserved)
            .unwrap();
        builder.finish().unwrap();
        let trained = Index::open(&path, Device::Cpu).unwrap();
        let similarity = Similarity::of_mode(&trained, Mode::Text).unwrap();

        let index = index_of(&[&vectors]);
        for seeds in [[Row(0), Row(5), Row(10)], [Row(3), Row(8), Row(41)]] {
            let found = index.rank(&[1.0], &seeds).unwrap();
            assert_eq!(found.len(), ENTITIES - seeds.len());
            assert!(found.iter().all(|(row, _)| !seeds.contains(row)));
            assert_same(&found, &ranked(&similarity, &seeds));
        }
    }

    #[test]
    fn two_vectors_count_by_their_weights() {
        let (text, image) = (vectors(0.7), vectors(1.3));
        let both = index_of(&[&text, &image]);
        let seeds = [Row(1), Row(6), Row(11)];
        let rank = |weights: [f64; 2]| both.rank(&weights, &seeds).unwrap();
        let alone = |vectors| index_of(&[vectors]).rank(&[1.0], &seeds).unwrap();
        assert_same(&rank([1.0, 0.0]), &alone(&text));
        assert_same(&rank([0.0, 1.0]), &alone(&image));
        assert_ne!(alone(&text), alone(&image));
        // The mean of three texts and one image.
        let views = [0, 0, 0, 1].map(|at| both.index.view(MODES[at]).unwrap());
        let mean = Similarity::mean(views.map(Similarity::of_view));
        assert_same(&rank([0.75, 0.25]), &ranked(&mean, &seeds));
    }
}
