//! The momentum copy of the encoders and the entity head, which teaches by distillation.

use tch::Tensor;
use tch::nn::VarStore;

/// Parts of the student that the teacher has too; a teacher's part bears the suffix `_m`.
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

/// Every parameter of the student with the teacher's of the same name. Unlike in the published code
/// the position embedding is among them, and no gradient reaches a teacher.
#[derive(Debug)]
pub struct Teacher {
    pairs: Vec<(Tensor, Tensor)>,
}

impl Teacher {
    /// The pairs of a store whose network was made with a teacher.
    pub fn of(store: &VarStore) -> Self {
        let variables = store.variables();
        let student = |name: &str| PARTS.contains(&name.split('.').next().unwrap_or_default());
        let taught = |name: &str| match name.split_once('.') {
            Some((part, rest)) => format!("{part}_m.{rest}"),
            None => format!("{name}_m"),
        };
        let pairs = variables
            .iter()
            .filter(|(name, _)| student(name))
            .filter_map(|(name, value)| {
                let teacher = variables.get(&taught(name))?;
                let _ = teacher.set_requires_grad(false);
                Some((value.shallow_clone(), teacher.shallow_clone()))
            })
            .collect();
        Teacher { pairs }
    }

    /// Makes the teacher equal to the student.
    pub fn copy(&mut self) {
        self.follow(0.0);
    }

    /// teacher = momentum · teacher + (1 − momentum) · student. Once a step, after it.
    pub fn follow(&mut self, momentum: f64) {
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
    use crate::model::alignment_heads::AlignmentConfig;
    use crate::model::{Network, NetworkConfig};
    use tch::{Device, Kind};

    #[test]
    fn the_teacher_follows_every_part_of_the_student() {
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
        let mut teacher = Teacher::of(&store);
        let taught = store
            .variables()
            .keys()
            .filter(|n| n.split('.').next().unwrap().ends_with("_m"))
            .count();
        assert_eq!(teacher.pairs.len(), taught);
        teacher.copy();
        let off = |pairs: &[(Tensor, Tensor)]| -> f64 {
            pairs
                .iter()
                .map(|(a, b)| (a - b).abs().sum(Kind::Double).double_value(&[]))
                .sum()
        };
        assert_eq!(off(&teacher.pairs), 0.0);
        tch::no_grad(|| {
            teacher
                .pairs
                .iter_mut()
                .for_each(|(student, _)| drop(student.g_add_scalar_(1.0)))
        });
        let far = off(&teacher.pairs);
        teacher.follow(0.75);
        assert!((off(&teacher.pairs) / far - 0.75).abs() < 1e-3);
    }
}
