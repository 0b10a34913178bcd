//! Weight files as training loops write them, and damaged ones; image networks of other
//! architectures.

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
use crate::pickles::{Item, zipped};

fn numbers(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.to_kind(Kind::Double).contiguous().flatten(0, -1)).unwrap()
}

fn opened(root: &Item) -> Result<Weights, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint.pth");
    fs::write(&file, zipped(root)).unwrap();
    Weights::open(&file).map_err(|error| error.to_string())
}

fn parameters(first: f32) -> Item {
    Item::Dict(vec![
        ("head.weight", Item::Tensor(vec![first, 2.0])),
        ("head.bias", Item::Tensor(vec![3.0])),
    ])
}

#[test]
fn other_entries_are_known_named_or_refused() {
    let optimizer = || Item::Dict(vec![("state", Item::Dict(vec![("0", parameters(9.0))]))]);
    let plain = opened(&parameters(1.0)).unwrap();
    assert_eq!(
        plain.names().collect::<Vec<_>>(),
        ["head.bias", "head.weight"]
    );
    for key in ["state_dict", "model_state_dict", "model"] {
        let weights = opened(&Item::Dict(vec![
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
    let weights = opened(&Item::Dict(vec![
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
fn several_state_dicts_are_refused_and_named() {
    let shadow = || Item::Dict(vec![("decay", Item::Int(1)), ("shadow", parameters(5.0))]);
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
            vec![("model", parameters(1.0)), ("ema", shadow())],
            "`model`",
            "`ema.shadow`",
        ),
    ] {
        let said = opened(&Item::Dict(root)).unwrap_err();
        assert!(
            said.contains(&format!("several state dicts, under {first} and {second}")),
            "{said}"
        );
    }
    // where none is under a usual name, the network's own parameters tell
    let both = opened(&Item::Dict(vec![
        ("net", parameters(1.0)),
        ("ema", shadow()),
    ]))
    .unwrap();
    let said = both.strip_prefix_of("head.weight").unwrap_err().to_string();
    assert!(
        said.contains("several state dicts, under ema.shadow and net")
            || said.contains("`ema.shadow` and `net`"),
        "{said}"
    );
    let one = opened(&Item::Dict(vec![
        ("net", parameters(1.0)),
        ("memory", shadow_of_another()),
    ]))
    .unwrap();
    let one = one.strip_prefix_of("head.weight").unwrap();
    assert_eq!(
        one.names().collect::<Vec<_>>(),
        ["head.bias", "head.weight"]
    );
    assert_eq!(one.other_parts(), [("memory".to_owned(), 1)]);
}

fn shadow_of_another() -> Item {
    Item::Dict(vec![("keys", Item::Tensor(vec![1.0]))])
}

#[test]
fn wrappers_are_taken_off_in_any_order() {
    let named = |name: &'static str| {
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
            opened(&named(name)).unwrap().names().collect::<Vec<_>>(),
            ["head", "tail"],
            "{name}"
        );
    }
    let inside = opened(&named("bert._orig_mod.head")).unwrap();
    assert_eq!(inside.names().collect::<Vec<_>>(), ["bert.head", "tail"]);
    let twice = Item::Dict(vec![
        ("head", Item::Tensor(vec![1.0])),
        ("module.head", Item::Tensor(vec![2.0])),
    ]);
    assert!(
        opened(&twice)
            .unwrap_err()
            .contains("has `head` twice, once as `module.head`")
    );
}

#[test]
fn a_number_that_is_not_finite_is_named_when_it_is_taken() {
    let root = Item::Dict(vec![
        ("good", Item::Tensor(vec![1.0])),
        ("bad", Item::Tensor(vec![0.0, f32::INFINITY])),
    ]);
    let weights = opened(&root).unwrap();
    assert!(weights.get("good").is_ok());
    for _ in 0..2 {
        let said = weights.get("bad").unwrap_err().to_string();
        assert!(
            said.contains("checkpoint.pth has a value in `bad` [2] that is not finite: inf at [1]"),
            "{said}"
        );
    }
}

#[test]
fn every_parameter_is_taken_ignorable_named_or_refused() {
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
    let classifier = |name: &str| name.starts_with("fc.");
    let finish = |own: bool| {
        weights
            .finish("a net", &classifier, &|_| own)
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
    let said = weights.get("missing").unwrap_err().to_string();
    assert!(
        said.contains("has no `missing` (it has fc.weight, other.a, other.b and 3 more)"),
        "{said}"
    );
}

/// Returns a fixture's parameters, all 0, changed.
fn changed(
    list: &str,
    change: impl FnOnce(&mut BTreeMap<String, Tensor>),
) -> BTreeMap<String, Tensor> {
    let text = fs::read_to_string(fixture(list)).unwrap();
    let blank = |line: &str| {
        let (name, size) = line.split_once(' ').unwrap();
        (
            name.to_owned(),
            zeros(
                &size
                    .split(' ')
                    .map(|n| n.parse().unwrap())
                    .collect::<Vec<i64>>(),
            ),
        )
    };
    let mut tensors = text.lines().map(blank).collect();
    change(&mut tensors);
    tensors
}

/// Returns what is wrong with a ResNet-50 whose parameters are changed.
fn resnet(change: impl FnOnce(&mut BTreeMap<String, Tensor>)) -> Option<String> {
    let weights = Weights::from_tensors(changed("resnet-50.txt", change));
    ResNet50::open(&weights, Device::Cpu)
        .err()
        .map(|error| error.to_string())
}

/// Returns the same of an EfficientNet-Lite0.
fn lite0(change: impl FnOnce(&mut BTreeMap<String, Tensor>)) -> Option<String> {
    let weights = Weights::from_tensors(changed("efficientnet-lite0.txt", change));
    EfficientNetLite0::open(&weights, Device::Cpu)
        .err()
        .map(|error| error.to_string())
}

fn zeros(size: &[i64]) -> Tensor {
    Tensor::zeros(size, (Kind::Float, Device::Cpu))
}

/// Copies a block of parameters under another name.
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
fn other_residual_networks_are_refused_by_name() {
    let classifier = |tensors: &mut BTreeMap<String, Tensor>| {
        tensors.insert("fc.weight".into(), zeros(&[1000, 2048]));
        tensors.insert("bn1.num_batches_tracked".into(), Tensor::from(3i64));
    };
    assert_eq!(resnet(classifier), None);
    let deeper = |layer3: usize, layer2: usize| {
        resnet(|tensors| {
            (6..layer3).for_each(|n| copy_block(tensors, "layer3.5.", &format!("layer3.{n}.")));
            (4..layer2).for_each(|n| copy_block(tensors, "layer2.3.", &format!("layer2.{n}.")));
        })
        .unwrap()
    };
    assert!(deeper(23, 4).contains("is a ResNet-101 (expected a ResNet-50)"));
    assert!(deeper(36, 8).contains("is a ResNet-152 (expected a ResNet-50)"));
    assert!(deeper(7, 4).contains("is not a ResNet-50: it also has layer3.6.bn1.bias"));
    for (shape, name) in [
        ([128, 128, 3, 3], "wide ResNet"),
        ([128, 4, 3, 3], "ResNeXt"),
    ] {
        let said =
            resnet(|tensors| drop(tensors.insert("layer1.0.conv2.weight".into(), zeros(&shape))))
                .unwrap();
        assert!(said.contains(name), "{said}");
    }
    let said =
        resnet(|tensors| drop(tensors.insert("layer1.0.se_module.fc1.weight".into(), zeros(&[4]))))
            .unwrap();
    assert!(said.contains("squeeze-and-excitation"), "{said}");
    let said = resnet(|tensors| drop(tensors.insert("attnpool.q_proj.weight".into(), zeros(&[4]))))
        .unwrap();
    assert!(
        said.contains("it also has attnpool.q_proj.weight"),
        "{said}"
    );
    let negative = Tensor::full([128], -1.0, (Kind::Float, Device::Cpu));
    let said = resnet(|tensors| drop(tensors.insert("layer2.0.bn1.running_var".into(), negative)))
        .unwrap();
    assert!(
        said.contains("an invalid batch norm `layer2.0.bn1`"),
        "{said}"
    );
}

#[test]
fn other_efficient_networks_are_refused_by_name() {
    assert_eq!(
        lite0(|tensors| drop(tensors.insert("_fc.weight".into(), zeros(&[1000, 1280])))),
        None
    );
    let said = lite0(|tensors| {
        drop(tensors.insert("_blocks.0._se_reduce.weight".into(), zeros(&[8, 32, 1, 1])))
    })
    .unwrap();
    assert!(
        said.contains("an EfficientNet with squeeze-and-excitation"),
        "{said}"
    );
    let said = lite0(|tensors| copy_block(tensors, "_blocks.15.", "_blocks.16.")).unwrap();
    assert!(
        said.contains("an EfficientNet of 17 blocks, such as Lite1 to Lite4"),
        "{said}"
    );
    let said = lite0(|tensors| drop(tensors.insert("_blocks.3._extra.weight".into(), zeros(&[8]))))
        .unwrap();
    assert!(
        said.contains("is not an EfficientNet-Lite0: it also has _blocks.3._extra.weight"),
        "{said}"
    );
    let infinite = Tensor::full([32], f64::INFINITY, (Kind::Float, Device::Cpu));
    let said = lite0(|tensors| drop(tensors.insert("_bn0.bias".into(), infinite))).unwrap();
    assert!(
        said.contains("`_bn0.bias` [32] that is not finite: inf at [0]"),
        "{said}"
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
    let tensors = changed("efficientnet-lite0.txt", |_| {});
    let named = tensors
        .into_iter()
        .map(|(name, value)| (format!("module.backbone.{name}"), value));
    let mut all: Vec<(String, Tensor)> = named
        .chain([("head.weight".to_owned(), zeros(&[3]))])
        .collect();
    let encoder = open(
        all.iter()
            .map(|(name, value)| (name.clone(), value.shallow_clone()))
            .collect(),
    )
    .unwrap();
    let [(what, 1)] = encoder.left_out() else {
        panic!("{:?}", encoder.left_out())
    };
    assert!(what.starts_with("parameters of head in "), "{what}");
    std::fs::write(
        folder.path().join("preprocessor_config.json"),
        r#"{"size": 256}"#,
    )
    .unwrap();
    let encoder = open(
        all.iter()
            .map(|(name, value)| (name.clone(), value.shallow_clone()))
            .collect(),
    )
    .unwrap();
    assert!(
        encoder.left_out()[1]
            .0
            .contains("preprocessor_config.json (size 256, here 224)")
    );
    all.retain(|(name, _)| name == "head.weight");
    let Err(said) = open(all) else {
        panic!("it opened")
    };
    assert!(
        said.contains(
            "neither a ResNet-50 (torchvision's names) nor an EfficientNet-Lite0: its parameters are head.weight"
        ),
        "{said}"
    );
}

/// A safetensors file with a header of any length, and tensors in any order.
fn safetensors(tensors: &[(&str, &str, Vec<usize>, Vec<u8>)], padding: usize) -> Vec<u8> {
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
        let file = safetensors(
            &[
                ("note", "U8", vec![3], b"odd".to_vec()),
                ("x", "F32", vec![3, 1], floats.clone()),
                ("y", "I64", vec![2], longs.clone()),
            ],
            padding,
        );
        let found = read_contents(&file).unwrap().tensors;
        assert_eq!(
            (found["x"].size(), numbers(&found["x"])),
            (vec![3, 1], vec![1.5, -2.0, 3.0])
        );
        assert_eq!(numbers(&found["y"]), [7.0, -8.0]);
    }
}

/// Random changes to whole files: each is read, or refused in a sentence. None may end the program,
/// whatever is asked of the tensors that were read.
#[test]
fn damaged_files_are_no_panic() {
    let floats = [1.0f32, 2.0, 3.0, 4.0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect::<Vec<u8>>();
    let whole = [
        safetensors(
            &[
                ("a", "F32", vec![2, 2], floats.clone()),
                ("b", "F16", vec![8], floats),
            ],
            0,
        ),
        zipped(&Item::Dict(vec![
            ("model", parameters(1.0)),
            ("best", Item::Numpy),
            ("x", Item::List(vec![parameters(2.0)])),
        ])),
        fs::read(fixture("zip.pth")).unwrap(),
        fs::read(fixture("legacy.pth")).unwrap(),
    ];
    let mut random = ChaCha8Rng::seed_from_u64(13);
    let (mut refused, mut taken) = (0, 0);
    for round in 0..12_000 {
        let mut bytes = whole[round % whole.len()].clone();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..bytes.len());
            match random.random_range(0..5) {
                0 => bytes[at] = random.random(),
                1 => bytes[at] ^= 1 << random.random_range(0..8),
                2 => bytes.truncate(at.max(9)),
                3 => {
                    let end = (at + random.random_range(1..64)).min(bytes.len());
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
                _ => {
                    let digits = bytes
                        .iter()
                        .enumerate()
                        .filter(|(_, byte)| byte.is_ascii_digit())
                        .map(|(at, _)| at);
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
                refused += 1;
            }
            Ok(contents) => {
                let weights = Weights::from_tensors(contents.tensors);
                let names: Vec<String> = weights.names().map(str::to_owned).collect();
                // NaN and the like are errors
                names.iter().for_each(|name| drop(weights.get(name)));
                taken += 1;
            }
        }
    }
    assert!(
        refused > 3000 && taken > 300,
        "{refused} refused, {taken} taken"
    );
}
