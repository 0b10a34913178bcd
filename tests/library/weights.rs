//! Tests of weight files as training loops write them, of damaged weight files, and of image
//! networks with other architectures.

use std::collections::BTreeMap;
use std::fs;

use multiexpan::features::image_encoder::ImageEncoder;
use multiexpan::model::efficientnet::EfficientNetLite0;
use multiexpan::model::resnet::ResNet50;
use multiexpan::model::weight_reader::read_contents;
use multiexpan::model::weights::Weights;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use crate::common::formula::fixture;
use crate::pickles::{Item, torch_archive};

/// Returns the values of a tensor in row-major order.
fn numbers(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.to_kind(Kind::Double).contiguous().flatten(0, -1)).unwrap()
}

/// Opens a checkpoint that contains `root`.
fn open_checkpoint(root: &Item) -> Result<Weights, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint.pth");
    fs::write(&file, torch_archive(root)).unwrap();
    Weights::open(&file).map_err(|error| error.to_string())
}

/// Returns the parameters of a small network whose first value is `first`.
fn parameters(first: f32) -> Item {
    Item::Dict(vec![
        ("head.weight", Item::Tensor(vec![first, 2.0])),
        ("head.bias", Item::Tensor(vec![3.0])),
    ])
}

#[test]
fn other_entries_of_a_checkpoint_are_reported() {
    let optimizer = || Item::Dict(vec![("state", Item::Dict(vec![("0", parameters(9.0))]))]);
    let plain = open_checkpoint(&parameters(1.0)).unwrap();
    assert_eq!(
        plain.names().collect::<Vec<_>>(),
        ["head.bias", "head.weight"]
    );
    for key in ["state_dict", "model_state_dict", "model"] {
        let weights = open_checkpoint(&Item::Dict(vec![
            (key, parameters(1.0)),
            ("optimizer", optimizer()),
            ("lr_schedulers", optimizer()),
            ("best_map", Item::Numpy),
            ("epoch", Item::Int(12)),
        ]));
        let weights = weights.unwrap();
        assert_eq!(
            numbers(&weights.get("head.weight").unwrap()),
            [1.0, 2.0],
            "{key}"
        );
        assert_eq!(
            (weights.len(), weights.other_parts()),
            (2, &[][..]),
            "{key}"
        );
    }
    let weights = open_checkpoint(&Item::Dict(vec![
        ("model", parameters(1.0)),
        (
            "memory",
            Item::List(vec![Item::Tensor(vec![1.0]), Item::Tensor(vec![2.0])]),
        ),
        ("queue", Item::Tensor(vec![1.0])),
    ]));
    assert_eq!(
        weights.unwrap().other_parts(),
        [("memory".to_owned(), 2), ("queue".to_owned(), 1)]
    );
}

#[test]
fn several_state_dicts_are_an_error() {
    let moving_average = || Item::Dict(vec![("decay", Item::Int(1)), ("shadow", parameters(5.0))]);
    for (root, first, second) in [
        (
            vec![("model", parameters(1.0)), ("model_ema", parameters(5.0))],
            "`model`",
            "`model_ema`",
        ),
        (
            vec![("state_dict", parameters(1.0)), ("model", parameters(5.0))],
            "`state_dict`",
            "`model`",
        ),
        (
            vec![("model", parameters(1.0)), ("ema", moving_average())],
            "`model`",
            "`ema.shadow`",
        ),
    ] {
        let message = open_checkpoint(&Item::Dict(root)).unwrap_err();
        assert!(
            message.contains(&format!("several state dicts, under {first} and {second}")),
            "{message}"
        );
    }
    // No state dict has a usual name, so the network's own parameters identify it.
    let ambiguous = open_checkpoint(&Item::Dict(vec![
        ("net", parameters(1.0)),
        ("ema", moving_average()),
    ]))
    .unwrap();
    let message = ambiguous
        .strip_prefix_of("head.weight")
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("several state dicts, under ema.shadow and net")
            || message.contains("`ema.shadow` and `net`"),
        "{message}"
    );
    let selected = open_checkpoint(&Item::Dict(vec![
        ("net", parameters(1.0)),
        ("memory", memory_bank()),
    ]))
    .unwrap();
    let selected = selected.strip_prefix_of("head.weight").unwrap();
    assert_eq!(
        selected.names().collect::<Vec<_>>(),
        ["head.bias", "head.weight"]
    );
    assert_eq!(selected.other_parts(), [("memory".to_owned(), 1)]);
}

/// Returns a dict of tensors that is not a state dict of the network.
fn memory_bank() -> Item {
    Item::Dict(vec![("keys", Item::Tensor(vec![1.0]))])
}

#[test]
fn wrapper_prefixes_are_removed_in_any_order() {
    let checkpoint = |name: &'static str| {
        Item::Dict(vec![
            (name, Item::Tensor(vec![1.0])),
            ("module.tail", Item::Tensor(vec![2.0])),
        ])
    };
    for name in [
        "_orig_mod.head",
        "module.head",
        "_orig_mod.module.head",
        "module._orig_mod.head",
        "_fsdp_wrapped_module._checkpoint_wrapped_module.head",
        "head",
    ] {
        assert_eq!(
            open_checkpoint(&checkpoint(name))
                .unwrap()
                .names()
                .collect::<Vec<_>>(),
            ["head", "tail"],
            "{name}"
        );
    }
    let nested = open_checkpoint(&checkpoint("bert._orig_mod.head")).unwrap();
    assert_eq!(nested.names().collect::<Vec<_>>(), ["bert.head", "tail"]);
    let duplicate = Item::Dict(vec![
        ("head", Item::Tensor(vec![1.0])),
        ("module.head", Item::Tensor(vec![2.0])),
    ]);
    assert!(
        open_checkpoint(&duplicate)
            .unwrap_err()
            .contains("has `head` twice, once as `module.head`")
    );
}

#[test]
fn reading_a_value_that_is_not_finite_is_an_error() {
    let root = Item::Dict(vec![
        ("good", Item::Tensor(vec![1.0])),
        ("bad", Item::Tensor(vec![0.0, f32::INFINITY])),
    ]);
    let weights = open_checkpoint(&root).unwrap();
    assert!(weights.get("good").is_ok());
    for _ in 0..2 {
        let message = weights.get("bad").unwrap_err().to_string();
        assert!(
            message
                .contains("checkpoint.pth has a value in `bad` [2] that is not finite: inf at [1]"),
            "{message}"
        );
    }
}

#[test]
fn unused_parameters_are_ignored_reported_or_an_error() {
    let names = [
        "stem.weight",
        "stem.extra",
        "stem.num_batches_tracked",
        "fc.weight",
        "other.a",
        "other.b",
    ];
    let tensors = names.map(|name| (name.to_owned(), Tensor::from_slice(&[1.0f32])));
    let weights = Weights::from_tensors(BTreeMap::from(tensors));
    weights.get("stem.weight").map(drop).unwrap();
    let is_classifier = |name: &str| name.starts_with("fc.");
    let finish = |is_own: bool| {
        weights
            .finish("a net", &is_classifier, &|_| is_own)
            .map_err(|error| error.to_string())
    };
    assert!(
        finish(false)
            .unwrap_err()
            .contains("is not a net: it also has stem.extra")
    );
    weights.get("stem.extra").map(drop).unwrap();
    assert_eq!(finish(false).unwrap(), [("other".to_owned(), 2)]);
    assert!(
        finish(true)
            .unwrap_err()
            .contains("it also has other.a, other.b")
    );
    assert!(
        weights
            .expect("other.a", &[2])
            .unwrap_err()
            .to_string()
            .contains("of shape [1] (expected [2])")
    );
    let message = weights.get("missing").unwrap_err().to_string();
    assert!(
        message.contains("has no `missing` (it has fc.weight, other.a, other.b and 3 more)"),
        "{message}"
    );
}

/// Returns the parameters that a fixture lists, as tensors of zeros, after `change` edits them.
fn changed_fixture(
    list_name: &str,
    change: impl FnOnce(&mut BTreeMap<String, Tensor>),
) -> BTreeMap<String, Tensor> {
    let text = fs::read_to_string(fixture(list_name)).unwrap();
    let zero_tensor = |line: &str| {
        let (name, size) = line.split_once(' ').unwrap();
        (
            name.to_owned(),
            zeros(
                &size
                    .split(' ')
                    .map(|length| length.parse().unwrap())
                    .collect::<Vec<i64>>(),
            ),
        )
    };
    let mut tensors = text.lines().map(zero_tensor).collect();
    change(&mut tensors);
    tensors
}

/// Returns the error of opening a ResNet-50 after `change` edits its parameters, or `None`.
fn resnet_error(change: impl FnOnce(&mut BTreeMap<String, Tensor>)) -> Option<String> {
    let weights = Weights::from_tensors(changed_fixture("resnet-50.txt", change));
    ResNet50::open(&weights, Device::Cpu)
        .err()
        .map(|error| error.to_string())
}

/// Returns the error of opening an EfficientNet-Lite0 after `change` edits its parameters, or
/// `None`.
fn lite0_error(change: impl FnOnce(&mut BTreeMap<String, Tensor>)) -> Option<String> {
    let weights = Weights::from_tensors(changed_fixture("efficientnet-lite0.txt", change));
    EfficientNetLite0::open(&weights, Device::Cpu)
        .err()
        .map(|error| error.to_string())
}

fn zeros(size: &[i64]) -> Tensor {
    Tensor::zeros(size, (Kind::Float, Device::Cpu))
}

/// Copies the parameters whose names start with `from` to names that start with `to`.
fn copy_block(tensors: &mut BTreeMap<String, Tensor>, from: &str, to: &str) {
    let block: Vec<(String, Tensor)> = tensors
        .iter()
        .filter_map(|(name, value)| {
            Some((
                format!("{to}{}", name.strip_prefix(from)?),
                value.shallow_clone(),
            ))
        })
        .collect();
    tensors.extend(block);
}

#[test]
fn other_residual_networks_are_an_error() {
    let add_classifier = |tensors: &mut BTreeMap<String, Tensor>| {
        tensors.insert("fc.weight".into(), zeros(&[1000, 2048]));
        tensors.insert("bn1.num_batches_tracked".into(), Tensor::from(3i64));
    };
    assert_eq!(resnet_error(add_classifier), None);
    let deeper_error = |layer3_blocks: usize, layer2_blocks: usize| {
        resnet_error(|tensors| {
            (6..layer3_blocks)
                .for_each(|block| copy_block(tensors, "layer3.5.", &format!("layer3.{block}.")));
            (4..layer2_blocks)
                .for_each(|block| copy_block(tensors, "layer2.3.", &format!("layer2.{block}.")));
        })
        .unwrap()
    };
    assert!(deeper_error(23, 4).contains("is a ResNet-101 (expected a ResNet-50)"));
    assert!(deeper_error(36, 8).contains("is a ResNet-152 (expected a ResNet-50)"));
    assert!(deeper_error(7, 4).contains("is not a ResNet-50: it also has layer3.6.bn1.bias"));
    for (shape, name) in [
        ([128, 128, 3, 3], "wide ResNet"),
        ([128, 4, 3, 3], "ResNeXt"),
    ] {
        let message = resnet_error(|tensors| {
            drop(tensors.insert("layer1.0.conv2.weight".into(), zeros(&shape)))
        })
        .unwrap();
        assert!(message.contains(name), "{message}");
    }
    let message = resnet_error(|tensors| {
        drop(tensors.insert("layer1.0.se_module.fc1.weight".into(), zeros(&[4])))
    })
    .unwrap();
    assert!(message.contains("squeeze-and-excitation"), "{message}");
    let message =
        resnet_error(|tensors| drop(tensors.insert("attnpool.q_proj.weight".into(), zeros(&[4]))))
            .unwrap();
    assert!(
        message.contains("it also has attnpool.q_proj.weight"),
        "{message}"
    );
    let negative = Tensor::full([128], -1.0, (Kind::Float, Device::Cpu));
    let message =
        resnet_error(|tensors| drop(tensors.insert("layer2.0.bn1.running_var".into(), negative)))
            .unwrap();
    assert!(
        message.contains("an invalid batch norm `layer2.0.bn1`"),
        "{message}"
    );
}

#[test]
fn other_efficient_networks_are_an_error() {
    assert_eq!(
        lite0_error(|tensors| drop(tensors.insert("_fc.weight".into(), zeros(&[1000, 1280])))),
        None
    );
    let message = lite0_error(|tensors| {
        drop(tensors.insert("_blocks.0._se_reduce.weight".into(), zeros(&[8, 32, 1, 1])))
    })
    .unwrap();
    assert!(
        message.contains("an EfficientNet with squeeze-and-excitation"),
        "{message}"
    );
    let message = lite0_error(|tensors| copy_block(tensors, "_blocks.15.", "_blocks.16.")).unwrap();
    assert!(
        message.contains("an EfficientNet of 17 blocks, such as Lite1 to Lite4"),
        "{message}"
    );
    let message =
        lite0_error(|tensors| drop(tensors.insert("_blocks.3._extra.weight".into(), zeros(&[8]))))
            .unwrap();
    assert!(
        message.contains("is not an EfficientNet-Lite0: it also has _blocks.3._extra.weight"),
        "{message}"
    );
    let infinite = Tensor::full([32], f64::INFINITY, (Kind::Float, Device::Cpu));
    let message =
        lite0_error(|tensors| drop(tensors.insert("_bn0.bias".into(), infinite))).unwrap();
    assert!(
        message.contains("`_bn0.bias` [32] that is not finite: inf at [0]"),
        "{message}"
    );
}

#[test]
fn an_image_network_is_found_under_any_prefix() {
    let folder = tempfile::tempdir().unwrap();
    let open = |tensors: Vec<(String, Tensor)>| {
        let file = folder.path().join("weights.safetensors");
        Tensor::write_safetensors(&tensors, &file).unwrap();
        ImageEncoder::open(&file, Device::Cpu, true).map_err(|error| error.to_string())
    };
    let tensors = changed_fixture("efficientnet-lite0.txt", |_| {});
    let prefixed = tensors
        .into_iter()
        .map(|(name, value)| (format!("module.backbone.{name}"), value));
    let mut all_tensors: Vec<(String, Tensor)> = prefixed
        .chain([("head.weight".to_owned(), zeros(&[3]))])
        .collect();
    let encoder = open(
        all_tensors
            .iter()
            .map(|(name, value)| (name.clone(), value.shallow_clone()))
            .collect(),
    )
    .unwrap();
    let [(description, 1)] = encoder.left_out() else {
        panic!("{:?}", encoder.left_out())
    };
    assert!(
        description.starts_with("parameters of head in "),
        "{description}"
    );
    std::fs::write(
        folder.path().join("preprocessor_config.json"),
        r#"{"size": 256}"#,
    )
    .unwrap();
    let encoder = open(
        all_tensors
            .iter()
            .map(|(name, value)| (name.clone(), value.shallow_clone()))
            .collect(),
    )
    .unwrap();
    assert!(
        encoder.left_out()[1]
            .0
            .contains("preprocessor_config.json (size 256, here 224)")
    );
    all_tensors.retain(|(name, _)| name == "head.weight");
    let Err(message) = open(all_tensors) else {
        panic!("it opened")
    };
    assert!(
        message.contains(
            "neither a ResNet-50 (torchvision's names) nor an EfficientNet-Lite0: its parameters are head.weight"
        ),
        "{message}"
    );
}

/// Returns a safetensors file of `tensors`, whose header is followed by `padding` spaces.
fn safetensors_file(tensors: &[(&str, &str, Vec<usize>, Vec<u8>)], padding: usize) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, dtype, shape, bytes) in tensors {
        let offsets = [data.len(), data.len() + bytes.len()];
        header.insert(
            (*name).to_owned(),
            serde_json::json!({ "dtype": dtype, "shape": shape, "data_offsets": offsets }),
        );
        data.extend(bytes);
    }
    let mut header = serde_json::Value::Object(header).to_string().into_bytes();
    header.extend(vec![b' '; padding]);
    [
        &(header.len() as u64).to_le_bytes(),
        header.as_slice(),
        &data,
    ]
    .concat()
}

#[test]
fn tensors_at_unaligned_offsets_are_read() {
    let floats: Vec<u8> = [1.5f32, -2.0, 3.0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    let longs: Vec<u8> = [7i64, -8].iter().flat_map(|x| x.to_le_bytes()).collect();
    for padding in 0..8 {
        let file = safetensors_file(
            &[
                ("note", "U8", vec![3], b"odd".to_vec()),
                ("x", "F32", vec![3, 1], floats.clone()),
                ("y", "I64", vec![2], longs.clone()),
            ],
            padding,
        );
        let tensors = read_contents(&file).unwrap().tensors;
        assert_eq!(
            (tensors["x"].size(), numbers(&tensors["x"])),
            (vec![3, 1], vec![1.5, -2.0, 3.0])
        );
        assert_eq!(numbers(&tensors["y"]), [7.0, -8.0]);
    }
}

/// Changes complete files at random. Each changed file either opens or returns an error message,
/// and reading the tensors of an opened file does not panic either.
#[test]
fn damaged_files_do_not_panic() {
    let floats = [1.0f32, 2.0, 3.0, 4.0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect::<Vec<u8>>();
    let files = [
        safetensors_file(
            &[
                ("a", "F32", vec![2, 2], floats.clone()),
                ("b", "F16", vec![8], floats),
            ],
            0,
        ),
        torch_archive(&Item::Dict(vec![
            ("model", parameters(1.0)),
            ("best", Item::Numpy),
            ("x", Item::List(vec![parameters(2.0)])),
        ])),
        fs::read(fixture("zip.pth")).unwrap(),
        fs::read(fixture("legacy.pth")).unwrap(),
    ];
    let mut random = ChaCha8Rng::seed_from_u64(13);
    let (mut errors, mut opened_count) = (0, 0);
    for iteration in 0..12_000 {
        let mut bytes = files[iteration % files.len()].clone();
        for _ in 0..random.random_range(1..4) {
            let position = random.random_range(0..bytes.len());
            match random.random_range(0..5) {
                0 => bytes[position] = random.random(),
                1 => bytes[position] ^= 1 << random.random_range(0..8),
                2 => bytes.truncate(position.max(9)),
                3 => {
                    let end = (position + random.random_range(1..64)).min(bytes.len());
                    let copied = bytes[position..end].to_vec();
                    bytes.splice(position..position, copied);
                }
                _ => {
                    let digits = bytes
                        .iter()
                        .enumerate()
                        .filter(|(_, byte)| byte.is_ascii_digit())
                        .map(|(position, _)| position);
                    let digits: Vec<usize> = digits.take(200).collect();
                    if !digits.is_empty() {
                        bytes[digits[random.random_range(0..digits.len())]] =
                            b'0' + random.random_range(0..10);
                    }
                }
            }
        }
        match read_contents(&bytes) {
            Err(reason) => {
                assert!(!reason.is_empty());
                errors += 1;
            }
            Ok(contents) => {
                let weights = Weights::from_tensors(contents.tensors);
                let names: Vec<String> = weights.names().map(str::to_owned).collect();
                // Values that are not finite are errors here, not panics.
                names.iter().for_each(|name| drop(weights.get(name)));
                opened_count += 1;
            }
        }
    }
    assert!(
        errors > 3000 && opened_count > 300,
        "{errors} refused, {opened_count} taken"
    );
}
