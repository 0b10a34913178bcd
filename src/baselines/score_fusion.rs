//! Two likenesses as one: each z-scored over the entities, then summed, the picture's share chosen
//! on held-out queries.

use serde_json::{Map, Value, json};

use crate::baselines::entity_vectors::{EntityVectors, rank_by_scores};
use crate::baselines::rows_by_entity;
use crate::data::Dataset;
use crate::error::Result;
use crate::eval::{answerable_queries, evaluate_query};
use crate::progress::{Observer, Progress};
use crate::types::{ClassId, EntityId, EvaluationProtocol, Query, Row, SeedCount};

/// The picture's share is one of 0, 1/STEPS … 1.
const STEPS: usize = 20;

/// Late fusion of sentences and pictures.
#[derive(Debug)]
pub struct ScoreFusion {
    text: EntityVectors,
    image: EntityVectors,
    /// The picture's, by class.
    shares: Vec<f64>,
    /// How many queries chose them.
    held: usize,
}

impl ScoreFusion {
    /// Chooses the share of each class: the one with the best MAP@10 over the queries of 5 seeds of
    /// all other classes, the least of equals. So neither the queries of 3 seeds nor the class's
    /// own gold are looked at. With no such query the two count alike. Error: `Stopped`.
    pub fn fit(
        dataset: &Dataset,
        entities: &[EntityId],
        [text, image]: [EntityVectors; 2],
        observe: &mut dyn Observer<Progress>,
    ) -> Result<ScoreFusion> {
        let rows = rows_by_entity(entities);
        let held = dataset
            .queries
            .iter()
            .filter(|q| q.seed_count == SeedCount::Five)
            .cloned()
            .collect();
        let (queries, _) = answerable_queries(dataset, held, |entity| rows.contains_key(&entity));
        let mut own = vec![[0.0; STEPS + 1]; dataset.classes.len()];
        let mut all = [0.0; STEPS + 1];
        for (done, query) in (1..).zip(&queries) {
            let seeds: Vec<Row> = query
                .seeds
                .iter()
                .filter_map(|seed| rows.get(seed).copied())
                .collect();
            let precisions = precisions(dataset, entities, query, &seeds, [&text, &image])?;
            for (step, ap) in precisions.into_iter().enumerate() {
                own[query.class.index()][step] += ap;
                all[step] += ap;
            }
            observe.report(Progress::new(
                "choosing the picture's share",
                done,
                queries.len() as u64,
            ))?;
        }
        let of_others = |own: &[f64; STEPS + 1]| std::array::from_fn(|step| all[step] - own[step]);
        let shares = own.iter().map(|own| best_share(&of_others(own))).collect();
        Ok(ScoreFusion {
            text,
            image,
            shares,
            held: queries.len(),
        })
    }

    /// How alike every entity is to the seeds, `[V]`, for a query of this class.
    pub fn likeness(&self, class: ClassId, seeds: &[Row]) -> Result<Vec<f64>> {
        let [text, image] = [&self.text, &self.image]
            .map(|of| of.likeness(seeds).map(|values| standardised(&values)));
        Ok(mixed(&text?, &image?, self.shares[class.index()]))
    }

    /// The shares, and how they were chosen.
    pub fn settings(&self, dataset: &Dataset) -> Map<String, Value> {
        let classes = dataset
            .classes
            .iter()
            .zip(&self.shares)
            .map(|(class, share)| (class.name.clone(), json!(share)));
        let mut settings = Map::new();
        settings.insert("image_share".into(), Value::Object(classes.collect()));
        let chosen_on = match self.held {
            0 => "nothing: there is no query of 5 seeds, and both count alike",
            _ => "queries of 5 seeds of the other classes, by MAP@10",
        };
        settings.insert("image_share_chosen_on".into(), json!(chosen_on));
        settings
    }
}

/// Ranks a query with each share, and returns the AP@10 of each ranking by step.
fn precisions(
    dataset: &Dataset,
    entities: &[EntityId],
    query: &Query,
    seeds: &[Row],
    [text, image]: [&EntityVectors; 2],
) -> Result<[f64; STEPS + 1]> {
    let text = standardised(&text.likeness(seeds)?);
    let image = standardised(&image.likeness(seeds)?);
    let mut precisions = [0.0; STEPS + 1];
    for (step, precision) in precisions.iter_mut().enumerate() {
        let found = rank_by_scores(&mixed(&text, &image, share(step)), seeds);
        let list: Vec<EntityId> = found.iter().map(|(row, _)| entities[row.index()]).collect();
        *precision = evaluate_query(dataset, query, &list, EvaluationProtocol::Standard, |_| {
            true
        })
        .ap[0];
    }
    Ok(precisions)
}

fn share(step: usize) -> f64 {
    step as f64 / STEPS as f64
}

/// The share whose sum is the best; half where all are 0, as without queries.
fn best_share(sums: &[f64; STEPS + 1]) -> f64 {
    let most = sums.iter().copied().fold(0.0, f64::max);
    if most == 0.0 {
        0.5
    } else {
        share(
            sums.iter()
                .position(|sum| *sum == most)
                .unwrap_or(STEPS / 2),
        )
    }
}

/// (1 − share)·text + share·image.
fn mixed(text: &[f64], image: &[f64], share: f64) -> Vec<f64> {
    text.iter()
        .zip(image)
        .map(|(text, image)| (1.0 - share) * text + share * image)
        .collect()
}

/// Less the mean, over the deviation.
fn standardised(values: &[f64]) -> Vec<f64> {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n)
        .sqrt()
        .max(1e-12);
    values.iter().map(|v| (v - mean) / deviation).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use tch::Tensor;

    #[test]
    fn each_counts_by_its_share_whatever_its_scale() {
        let [text, image] = [[0.0, 1.0, 2.0, 3.0], [900.0, 700.0, 500.0, 300.0]]
            .map(|values| standardised(&values));
        assert!(
            mixed(&text, &image, 0.5)
                .iter()
                .all(|score| score.abs() < 1e-12),
            "they cancel"
        );
        let scores = mixed(&text, &image, 0.25);
        assert!(scores.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(standardised(&[2.0, 2.0]), [0.0, 0.0]);
    }

    #[test]
    fn choosing_can_be_stopped() {
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
        let fit = |observe: &mut dyn Observer<Progress>| {
            let vectors = || {
                EntityVectors::new(
                    &Tensor::from_slice(&[1f32, 0.0, 0.9, 0.1, 0.0, 1.0]).view([3, 2]),
                )
            };
            ScoreFusion::fit(&dataset, &entities, [vectors(), vectors()], observe)
        };
        let mut told = Vec::new();
        let fusion = fit(&mut |p: Progress| {
            told.push((p.done, p.total));
            Ok(())
        });
        assert_eq!(
            (fusion.unwrap().shares.len(), told),
            (1, vec![(1, 2), (2, 2)])
        );
        assert!(matches!(
            fit(&mut |_: Progress| Err(Error::Stopped)),
            Err(Error::Stopped)
        ));
    }

    #[test]
    fn the_best_share_is_the_least_of_equals() {
        let mut sums = [1.0; STEPS + 1];
        (sums[4], sums[9]) = (2.0, 2.0);
        assert_eq!(best_share(&sums), 0.2);
        assert_eq!(best_share(&[0.0; STEPS + 1]), 0.5);
    }
}
