//! One mode of an index: rows of Z, and single probabilities, each computed when first asked for.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use tch::{Device, Tensor};

use super::open::{Index, ModeFile};
use super::product::{COLUMNS, dot, products};
use crate::error::Result;
use crate::types::{Mode, Row};

/// One mode of an [`Index`]. A row that is not of this index is a fault of the caller and panics.
#[derive(Clone, Copy)]
pub struct View<'a> {
    index: &'a Index,
    file: &'a ModeFile,
    /// W `[V · D]` and ḡ `[V · D]`, row-major, as they lie in the map.
    weight: &'a [f32],
    mean_state: &'a [f32],
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
    pub(super) fn new(index: &'a Index, file: &'a ModeFile) -> Result<Self> {
        let (weight, mean_state) = (index.head.slice("weight")?, file.file.slice("mean_state")?);
        Ok(View { index, file, weight, mean_state })
    }

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

    /// How many rows more the product that [`View::z_rows`] of these needs would give for nothing; 0 where they are all
    /// at hand.
    pub fn spare_rows(&self, rows: &[Row]) -> usize {
        let absent = self.absent(rows).len();
        absent.next_multiple_of(COLUMNS) - absent
    }

    /// Those that are not at hand, each once, in the order given.
    fn absent(&self, rows: &[Row]) -> Vec<Row> {
        let mut seen = HashSet::new();
        rows.iter().copied().filter(|&r| !self.has_row(r) && seen.insert(r)).collect()
    }

    /// Z\[e\] = (L\[e\] − mean) / σ for each of these entities, `[V]` each; 0 where L\[e\] is the same everywhere. Rows
    /// that are not at hand are computed in one product, in f32. On one kind of device a row is the same to the last bit
    /// whatever else was asked for.
    pub fn z_rows(&self, rows: &[Row]) -> Vec<Rc<Vec<f32>>> {
        let absent = self.absent(rows);
        let computed: HashMap<Row, Rc<Vec<f32>>> = absent.iter().copied().zip(self.computed_rows(&absent)).collect();
        let mut cache = self.file.cache.borrow_mut();
        let found = rows.iter().map(|r| computed.get(r).cloned().or_else(|| cache.row(*r))).collect();
        absent.into_iter().for_each(|r| cache.keep_row(r, computed[&r].clone()));
        let found: Option<Vec<_>> = found;
        // a row is absent, and so computed, or it is at hand
        found.expect("every row is in one of the two")
    }

    /// Z of these rows: W·(ḡ/σ) + b/σ − (logZ̄ + mean)/σ.
    fn computed_rows(&self, rows: &[Row]) -> Vec<Rc<Vec<f32>>> {
        let finish = |(mut values, &row): (Vec<f32>, &Row)| {
            let inverse = self.inverse_deviation(row);
            let less = ((self.file.mean_log_z[row.at()] + self.file.mean[row.at()]) * inverse) as f32;
            let terms = values.iter_mut().zip(&self.index.bias);
            terms.for_each(|(value, bias)| *value += bias * inverse as f32 - less);
            Rc::new(values)
        };
        self.products(rows).into_iter().zip(rows).map(finish).collect()
    }

    /// W·(ḡ/σ) of these rows, `[rows][V]`.
    fn products(&self, rows: &[Row]) -> Vec<Vec<f32>> {
        let (index, width) = (self.index, self.index.width());
        let directions: Vec<f32> = rows.iter().flat_map(|&r| self.direction(r)).collect();
        if index.device == Device::Cpu {
            return products(self.weight, &directions, width, tch::get_num_threads().max(1) as usize);
        }
        let blocks = directions.chunks(COLUMNS * width).map(|block| {
            // always of one shape, since a library may choose another way to sum for another shape
            let mut padded = block.to_vec();
            padded.resize(COLUMNS * width, 0.0);
            let q = Tensor::from_slice(&padded).view([COLUMNS as i64, width as i64]).to_device(index.device);
            let values: Vec<f32> = numbers(&q.matmul(&index.weight_on_device().tr()));
            values.chunks_exact(self.len()).take(block.len() / width).map(<[f32]>::to_vec).collect::<Vec<_>>()
        });
        blocks.flatten().collect()
    }

    /// ḡ/σ of an entity, `[D]`.
    fn direction(&self, row: Row) -> impl Iterator<Item = f32> {
        let inverse = self.inverse_deviation(row);
        self.mean_state(row).iter().map(move |&g| (g as f64 * inverse) as f32)
    }

    fn mean_state(&self, row: Row) -> &'a [f32] {
        let width = self.index.width();
        &self.mean_state[row.at() * width..][..width]
    }

    fn inverse_deviation(&self, row: Row) -> f64 {
        let deviation = self.file.deviation[row.at()];
        if deviation > 0.0 { 1.0 / deviation } else { 0.0 }
    }

    /// W_t·g + b_t: the logit of a target.
    fn logit(&self, g: &[f32], target: Row) -> f64 {
        let width = self.index.width();
        dot(g, &self.weight[target.at() * width..][..width]) + self.index.bias[target.at()] as f64
    }

    /// L\[e\]\[t\], the mean log-probability of each target: `[entities][targets]`.
    pub fn log_probs(&self, entities: &[Row], targets: &[Row]) -> Vec<Vec<f64>> {
        let of = |&e: &Row| {
            let (g, log_z) = (self.mean_state(e), self.file.mean_log_z[e.at()]);
            targets.iter().map(|&t| self.logit(g, t) - log_z).collect()
        };
        entities.iter().map(of).collect()
    }

    /// Z\[e\]\[t\] `[entities][targets]`. Costs a dot product each, where [`View::z_rows`] costs whole rows.
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
        let log_p = |entry: usize| self.entry_log_probs(entry, &[candidate]).sum::<f64>();
        self.entries(entity)
            .map(|entry| Evidence {
                state: self.file.entry_state[entry] as usize,
                share: self.file.entry_share[entry] as f64,
                z: (log_p(entry) - mean) * inverse,
            })
            .collect()
    }

    fn entries(&self, row: Row) -> std::ops::Range<usize> {
        self.file.row_offsets[row.at()] as usize..self.file.row_offsets[row.at() + 1] as usize
    }

    /// log p of entry `entry` at each target.
    fn entry_log_probs(&self, entry: usize, targets: &[Row]) -> impl Iterator<Item = f64> {
        let state = self.file.entry_state[entry] as usize;
        // Index::open has read one
        let g = self.file.file.row("states", state).expect("checked on opening");
        let log_z = self.file.log_z[state] as f64;
        targets.iter().map(move |&t| self.logit(&g, t) - log_z)
    }

    /// P\[e\]\[t\], the mean probability of each target: `[entities · targets]`, row-major. Never 0: what f64 cannot
    /// hold is its smallest normal number, as in [`View::sum_log_prob`].
    pub fn probabilities(&self, entities: &[Row], targets: &[Row]) -> Vec<f64> {
        entities.iter().flat_map(|&entity| self.probabilities_at(entity, targets)).collect()
    }

    fn probabilities_at(&self, entity: Row, targets: &[Row]) -> Vec<f64> {
        let mut means = vec![0.0; targets.len()];
        for entry in self.entries(entity) {
            let share = self.file.entry_share[entry] as f64;
            means.iter_mut().zip(self.entry_log_probs(entry, targets)).for_each(|(mean, l)| *mean += share * l.exp());
        }
        means.iter_mut().for_each(|mean| *mean = mean.max(f64::MIN_POSITIVE));
        means
    }

    /// P\[e\]\[t\] of one entity, added to `out`; what is not at hand is computed and kept.
    pub fn extend_probabilities(&self, entity: Row, targets: &[Row], out: &mut Vec<f64>) {
        let mut cache = self.file.cache.borrow_mut();
        let from = out.len();
        let mut absent = Vec::new();
        for (i, &target) in targets.iter().enumerate() {
            out.push(cache.probability(entity, target).unwrap_or_else(|| {
                absent.push(i);
                f64::NAN // computed below
            }));
        }
        if absent.is_empty() {
            return;
        }
        let wanted: Vec<Row> = absent.iter().map(|&i| targets[i]).collect();
        for (i, p) in absent.into_iter().zip(self.probabilities_at(entity, &wanted)) {
            cache.keep_probability(entity, targets[i], p);
            out[from + i] = p;
        }
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
