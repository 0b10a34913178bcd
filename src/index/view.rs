//! One mode of an index: rows of Z, and single probabilities, each computed when first asked for.

use std::rc::Rc;
use tch::{Kind, Tensor};

use super::open::{Index, ModeFile};
use crate::types::{Mode, Row};

/// One mode of an [`Index`]. A row that is not of this index is a fault of the caller and panics.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub(super) index: &'a Index,
    pub(super) file: &'a ModeFile,
}

/// What one state of an entity brings to a candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// Which state; pairs name theirs in [`super::Pair::states`].
    pub state: usize,
    /// The fraction of the entity's pairs that have it.
    pub share: f64,
    /// (W_c·g + b_c − logZ − mean) / σ. Their mean, weighted by `share`, is Z\[e\]\[c\].
    pub z: f64,
}

impl<'a> View<'a> {
    pub fn mode(&self) -> Mode {
        self.file.mode
    }

    pub fn index(&self) -> &'a Index {
        self.index
    }

    /// V.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Whether [`View::z_rows`] has this row at hand.
    pub fn has_row(&self, row: Row) -> bool {
        self.file.cache.borrow().has_row(row)
    }

    /// Z\[e\] = (L\[e\] − mean) / σ for each of these entities, `[V]` each; 0 where L\[e\] is the same everywhere. Rows
    /// that are not at hand are computed in one matrix–matrix product, to f32's rounding.
    pub fn z_rows(&self, rows: &[Row]) -> Vec<Rc<[f32]>> {
        let mut cache = self.file.cache.borrow_mut();
        let mut found: Vec<Option<Rc<[f32]>>> = rows.iter().map(|&r| cache.row(r)).collect();
        let absent: Vec<usize> = (0..rows.len()).filter(|&i| found[i].is_none()).collect();
        if !absent.is_empty() {
            // [V, D+1]·[D+1, rows]: with few rows many times faster than the transposed product
            let wanted: Vec<Row> = absent.iter().map(|&i| rows[i]).collect();
            let computed = numbers(&self.index.centred().matmul(&self.directions(&wanted).tr()).tr());
            for (&i, values) in absent.iter().zip(computed.chunks_exact(self.len())) {
                let values: Rc<[f32]> = Rc::from(values);
                if !cache.has_row(rows[i]) {
                    cache.keep_row(rows[i], values.clone());
                }
                found[i] = Some(values);
            }
        }
        found.into_iter().flatten().collect()
    }

    /// q = [ḡ;1]/σ of each entity, `[rows, D+1]`, f32, on the device.
    fn directions(&self, rows: &[Row]) -> Tensor {
        let states = self.mean_states(rows).to_kind(Kind::Double);
        let inverse: Vec<f64> = rows.iter().map(|r| self.inverse_deviation(*r)).collect();
        let inverse = Tensor::from_slice(&inverse).unsqueeze(1);
        Tensor::cat(&[&(states * &inverse), &inverse], 1).to_kind(Kind::Float).to_device(self.index.device)
    }

    fn mean_states(&self, rows: &[Row]) -> Tensor {
        // Index::open has checked that the tensor is there
        self.file.file.rows("mean_state", rows.iter().map(|r| r.at())).expect("checked on opening")
    }

    fn inverse_deviation(&self, row: Row) -> f64 {
        let deviation = self.file.deviation[row.at()];
        if deviation > 0.0 { 1.0 / deviation } else { 0.0 }
    }

    /// W of these entities, `[rows, D]`, f32.
    fn weights(&self, rows: &[Row]) -> Tensor {
        // Index::open has checked that the tensor is there
        self.index.head.rows("weight", rows.iter().map(|r| r.at())).expect("checked on opening")
    }

    fn biases(&self, rows: &[Row]) -> Tensor {
        let bias: Vec<f32> = rows.iter().map(|r| self.index.bias[r.at()]).collect();
        Tensor::from_slice(&bias)
    }

    /// L\[e\]\[t\], the mean log-probability of each target, in f64: `[entities][targets]`.
    pub fn log_probs(&self, entities: &[Row], targets: &[Row]) -> Vec<Vec<f64>> {
        if targets.is_empty() {
            return vec![Vec::new(); entities.len()];
        }
        let states = self.mean_states(entities).to_kind(Kind::Double);
        let logits = states.matmul(&self.weights(targets).to_kind(Kind::Double).tr()) + self.biases(targets);
        let logits = numbers::<f64>(&logits);
        let rows = logits.chunks_exact(targets.len()).zip(entities);
        rows.map(|(row, e)| row.iter().map(|l| l - self.file.mean_log_z[e.at()]).collect()).collect()
    }

    /// Z\[e\]\[t\] in f64: `[entities][targets]`. Costs a dot product each, where [`View::z_rows`] costs whole rows.
    pub fn z(&self, entities: &[Row], targets: &[Row]) -> Vec<Vec<f64>> {
        let mut values = self.log_probs(entities, targets);
        for (row, &e) in values.iter_mut().zip(entities) {
            let (mean, inverse) = (self.file.mean[e.at()], self.inverse_deviation(e));
            row.iter_mut().for_each(|l| *l = (*l - mean) * inverse);
        }
        values
    }

    /// What each state of `entity` brings to `candidate`, in the order of states.
    pub fn evidence(&self, entity: Row, candidate: Row) -> Vec<Evidence> {
        let (mean, inverse) = (self.file.mean[entity.at()], self.inverse_deviation(entity));
        let log_p: Vec<f64> = numbers(&self.entry_log_probs(&[entity], &[candidate]));
        self.entries(entity)
            .zip(log_p)
            .map(|(i, l)| Evidence {
                state: self.file.entry_state[i] as usize,
                share: self.file.entry_share[i] as f64,
                z: (l - mean) * inverse,
            })
            .collect()
    }

    fn entries(&self, row: Row) -> std::ops::Range<usize> {
        self.file.row_offsets[row.at()] as usize..self.file.row_offsets[row.at() + 1] as usize
    }

    /// log p of every entry of these entities, `[entries, targets]`, f64.
    fn entry_log_probs(&self, entities: &[Row], targets: &[Row]) -> Tensor {
        let file = self.file;
        let entries: Vec<usize> = entities.iter().flat_map(|&e| self.entries(e)).collect();
        let states = entries.iter().map(|&i| file.entry_state[i] as usize);
        // Index::open has checked that the tensor is there
        let g = file.file.rows("states", states).expect("checked on opening").to_device(self.index.device);
        // f64, since an f32 product differs with its shape, and a pick must not depend on what else was in it
        let g = g.to_kind(Kind::Double);
        let log_z: Vec<f32> = entries.iter().map(|&i| file.log_z[file.entry_state[i] as usize]).collect();
        let weights = self.weights(targets).to_device(self.index.device).to_kind(Kind::Double);
        let logits = g.matmul(&weights.tr()) + self.biases(targets).to_device(self.index.device);
        let log_z = Tensor::from_slice(&log_z).unsqueeze(1).to_device(self.index.device);
        logits - log_z
    }

    /// P\[e\]\[t\], the mean probability of each target: `[entities · targets]`, row-major. Never 0: what f64 cannot
    /// hold is its smallest normal number, as in [`View::sum_log_prob`].
    pub fn probabilities(&self, entities: &[Row], targets: &[Row]) -> Vec<f64> {
        if targets.is_empty() {
            return Vec::new();
        }
        let p: Vec<f64> = numbers(&self.entry_log_probs(entities, targets).exp());
        let mut means = vec![0.0; entities.len() * targets.len()];
        let mut entries = p.chunks_exact(targets.len());
        for (&e, mean) in entities.iter().zip(means.chunks_exact_mut(targets.len())) {
            for (i, entry) in self.entries(e).zip(&mut entries) {
                let share = self.file.entry_share[i] as f64;
                mean.iter_mut().zip(entry).for_each(|(m, p)| *m += share * p);
            }
            mean.iter_mut().for_each(|m| *m = m.max(f64::MIN_POSITIVE));
        }
        means
    }

    /// P\[e\]\[t\], where it is at hand.
    pub fn known_probability(&self, entity: Row, target: Row) -> Option<f64> {
        self.file.cache.borrow().probability(entity, target)
    }

    /// P\[e\]\[t\] of one entity, in one product where any is not at hand.
    pub fn probabilities_of(&self, entity: Row, targets: &[Row]) -> Vec<f64> {
        let known: Option<Vec<f64>> = {
            let cache = self.file.cache.borrow();
            targets.iter().map(|&t| cache.probability(entity, t)).collect()
        };
        known.unwrap_or_else(|| self.probabilities(&[entity], targets))
    }

    /// Computes these probabilities in one product and keeps them at hand.
    pub fn load_probabilities(&self, entities: &[Row], targets: &[Row]) {
        let values = self.probabilities(entities, targets);
        let width = targets.len();
        let named = values.iter().enumerate().map(|(i, &p)| ((entities[i / width], targets[i % width]), p));
        self.file.cache.borrow_mut().keep_probabilities(named);
    }

    /// Σ_v log P\[e\]\[v\].
    pub fn sum_log_prob(&self, entity: Row) -> f64 {
        self.file.sum_log_prob[entity.at()]
    }
}

/// A tensor's numbers, row-major.
fn numbers<T: tch::kind::Element + Copy + Default>(tensor: &Tensor) -> Vec<T> {
    let tensor = tensor.to_device(tch::Device::Cpu).contiguous();
    let mut values = vec![T::default(); tensor.numel()];
    let count = values.len();
    tensor.copy_data(&mut values, count);
    values
}
