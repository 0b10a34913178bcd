//! A softer target for masked entity prediction: part of the smoothing goes to the entities that
//! the frozen encoders find alike. A picture gives its entity away at once, so with a one-hot
//! target the probability of *other* entities, which is all that an expansion reads, is soon noise;
//! this gives it something to mean. It sees names and pictures, no label.

use tch::{Kind, Tensor};

use crate::features::entity_mean::centred_unit_rows;
use crate::features::profiles::Profiles;
use crate::train::config::Neighbours;

/// Of every entity, what it is like.
#[derive(Debug)]
pub struct SoftTargets {
    /// Unit rows `[V, D]` and `[V, F]`.
    text: Tensor,
    image: Tensor,
    settings: Neighbours,
}

impl SoftTargets {
    pub fn new(profiles: &Profiles, settings: Neighbours) -> Self {
        SoftTargets {
            text: centred_unit_rows(&profiles.text),
            image: centred_unit_rows(&profiles.image),
            settings,
        }
    }

    /// A distribution over the vocabulary for each of these entities, 0 on itself: softmax of the
    /// z-scored cosines of sentences plus the weighted ones of pictures. `labels [B]` → `[B, V]`.
    pub fn target(&self, labels: &Tensor) -> Tensor {
        tch::no_grad(|| {
            let cosines =
                |rows: &Tensor| standardised(&rows.index_select(0, labels).matmul(&rows.tr()));
            let Neighbours {
                text_weight,
                image_weight,
                ..
            } = self.settings;
            let alike = cosines(&self.text) * text_weight + cosines(&self.image) * image_weight;
            let others = alike.scatter_value(1, &labels.unsqueeze(1), f64::NEG_INFINITY);
            (others / self.settings.temperature).softmax(-1, Kind::Float)
        })
    }

    /// The loss's part that goes to the neighbours: cross-entropy of the target to `log_prob [B,
    /// V]`, less the target's own entropy; mean over the batch.
    pub fn loss(&self, log_prob: &Tensor, labels: &Tensor) -> Tensor {
        let target = self.target(labels);
        let own = (&target * target.clamp_min(1e-30).log()).sum_dim_intlist(
            [1i64].as_slice(),
            false,
            Kind::Float,
        );
        (own - (target * log_prob).sum_dim_intlist([1i64].as_slice(), false, Kind::Float))
            .mean(Kind::Float)
    }

    /// Of the whole target.
    pub fn share(&self) -> f64 {
        self.settings.share
    }
}

/// Each row less its mean, over its deviation.
fn standardised(rows: &Tensor) -> Tensor {
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

    fn likeness() -> SoftTargets {
        // entities 0 and 1 are alike, 2 and 3 are alike
        let rows = Tensor::from_slice(&[1f32, 0.1, 0.9, 0.2, -1.0, 0.1, -0.9, -0.3]).view([4, 2]);
        SoftTargets::new(
            &Profiles {
                text: rows.copy(),
                image: rows,
            },
            Neighbours::default(),
        )
    }

    #[test]
    fn the_target_goes_to_what_is_alike() {
        let target = likeness().target(&Tensor::from_slice(&[0i64, 3]));
        let rows: Vec<Vec<f64>> = Vec::try_from(&target).unwrap();
        assert!(
            rows.iter()
                .all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-6)
        );
        assert_eq!((rows[0][0], rows[1][3]), (0.0, 0.0));
        assert!(rows[0][1] > 0.9 && rows[1][2] > 0.9, "{rows:?}");
    }

    #[test]
    fn a_prediction_that_equals_the_target_costs_nothing() {
        let likeness = likeness();
        let labels = Tensor::from_slice(&[1i64, 2]);
        let perfect = likeness.target(&labels).clamp_min(1e-30).log();
        assert!(likeness.loss(&perfect, &labels).double_value(&[]).abs() < 1e-6);
        let flat = Tensor::zeros([2, 4], (Kind::Float, Device::Cpu)).log_softmax(-1, Kind::Float);
        assert!(likeness.loss(&flat, &labels).double_value(&[]) > 0.1);
    }
}
