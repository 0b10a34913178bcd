//! The losses of the tasks.

use tch::{Kind, Tensor};

/// Masked entity prediction: KL of a smoothed one-hot target to the prediction, mean over the batch.
///
/// `log_prob [B, V]`, `labels [B]`; the target is `1 − smoothing` on the entity and `smoothing / (V − 1)` elsewhere.
/// The target's own entropy, a constant, is subtracted, so that a perfect prediction has loss 0.
pub fn masked_entity(log_prob: &Tensor, labels: &Tensor, smoothing: f64) -> Tensor {
    let v = log_prob.size()[1] as f64;
    let (on, off) = (1.0 - smoothing, smoothing / (v - 1.0).max(1.0));
    let own = log_prob.gather(1, &labels.unsqueeze(1), false).squeeze_dim(1); // [B]
    let rest = log_prob.sum_dim_intlist([1i64].as_slice(), false, Kind::Float) - &own;
    let plogp = |p: f64| if p > 0.0 { p * p.ln() } else { 0.0 };
    let entropy = plogp(on) + (v - 1.0) * plogp(off);
    (own * -on - rest * off + entropy).mean(Kind::Float)
}
