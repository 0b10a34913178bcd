//! The losses of the tasks and their gradients, compared with golden numbers.

use multiexpan::model::alignment_heads::PairEmbeddings;
use multiexpan::model::weights::Weights;
use multiexpan::train::TrainConfig;
use multiexpan::train::loss::{
    NceConfig, clustering, contrastive, distillation, image_text_contrast, image_text_matching,
    masked_entity, masked_language_modelling,
};
use serde_json::Value;
use std::path::PathBuf;
use tch::{Kind, Tensor};

const TOLERANCE: f64 = 1e-5;

/// Checks the loss of a task and the gradient of each of its inputs.
fn check(task: &str, inputs: usize, loss: impl FnOnce(&Weights, &[Tensor]) -> Tensor) {
    check_in(super::golden("losses"), task, inputs, loss);
}

/// Does the same with the numbers of `scripts/golden_alignment.py`, for tasks that the published
/// algorithm does not have.
fn check_alignment(
    task: &str,
    inputs: usize,
    loss: impl FnOnce(&dyn Fn(&str) -> Tensor, &[Tensor]) -> Tensor,
) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/alignment");
    check_in(folder, task, inputs, |cases, inputs| {
        loss(
            &|name| cases.get(&format!("{task}.{name}")).unwrap(),
            inputs,
        )
    });
}

fn check_in(
    folder: PathBuf,
    task: &str,
    inputs: usize,
    loss: impl FnOnce(&Weights, &[Tensor]) -> Tensor,
) {
    let cases = Weights::open(&folder.join("cases.safetensors")).unwrap();
    let values: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("values.json")).unwrap())
            .unwrap();
    let input = |i| {
        cases
            .get(&format!("{task}.in{i}"))
            .unwrap()
            .set_requires_grad(true)
    };
    let inputs: Vec<Tensor> = (0..inputs).map(input).collect();
    let loss = loss(&cases, &inputs);
    loss.backward();
    let expected_value = values[task].as_f64().unwrap();
    assert!(
        (loss.double_value(&[]) - expected_value).abs() < TOLERANCE,
        "{} for {expected_value}",
        loss.double_value(&[])
    );
    for (i, input) in inputs.iter().enumerate() {
        let gradient = cases.get(&format!("{task}.grad{i}")).unwrap();
        let off = (input.grad() - &gradient).abs().max() / gradient.abs().max();
        let off = off.to_kind(Kind::Double).double_value(&[]);
        assert!(off < TOLERANCE, "gradient {i} is off by {off}");
    }
}

fn masked_entity_loss(cases: &Weights, log_prob: &Tensor) -> Tensor {
    masked_entity(
        log_prob,
        &cases.get("labels").unwrap(),
        TrainConfig::default().label_smoothing,
    )
}

#[test]
fn masked_entity_prediction() {
    check("masked_entity", 1, |cases, inputs| {
        masked_entity_loss(cases, &inputs[0])
    });
}

#[test]
fn momentum_distillation() {
    check("distillation", 1, |cases, inputs| {
        let weight = TrainConfig::default().distillation_weight;
        let teacher = cases.get("distillation.teacher").unwrap();
        masked_entity_loss(cases, &inputs[0]) * (1.0 - weight)
            + distillation(&inputs[0], &teacher) * weight
    });
}

#[test]
fn contrast() {
    check("contrastive", 2, |_, inputs| {
        contrastive(&inputs[0], &inputs[1], &NceConfig::default())
    });
}

#[test]
fn clusters() {
    check("clustering", 2, |_, inputs| {
        clustering(&inputs[0], &inputs[1], &NceConfig::default())
    });
}

/// The weight of the teacher in the golden numbers, as in ALBEF.
const TEACHER_WEIGHT: f64 = 0.4;

fn embeddings(text: &Tensor, image: &Tensor) -> PairEmbeddings {
    PairEmbeddings {
        text: text.shallow_clone(),
        image: image.shallow_clone(),
    }
}

#[test]
fn contrast_within_a_batch() {
    check_alignment("clip", 3, |tensor, inputs| {
        let (views, labels) = (embeddings(&inputs[0], &inputs[1]), tensor("labels"));
        image_text_contrast((&views, &labels), (&views, &labels), &inputs[2], None)
    });
}

#[test]
fn contrast_with_a_momentum_teacher_and_its_queue() {
    check_alignment("itc", 3, |tensor, inputs| {
        let (labels, key_labels) = (tensor("labels"), tensor("key_labels"));
        let keys = embeddings(&tensor("key_text"), &tensor("key_image"));
        let step_keys = |keys: &Tensor| keys.narrow(0, 0, labels.size()[0]);
        let teacher = embeddings(&step_keys(&keys.text), &step_keys(&keys.image));
        let pairs = embeddings(&inputs[0], &inputs[1]);
        image_text_contrast(
            (&pairs, &labels),
            (&keys, &key_labels),
            &inputs[2],
            Some((&teacher, TEACHER_WEIGHT)),
        )
    });
}

#[test]
fn matching() {
    check_alignment("itm", 2, |_, inputs| {
        image_text_matching(&inputs[0], &inputs[1])
    });
}

#[test]
fn masked_language_modelling_of_a_mention() {
    let log_prob = |logits: &Tensor| logits.log_softmax(-1, Kind::Float);
    check_alignment("words", 1, |tensor, inputs| {
        masked_language_modelling(
            &log_prob(&inputs[0]),
            &tensor("tokens"),
            &tensor("keep"),
            None,
        )
    });
    check_alignment("mlm", 1, |tensor, inputs| {
        let teacher = log_prob(&tensor("teacher"));
        masked_language_modelling(
            &log_prob(&inputs[0]),
            &tensor("tokens"),
            &tensor("keep"),
            Some((&teacher, TEACHER_WEIGHT)),
        )
    });
}
