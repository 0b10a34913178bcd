//! The tasks' losses and their gradients.

use multiexpan::model::weights::Weights;
use multiexpan::train::TrainConfig;
use multiexpan::train::loss::{Nce, clustering, contrastive, distillation, masked_entity};
use serde_json::Value;
use tch::{Kind, Tensor};

const TOLERANCE: f64 = 1e-5;

/// Checks one task's loss and the gradient of each of its inputs.
fn check(task: &str, inputs: usize, loss: impl FnOnce(&Weights, &[Tensor]) -> Tensor) {
    let cases = Weights::open(&super::golden("losses/cases.safetensors")).unwrap();
    let values: Value =
        serde_json::from_str(&std::fs::read_to_string(super::golden("losses/values.json")).unwrap()).unwrap();
    let input = |i| cases.get(&format!("{task}.in{i}")).unwrap().set_requires_grad(true);
    let inputs: Vec<Tensor> = (0..inputs).map(input).collect();
    let loss = loss(&cases, &inputs);
    loss.backward();
    let wanted = values[task].as_f64().unwrap();
    assert!((loss.double_value(&[]) - wanted).abs() < TOLERANCE, "{} for {wanted}", loss.double_value(&[]));
    for (i, input) in inputs.iter().enumerate() {
        let gradient = cases.get(&format!("{task}.grad{i}")).unwrap();
        let off = (input.grad() - &gradient).abs().max() / gradient.abs().max();
        let off = off.to_kind(Kind::Double).double_value(&[]);
        assert!(off < TOLERANCE, "gradient {i} is off by {off}");
    }
}

fn masked(cases: &Weights, log_prob: &Tensor) -> Tensor {
    masked_entity(log_prob, &cases.get("labels").unwrap(), TrainConfig::default().label_smoothing)
}

#[test]
fn masked_entity_prediction() {
    check("masked_entity", 1, |cases, inputs| masked(cases, &inputs[0]));
}

#[test]
fn momentum_distillation() {
    check("distillation", 1, |cases, inputs| {
        let share = TrainConfig::default().distillation_share;
        let teacher = cases.get("distillation.teacher").unwrap();
        masked(cases, &inputs[0]) * (1.0 - share) + distillation(&inputs[0], &teacher) * share
    });
}

#[test]
fn contrast() {
    check("contrastive", 2, |_, inputs| contrastive(&inputs[0], &inputs[1], &Nce::default()));
}

#[test]
fn clusters() {
    check("clustering", 2, |_, inputs| clustering(&inputs[0], &inputs[1], &Nce::default()));
}
