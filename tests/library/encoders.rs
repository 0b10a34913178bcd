//! Tests that compare both image networks with torchvision and EfficientNet-PyTorch, and weight
//! files with torch.save.
//!
//! `fixtures/encoders/make.py` wrote the expected numbers, which are the outputs of the published
//! networks. Python and Rust compute the same weights with an integer formula, so that no weights
//! need to be stored.

use std::fs;

use multiexpan::model::efficientnet::EfficientNetLite0;
use multiexpan::model::resnet::ResNet50;
use multiexpan::model::weights::Weights;
use tch::{Device, Kind, Tensor};

use crate::common::formula::{filled, fixture, noise};

/// The largest difference allowed, as a fraction of the largest output.
const TOLERANCE: f64 = 1e-4;

/// Asserts that the outputs of a network equal those in the fixture `expected`.
fn assert_matches_published(expected: &str, forward: impl Fn(&Tensor) -> Tensor) {
    let expected: serde_json::Value =
        serde_json::from_slice(&fs::read(fixture(expected)).unwrap()).unwrap();
    let size: Vec<i64> = serde_json::from_value(expected["input"].clone()).unwrap();
    let input = noise(size.iter().product(), 999)
        .view(size.as_slice())
        .to_kind(Kind::Float);
    let output = tch::no_grad(|| forward(&input)).to_kind(Kind::Double);
    assert_eq!(serde_json::json!(output.size()), expected["shape"]);
    let outputs = Vec::<f64>::try_from(output.flatten(0, -1)).unwrap();
    let largest = outputs
        .iter()
        .fold(0.0f64, |largest, x| largest.max(x.abs()));
    let mean = outputs.iter().sum::<f64>() / outputs.len() as f64;
    assert!(
        (mean - expected["mean"].as_f64().unwrap()).abs() < TOLERANCE * largest,
        "mean {mean}"
    );
    let values: Vec<f64> = serde_json::from_value(expected["values"].clone()).unwrap();
    let step = expected["step"].as_u64().unwrap() as usize;
    for (actual, value) in outputs.iter().step_by(step).zip(&values) {
        assert!(
            (actual - value).abs() < TOLERANCE * largest,
            "{actual} for {value}"
        );
    }
}

#[test]
fn resnet_50_matches_torchvision() {
    let network =
        ResNet50::open(&Weights::from_tensors(filled("resnet-50.txt")), Device::Cpu).unwrap();
    assert_matches_published("resnet-50.json", |x| network.forward(x));
}

#[test]
fn efficientnet_lite0_matches_the_published_network() {
    let network = EfficientNetLite0::open(
        &Weights::from_tensors(filled("efficientnet-lite0.txt")),
        Device::Cpu,
    )
    .unwrap();
    assert_matches_published("efficientnet-lite0.json", |x| network.forward(x));
}

#[test]
fn a_missing_parameter_is_an_error() {
    let Err(error) = ResNet50::open(
        &Weights::from_tensors(filled("efficientnet-lite0.txt")),
        Device::Cpu,
    ) else {
        panic!("it opened")
    };
    assert!(
        error.to_string().contains("layer1.0.conv1.weight"),
        "{error}"
    );
}

/// Returns the values of a tensor in row-major order.
fn numbers(tensor: Tensor) -> Vec<f64> {
    Vec::try_from(tensor.to_kind(Kind::Double).contiguous().flatten(0, -1)).unwrap()
}

/// Checks `zip.pth` and `legacy.pth`, which contain the same checkpoint: parameters under
/// `state_dict`, and other entries.
#[test]
fn both_formats_of_torch_save_are_read() {
    for file in ["zip.pth", "legacy.pth"] {
        let weights = Weights::open(&fixture(file)).unwrap();
        assert_eq!(
            weights.len(),
            10,
            "{file}: {:?}",
            weights.names().collect::<Vec<_>>()
        );
        let a = weights.take_prefix("a.");
        let base: Vec<f64> = (0..12).map(f64::from).collect();
        assert_eq!(numbers(a.expect("weight", &[3, 4]).unwrap()), base);
        // These are two views of the same storage: its transpose, and a part from its middle.
        let transposed = numbers(a.expect("turned", &[4, 3]).unwrap());
        assert_eq!(
            transposed,
            [0., 4., 8., 1., 5., 9., 2., 6., 10., 3., 7., 11.]
        );
        assert_eq!(
            numbers(a.expect("part", &[2, 2]).unwrap()),
            [6., 7., 10., 11.]
        );
        let kinds = ["half", "wide", "double", "count", "flags"]
            .map(|name| weights.get(name).unwrap().kind());
        assert_eq!(
            kinds,
            [
                Kind::Half,
                Kind::BFloat16,
                Kind::Double,
                Kind::Int64,
                Kind::Bool
            ]
        );
        assert_eq!(numbers(weights.get("wide").unwrap()), [1.5, -2.]);
        assert_eq!(numbers(weights.get("double").unwrap()), [3.25]);
        assert_eq!(numbers(weights.get("count").unwrap()), [7., -8.]);
        assert_eq!(numbers(weights.get("parameter").unwrap()), [1., 1.]);
        assert_eq!(weights.get("empty").unwrap().size(), [0, 3]);
    }
}

#[test]
fn an_unsupported_class_is_an_error() {
    let message = Weights::open(&fixture("foreign.pth"))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("foreign.pth") && message.contains("datetime.timedelta"),
        "{message}"
    );
}

#[test]
fn every_truncated_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let truncated = folder.path().join("cut.pth");
    for file in ["zip.pth", "legacy.pth"] {
        let complete = fs::read(fixture(file)).unwrap();
        for length in (0..complete.len()).step_by(7).chain([complete.len() - 1]) {
            fs::write(&truncated, &complete[..length]).unwrap();
            let error = Weights::open(&truncated).unwrap_err().to_string();
            assert!(error.contains("cut.pth"), "{file} cut at {length}: {error}");
        }
    }
}

#[test]
fn a_damaged_byte_does_not_panic() {
    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join("harmed.pth");
    let complete = fs::read(fixture("legacy.pth")).unwrap();
    let mut error_count = 0;
    for position in 0..complete.len() {
        let mut bytes = complete.clone();
        bytes[position] ^= 0xa5;
        fs::write(&damaged, &bytes).unwrap();
        error_count += usize::from(Weights::open(&damaged).is_err());
    }
    assert!(
        error_count > complete.len() / 4,
        "{error_count} of {}",
        complete.len()
    );
}

#[test]
fn safetensors_are_read_and_a_wrong_shape_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    let tensors = [
        ("x", Tensor::from_slice(&[1.0f32, 2.0])),
        ("y", Tensor::from_slice(&[3i64])),
    ];
    Tensor::write_safetensors(&tensors, &file).unwrap();
    let weights = Weights::open(folder.path()).unwrap();
    assert_eq!(weights.names().collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(numbers(weights.expect("x", &[2]).unwrap()), [1.0, 2.0]);
    let message = weights.expect("y", &[2]).unwrap_err().to_string();
    assert!(
        message.contains("`y`") && message.contains("[1]") && message.contains("[2]"),
        "{message}"
    );
    assert_eq!(
        weights.hash(),
        blake3::hash(&fs::read(&file).unwrap()).to_hex().as_str()
    );
}

#[test]
fn a_file_that_is_not_a_weight_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.bin");
    fs::write(&text, "hello").unwrap();
    assert!(
        Weights::open(&text)
            .unwrap_err()
            .to_string()
            .contains("is not a weight file")
    );
    fs::write(&text, "").unwrap();
    assert!(Weights::open(&text).is_err());
    assert!(Weights::open(&folder.path().join("absent.pth")).is_err());
}
