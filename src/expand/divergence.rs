//! KL(T‖P[e]) in closed form (`docs/ALGORITHM.md`, "The same answers, faster"): T is constant
//! except at a few entities, so only P at these and Σ log P over all entities are needed.

/// The sums over the entities at which T is not 1/V.
#[derive(Debug, Clone, Copy, Default)]
pub struct DivergenceTerms {
    count: usize,
    t: f64,
    t_log_t: f64,
    log_p: f64,
    t_log_p: f64,
}

impl DivergenceTerms {
    /// Adds an entity at which T is `t` and P\[e\] is `p`; neither is 0.
    pub fn add(&mut self, t: f64, p: f64) {
        let log_p = p.ln();
        self.count += 1;
        self.t += t;
        self.t_log_t += t * t.ln();
        self.log_p += log_p;
        self.t_log_p += t * log_p;
    }

    /// Returns the number of entities that were added.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns a copy with one more entity; see [`DivergenceTerms::add`].
    pub fn with(mut self, t: f64, p: f64) -> Self {
        self.add(t, p);
        self
    }

    /// Returns KL(T‖P) in nats, with T scaled to sum 1; `sum_log_p` is Σ log P over all `v`
    /// entities.
    pub fn divergence(&self, v: usize, sum_log_p: f64) -> f64 {
        let m = 1.0 / v as f64;
        let rest = (v - self.count) as f64 * m;
        let total = rest + self.t; // A
        let entropy = rest * m.ln() + self.t_log_t;
        let cross = m * (sum_log_p - self.log_p) + self.t_log_p;
        (entropy - cross) / total - total.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_dense_sum() {
        let weights: Vec<f64> = (0..40).map(|i| 1.0 + ((i * 7) % 11) as f64).collect();
        let p: Vec<f64> = weights
            .iter()
            .map(|w| w / weights.iter().sum::<f64>())
            .collect();
        let mut t = vec![1.0 / 40.0; 40];
        let mut terms = DivergenceTerms::default();
        for (row, height) in [(3, 1000.0), (17, 500.0), (29, p[29] * 40.0)] {
            t[row] = height / 40.0;
            terms.add(t[row], p[row]);
        }
        let total: f64 = t.iter().sum();
        let dense: f64 = t
            .iter()
            .zip(&p)
            .map(|(t, p)| t / total * (t / total / p).ln())
            .sum();
        let closed = terms.divergence(40, p.iter().map(|p| p.ln()).sum());
        assert!((dense - closed).abs() < 1e-12, "{dense} {closed}");
    }
}
