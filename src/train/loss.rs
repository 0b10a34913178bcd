//! The losses of the tasks (`docs/ALGORITHM.md`, "Pre-training").

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::model::alignment_heads::PairEmbeddings;

/// Masked entity prediction: KL of a smoothed one-hot target to the prediction, mean over the
/// batch.
///
/// `log_prob [B, V]`, `labels [B]`; the target is `1 − smoothing` on the entity and `smoothing / (V
/// − 1)` elsewhere. The target's own entropy, a constant, is subtracted, so that a perfect
/// prediction has loss 0.
pub fn masked_entity(log_prob: &Tensor, labels: &Tensor, smoothing: f64) -> Tensor {
    let v = log_prob.size()[1] as f64;
    let (on, off) = (1.0 - smoothing, smoothing / (v - 1.0).max(1.0));
    let own = log_prob
        .gather(1, &labels.unsqueeze(1), false)
        .squeeze_dim(1); // [B]
    let rest = log_prob.sum_dim_intlist([1i64].as_slice(), false, Kind::Float) - &own;
    let plogp = |p: f64| if p > 0.0 { p * p.ln() } else { 0.0 };
    let entropy = plogp(on) + (v - 1.0) * plogp(off);
    (own * -on - rest * off + entropy).mean(Kind::Float)
}

/// Momentum distillation: Σ q·(log q − p) / B, with q the teacher's probabilities and p the
/// student's, both given as logarithms `[B, V]`. That p stands there and not log p is the published
/// code's. No gradient reaches the teacher.
pub fn distillation(log_prob: &Tensor, teacher: &Tensor) -> Tensor {
    let teacher = teacher.detach();
    let rows = log_prob.size()[0] as f64;
    (teacher.exp() * (&teacher - log_prob.exp())).sum(Kind::Float) / rows
}

/// Constants of the debiased, hard-negative-reweighted NCE (Chuang et al. 2020, Robinson et al.
/// 2021).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Nce {
    /// T, by which similarities are divided. Paper: .5.
    pub temperature: f64,
    /// τ⁺, the share of negatives that are of the same class unseen. Paper: .05.
    pub class_prior: f64,
    /// β, how much more the nearer negatives weigh. Paper: 1.
    pub concentration: f64,
}

impl Default for Nce {
    fn default() -> Self {
        Nce {
            temperature: 0.5,
            class_prior: 0.05,
            concentration: 1.0,
        }
    }
}

/// The contrastive loss of two views `[N, D]` whose rows belong together one by one; mean over the
/// 2N rows.
///
/// All in log space: pos = a·b/T, the negatives are the other 2N − 2 similarities, and N_g =
/// max((Σneg^(1+β) / mean(neg^β) − τ⁺·(2N−2)·pos) / (1 − τ⁺), (2N−2)·e^(−1/T)). With one row there
/// are no negatives: 0.
pub fn contrastive(a: &Tensor, b: &Tensor, nce: &Nce) -> Tensor {
    let n = a.size()[0];
    if n < 2 {
        return (a.sum(Kind::Float) + b.sum(Kind::Float)) * 0.0;
    }
    let Nce {
        temperature,
        class_prior,
        concentration,
    } = *nce;
    let views = Tensor::cat(&[a, b], 0);
    let similar = views.matmul(&views.tr()) / temperature; // [2N, 2N]
    let own: Vec<i64> = (0..2 * n).collect();
    let partner: Vec<i64> = own.iter().map(|i| (i + n) % (2 * n)).collect();
    let column = |of: &[i64]| Tensor::from_slice(of).to_device(a.device()).unsqueeze(1);
    let positive = similar.gather(1, &column(&partner), false).squeeze_dim(1); // [2N]
    let no_negative = |x: &Tensor| {
        x.scatter_value(1, &column(&own), f64::NEG_INFINITY)
            .scatter_value(1, &column(&partner), f64::NEG_INFINITY)
    };
    let count = (2 * n - 2) as f64;
    let log_sum = |scale: f64| no_negative(&(&similar * scale)).logsumexp([1i64].as_slice(), false); // [2N]
    let reweighted = log_sum(1.0 + concentration) - log_sum(concentration) + count.ln();
    // what is taken off for negatives that are none, as a share of the rest: log of it, below 0
    // where something is left
    let share = &positive + (class_prior * count).ln() - &reweighted;
    let left = share.lt(0.0);
    let apart = share.where_self(&left, &share.full_like(-1.0));
    let debiased = &reweighted + (-apart.expm1()).log() - (1.0 - class_prior).ln();
    let floor = debiased.full_like(count.ln() - 1.0 / temperature);
    let valid = left.logical_and(&debiased.gt_tensor(&floor));
    let negative = debiased.where_self(&valid, &floor);
    (positive.logaddexp(&negative) - &positive).mean(Kind::Float)
}

/// The clustering loss of two views' soft assignments `[B, C]`, rows summing to 1: the contrastive
/// form over their columns, less the entropy of each view's mean assignment, so that no cluster is
/// left empty.
pub fn clustering(a: &Tensor, b: &Tensor, nce: &Nce) -> Tensor {
    let entropy = |view: &Tensor| {
        let mean = view.mean_dim(0, false, Kind::Float);
        // 0·log 0 is 0, and its gradient finite
        -(&mean * mean.clamp_min(1e-30).log()).sum(Kind::Float)
    };
    contrastive(&a.tr(), &b.tr(), nce) - entropy(a) - entropy(b)
}

/// Image–text contrast: cross-entropy of finding a picture's sentences among all keys and a
/// sentence's pictures, mean over the pairs and both ways (CLIP; with a momentum copy and its queue
/// as keys ALBEF, eq. 1–3 and 6).
///
/// Pairs `[B, E]` with their entities' rows `[B]`; keys `[N, E]` with theirs `[N]`, −1 for one that
/// is not there. Keys of a pair's own entity share its target; `taught` puts the momentum copy's
/// softmax in the place of a share of it.
pub fn image_text_contrast(
    (pairs, labels): (&PairEmbeddings, &Tensor),
    (keys, key_labels): (&PairEmbeddings, &Tensor),
    temperature: &Tensor,
    taught: Option<(&PairEmbeddings, f64)>,
) -> Tensor {
    let sum = |x: &Tensor, keep| x.sum_dim_intlist([1i64].as_slice(), keep, Kind::Float);
    let same = labels
        .unsqueeze(1)
        .eq_tensor(&key_labels.unsqueeze(0))
        .to_kind(Kind::Float); // [B, N]
    let own = &same / sum(&same, true);
    let absent = key_labels.lt(0).to_kind(Kind::Float) * -1e9; // [N]
    let log_prob = |from: &Tensor, to: &Tensor| {
        (from.matmul(&to.tr()) / temperature + &absent).log_softmax(-1, Kind::Float)
    };
    let way = |from: &Tensor, to: &Tensor, taught: Option<(&Tensor, f64)>| {
        let target = match taught {
            Some((from, share)) => &own * (1.0 - share) + log_prob(from, to).exp().detach() * share,
            None => own.shallow_clone(),
        };
        -sum(&(target * log_prob(from, to)), false).mean(Kind::Float)
    };
    let image = way(
        &pairs.image,
        &keys.text,
        taught.map(|(views, share)| (&views.image, share)),
    );
    let text = way(
        &pairs.text,
        &keys.image,
        taught.map(|(views, share)| (&views.text, share)),
    );
    (image + text) / 2.0
}

/// Image–text matching: cross-entropy over pairs that belong together and pairs that do not, logits
/// `[N, 2]` and `[M, 2]` of (no, yes); mean over all (ALBEF, eq. 4).
pub fn image_text_matching(together: &Tensor, apart: &Tensor) -> Tensor {
    let label =
        |x: &Tensor, label: i64| Tensor::full([x.size()[0]], label, (Kind::Int64, x.device()));
    let labels = Tensor::cat(&[label(together, 1), label(apart, 0)], 0);
    Tensor::cat(&[together, apart], 0).cross_entropy_for_logits(&labels)
}

/// Masked language modelling of a mention behind one mask: cross-entropy of its tokens, each the
/// same share, mean over the batch.
///
/// `log_prob [B, W]`; `tokens [B, M]`, padded, of which `keep` are there. `taught`: the momentum
/// copy's `log_prob` and what it counts.
pub fn masked_words(
    log_prob: &Tensor,
    tokens: &Tensor,
    keep: &Tensor,
    taught: Option<(&Tensor, f64)>,
) -> Tensor {
    let sum = |x: &Tensor| x.sum_dim_intlist([1i64].as_slice(), false, Kind::Float);
    let keep = keep.to_kind(Kind::Float);
    let own = -(sum(&(log_prob.gather(1, tokens, false) * &keep)) / sum(&keep).clamp_min(1.0))
        .mean(Kind::Float);
    match taught {
        Some((teacher, share)) => {
            own * (1.0 - share)
                - sum(&(teacher.exp().detach() * log_prob)).mean(Kind::Float) * share
        }
        None => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    fn value(loss: &Tensor) -> f64 {
        loss.double_value(&[])
    }

    #[test]
    fn extreme_inputs_stay_finite() {
        for scale in [0.0, 1.0, 1e3, 1e6] {
            let a = (Tensor::randn([12, 5], (Kind::Float, Device::Cpu)) * scale)
                .set_requires_grad(true);
            let b = (Tensor::randn([12, 5], (Kind::Float, Device::Cpu)) * -scale)
                .set_requires_grad(true);
            let loss = contrastive(&a, &b, &Nce::default());
            loss.backward();
            assert!(value(&loss).is_finite(), "{scale}");
            assert!(a.grad().isfinite().all().int64_value(&[]) == 1, "{scale}");
        }
        // all in one cluster, over a batch long enough to overflow e^(B/T)
        let one = Tensor::zeros([400, 4], (Kind::Float, Device::Cpu));
        let _ = one.narrow(1, 0, 1).fill_(1.0);
        let one = one.set_requires_grad(true);
        let loss = clustering(&one, &one, &Nce::default());
        loss.backward();
        assert!(value(&loss).is_finite() && one.grad().isfinite().all().int64_value(&[]) == 1);
    }

    #[test]
    fn views_that_agree_cost_less() {
        let a = Tensor::eye(8, (Kind::Float, Device::Cpu));
        let wrong = a.roll([1i64].as_slice(), [0i64].as_slice());
        let nce = Nce::default();
        assert!(value(&contrastive(&a, &a, &nce)) < value(&contrastive(&a, &wrong, &nce)));
        assert!(value(&clustering(&a, &a, &nce)) < value(&clustering(&a, &wrong, &nce)));
    }

    #[test]
    fn one_row_has_nothing_to_be_told_from() {
        let a = Tensor::ones([1, 3], (Kind::Float, Device::Cpu));
        assert_eq!(value(&contrastive(&a, &a, &Nce::default())), 0.0);
    }

    #[test]
    fn no_gradient_reaches_the_teacher() {
        let log_prob = || {
            let leaf = Tensor::randn([3, 7], (Kind::Float, Device::Cpu)).set_requires_grad(true);
            (leaf.log_softmax(-1, Kind::Float), leaf)
        };
        let ((student, leaf), (teacher, teacher_leaf)) = (log_prob(), log_prob());
        distillation(&student, &teacher).backward();
        assert!(leaf.grad().defined() && !teacher_leaf.grad().defined());
    }
}
