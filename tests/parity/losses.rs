//! The tasks' losses and their gradients.

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

/// Checks one task's loss and the gradient of each of its inputs.
fn check(task: &str, inputs: usize, loss: impl FnOnce(&Weights, &[Tensor]) -> Tensor) {
    check_in(super::golden("losses"), task, inputs, loss);
}

/// The same with numbers of `scripts/golden_alignment.py`, which the published algorithm has not.
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
    let wanted = values[task].as_f64().unwrap();
    assert!(
        (loss.double_value(&[]) - wanted).abs() < TOLERANCE,
        "{} for {wanted}",
        loss.double_value(&[])
    );
    for (i, input) in inputs.iter().enumerate() {
        let gradient = cases.get(&format!("{task}.grad{i}")).unwrap();
        let off = (input.grad() - &gradient).abs().max() / gradient.abs().max();
        let off = off.to_kind(Kind::Double).double_value(&[]);
        assert!(off < TOLERANCE, "gradient {i} is off by {off}");
    }
}

fn masked(cases: &Weights, log_prob: &Tensor) -> Tensor {
    masked_entity(
        log_prob,
        &cases.get("labels").unwrap(),
        TrainConfig::default().label_smoothing,
    )
}

#[test]
fn masked_entity_prediction() {
    check("masked_entity", 1, |cases, inputs| {
        masked(cases, &inputs[0])
    });
}

#[test]
fn momentum_distillation() {
    check("distillation", 1, |cases, inputs| {
        let share = TrainConfig::default().distillation_weight;
        let teacher = cases.get("distillation.teacher").unwrap();
        masked(cases, &inputs[0]) * (1.0 - share) + distillation(&inputs[0], &teacher) * share
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

/// The momentum copy's share in the golden numbers, as ALBEF's.
const SHARE: f64 = 0.4;

fn views(text: &Tensor, image: &Tensor) -> PairEmbeddings {
    PairEmbeddings {
        text: text.shallow_clone(),
        image: image.shallow_clone(),
    }
}

#[test]
fn contrast_within_a_batch() {
    check_alignment("clip", 3, |of, inputs| {
        let (views, labels) = (views(&inputs[0], &inputs[1]), of("labels"));
        image_text_contrast((&views, &labels), (&views, &labels), &inputs[2], None)
    });
}

#[test]
fn contrast_against_a_momentum_copy_and_its_queue() {
    check_alignment("itc", 3, |of, inputs| {
        let (labels, key_labels) = (of("labels"), of("key_labels"));
        let keys = views(&of("key_text"), &of("key_image"));
        let own = |keys: &Tensor| keys.narrow(0, 0, labels.size()[0]);
        let taught = views(&own(&keys.text), &own(&keys.image));
        let pairs = views(&inputs[0], &inputs[1]);
        image_text_contrast(
            (&pairs, &labels),
            (&keys, &key_labels),
            &inputs[2],
            Some((&taught, SHARE)),
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
fn masked_words_of_a_mention() {
    let log_prob = |logits: &Tensor| logits.log_softmax(-1, Kind::Float);
    check_alignment("words", 1, |of, inputs| {
        masked_language_modelling(&log_prob(&inputs[0]), &of("tokens"), &of("keep"), None)
    });
    check_alignment("mlm", 1, |of, inputs| {
        let taught = log_prob(&of("teacher"));
        masked_language_modelling(
            &log_prob(&inputs[0]),
            &of("tokens"),
            &of("keep"),
            Some((&taught, SHARE)),
        )
    });
}
