//! The fusion of text and image: the weight of the image is chosen on held-out queries.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::baselines::baseline_ranking::{BaselineRanking, ScoredRows};
use crate::baselines::entity_vectors::EntityVectors;
use crate::baselines::fitted_baseline::{RankFn, rows_by_entity};
use crate::baselines::fused_vectors::FusedVectors;
use crate::data::Dataset;
use crate::error::Result;
use crate::eval::{answerable_queries, evaluate_query};
use crate::progress::{Observer, Progress};
use crate::types::{ClassId, EntityId, EvaluationProtocol, Query, Row, SeedCount};

/// The weight of the image is one of 0, 1/STEPS … 1.
const STEPS: usize = 20;

/// The sums of AP@10 over queries, by weight.
type SumsByWeight = [f64; STEPS + 1];

/// The late fusion of sentences and images.
pub struct ScoreFusion {
    vectors: FusedVectors,
    /// The weight of the image, by class.
    image_weights: Vec<f64>,
    /// The number of queries on which the weights were chosen.
    tuning_queries: usize,
}

impl ScoreFusion {
    /// Chooses the weight of each class: the one with the best MAP@10 of this ranking over the
    /// queries with 5 seeds of all other classes, and the lowest of equally good ones. Neither the
    /// queries with 3 seeds nor the gold of the class itself are used. Without such queries both
    /// modalities have the same weight. `vectors` are those of the sentences and of the images.
    ///
    /// Errors: those of [`FusedVectors::new`]; `Stopped`.
    pub fn fit(
        ranking: BaselineRanking,
        dataset: &Dataset,
        entities: &[EntityId],
        vectors: [EntityVectors; 2],
        observer: &mut dyn Observer<Progress>,
    ) -> Result<ScoreFusion> {
        let vectors = FusedVectors::new(ranking, entities, vectors, observer)?;
        let rows = rows_by_entity(entities);
        let queries = tuning_queries(dataset, &rows);
        let mut by_class = vec![[0.0; STEPS + 1]; dataset.classes.len()];
        let mut total = [0.0; STEPS + 1];
        for (done, query) in (1..).zip(&queries) {
            let precisions = precisions(dataset, entities, &rows, query, &vectors)?;
            for (step, ap) in precisions.into_iter().enumerate() {
                by_class[query.class.index()][step] += ap;
                total[step] += ap;
            }
            observer.report(Progress::new(
                "choosing the weight of the image",
                done,
                queries.len() as u64,
            ))?;
        }
        let mut image_weights = Vec::with_capacity(by_class.len());
        for own in by_class {
            let of_others: SumsByWeight = std::array::from_fn(|step| total[step] - own[step]);
            image_weights.push(best_weight(&of_others));
        }
        Ok(ScoreFusion {
            vectors,
            image_weights,
            tuning_queries: queries.len(),
        })
    }

    /// Ranks the candidates of a query of this class.
    fn rank(&self, class: ClassId, seeds: &[Row]) -> Result<ScoredRows> {
        let weight = self.image_weights[class.index()];
        let rankings = self.vectors.rankings(&[weight], seeds)?;
        Ok(rankings.into_iter().flatten().collect())
    }

    /// Ranks the candidates of a query with the weight of its class.
    pub fn into_rank_fn(self) -> RankFn {
        Box::new(move |class, seeds| self.rank(class, seeds))
    }

    /// Returns the weights, and how they were chosen, as settings of a run.
    pub fn settings(&self, dataset: &Dataset) -> Map<String, Value> {
        let mut weights = Map::new();
        for (class, weight) in dataset.classes.iter().zip(&self.image_weights) {
            weights.insert(class.name.clone(), json!(weight));
        }
        let chosen_on = if self.tuning_queries == 0 {
            "nothing: there is no query of 5 seeds, and both count alike"
        } else {
            "queries of 5 seeds of the other classes, by MAP@10"
        };
        let mut settings = Map::new();
        settings.insert("image_share".into(), Value::Object(weights));
        settings.insert("image_share_chosen_on".into(), json!(chosen_on));
        settings
    }
}

/// Returns the queries with 5 seeds that have gold and a seed among the entities.
fn tuning_queries(dataset: &Dataset, rows: &HashMap<EntityId, Row>) -> Vec<Query> {
    let mut with_five = dataset.queries.clone();
    with_five.retain(|query| query.seed_count == SeedCount::Five);
    let (queries, _) = answerable_queries(dataset, with_five, |entity| rows.contains_key(&entity));
    queries
}

/// Ranks a query with each weight, and returns the AP@10 of each ranking.
fn precisions(
    dataset: &Dataset,
    entities: &[EntityId],
    rows: &HashMap<EntityId, Row>,
    query: &Query,
    vectors: &FusedVectors,
) -> Result<SumsByWeight> {
    let seeds = query.seeds.iter();
    let seeds: Vec<Row> = seeds.filter_map(|seed| rows.get(seed).copied()).collect();
    let weights: [f64; STEPS + 1] = std::array::from_fn(weight_of);
    let rankings = vectors.rankings(&weights, &seeds)?;
    let protocol = EvaluationProtocol::Standard;
    let mut precisions = [0.0; STEPS + 1];
    for (precision, ranking) in precisions.iter_mut().zip(rankings) {
        let ranking: Vec<EntityId> = ranking
            .iter()
            .map(|(row, _)| entities[row.index()])
            .collect();
        *precision = evaluate_query(dataset, query, &ranking, protocol, |_| true).ap[0];
    }
    Ok(precisions)
}

fn weight_of(step: usize) -> f64 {
    step as f64 / STEPS as f64
}

/// Returns the weight with the highest sum; one half if all sums are 0, as without queries.
fn best_weight(sums: &SumsByWeight) -> f64 {
    let highest = sums.iter().copied().fold(0.0, f64::max);
    if highest == 0.0 {
        return 0.5;
    }
    let step = sums.iter().position(|sum| *sum == highest);
    weight_of(step.unwrap_or(STEPS / 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use tch::Tensor;

    #[test]
    fn choosing_the_weights_reports_progress_and_can_be_stopped() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("entity2id.txt", "a\t1\nb\t2\nc\t3\n"),
            ("gt/c.txt", "1\ta\t1\n2\tb\t1\n"),
            ("query_seed=5/c.txt", "1\n2\n"),
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let (dataset, entities) = (
            Dataset::open(folder.path()).unwrap(),
            [1, 2, 3].map(EntityId),
        );
        let ranking = BaselineRanking::Own;
        let fit = |observer: &mut dyn Observer<Progress>| {
            let vectors = || {
                EntityVectors::new(
                    &Tensor::from_slice(&[1f32, 0.0, 0.9, 0.1, 0.0, 1.0]).view([3, 2]),
                )
            };
            let vectors = [vectors(), vectors()];
            ScoreFusion::fit(ranking, &dataset, &entities, vectors, observer)
        };
        let mut reports = Vec::new();
        let fusion = fit(&mut |p: Progress| {
            reports.push((p.done, p.total));
            Ok(())
        });
        assert_eq!(
            (fusion.unwrap().image_weights.len(), reports),
            (1, vec![(1, 2), (2, 2)])
        );
        assert!(matches!(
            fit(&mut |_: Progress| Err(Error::Stopped)),
            Err(Error::Stopped)
        ));
    }

    #[test]
    fn the_lowest_of_equally_good_weights_is_chosen() {
        let mut sums = [1.0; STEPS + 1];
        (sums[4], sums[9]) = (2.0, 2.0);
        assert_eq!(best_weight(&sums), 0.2);
        assert_eq!(best_weight(&[0.0; STEPS + 1]), 0.5);
    }
}
