//! The statistics of a mode's states (`docs/ALGORITHM.md`, "The same answers, faster"). They are
//! computed from the states as stored, in f64 where sums need it, so that all stored numbers agree.

use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::index::neighbor_lists::{NeighborTensors, nearest_candidates};
use crate::index::states::States;
use crate::progress::{Observer, Progress};

/// The number of logits in one block: 4 Mi are 32 MiB in f64. All logits `[U, V]` are never in memory.
const BLOCK_LOGITS: usize = 4 << 20;
/// The minimal number of entries in a block. With fewer the time goes into reading the head.
const MIN_ENTRIES: usize = 16;
/// The number of rows of the head that are in f64 at one time.
const HEAD_BLOCK: i64 = 16 << 10;

/// The head `log p = W·g + b − logZ`, with the moments that standardise a row without computing it.
pub struct OutputHead {
    /// W `[V, D]`, f32.
    pub weight: Tensor,
    /// b `[V]`, f32.
    pub bias: Tensor,
    /// The mean of `[W|b]` over V, `[D+1]`, f64.
    mean: Tensor,
    /// Cov([W|b]) over V, `[D+1, D+1]`, f64.
    covariance: Tensor,
}

impl OutputHead {
    pub fn new(weight: Tensor, bias: Tensor) -> Self {
        let (v, size) = (weight.size()[0] as f64, weight.size()[1] + 1);
        let blocks = || {
            weight
                .split(HEAD_BLOCK, 0)
                .into_iter()
                .zip(bias.split(HEAD_BLOCK, 0))
        };
        let rows =
            |(w, b): (Tensor, Tensor)| with_column(&w, &b.unsqueeze(1)).to_kind(Kind::Double);
        let zeros = |size: &[i64]| Tensor::zeros(size, (Kind::Double, weight.device()));
        let sum = |rows: Tensor| rows.sum_dim_intlist([0i64].as_slice(), false, Kind::Double);
        let mean = blocks()
            .map(rows)
            .fold(zeros(&[size]), |all, block| all + sum(block))
            / v;
        let gram = |centred: Tensor| centred.tr().matmul(&centred);
        let centred = blocks().map(|block| rows(block) - &mean);
        let covariance = centred.fold(zeros(&[size, size]), |all, block| all + gram(block)) / v;
        OutputHead {
            weight,
            bias,
            mean,
            covariance,
        }
    }

    pub fn entities(&self) -> usize {
        self.weight.size()[0] as usize
    }

    pub fn width(&self) -> usize {
        self.weight.size()[1] as usize
    }

    /// Returns the mean and the deviation over V of the log-probabilities of rows, both `[rows]`, f64,
    /// from their mean states `[rows, D]` and the means of their logZ `[rows]`.
    fn moments(&self, states: &Tensor, log_z: &Tensor) -> (Tensor, Tensor) {
        let ones = Tensor::ones([states.size()[0], 1], (Kind::Float, self.device()));
        let q = with_column(states, &ones).to_kind(Kind::Double); // [rows, D+1]
        let mean = q.matmul(&self.mean) - log_z;
        let variance = (q.matmul(&self.covariance) * &q).sum_dim_intlist(
            [1i64].as_slice(),
            false,
            Kind::Double,
        );
        (mean, variance.clamp_min(0.0).sqrt())
    }

    /// Returns the rows of Z `[rows, V]`, f32, from mean states `[rows, D]`, the means of their logits
    /// `[rows]` and the deviations `[rows]`.
    fn z_rows(&self, states: &Tensor, mean: &Tensor, deviation: &Tensor) -> Tensor {
        let mean = mean.unsqueeze(1).to_kind(Kind::Float);
        let inverse = deviation.unsqueeze(1).reciprocal().to_kind(Kind::Float);
        // a σ of 0 makes it infinite or NaN; such a row of Z is 0
        ((states.matmul(&self.weight.tr()) + &self.bias - mean) * inverse).nan_to_num(0.0, 0.0, 0.0)
    }

    fn device(&self) -> Device {
        self.weight.device()
    }
}

/// The statistics of one mode, all on the CPU.
pub struct Statistics {
    /// The logZ of each state `[U]`, f32.
    pub log_z: Tensor,
    /// ḡ `[V, D]`, f32.
    pub mean_state: Tensor,
    /// For each entity, the mean of logZ over its pairs `[V]`, f64.
    pub mean_log_z: Tensor,
    /// For each entity, the mean of its row of L over all candidates `[V]`, f64.
    pub mean: Tensor,
    /// For each entity, the standard deviation of its row of L `[V]`, f64.
    pub deviation: Tensor,
    /// For each entity, the sum of log P over all candidates `[V]`, f64.
    pub sum_log_prob: Tensor,
    /// The neighbor lists; `None` if all entities share one state or the vocabulary is small.
    pub lists: Option<NeighborTensors>,
}

/// Computes the statistics in one pass over blocks of entities. `states.states` are rounded as stored.
pub fn statistics(
    head: &OutputHead,
    states: &States,
    observer: &mut dyn Observer<Progress>,
) -> Result<Statistics> {
    let device = head.device();
    let v = head.entities();
    let all_states = states.states.to_device(device);
    let log_z = Tensor::zeros([all_states.size()[0]], (Kind::Float, device));
    let mut statistics = StatisticsBlocks::default();
    for (from, to) in blocks(&states.row_offsets, (BLOCK_LOGITS / v).max(MIN_ENTRIES)) {
        observer.report(Progress::new("statistics", from as u64, v as u64))?;
        let block = Block::from_states(states, from, to, device);
        statistics.add(head, &block, &all_states, &log_z, from);
    }
    Ok(statistics.concat(&log_z))
}

/// The statistics of the entities so far, one tensor for each block.
#[derive(Default)]
struct StatisticsBlocks {
    mean_state: Vec<Tensor>,
    mean_log_z: Vec<Tensor>,
    mean: Vec<Tensor>,
    deviation: Vec<Tensor>,
    sum_log_prob: Vec<Tensor>,
    lists: Vec<NeighborTensors>,
}

impl StatisticsBlocks {
    /// Adds the entities of a block, the first of which has the row `from`. The logZ of the states
    /// `all_states [U, D]` are written to `log_z [U]`.
    fn add(
        &mut self,
        head: &OutputHead,
        block: &Block,
        all_states: &Tensor,
        log_z: &Tensor,
        from: usize,
    ) {
        let g = all_states
            .index_select(0, &block.state)
            .to_kind(Kind::Float);
        let logits = (g.matmul(&head.weight.tr()) + &head.bias).to_kind(Kind::Double);
        let z = logits.logsumexp([1i64].as_slice(), true); // [entries, 1]
        let _ = log_z.shallow_clone().index_copy_(
            0,
            &block.state,
            &z.squeeze_dim(1).to_kind(Kind::Float),
        );
        let p = block
            .mean(&logits.subtract(&z).exp_())
            .clamp_min_(f64::MIN_POSITIVE); // [rows, V]
        self.sum_log_prob.push(
            p.log()
                .sum_dim_intlist([1i64].as_slice(), false, Kind::Double),
        );
        let row_log_z = block.mean(&z).squeeze_dim(1);
        let row_states = block.mean(&g.to_kind(Kind::Double)).to_kind(Kind::Float);
        let (mean, deviation) = head.moments(&row_states, &row_log_z);
        if all_states.size()[0] > 1 {
            let z = head.z_rows(&row_states, &(&mean + &row_log_z), &deviation);
            self.lists.extend(nearest_candidates(&z, from));
        }
        self.mean.push(mean);
        self.deviation.push(deviation);
        self.mean_log_z.push(row_log_z);
        self.mean_state.push(row_states);
    }

    /// Returns the statistics of all entities, on the CPU.
    fn concat(self, log_z: &Tensor) -> Statistics {
        let concat = |parts: Vec<Tensor>| Tensor::cat(&parts, 0).to_device(Device::Cpu);
        Statistics {
            log_z: log_z.to_device(Device::Cpu),
            mean_state: concat(self.mean_state),
            mean_log_z: concat(self.mean_log_z),
            mean: concat(self.mean),
            deviation: concat(self.deviation),
            sum_log_prob: concat(self.sum_log_prob),
            lists: NeighborTensors::concat(self.lists),
        }
    }
}

/// Returns `[left | column]`.
pub fn with_column(left: &Tensor, column: &Tensor) -> Tensor {
    Tensor::cat(&[left, column], 1)
}

/// The entries of a block of entities.
struct Block {
    /// The state of each entry `[entries]`.
    state: Tensor,
    /// The fraction of its entity that each entry stands for `[entries, 1]`, f64.
    fraction: Tensor,
    /// The entity of each entry, counted from the block's first row `[entries]`.
    owner: Tensor,
    rows: i64,
}

impl Block {
    fn from_states(states: &States, from: usize, to: usize, device: Device) -> Self {
        let (first, last) = (
            states.row_offsets[from] as usize,
            states.row_offsets[to] as usize,
        );
        let state: Vec<i64> = states.entry_state[first..last]
            .iter()
            .map(|&s| s as i64)
            .collect();
        let fraction: Vec<f64> = states.entry_fraction[first..last]
            .iter()
            .map(|&s| s as f64)
            .collect();
        let owner: Vec<i64> = (from..to)
            .flat_map(|row| {
                (states.row_offsets[row]..states.row_offsets[row + 1])
                    .map(move |_| (row - from) as i64)
            })
            .collect();
        Block {
            state: Tensor::from_slice(&state).to_device(device),
            fraction: Tensor::from_slice(&fraction).unsqueeze(1).to_device(device),
            owner: Tensor::from_slice(&owner).to_device(device),
            rows: (to - from) as i64,
        }
    }

    /// Returns the mean over each entity's entries: `[entries, n]`, f64, to `[rows, n]`.
    fn mean(&self, values: &Tensor) -> Tensor {
        Tensor::zeros(
            [self.rows, values.size()[1]],
            (Kind::Double, values.device()),
        )
        .index_add_(0, &self.owner, &(values * &self.fraction))
    }
}

/// Splits the rows into runs of at most `max_entries` entries. A row with more is a run of its own.
fn blocks(offsets: &[i64], max_entries: usize) -> Vec<(usize, usize)> {
    let rows = offsets.len() - 1;
    let mut runs = Vec::new();
    let mut from = 0;
    while from < rows {
        let mut to = from + 1;
        while to < rows && (offsets[to + 1] - offsets[from]) as usize <= max_entries {
            to += 1;
        }
        runs.push((from, to));
        from = to;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_every_row_once() {
        let offsets = [0, 2, 4, 12, 13, 14];
        assert_eq!(blocks(&offsets, 4), [(0, 2), (2, 3), (3, 5)]);
        assert_eq!(
            blocks(&offsets, 1),
            [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
        );
        assert_eq!(blocks(&offsets, 100), [(0, 5)]);
    }
}
