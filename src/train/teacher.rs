//! The momentum teacher: a slowly updated copy of the encoders and the entity head, for
//! distillation.

use tch::Tensor;
use tch::nn::VarStore;

/// The parts of the student that the teacher has, too. A teacher's part has the suffix `_m`.
const PARTS: [&str; 9] = [
    "bert",
    "visual_linear",
    "visual_pos_embedding",
    "visual_transformer",
    "cross_transformer",
    "head",
    "text_proj",
    "vision_proj",
    "mlm_head",
];

/// The parameters of the student, each with the teacher's of the same name. Unlike in the published
/// code the position embedding is among them, and no gradient reaches the teacher.
#[derive(Debug)]
pub struct Teacher {
    pairs: Vec<(Tensor, Tensor)>,
}

impl Teacher {
    /// Finds the parameters in the store of a network that was created with a teacher.
    pub fn from_store(store: &VarStore) -> Self {
        let variables = store.variables();
        let is_student = |name: &str| PARTS.contains(&name.split('.').next().unwrap_or_default());
        let teacher_name = |name: &str| match name.split_once('.') {
            Some((part, rest)) => format!("{part}_m.{rest}"),
            None => format!("{name}_m"),
        };
        let pairs = variables
            .iter()
            .filter(|(name, _)| is_student(name))
            .filter_map(|(name, value)| {
                let teacher = variables.get(&teacher_name(name))?;
                let _ = teacher.set_requires_grad(false);
                Some((value.shallow_clone(), teacher.shallow_clone()))
            })
            .collect();
        Teacher { pairs }
    }

    /// Makes the teacher equal to the student.
    pub fn copy_student(&mut self) {
        self.update(0.0);
    }

    /// Updates the teacher after a step: teacher = momentum · teacher + (1 − momentum) · student.
    pub fn update(&mut self, momentum: f64) {
        tch::no_grad(|| {
            for (student, teacher) in &mut self.pairs {
                let _ = teacher.lerp_(student, 1.0 - momentum);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::network_config::AlignmentConfig;
    use crate::model::{Network, NetworkConfig};
    use tch::{Device, Kind};

    #[test]
    fn every_part_of_the_student_updates_the_teacher() {
        let store = VarStore::new(Device::Cpu);
        let sizes = NetworkConfig {
            entities: 5,
            clusters: 2,
            patches: 4,
            patch_features: 6,
            hidden: 8,
            heads: 2,
            feed_forward: 16,
            bert_layers: 1,
            vision_layers: 1,
            fusion_layers: 1,
            token_vocabulary: 10,
            max_positions: 12,
            alignment: Some(AlignmentConfig { width: 4, queue: 3 }),
            ..NetworkConfig::default()
        };
        let _network = Network::new(&store.root(), &sizes, true);
        let mut teacher = Teacher::from_store(&store);
        let parameters = store
            .variables()
            .keys()
            .filter(|n| n.split('.').next().unwrap().ends_with("_m"))
            .count();
        assert_eq!(teacher.pairs.len(), parameters);
        teacher.copy_student();
        let distance = |pairs: &[(Tensor, Tensor)]| -> f64 {
            pairs
                .iter()
                .map(|(a, b)| (a - b).abs().sum(Kind::Double).double_value(&[]))
                .sum()
        };
        assert_eq!(distance(&teacher.pairs), 0.0);
        tch::no_grad(|| {
            teacher
                .pairs
                .iter_mut()
                .for_each(|(student, _)| drop(student.g_add_scalar_(1.0)))
        });
        let before = distance(&teacher.pairs);
        teacher.update(0.75);
        assert!((distance(&teacher.pairs) / before - 0.75).abs() < 1e-3);
    }
}
