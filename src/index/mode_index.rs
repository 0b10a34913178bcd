//! One mode of an index: rows of Z and single probabilities, computed on demand.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::index::head_file::HeadFile;
use crate::index::hubness::{self, HUBNESS, ZFactors, neighborhood_sizes};
use crate::index::kernels::{COLUMNS, Directions, TiledRows, all_dots, dot, products};
use crate::index::meta::Entity;
use crate::index::mode_file::ModeFile;
use crate::index::neighbor_lists::{NeighborList, NeighborLists};
use crate::index::tensor_file::Floats;
use crate::progress::Unobserved;
use crate::types::{Mode, Row};

/// One mode of an [`Index`](super::Index). Methods panic if a row is not of this index.
#[derive(Clone, Copy)]
pub struct ModeIndex<'a> {
    entities: &'a [Entity],
    head: &'a HeadFile,
    file: &'a ModeFile,
    /// W `[V · D]` and ḡ `[V · D]`, row-major, in the mapped files.
    weight: &'a [f32],
    mean_state: &'a [f32],
    /// g `[U · D]`.
    states: Floats<'a>,
    lists: Option<NeighborLists<'a>>,
}

/// The contribution of one state of an entity to the Z of a candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StateContribution {
    /// The index of the state, as in [`super::IndexedPair::states`].
    pub state: usize,
    /// The fraction of the entity's pairs that have this state.
    pub fraction: f64,
    /// (W_c·g + b_c − logZ − mean) / σ. The mean of these, weighted by `fraction`, is Z\[e\]\[c\].
    pub z: f64,
}

impl<'a> ModeIndex<'a> {
    pub(super) fn new(
        entities: &'a [Entity],
        head: &'a HeadFile,
        file: &'a ModeFile,
    ) -> Result<Self> {
        let lists = if file.has_lists {
            NeighborLists::from_file(&file.file, entities.len())?
        } else {
            None
        };
        Ok(ModeIndex {
            entities,
            head,
            file,
            weight: head.weight()?,
            mean_state: file.file.slice("mean_state")?,
            states: file.file.floats("states")?,
            lists,
        })
    }

    /// Returns whether the view belongs to the index with these entities, by identity.
    pub(super) fn is_of(&self, entities: &[Entity]) -> bool {
        std::ptr::eq(self.entities, entities)
    }

    pub fn mode(&self) -> Mode {
        self.file.mode
    }

    pub fn entity(&self, row: Row) -> &'a Entity {
        &self.entities[row.index()]
    }

    /// Returns D, the width of a state.
    pub fn width(&self) -> usize {
        self.weight.len() / self.entities.len()
    }

    /// Returns V, the number of entities.
    pub fn len(&self) -> usize {
        self.entities.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    /// Returns whether [`ModeIndex::z_rows`] has this row in its cache.
    pub fn has_cached_row(&self, row: Row) -> bool {
        self.file.cache.borrow().has_row(row)
    }

    /// Returns the number of additional rows that [`ModeIndex::z_rows`] of these rows could compute
    /// at no cost; 0 if all of them are cached.
    pub fn free_rows(&self, rows: &[Row]) -> usize {
        let uncached = self.uncached(rows).len();
        uncached.next_multiple_of(COLUMNS) - uncached
    }

    /// Returns the rows that are not cached, each once, in the given order.
    fn uncached(&self, rows: &[Row]) -> Vec<Row> {
        let mut seen = HashSet::new();
        rows.iter()
            .copied()
            .filter(|&r| !self.has_cached_row(r) && seen.insert(r))
            .collect()
    }

    /// Returns the rows Z\[e\] = (L\[e\] − mean) / σ of these entities, `[V]` each; 0 if L\[e\] is
    /// constant. Rows that are not cached are computed in one product, in f32. On one kind of
    /// device a row is equal to the last bit whatever is computed together with it.
    pub fn z_rows(&self, rows: &[Row]) -> Vec<Rc<Vec<f32>>> {
        let uncached = self.uncached(rows);
        let computed: HashMap<Row, Rc<Vec<f32>>> = uncached
            .iter()
            .copied()
            .zip(self.compute_rows(&uncached))
            .collect();
        let mut cache = self.file.cache.borrow_mut();
        let found = rows
            .iter()
            .map(|r| computed.get(r).cloned().or_else(|| cache.row(*r)))
            .collect();
        uncached
            .into_iter()
            .for_each(|r| cache.insert_row(r, computed[&r].clone()));
        let found: Option<Vec<_>> = found;
        // cannot fail: an uncached row is computed, and any other row is cached
        found.expect("every row is computed or cached")
    }

    /// Returns Z of these rows: W·(ḡ/σ) + b/σ − (logZ̄ + mean)/σ.
    fn compute_rows(&self, rows: &[Row]) -> Vec<Rc<Vec<f32>>> {
        // the closure must not capture `self`, which threads cannot share
        let bias = &self.head.bias;
        let terms: Vec<Terms> = rows.iter().map(|&row| self.terms(row)).collect();
        let directions: Vec<f32> = rows.iter().flat_map(|&row| self.direction(row)).collect();
        let found = self.products(Matrix::Head, &directions, |i, from, values: &mut [f32]| {
            values
                .iter_mut()
                .zip(&bias[from..])
                .for_each(|(value, &bias)| *value = terms[i].finish(*value, bias));
        });
        found.into_iter().map(Rc::new).collect()
    }

    /// Returns the terms to be added to W·(ḡ/σ).
    fn terms(&self, row: Row) -> Terms {
        let inverse = self.inverse_deviation(row);
        let subtrahend =
            ((self.file.mean_log_z[row.index()] + self.file.mean[row.index()]) * inverse) as f32;
        Terms {
            inverse: inverse as f32,
            subtrahend,
        }
    }

    /// Returns whether there are neighbor lists, with which [`ModeIndex::z_columns`] can replace
    /// rows. Other devices than the CPU sum rows in another order, so that both would not agree to
    /// the last bit.
    pub fn has_lists(&self) -> bool {
        self.lists.is_some() && self.head.device == Device::Cpu
    }

    /// Returns the neighbor list of an entity; `None` if there is none.
    pub fn neighbor_list(&self, row: Row) -> Option<NeighborList<'a>> {
        self.lists?.list(row)
    }

    /// Creates an empty batch of entities for [`ModeIndex::z_columns`].
    pub fn column_batch(&self) -> ColumnBatch {
        ColumnBatch {
            directions: Directions::new(self.width()),
            terms: Vec::with_capacity(COLUMNS),
        }
    }

    /// Adds an entity to a batch. There must be room.
    pub fn add_column(&self, batch: &mut ColumnBatch, row: Row) {
        batch.directions.push(self.direction(row));
        batch.terms.push(self.terms(row));
    }

    /// Returns Z\[e\]\[c\] of the entities of a batch at these candidates,
    /// `[candidates][entities]`, equal to [`ModeIndex::z_rows`] to the last bit.
    pub fn z_columns(&self, batch: &ColumnBatch, candidates: &[Row]) -> Vec<[f32; COLUMNS]> {
        let rows: Vec<&[f32]> = candidates.iter().map(|&c| self.weight_row(c)).collect();
        let mut values = batch.directions.products_with(&rows);
        for (values, c) in values.iter_mut().zip(candidates) {
            let bias = self.head.bias[c.index()];
            values
                .iter_mut()
                .zip(&batch.terms)
                .for_each(|(value, terms)| *value = terms.finish(*value, bias));
        }
        values
    }

    /// Returns ΣZ over the set, `[V]`, by one product with the sum of the directions.
    pub fn set_scores(&self, set: &[Row]) -> Vec<f64> {
        let mut direction = vec![0.0f64; self.width()];
        let (mut inverse, mut subtrahend) = (0.0, 0.0);
        for &row in set {
            direction
                .iter_mut()
                .zip(self.direction(row))
                .for_each(|(sum, d)| *sum += d as f64);
            let terms = self.terms(row);
            inverse += terms.inverse as f64;
            subtrahend += terms.subtrahend as f64;
        }
        let direction: Vec<f32> = direction.into_iter().map(|d| d as f32).collect();
        let values = self.products(Matrix::Head, &direction, |_, _, _| ());
        let values = &values[0];
        values
            .iter()
            .zip(&self.head.bias)
            .map(|(&value, &bias)| value as f64 + bias as f64 * inverse - subtrahend)
            .collect()
    }

    /// Returns the product of a matrix with each direction `[directions · D]` as
    /// `[directions][V]`; `finish` as in [`products`].
    fn products(
        &self,
        matrix: Matrix,
        directions: &[f32],
        finish: impl Fn(usize, usize, &mut [f32]) + Sync,
    ) -> Vec<Vec<f32>> {
        let (head, width) = (self.head, self.width());
        if head.device == Device::Cpu {
            let threads = tch::get_num_threads().max(1) as usize;
            let rows = match matrix {
                Matrix::Head => self.weight,
                Matrix::MeanStates => self.mean_state,
            };
            return products(rows, directions, width, threads, finish);
        }
        let on_device = match matrix {
            Matrix::Head => head.weight_on_device(),
            Matrix::MeanStates => self.file.mean_state_on_device(head.device),
        };
        let blocks = directions.chunks(COLUMNS * width).map(|block| {
            // always of one shape, since a library may sum in another order for another shape
            let mut padded = block.to_vec();
            padded.resize(COLUMNS * width, 0.0);
            let q = Tensor::from_slice(&padded)
                .view([COLUMNS as i64, width as i64])
                .to_device(head.device);
            let values: Vec<f32> = tensor_values(&q.matmul(&on_device.tr()));
            values
                .chunks_exact(self.len())
                .take(block.len() / width)
                .map(<[f32]>::to_vec)
                .collect::<Vec<_>>()
        });
        let mut found: Vec<Vec<f32>> = blocks.flatten().collect();
        found
            .iter_mut()
            .enumerate()
            .for_each(|(i, values)| finish(i, 0, values));
        found
    }

    /// Returns the rows of S = Z + Zᵀ of these entities, `[V]` each; 0 at the entity itself. Rows
    /// that are not cached are computed in two products, in f32.
    pub fn symmetric_rows(&self, rows: &[Row]) -> Vec<Rc<Vec<f32>>> {
        let mut cache = self.file.symmetric_cache.borrow_mut();
        let mut found: HashMap<Row, Rc<Vec<f32>>> = HashMap::new();
        let mut uncached = Vec::new();
        for &row in rows {
            match cache.row(row) {
                _ if found.contains_key(&row) || uncached.contains(&row) => {}
                Some(cached) => drop(found.insert(row, cached)),
                None => uncached.push(row),
            }
        }
        for (row, values) in uncached.iter().zip(self.compute_symmetric_rows(&uncached)) {
            let values = Rc::new(values);
            cache.insert_row(*row, values.clone());
            found.insert(*row, values);
        }
        rows.iter().map(|row| found[row].clone()).collect()
    }

    fn compute_symmetric_rows(&self, rows: &[Row]) -> Vec<Vec<f32>> {
        let forward = self.compute_rows(rows);
        let bias = &self.head.bias;
        let (inverse, subtrahends) = (self.inverse_deviations(), self.subtrahends());
        let directions: Vec<f32> = rows
            .iter()
            .flat_map(|&row| self.weight_row(row))
            .copied()
            .collect();
        // The closure must not capture what threads cannot share.
        let forward: Vec<&[f32]> = forward.iter().map(|row| row.as_slice()).collect();
        let mut found = self.products(
            Matrix::MeanStates,
            &directions,
            |i, from, values: &mut [f32]| {
                let bias = bias[rows[i].index()];
                let entities = from..from + values.len();
                for (value, e) in values.iter_mut().zip(entities) {
                    *value = (*value + bias) * inverse[e] - subtrahends[e] + forward[i][e];
                }
            },
        );
        for (values, row) in found.iter_mut().zip(rows) {
            values[row.index()] = 0.0;
        }
        found
    }

    /// Returns 1/σ of every entity, `[V]`.
    fn inverse_deviations(&self) -> Vec<f32> {
        let rows = (0..self.len() as u32).map(Row);
        rows.map(|row| self.inverse_deviation(row) as f32).collect()
    }

    /// Returns (logZ̄ + mean)/σ of every entity, `[V]`.
    fn subtrahends(&self) -> Vec<f32> {
        let rows = (0..self.len() as u32).map(Row);
        rows.map(|row| self.terms(row).subtrahend).collect()
    }

    /// Returns S\[e\]\[t\] = Z\[e\]\[t\] + Z\[t\]\[e\], `[entities][targets]`; 0 where both are
    /// the same entity.
    pub fn symmetric(&self, entities: &[Row], targets: &[Row]) -> Vec<Vec<f64>> {
        let mut values = self.z(entities, targets);
        let backward = self.z(targets, entities);
        for (i, row) in values.iter_mut().enumerate() {
            for (j, value) in row.iter_mut().enumerate() {
                *value = if entities[i] == targets[j] {
                    0.0
                } else {
                    *value + backward[j][i]
                };
            }
        }
        values
    }

    /// Returns the hubness of every entity for the neighborhood size k, `[V]`. A k outside the
    /// stored sizes becomes the nearest of them.
    pub fn hubness(&self, k: usize) -> Result<&'a [f32]> {
        let (least, most) = neighborhood_sizes(self.len());
        let first = (k.clamp(least, most) - least) * self.len();
        let all = if self.file.has_hubness {
            self.file.file.slice(HUBNESS)?
        } else {
            self.computed_hubness()
        };
        Ok(&all[first..first + self.len()])
    }

    /// Returns the trust in the images of every entity; `None` if the mode has none.
    ///
    /// Errors: `Format` for tensors of another shape.
    pub fn image_trust(&self) -> Result<Option<ImageTrust<'a>>> {
        let file = &self.file.file;
        if !file.has(IMAGE_TRUST) {
            return Ok(None);
        }
        file.check(IMAGE_TRUST, &[Kind::Float], &[self.len()])?;
        file.check(MIN_TRUST, &[Kind::Float], &[1])?;
        Ok(Some(ImageTrust {
            of_entities: file.slice(IMAGE_TRUST)?,
            min: file.slice(MIN_TRUST)?[0],
        }))
    }

    /// Computes the hubness of an index of format version 1, the first time that it is needed.
    fn computed_hubness(&self) -> &'a [f32] {
        self.file.computed_hubness.get_or_init(|| {
            let matrix = |values: &[f32]| {
                Tensor::from_slice(values).view([self.len() as i64, self.width() as i64])
            };
            let factors = ZFactors {
                weight: matrix(self.weight),
                bias: Tensor::from_slice(&self.head.bias),
                mean_state: matrix(self.mean_state),
                inverse: Tensor::from_slice(&self.inverse_deviations()),
                subtrahend: Tensor::from_slice(&self.subtrahends()),
            };
            let factors = factors.to_device(self.head.device);
            let computed = tch::no_grad(|| hubness::hubness(&factors, &mut Unobserved));
            // An observer that never stops is the only source of errors.
            tensor_values(&computed.expect("it is not stopped"))
        })
    }

    /// Returns ḡ/σ of an entity, `[D]`.
    fn direction(&self, row: Row) -> impl Iterator<Item = f32> {
        let inverse = self.inverse_deviation(row);
        self.mean_state(row)
            .iter()
            .map(move |&g| (g as f64 * inverse) as f32)
    }

    fn mean_state(&self, row: Row) -> &'a [f32] {
        let width = self.width();
        &self.mean_state[row.index() * width..][..width]
    }

    fn inverse_deviation(&self, row: Row) -> f64 {
        let deviation = self.file.deviation[row.index()];
        if deviation > 0.0 {
            1.0 / deviation
        } else {
            0.0
        }
    }

    fn weight_row(&self, row: Row) -> &'a [f32] {
        let width = self.width();
        &self.weight[row.index() * width..][..width]
    }

    /// Returns W_t·g + b_t, the logit of a target.
    fn logit(&self, g: &[f32], target: Row) -> f64 {
        dot(g, self.weight_row(target)) + self.head.bias[target.index()] as f64
    }

    /// Returns L\[e\]\[t\], the mean log-probability of each target: `[entities][targets]`.
    pub fn log_probs(&self, entities: &[Row], targets: &[Row]) -> Vec<Vec<f64>> {
        let entity_log_probs = |&e: &Row| {
            let (g, log_z) = (self.mean_state(e), self.file.mean_log_z[e.index()]);
            targets.iter().map(|&t| self.logit(g, t) - log_z).collect()
        };
        entities.iter().map(entity_log_probs).collect()
    }

    /// Returns Z\[e\]\[t\], `[entities][targets]`. It costs one dot product each, where
    /// [`ModeIndex::z_rows`] costs whole rows.
    pub fn z(&self, entities: &[Row], targets: &[Row]) -> Vec<Vec<f64>> {
        let mut values = self.log_probs(entities, targets);
        for (row, &e) in values.iter_mut().zip(entities) {
            let (mean, inverse) = (self.file.mean[e.index()], self.inverse_deviation(e));
            row.iter_mut().for_each(|l| *l = (*l - mean) * inverse);
        }
        values
    }

    /// Returns the contribution of each state of `entity` to `candidate`, in the order of states.
    pub fn state_contributions(&self, entity: Row, candidate: Row) -> Vec<StateContribution> {
        let (mean, inverse) = (
            self.file.mean[entity.index()],
            self.inverse_deviation(entity),
        );
        let log_p = |entry: usize| self.entry_log_probs(entry, &[candidate]).sum::<f64>();
        self.entries(entity)
            .map(|entry| StateContribution {
                state: self.file.entry_state[entry] as usize,
                fraction: self.file.entry_fraction[entry] as f64,
                z: (log_p(entry) - mean) * inverse,
            })
            .collect()
    }

    fn entries(&self, row: Row) -> std::ops::Range<usize> {
        self.file.row_offsets[row.index()] as usize..self.file.row_offsets[row.index() + 1] as usize
    }

    /// Returns log p of an entry at each target.
    fn entry_log_probs(&self, entry: usize, targets: &[Row]) -> impl Iterator<Item = f64> {
        let state = self.file.entry_state[entry] as usize;
        let g = self.state(state);
        let log_z = self.file.log_z[state] as f64;
        targets.iter().map(move |&t| self.logit(&g, t) - log_z)
    }

    fn state(&self, state: usize) -> Cow<'a, [f32]> {
        self.states.row(self.width(), state)
    }

    /// Prepares an entity for [`ModeIndex::probabilities`].
    pub fn prepare(&self, entity: Row) -> PreparedEntity {
        let build = || {
            let mut states = TiledRows::default();
            self.entries(entity)
                .for_each(|entry| states.push(&self.state(self.file.entry_state[entry] as usize)));
            states
        };
        PreparedEntity {
            entity,
            states: self.file.cache.borrow_mut().states(entity, build),
        }
    }

    /// Adds an entity whose P is computed by [`ModeIndex::probabilities`].
    pub fn add_target(&self, targets: &mut TargetSet, target: Row) {
        targets.rows.push(target);
        targets.weight.push(self.weight_row(target));
    }

    /// Returns P\[e\]\[t\], the mean probability of each target from the given index on, for each
    /// of these entities. It is never 0: a number below the smallest normal f64 becomes that, as in
    /// [`ModeIndex::sum_log_prob`].
    pub fn probabilities(
        &self,
        requests: &[(&PreparedEntity, usize)],
        targets: &TargetSet,
    ) -> Vec<Vec<f64>> {
        let states: Vec<(&TiledRows, usize)> = requests
            .iter()
            .map(|&(entity, from)| (entity.states.as_ref(), from))
            .collect();
        let products = all_dots(
            &states,
            &targets.weight,
            tch::get_num_threads().max(1) as usize,
        );
        let found = requests.iter().zip(products);
        found
            .map(|(&(entity, from), products)| {
                self.mean_exp(entity.entity, &targets.rows[from..], &products)
            })
            .collect()
    }

    /// Returns P from W·g of each entry, `[entries · targets]`.
    fn mean_exp(&self, entity: Row, targets: &[Row], products: &[f64]) -> Vec<f64> {
        let mut means = vec![0.0; targets.len()];
        for (entry, products) in self
            .entries(entity)
            .zip(products.chunks(targets.len().max(1)))
        {
            let (fraction, state) = (
                self.file.entry_fraction[entry] as f64,
                self.file.entry_state[entry] as usize,
            );
            let log_z = self.file.log_z[state] as f64;
            for ((mean, product), target) in means.iter_mut().zip(products).zip(targets) {
                *mean += fraction * (product + self.head.bias[target.index()] as f64 - log_z).exp();
            }
        }
        means
            .iter_mut()
            .for_each(|mean| *mean = mean.max(f64::MIN_POSITIVE));
        means
    }

    /// Returns Σ_v log P\[e\]\[v\].
    pub fn sum_log_prob(&self, entity: Row) -> f64 {
        self.file.sum_log_prob[entity.index()]
    }
}

/// The names of the tensors with the trust in images, f32 `[V]`, and with the trust below which they
/// do not count, f32 `[1]`.
pub const IMAGE_TRUST: &str = "image_trust";
pub const MIN_TRUST: &str = "min_trust";

/// How much the images of entities can be trusted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImageTrust<'a> {
    /// The trust in the images of each entity `[V]`, between −1 and 1.
    pub of_entities: &'a [f32],
    /// The trust below which images do not count.
    pub min: f32,
}

/// A matrix `[V, D]` of a mode.
#[derive(Clone, Copy)]
enum Matrix {
    /// W.
    Head,
    /// ḡ.
    MeanStates,
}

/// Up to 16 entities, for [`ModeIndex::z_columns`].
pub struct ColumnBatch {
    directions: Directions,
    terms: Vec<Terms>,
}

impl ColumnBatch {
    /// Returns the number of entities.
    pub fn count(&self) -> usize {
        self.directions.len()
    }

    pub fn is_full(&self) -> bool {
        self.directions.is_full()
    }
}

/// An entity, for [`ModeIndex::probabilities`].
#[derive(Clone)]
pub struct PreparedEntity {
    entity: Row,
    /// The entity's states g, one for each entry.
    states: Rc<TiledRows>,
}

/// Targets, for [`ModeIndex::probabilities`].
#[derive(Clone, Default)]
pub struct TargetSet {
    rows: Vec<Row>,
    /// The targets' rows of W.
    weight: TiledRows,
}

impl TargetSet {
    /// Returns the number of targets.
    pub fn count(&self) -> usize {
        self.weight.len()
    }
}

/// The terms that make Z from W·(ḡ/σ), with b the candidate's bias: + b/σ − (logZ̄ + mean)/σ.
struct Terms {
    /// 1/σ.
    inverse: f32,
    subtrahend: f32,
}

impl Terms {
    fn finish(&self, product: f32, bias: f32) -> f32 {
        product + (bias * self.inverse - self.subtrahend)
    }
}

/// Returns the numbers of a tensor, row-major.
fn tensor_values<T: tch::kind::Element + Copy + Default>(tensor: &Tensor) -> Vec<T> {
    let tensor = tensor.to_device(tch::Device::Cpu).contiguous();
    let mut values = vec![T::default(); tensor.numel()];
    let count = values.len();
    tensor.copy_data(&mut values, count);
    values
}
