//! The losses of the tasks (`docs/ALGORITHM.md`, "Pre-training").

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::model::alignment_heads::PairEmbeddings;

/// Returns the loss of masked entity prediction: KL of a smoothed one-hot target to the prediction,
/// mean over the batch.
///
/// The arguments are `log_prob [B, V]` and `labels [B]`. The target is `1 − smoothing` on the
/// entity and `smoothing / (V − 1)` elsewhere. The target's own entropy, a constant, is subtracted,
/// so that a perfect prediction has loss 0.
pub fn masked_entity(log_prob: &Tensor, labels: &Tensor, smoothing: f64) -> Tensor {
    let v = log_prob.size()[1] as f64;
    let (on, off) = (1.0 - smoothing, smoothing / (v - 1.0).max(1.0));
    let label_log_prob = log_prob
        .gather(1, &labels.unsqueeze(1), false)
        .squeeze_dim(1); // [B]
    let rest = log_prob.sum_dim_intlist([1i64].as_slice(), false, Kind::Float) - &label_log_prob;
    let plogp = |p: f64| if p > 0.0 { p * p.ln() } else { 0.0 };
    let entropy = plogp(on) + (v - 1.0) * plogp(off);
    (label_log_prob * -on - rest * off + entropy).mean(Kind::Float)
}

/// Returns the loss of momentum distillation: Σ q·(log q − p) / B, with q the teacher's
/// probabilities and p the student's, both given as logarithms `[B, V]`. The published code has p
/// here, not log p. No gradient reaches the teacher.
pub fn distillation(log_prob: &Tensor, teacher: &Tensor) -> Tensor {
    let teacher = teacher.detach();
    let rows = log_prob.size()[0] as f64;
    (teacher.exp() * (&teacher - log_prob.exp())).sum(Kind::Float) / rows
}

/// The constants of the debiased, hard-negative-reweighted NCE (Chuang et al. 2020, Robinson et al.
/// 2021).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NceConfig {
    /// T, the divisor of the similarities. Paper: .5.
    pub temperature: f64,
    /// τ⁺, the fraction of negatives that in fact are of the same class. Paper: .05.
    pub class_prior: f64,
    /// β, the concentration of the weights on the most similar negatives. Paper: 1.
    pub concentration: f64,
}

impl Default for NceConfig {
    fn default() -> Self {
        NceConfig {
            temperature: 0.5,
            class_prior: 0.05,
            concentration: 1.0,
        }
    }
}

/// Returns the contrastive loss of two views `[N, D]` whose rows correspond one to one; mean over
/// the 2N rows.
///
/// It is computed in log space: pos = a·b/T, the negatives are the other 2N − 2 similarities, and
/// N_g = max((Σneg^(1+β) / mean(neg^β) − τ⁺·(2N−2)·pos) / (1 − τ⁺), (2N−2)·e^(−1/T)). With one row
/// there are no negatives, and the loss is 0.
pub fn contrastive(a: &Tensor, b: &Tensor, nce: &NceConfig) -> Tensor {
    let n = a.size()[0];
    if n < 2 {
        return (a.sum(Kind::Float) + b.sum(Kind::Float)) * 0.0;
    }
    let NceConfig {
        temperature,
        class_prior,
        concentration,
    } = *nce;
    let views = Tensor::cat(&[a, b], 0);
    let similar = views.matmul(&views.tr()) / temperature; // [2N, 2N]
    let diagonal: Vec<i64> = (0..2 * n).collect();
    let partner: Vec<i64> = diagonal.iter().map(|i| (i + n) % (2 * n)).collect();
    let column = |indexes: &[i64]| {
        Tensor::from_slice(indexes)
            .to_device(a.device())
            .unsqueeze(1)
    };
    let positive = similar.gather(1, &column(&partner), false).squeeze_dim(1); // [2N]
    let without_positives = |x: &Tensor| {
        x.scatter_value(1, &column(&diagonal), f64::NEG_INFINITY)
            .scatter_value(1, &column(&partner), f64::NEG_INFINITY)
    };
    let count = (2 * n - 2) as f64;
    let log_sum =
        |scale: f64| without_positives(&(&similar * scale)).logsumexp([1i64].as_slice(), false); // [2N]
    let reweighted = log_sum(1.0 + concentration) - log_sum(concentration) + count.ln();
    // the logarithm of the fraction that is subtracted for false negatives; it is below 0 if
    // something remains
    let log_fraction = &positive + (class_prior * count).ln() - &reweighted;
    let remains = log_fraction.lt(0.0);
    let log_fraction = log_fraction.where_self(&remains, &log_fraction.full_like(-1.0));
    let debiased = &reweighted + (-log_fraction.expm1()).log() - (1.0 - class_prior).ln();
    let floor = debiased.full_like(count.ln() - 1.0 / temperature);
    let valid = remains.logical_and(&debiased.gt_tensor(&floor));
    let negative = debiased.where_self(&valid, &floor);
    (positive.logaddexp(&negative) - &positive).mean(Kind::Float)
}

/// Returns the clustering loss of two views' soft assignments `[B, C]`, whose rows sum to 1: the
/// contrastive loss over their columns minus the entropy of each view's mean assignment, which
/// keeps clusters from being empty.
pub fn clustering(a: &Tensor, b: &Tensor, nce: &NceConfig) -> Tensor {
    let entropy = |view: &Tensor| {
        let mean = view.mean_dim(0, false, Kind::Float);
        // 0·log 0 is 0 and its gradient is finite
        -(&mean * mean.clamp_min(1e-30).log()).sum(Kind::Float)
    };
    contrastive(&a.tr(), &b.tr(), nce) - entropy(a) - entropy(b)
}

/// Returns the loss of image–text contrast: the cross-entropy of finding the matching sentences of
/// an image among all keys and the matching images of a sentence, mean over the pairs and both
/// directions (CLIP; with a momentum teacher and its queue as keys ALBEF, eq. 1–3 and 6).
///
/// The pairs are `[B, E]` with their entity rows `[B]`, the keys `[N, E]` with theirs `[N]`, −1 for
/// an empty slot of the queue. All keys of a pair's entity have the same target probability.
/// `teacher` is the teacher's view of the pairs and the weight of its softmax in the target.
pub fn image_text_contrast(
    (pairs, labels): (&PairEmbeddings, &Tensor),
    (keys, key_labels): (&PairEmbeddings, &Tensor),
    temperature: &Tensor,
    teacher: Option<(&PairEmbeddings, f64)>,
) -> Tensor {
    let sum = |x: &Tensor, keep| x.sum_dim_intlist([1i64].as_slice(), keep, Kind::Float);
    let same = labels
        .unsqueeze(1)
        .eq_tensor(&key_labels.unsqueeze(0))
        .to_kind(Kind::Float); // [B, N]
    let entity_target = &same / sum(&same, true);
    let absent = key_labels.lt(0).to_kind(Kind::Float) * -1e9; // [N]
    let log_prob = |from: &Tensor, to: &Tensor| {
        (from.matmul(&to.tr()) / temperature + &absent).log_softmax(-1, Kind::Float)
    };
    let direction = |from: &Tensor, to: &Tensor, teacher: Option<(&Tensor, f64)>| {
        let target = match teacher {
            Some((from, weight)) => {
                &entity_target * (1.0 - weight) + log_prob(from, to).exp().detach() * weight
            }
            None => entity_target.shallow_clone(),
        };
        -sum(&(target * log_prob(from, to)), false).mean(Kind::Float)
    };
    let image = direction(
        &pairs.image,
        &keys.text,
        teacher.map(|(views, weight)| (&views.image, weight)),
    );
    let text = direction(
        &pairs.text,
        &keys.image,
        teacher.map(|(views, weight)| (&views.text, weight)),
    );
    (image + text) / 2.0
}

/// Returns the loss of image–text matching: the cross-entropy of pairs that match and pairs that do
/// not, with logits `[N, 2]` and `[M, 2]` of (no, yes); mean over all (ALBEF, eq. 4).
pub fn image_text_matching(matching: &Tensor, mismatching: &Tensor) -> Tensor {
    let label =
        |x: &Tensor, label: i64| Tensor::full([x.size()[0]], label, (Kind::Int64, x.device()));
    let labels = Tensor::cat(&[label(matching, 1), label(mismatching, 0)], 0);
    Tensor::cat(&[matching, mismatching], 0).cross_entropy_for_logits(&labels)
}

/// Returns the loss of masked language modelling for a mention behind one mask: the mean
/// cross-entropy of its tokens, mean over the batch.
///
/// The arguments are `log_prob [B, W]` and `tokens [B, M]`, padded, with `keep` true on tokens.
/// `teacher` is the teacher's `log_prob` and its weight in the target.
pub fn masked_language_modelling(
    log_prob: &Tensor,
    tokens: &Tensor,
    keep: &Tensor,
    teacher: Option<(&Tensor, f64)>,
) -> Tensor {
    let sum = |x: &Tensor| x.sum_dim_intlist([1i64].as_slice(), false, Kind::Float);
    let keep = keep.to_kind(Kind::Float);
    let loss = -(sum(&(log_prob.gather(1, tokens, false) * &keep)) / sum(&keep).clamp_min(1.0))
        .mean(Kind::Float);
    match teacher {
        Some((teacher, weight)) => {
            loss * (1.0 - weight)
                - sum(&(teacher.exp().detach() * log_prob)).mean(Kind::Float) * weight
        }
        None => loss,
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
            let loss = contrastive(&a, &b, &NceConfig::default());
            loss.backward();
            assert!(value(&loss).is_finite(), "{scale}");
            assert!(a.grad().isfinite().all().int64_value(&[]) == 1, "{scale}");
        }
        // all in one cluster, in a batch that is long enough to overflow e^(B/T)
        let one = Tensor::zeros([400, 4], (Kind::Float, Device::Cpu));
        let _ = one.narrow(1, 0, 1).fill_(1.0);
        let one = one.set_requires_grad(true);
        let loss = clustering(&one, &one, &NceConfig::default());
        loss.backward();
        assert!(value(&loss).is_finite() && one.grad().isfinite().all().int64_value(&[]) == 1);
    }

    #[test]
    fn matching_views_have_a_smaller_loss() {
        let a = Tensor::eye(8, (Kind::Float, Device::Cpu));
        let mismatched = a.roll([1i64].as_slice(), [0i64].as_slice());
        let nce = NceConfig::default();
        assert!(value(&contrastive(&a, &a, &nce)) < value(&contrastive(&a, &mismatched, &nce)));
        assert!(value(&clustering(&a, &a, &nce)) < value(&clustering(&a, &mismatched, &nce)));
    }

    #[test]
    fn one_row_has_no_negatives() {
        let a = Tensor::ones([1, 3], (Kind::Float, Device::Cpu));
        assert_eq!(value(&contrastive(&a, &a, &NceConfig::default())), 0.0);
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
