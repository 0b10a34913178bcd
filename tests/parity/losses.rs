//! The tasks' losses and their gradients.

use multiexpan::model::weights::Weights;
use multiexpan::train::TrainConfig;
use multiexpan::train::loss::masked_entity;
use serde_json::Value;
use tch::Kind;

const TOLERANCE: f64 = 1e-5;

#[test]
fn masked_entity_prediction() {
    let cases = Weights::open(&super::golden("losses/cases.safetensors")).unwrap();
    let values: Value =
        serde_json::from_str(&std::fs::read_to_string(super::golden("losses/values.json")).unwrap()).unwrap();
    let input = cases.get("masked_entity.in0").unwrap().set_requires_grad(true);
    let loss = masked_entity(&input, &cases.get("labels").unwrap(), TrainConfig::default().label_smoothing);
    loss.backward();
    let wanted = values["masked_entity"].as_f64().unwrap();
    assert!((loss.double_value(&[]) - wanted).abs() < TOLERANCE, "{} for {wanted}", loss.double_value(&[]));
    let gradient = cases.get("masked_entity.grad0").unwrap();
    let off = (input.grad() - &gradient).abs().max() / gradient.abs().max();
    assert!(off.to_kind(Kind::Double).double_value(&[]) < TOLERANCE);
}
