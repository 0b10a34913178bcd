//! Soft targets for masked entity prediction: a part of the smoothed target goes to the entities
//! that the frozen encoders find similar. An image identifies its entity easily, so with a one-hot
//! target the probabilities of all *other* entities, on which expansions are based, soon are noise;
//! soft targets give them a meaning. They are computed from sentences and images, not from labels.

use tch::{Kind, Tensor};

use crate::features::entity_mean::centred_unit_rows;
use crate::features::profiles::Profiles;
use crate::train::train_config::SoftTargetConfig;

/// The frozen encoders' view of every entity, from which the similarities are computed.
#[derive(Debug)]
pub struct SoftTargets {
    /// Unit rows `[V, D]` and `[V, F]`.
    text: Tensor,
    image: Tensor,
    settings: SoftTargetConfig,
}

impl SoftTargets {
    pub fn new(profiles: &Profiles, settings: SoftTargetConfig) -> Self {
        SoftTargets {
            text: centred_unit_rows(&profiles.text),
            image: centred_unit_rows(&profiles.image),
            settings,
        }
    }

    /// Returns for each of these entities a distribution over the vocabulary, 0 on the entity
    /// itself: the softmax of the weighted sum of the z-scored cosines of sentences and of images.
    /// `labels [B]` → `[B, V]`.
    pub fn target(&self, labels: &Tensor) -> Tensor {
        tch::no_grad(|| {
            let cosines =
                |rows: &Tensor| z_scores(&rows.index_select(0, labels).matmul(&rows.tr()));
            let SoftTargetConfig {
                text_weight,
                image_weight,
                ..
            } = self.settings;
            let similarity =
                cosines(&self.text) * text_weight + cosines(&self.image) * image_weight;
            let others = similarity.scatter_value(1, &labels.unsqueeze(1), f64::NEG_INFINITY);
            (others / self.settings.temperature).softmax(-1, Kind::Float)
        })
    }

    /// Returns the cross-entropy of the target to `log_prob [B, V]` minus the target's own entropy,
    /// mean over the batch.
    pub fn loss(&self, log_prob: &Tensor, labels: &Tensor) -> Tensor {
        let target = self.target(labels);
        let entropy = (&target * target.clamp_min(1e-30).log()).sum_dim_intlist(
            [1i64].as_slice(),
            false,
            Kind::Float,
        );
        (entropy - (target * log_prob).sum_dim_intlist([1i64].as_slice(), false, Kind::Float))
            .mean(Kind::Float)
    }

    /// Returns the fraction of the whole target that goes to similar entities.
    pub fn fraction(&self) -> f64 {
        self.settings.fraction
    }
}

/// Returns the z-scores of each row.
fn z_scores(rows: &Tensor) -> Tensor {
    let mean = rows.mean_dim([1i64].as_slice(), true, Kind::Float);
    (rows - mean)
        / rows
            .std_dim([1i64].as_slice(), false, true)
            .clamp_min(1e-12)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    fn soft_targets() -> SoftTargets {
        // entities 0 and 1 are similar, and so are 2 and 3
        let rows = Tensor::from_slice(&[1f32, 0.1, 0.9, 0.2, -1.0, 0.1, -0.9, -0.3]).view([4, 2]);
        SoftTargets::new(
            &Profiles {
                text: rows.copy(),
                image: rows,
            },
            SoftTargetConfig::default(),
        )
    }

    #[test]
    fn the_target_goes_to_similar_entities() {
        let target = soft_targets().target(&Tensor::from_slice(&[0i64, 3]));
        let rows: Vec<Vec<f64>> = Vec::try_from(&target).unwrap();
        assert!(
            rows.iter()
                .all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-6)
        );
        assert_eq!((rows[0][0], rows[1][3]), (0.0, 0.0));
        assert!(rows[0][1] > 0.9 && rows[1][2] > 0.9, "{rows:?}");
    }

    #[test]
    fn a_prediction_that_equals_the_target_has_no_loss() {
        let soft_targets = soft_targets();
        let labels = Tensor::from_slice(&[1i64, 2]);
        let perfect = soft_targets.target(&labels).clamp_min(1e-30).log();
        assert!(soft_targets.loss(&perfect, &labels).double_value(&[]).abs() < 1e-6);
        let flat = Tensor::zeros([2, 4], (Kind::Float, Device::Cpu)).log_softmax(-1, Kind::Float);
        assert!(soft_targets.loss(&flat, &labels).double_value(&[]) > 0.1);
    }
}
