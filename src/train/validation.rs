//! Validation of the current model: MAP on the data set's queries of 5 seeds, by which the best epoch
//! is selected. The queries of 3 seeds are for reporting and are not used here.

use std::collections::HashMap;
use tch::{Kind, Tensor};

use crate::data::Dataset;
use crate::error::Result;
use crate::eval::{aggregate, answerable_queries, evaluate_query};
use crate::model::Network;
use crate::progress::{Observer, Progress};
use crate::train::entity_states::{entity_vectors, mean_states};
use crate::train::task::Task;
use crate::train::train_state::Training;
use crate::types::{CUTOFFS, EntityId, EvaluationProtocol, MetricValues, Mode, Query, SeedCount};

/// The number of pairs of an entity that are used at most.
const MAX_PAIRS: usize = 8;
/// The modes that are evaluated.
pub const MODES: [Mode; 3] = [Mode::Both, Mode::Text, Mode::Image];

/// The held-out queries.
pub struct ValidationSet<'a> {
    dataset: &'a Dataset,
    queries: Vec<ValidationQuery>,
}

struct ValidationQuery {
    query: Query,
    /// The rows of the known seeds.
    seeds: Vec<i64>,
}

impl<'a> ValidationSet<'a> {
    /// Selects the queries of 5 seeds that an evaluation of these entities uses. There may be none.
    pub fn new(dataset: &'a Dataset, entities: &[EntityId]) -> Self {
        let rows: HashMap<EntityId, i64> = entities.iter().copied().zip(0..).collect();
        let five_seeds = dataset
            .queries
            .iter()
            .filter(|q| q.seed_count == SeedCount::Five)
            .cloned()
            .collect();
        let (queries, _) =
            answerable_queries(dataset, five_seeds, |entity| rows.contains_key(&entity));
        let mut with_rows = Vec::with_capacity(queries.len());
        for query in queries {
            let seeds = query.seeds.iter();
            let seeds = seeds.filter_map(|id| rows.get(id).copied()).collect();
            with_rows.push(ValidationQuery { query, seeds });
        }
        ValidationSet {
            dataset,
            queries: with_rows,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// Returns MAP@10 in each of [`MODES`]. Candidates are ranked by ΣZ over the seeds, or by their
    /// similarity to the seeds if the training has no masked entity prediction.
    pub fn map(
        &self,
        training: &Training,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<Vec<(Mode, f64)>> {
        let mut maps = Vec::with_capacity(MODES.len());
        for mode in MODES {
            maps.push((mode, self.map_of_mode(training, mode, observer)?));
        }
        Ok(maps)
    }

    fn map_of_mode(
        &self,
        training: &Training,
        mode: Mode,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<f64> {
        let Training {
            network, sources, ..
        } = training;
        let has_head = training.config.tasks.contains(Task::Mep);
        let vectors = if has_head {
            mean_states(network, sources, mode, MAX_PAIRS, observer)?
        } else {
            entity_vectors(network, sources, mode, MAX_PAIRS, observer)?
        };
        let mut measured = Vec::with_capacity(self.queries.len());
        for ValidationQuery { query, seeds } in &self.queries {
            let rows = Tensor::from_slice(seeds).to_device(vectors.device());
            let seed_vectors = vectors.index_select(0, &rows);
            let scores = if has_head {
                z_scores(network, &seed_vectors)
            } else {
                seed_vectors.matmul(&vectors.tr())
            };
            let scores = scores.sum_dim_intlist([0i64].as_slice(), false, Kind::Float);
            let ranking: Vec<EntityId> = best_candidates(&scores, seeds)?
                .into_iter()
                .map(|row| sources.pairs.entities[row as usize])
                .collect();
            let protocol = EvaluationProtocol::Standard;
            let metrics = evaluate_query(self.dataset, query, &ranking, protocol, |_| true);
            measured.push((query.class, metrics));
        }
        let MetricValues { ap, .. } = aggregate(measured.into_iter()).overall;
        Ok(ap[0])
    }
}

/// Returns Z of every candidate from mean states `[S, D]`: `[S, V]`. The constant −logZ̄ cancels out.
fn z_scores(network: &Network, states: &Tensor) -> Tensor {
    let (weight, bias) = network.student.head.last_layer();
    let logits = states.matmul(&weight.tr()) + bias;
    let mean = logits.mean_dim([1i64].as_slice(), true, Kind::Float);
    let deviation = logits.std_dim([1i64].as_slice(), false, true);
    (&logits - mean) / deviation.clamp_min(1e-12)
}

/// Returns the rows of the best candidates without the seeds, best first.
fn best_candidates(scores: &Tensor, seeds: &[i64]) -> Result<Vec<i64>> {
    let count = (CUTOFFS[0] + seeds.len()).min(scores.size()[0] as usize);
    let (_, rows) = scores.topk(count as i64, 0, true, true);
    let rows: Vec<i64> = Vec::try_from(&rows)?;
    Ok(rows
        .into_iter()
        .filter(|row| !seeds.contains(row))
        .take(CUTOFFS[0])
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validation_uses_the_queries_of_an_evaluation() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            (
                "entity2id.txt",
                "a\t1\nb\t2\nc\t3\nd\t4\ne\t5\nf\t6\ng\t7\n",
            ),
            (
                "gt/c.txt",
                "1\ta\t1\n2\tb\t1\n3\tc\t1\n4\td\t1\n5\te\t1\n6\tf\t1\n",
            ),
            ("gt/small.txt", "1\ta\t1\n"),
            // an unknown seed; only unknown seeds; no gold besides the seeds
            ("query_seed=5/c.txt", "1 2 3 4 7\n7\n"),
            ("query_seed=5/small.txt", "1 2 3 4 5\n"),
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let dataset = Dataset::open(folder.path()).unwrap();
        let known: Vec<EntityId> = (1..=6).map(EntityId).collect();
        let validation = ValidationSet::new(&dataset, &known);
        let selected: Vec<_> = validation
            .queries
            .iter()
            .map(|q| (q.query.number, q.seeds.clone()))
            .collect();
        assert_eq!(selected, [(0, vec![0, 1, 2, 3])]);
    }
}
