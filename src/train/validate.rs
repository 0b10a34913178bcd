//! How well the model so far ranks: MAP over the data set's queries of 5 seeds, which are for choosing; those of 3 are
//! for reporting and are not looked at.

use std::collections::HashMap;
use tch::{Kind, Tensor};

use super::forward::{entity_vectors, mean_states};
use super::state::Training;
use super::task::Task;
use crate::data::Dataset;
use crate::error::Result;
use crate::eval::{aggregate, gold, measure};
use crate::job::{Observer, Progress};
use crate::model::Network;
use crate::types::{CUTOFFS, EntityId, Measures, Mode, Protocol, Query, SeedCount};

/// Pairs of one entity that are looked at.
const MOST_PAIRS: usize = 8;
/// The modes that are told.
pub const MODES: [Mode; 3] = [Mode::Both, Mode::Text, Mode::Image];

/// The held-out queries.
pub struct Held<'a> {
    dataset: &'a Dataset,
    queries: Vec<(&'a Query, Vec<i64>)>,
}

impl<'a> Held<'a> {
    /// The queries of 5 seeds with all their seeds among these entities. There may be none.
    pub fn new(dataset: &'a Dataset, entities: &[EntityId]) -> Self {
        let rows: HashMap<EntityId, i64> = (0..).zip(entities).map(|(row, &id)| (id, row)).collect();
        let seeds = |q: &Query| q.seeds.iter().map(|id| rows.get(id).copied()).collect::<Option<Vec<i64>>>();
        let queries = dataset.queries.iter().filter(|q| q.seed_count == SeedCount::Five);
        Held { dataset, queries: queries.filter_map(|q| Some((q, seeds(q)?))).collect() }
    }

    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// MAP@10 in each of [`MODES`]; candidates ranked by ΣZ over the seeds, or without masked entity prediction by likeness to them.
    pub fn map(&self, training: &Training, observe: &mut dyn Observer<Progress>) -> Result<Vec<(Mode, f64)>> {
        let one = |mode| Ok((mode, self.of_mode(training, mode, observe)?));
        MODES.into_iter().map(one).collect()
    }

    fn of_mode(&self, training: &Training, mode: Mode, observe: &mut dyn Observer<Progress>) -> Result<f64> {
        let Training { network, sources, config, .. } = training;
        let predicts = config.tasks.has(Task::Mep);
        let states = if predicts { mean_states } else { entity_vectors };
        let states = states(network, sources, mode, MOST_PAIRS, observe)?;
        let mut measured = Vec::with_capacity(self.queries.len());
        for (query, seeds) in &self.queries {
            let rows = states.index_select(0, &Tensor::from_slice(seeds).to_device(states.device()));
            let scores = if predicts { standardised(network, &rows) } else { rows.matmul(&states.tr()) };
            let list = best(&scores.sum_dim_intlist([0i64].as_slice(), false, Kind::Float), seeds)?;
            let list: Vec<EntityId> = list.into_iter().map(|row| sources.pairs.entities[row as usize]).collect();
            let gold = gold(&self.dataset.classes[query.class.at()], &query.seeds);
            measured.push((query.class, measure(&list, &gold, gold.len(), Protocol::Standard)));
        }
        let Measures { ap, .. } = aggregate(measured.into_iter()).overall;
        Ok(ap[0])
    }
}

/// Z of every candidate from mean states `[S, D]`: `[S, V]`. The constant −logZ̄ falls out of it.
fn standardised(network: &Network, states: &Tensor) -> Tensor {
    let (weight, bias) = network.student.head.last_layer();
    let logits = states.matmul(&weight.tr()) + bias;
    let mean = logits.mean_dim([1i64].as_slice(), true, Kind::Float);
    (&logits - mean) / logits.std_dim([1i64].as_slice(), false, true).clamp_min(1e-12)
}

/// The best candidates, best first, without the seeds.
fn best(scores: &Tensor, seeds: &[i64]) -> Result<Vec<i64>> {
    let most = (CUTOFFS[0] + seeds.len()).min(scores.size()[0] as usize);
    let (_, rows) = scores.topk(most as i64, 0, true, true);
    let rows: Vec<i64> = Vec::try_from(&rows)?;
    Ok(rows.into_iter().filter(|row| !seeds.contains(row)).take(CUTOFFS[0]).collect())
}
