//! Both image networks against torchvision and EfficientNet-PyTorch, and weight files against
//! torch.save.
//!
//! `fixtures/encoders/make.py` wrote the expected numbers: the published networks' outputs on
//! weights that both languages compute by the same integer formula, so that no weights need be
//! kept.

use std::fs;

use multiexpan::model::efficientnet::EfficientNetLite0;
use multiexpan::model::resnet::ResNet50;
use multiexpan::model::weights::Weights;
use tch::{Device, Kind, Tensor};

use crate::common::formula::{filled, fixture, noise};

/// Largest difference allowed, of the largest number.
const TOLERANCE: f64 = 1e-4;

fn assert_as_published(expected: &str, forward: impl Fn(&Tensor) -> Tensor) {
    let expected: serde_json::Value =
        serde_json::from_slice(&fs::read(fixture(expected)).unwrap()).unwrap();
    let size: Vec<i64> = serde_json::from_value(expected["input"].clone()).unwrap();
    let input = noise(size.iter().product(), 999)
        .view(size.as_slice())
        .to_kind(Kind::Float);
    let output = tch::no_grad(|| forward(&input)).to_kind(Kind::Double);
    assert_eq!(serde_json::json!(output.size()), expected["shape"]);
    let all = Vec::<f64>::try_from(output.flatten(0, -1)).unwrap();
    let largest = all.iter().fold(0.0f64, |largest, x| largest.max(x.abs()));
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    assert!(
        (mean - expected["mean"].as_f64().unwrap()).abs() < TOLERANCE * largest,
        "mean {mean}"
    );
    let values: Vec<f64> = serde_json::from_value(expected["values"].clone()).unwrap();
    let step = expected["step"].as_u64().unwrap() as usize;
    for (got, want) in all.iter().step_by(step).zip(&values) {
        assert!((got - want).abs() < TOLERANCE * largest, "{got} for {want}");
    }
}

#[test]
fn resnet_50_is_torchvisions() {
    let network =
        ResNet50::open(&Weights::from_tensors(filled("resnet-50.txt")), Device::Cpu).unwrap();
    assert_as_published("resnet-50.json", |x| network.forward(x));
}

#[test]
fn efficientnet_lite0_is_the_published_one() {
    let network = EfficientNetLite0::open(
        &Weights::from_tensors(filled("efficientnet-lite0.txt")),
        Device::Cpu,
    )
    .unwrap();
    assert_as_published("efficientnet-lite0.json", |x| network.forward(x));
}

#[test]
fn a_missing_parameter_is_named() {
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

fn numbers(tensor: Tensor) -> Vec<f64> {
    Vec::try_from(tensor.to_kind(Kind::Double).contiguous().flatten(0, -1)).unwrap()
}

/// `zip.pth` and `legacy.pth` hold the same checkpoint: parameters under `state_dict`, beside other
/// things.
#[test]
fn both_forms_of_torch_save_are_read() {
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
        // two views of the same storage: turned, and from the middle of it
        let turned = numbers(a.expect("turned", &[4, 3]).unwrap());
        assert_eq!(turned, [0., 4., 8., 1., 5., 9., 2., 6., 10., 3., 7., 11.]);
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
fn a_foreign_name_is_refused_and_said() {
    let said = Weights::open(&fixture("foreign.pth"))
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("foreign.pth") && said.contains("datetime.timedelta"),
        "{said}"
    );
}

#[test]
fn every_cut_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.pth");
    for file in ["zip.pth", "legacy.pth"] {
        let whole = fs::read(fixture(file)).unwrap();
        for length in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
            fs::write(&cut, &whole[..length]).unwrap();
            let error = Weights::open(&cut).unwrap_err().to_string();
            assert!(error.contains("cut.pth"), "{file} cut at {length}: {error}");
        }
    }
}

#[test]
fn a_damaged_byte_is_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let harmed = folder.path().join("harmed.pth");
    let whole = fs::read(fixture("legacy.pth")).unwrap();
    let mut refused = 0;
    for place in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 0xa5;
        fs::write(&harmed, &bytes).unwrap();
        refused += usize::from(Weights::open(&harmed).is_err());
    }
    assert!(refused > whole.len() / 4, "{refused} of {}", whole.len());
}

#[test]
fn safetensors_are_read_and_a_wrong_shape_refused() {
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
    let said = weights.expect("y", &[2]).unwrap_err().to_string();
    assert!(
        said.contains("`y`") && said.contains("[1]") && said.contains("[2]"),
        "{said}"
    );
    assert_eq!(
        weights.hash(),
        blake3::hash(&fs::read(&file).unwrap()).to_hex().as_str()
    );
}

#[test]
fn what_is_no_weight_file_is_said() {
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
