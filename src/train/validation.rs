//! How well the model so far ranks: MAP over the data set's queries of 5 seeds, which are for
//! choosing; those of 3 are for reporting and are not looked at.

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

/// Pairs of one entity that are looked at.
const MOST_PAIRS: usize = 8;
/// The modes that are told.
pub const MODES: [Mode; 3] = [Mode::Both, Mode::Text, Mode::Image];

/// The held-out queries.
pub struct ValidationSet<'a> {
    dataset: &'a Dataset,
    /// Each with the rows of the seeds that are known.
    queries: Vec<(Query, Vec<i64>)>,
}

impl<'a> ValidationSet<'a> {
    /// The queries of 5 seeds that can be asked of these entities, as in an evaluation. There may
    /// be none.
    pub fn new(dataset: &'a Dataset, entities: &[EntityId]) -> Self {
        let rows: HashMap<EntityId, i64> =
            (0..).zip(entities).map(|(row, &id)| (id, row)).collect();
        let five = dataset
            .queries
            .iter()
            .filter(|q| q.seed_count == SeedCount::Five)
            .cloned()
            .collect();
        let (queries, _) = answerable_queries(dataset, five, |entity| rows.contains_key(&entity));
        let with_rows = |query: Query| {
            let seeds = query
                .seeds
                .iter()
                .filter_map(|id| rows.get(id).copied())
                .collect();
            (query, seeds)
        };
        ValidationSet {
            dataset,
            queries: queries.into_iter().map(with_rows).collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// MAP@10 in each of [`MODES`]; candidates ranked by ΣZ over the seeds, or without masked
    /// entity prediction by likeness to them.
    pub fn map(
        &self,
        training: &Training,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<Vec<(Mode, f64)>> {
        let one = |mode| Ok((mode, self.of_mode(training, mode, observe)?));
        MODES.into_iter().map(one).collect()
    }

    fn of_mode(
        &self,
        training: &Training,
        mode: Mode,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<f64> {
        let Training {
            network,
            sources,
            config,
            ..
        } = training;
        let predicts = config.tasks.has(Task::Mep);
        let states = if predicts {
            mean_states
        } else {
            entity_vectors
        };
        let states = states(network, sources, mode, MOST_PAIRS, observe)?;
        let mut measured = Vec::with_capacity(self.queries.len());
        for (query, seeds) in &self.queries {
            let rows =
                states.index_select(0, &Tensor::from_slice(seeds).to_device(states.device()));
            let scores = if predicts {
                standardised(network, &rows)
            } else {
                rows.matmul(&states.tr())
            };
            let list = best(
                &scores.sum_dim_intlist([0i64].as_slice(), false, Kind::Float),
                seeds,
            )?;
            let list: Vec<EntityId> = list
                .into_iter()
                .map(|row| sources.pairs.entities[row as usize])
                .collect();
            measured.push((
                query.class,
                evaluate_query(
                    self.dataset,
                    query,
                    &list,
                    EvaluationProtocol::Standard,
                    |_| true,
                ),
            ));
        }
        let MetricValues { ap, .. } = aggregate(measured.into_iter()).overall;
        Ok(ap[0])
    }
}

/// Z of every candidate from mean states `[S, D]`: `[S, V]`. The constant −logZ̄ falls out of it.
fn standardised(network: &Network, states: &Tensor) -> Tensor {
    let (weight, bias) = network.student.head.last_layer();
    let logits = states.matmul(&weight.tr()) + bias;
    let mean = logits.mean_dim([1i64].as_slice(), true, Kind::Float);
    (&logits - mean)
        / logits
            .std_dim([1i64].as_slice(), false, true)
            .clamp_min(1e-12)
}

/// The best candidates, best first, without the seeds.
fn best(scores: &Tensor, seeds: &[i64]) -> Result<Vec<i64>> {
    let most = (CUTOFFS[0] + seeds.len()).min(scores.size()[0] as usize);
    let (_, rows) = scores.topk(most as i64, 0, true, true);
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
    fn epochs_are_chosen_on_the_queries_that_an_evaluation_asks() {
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
            // one seed is not known; none is; all gold is a seed
            ("query_seed=5/c.txt", "1 2 3 4 7\n7\n"),
            ("query_seed=5/small.txt", "1 2 3 4 5\n"),
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let dataset = Dataset::open(folder.path()).unwrap();
        let known: Vec<EntityId> = (1..=6).map(EntityId).collect();
        let held = ValidationSet::new(&dataset, &known);
        let asked: Vec<_> = held
            .queries
            .iter()
            .map(|(query, rows)| (query.number, rows.clone()))
            .collect();
        assert_eq!(asked, [(0, vec![0, 1, 2, 3])]);
    }
}
