//! What a mode's states imply (`docs/ALGORITHM.md`, "The same answers, faster"). Everything is
//! computed from the states as stored, in f64 where sums need it, so that the stored numbers agree
//! with each other.

use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::index::builder::States;
use crate::index::neighbor_lists::{Lists, lists};
use crate::progress::{Observer, Progress};

/// Numbers of one block of logits: 4 Mi are 32 MiB in f64. [U, V] never lives at once.
const BLOCK: usize = 4 << 20;
/// Entries of a block at least: fewer would read the whole head for next to nothing.
const ENTRIES: usize = 16;
/// Rows of the head that are in f64 at one time.
const HEAD_BLOCK: i64 = 16 << 10;

/// The head `log p = W·g + b − logZ`, with what is needed to standardise a row without computing
/// it.
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

    /// The mean and the deviation over V of the log-probabilities of rows, both `[rows]`, f64, from
    /// their mean states `[rows, D]` and the means of their logZ `[rows]`.
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

    /// The rows of Z `[rows, V]`, f32, from mean states `[rows, D]`, the means of their logits
    /// `[rows]` and the deviations `[rows]`.
    fn standardised(&self, states: &Tensor, mean: &Tensor, deviation: &Tensor) -> Tensor {
        let less = mean.unsqueeze(1).to_kind(Kind::Float);
        let inverse = deviation.unsqueeze(1).reciprocal().to_kind(Kind::Float);
        // σ of 0 makes it infinite, or no number: such a row of Z is 0
        ((states.matmul(&self.weight.tr()) + &self.bias - less) * inverse).nan_to_num(0.0, 0.0, 0.0)
    }

    fn device(&self) -> Device {
        self.weight.device()
    }
}

/// One mode's numbers; all on the CPU.
pub struct Statistics {
    /// logZ of each state `[U]`, f32.
    pub log_z: Tensor,
    /// ḡ `[V, D]`, f32.
    pub mean_state: Tensor,
    /// `[V]`, f64: the mean of logZ, the mean over V of L, σ of L, and Σ_v log P.
    pub mean_log_z: Tensor,
    pub mean: Tensor,
    pub deviation: Tensor,
    pub sum_log_prob: Tensor,
    /// None where all entities have one state, or the vocabulary is small.
    pub lists: Option<Lists>,
}

/// One pass over the entities in blocks. `states.states` are the rounded ones.
pub fn statistics(
    head: &OutputHead,
    states: &States,
    observer: &mut dyn Observer<Progress>,
) -> Result<Statistics> {
    let device = head.device();
    let v = head.entities();
    let kept = states.states.to_device(device);
    let log_z = Tensor::zeros([kept.size()[0]], (Kind::Float, device));
    let mut parts = Parts::default();
    for (from, to) in blocks(&states.row_offsets, (BLOCK / v).max(ENTRIES)) {
        observer.report(Progress::new("statistics", from as u64, v as u64))?;
        let block = Block::of(states, from, to, device);
        parts.add(head, &block, &kept, &log_z, from);
    }
    Ok(parts.together(&log_z))
}

/// The numbers of the entities so far, a tensor a block.
#[derive(Default)]
struct Parts {
    mean_state: Vec<Tensor>,
    mean_log_z: Vec<Tensor>,
    mean: Vec<Tensor>,
    deviation: Vec<Tensor>,
    sum_log_prob: Vec<Tensor>,
    near: Vec<Lists>,
}

impl Parts {
    /// Adds the entities of a block, the first of which has the row `from`. `kept` are the states
    /// `[U, D]`, whose logZ is written to `log_z [U]`.
    fn add(
        &mut self,
        head: &OutputHead,
        block: &Block,
        kept: &Tensor,
        log_z: &Tensor,
        from: usize,
    ) {
        let g = kept.index_select(0, &block.state).to_kind(Kind::Float);
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
        let log_z_of_rows = block.mean(&z).squeeze_dim(1);
        let states_of_rows = block.mean(&g.to_kind(Kind::Double)).to_kind(Kind::Float);
        let (mean, deviation) = head.moments(&states_of_rows, &log_z_of_rows);
        if kept.size()[0] > 1 {
            let z = head.standardised(&states_of_rows, &(&mean + &log_z_of_rows), &deviation);
            self.near.extend(lists(&z, from));
        }
        self.mean.push(mean);
        self.deviation.push(deviation);
        self.mean_log_z.push(log_z_of_rows);
        self.mean_state.push(states_of_rows);
    }

    /// The numbers of all entities, on the CPU.
    fn together(self, log_z: &Tensor) -> Statistics {
        let all = |parts: Vec<Tensor>| Tensor::cat(&parts, 0).to_device(Device::Cpu);
        Statistics {
            log_z: log_z.to_device(Device::Cpu),
            mean_state: all(self.mean_state),
            mean_log_z: all(self.mean_log_z),
            mean: all(self.mean),
            deviation: all(self.deviation),
            sum_log_prob: all(self.sum_log_prob),
            lists: Lists::cat(self.near),
        }
    }
}

/// `[left | column]`.
pub fn with_column(left: &Tensor, column: &Tensor) -> Tensor {
    Tensor::cat(&[left, column], 1)
}

/// The entries of some entities.
struct Block {
    /// Which state each entry is `[entries]`.
    state: Tensor,
    /// Its share of its entity `[entries, 1]`, f64.
    share: Tensor,
    /// Whose it is, counted from the block's first row `[entries]`.
    owner: Tensor,
    rows: i64,
}

impl Block {
    fn of(states: &States, from: usize, to: usize, device: Device) -> Self {
        let (first, last) = (
            states.row_offsets[from] as usize,
            states.row_offsets[to] as usize,
        );
        let state: Vec<i64> = states.entry_state[first..last]
            .iter()
            .map(|&s| s as i64)
            .collect();
        let share: Vec<f64> = states.entry_share[first..last]
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
            share: Tensor::from_slice(&share).unsqueeze(1).to_device(device),
            owner: Tensor::from_slice(&owner).to_device(device),
            rows: (to - from) as i64,
        }
    }

    /// The mean over each entity's entries: `[entries, n]`, f64, to `[rows, n]`.
    fn mean(&self, values: &Tensor) -> Tensor {
        Tensor::zeros(
            [self.rows, values.size()[1]],
            (Kind::Double, values.device()),
        )
        .index_add_(0, &self.owner, &(values * &self.share))
    }
}

/// Cuts the rows into runs of at most `most` entries (a row with more is a run of its own).
fn blocks(offsets: &[i64], most: usize) -> Vec<(usize, usize)> {
    let rows = offsets.len() - 1;
    let mut runs = Vec::new();
    let mut from = 0;
    while from < rows {
        let mut to = from + 1;
        while to < rows && (offsets[to + 1] - offsets[from]) as usize <= most {
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
