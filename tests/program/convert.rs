//! Tests `convert`, `index` and `expand` with checkpoints in the format of the published code.
//!
//! `fixtures/checkpoints/make.py` writes them with torch. Their values follow `common::formula`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use multiexpan::model::checkpoint::OpenedNetwork;
use multiexpan::model::state_dict::StateDict;
use multiexpan::model::weights::Weights;
use multiexpan::model::{ModelFolder, NetworkConfig};
use tch::{Device, Kind, Tensor};

use crate::common::formula::{filled, noise};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const NAMES: [&str; 6] = ["lion", "tiger", "leopard", "jaguar", "puma", "lynx"];
/// The row order of the published loader, as `ls -U` prints it.
const ROWS: &str = "lynx.pkl\nlion.pkl\npuma.pkl\nleopard.pkl\njaguar.pkl\ntiger.pkl\n";
const IDS_OF_ROWS: [u32; 6] = [15, 10, 14, 12, 13, 11];

fn checkpoint(name: &str) -> PathBuf {
    Path::new(ROOT)
        .join("tests/fixtures/checkpoints")
        .join(name)
}

/// Returns the name and the f64 values of every parameter of the fixtures.
fn parameters() -> Vec<(String, Tensor)> {
    let list = fs::read_to_string(checkpoint("parameters.txt")).unwrap();
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    let parameter = |line: &str| {
        let mut words = line.split(' ');
        let name = words.next().unwrap().to_owned();
        let size: Vec<i64> = words.map(|word| word.parse().unwrap()).collect();
        let student = name.replace("bert_m.", "bert.");
        let index = names.iter().position(|other| *other == student).unwrap();
        let base_name = name.replace("visual_linear_m", "visual_linear");
        let repeated =
            ["visual_linear.0.weight", "projection_head.3.weight"].contains(&base_name.as_str());
        let stored = if repeated {
            vec![1, size[1]]
        } else {
            size.clone()
        };
        let mut value = noise(stored.iter().product(), index as u32).view(stored.as_slice()) * 0.5;
        if name.ends_with("running_var") {
            value += 1.0;
        }
        (name, value.expand(size, false))
    };
    list.lines().map(parameter).collect()
}

/// A temporary folder with a small data set and the two encoders that the fixtures expect.
struct TestFolder(tempfile::TempDir);

impl TestFolder {
    fn new() -> TestFolder {
        let folder = TestFolder(tempfile::tempdir().unwrap());
        folder.write_data();
        folder.write_encoders();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write_data(&self) {
        fs::create_dir_all(self.path("data/gt")).unwrap();
        fs::create_dir_all(self.path("data/image")).unwrap();
        let entities: Vec<String> = NAMES
            .iter()
            .zip(10..)
            .map(|(name, id)| format!("{name}\t{id}\n"))
            .collect();
        fs::write(self.path("data/entity2id.txt"), entities.concat()).unwrap();
        let mut pictures: Vec<_> = fs::read_dir(format!("{ROOT}/data/demo/image"))
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        pictures.sort();
        let mut sentences = String::new();
        for (number, picture) in pictures.iter().take(NAMES.len() * 2).enumerate() {
            let (name, id, extension) = (
                NAMES[number / 2],
                10 + number / 2,
                picture.extension().unwrap().to_str().unwrap(),
            );
            fs::copy(
                picture,
                self.path(&format!("data/image/{number}.{extension}")),
            )
            .unwrap();
            let tokens = &["the", name, "is", "a", "large", "cat"][..4 + number % 3];
            let sentence = serde_json::json!({ "tokens": tokens,
                "entityMentions": [{ "entityId": id, "start": 1, "end": 1 }], "image": format!("image/{number}.{extension}") });
            sentences += &format!("{sentence}\n");
        }
        fs::write(self.path("data/sentences.json"), sentences).unwrap();
        for class in ["big", "cats", "spotted"] {
            fs::write(
                self.path(&format!("data/gt/{class}.txt")),
                "10\tlion\t1\n11\ttiger\t1\n12\tleopard\t1\n",
            )
            .unwrap();
        }
        fs::write(self.path("rows.txt"), ROWS).unwrap();
    }

    fn write_encoders(&self) {
        fs::create_dir(self.path("bert")).unwrap();
        fs::copy(
            format!("{ROOT}/tests/fixtures/tokenizer/vocab.txt"),
            self.path("bert/vocab.txt"),
        )
        .unwrap();
        let sizes = serde_json::json!({ "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 16, "vocab_size": 32, "max_position_embeddings": 160 });
        fs::write(self.path("bert/config.json"), sizes.to_string()).unwrap();
        let bert = parameters()
            .into_iter()
            .filter(|(name, _)| name.starts_with("bert."));
        write_tensors(&self.path("bert/model.safetensors"), bert);
        write_tensors(
            &self.path("lite0.safetensors"),
            zero_weights("efficientnet-lite0.txt"),
        );
    }

    /// Runs `multiexpan` in the folder and returns its exit code, standard output and standard
    /// error.
    fn run(&self, line: &str) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_multiexpan"));
        command
            .current_dir(self.0.path())
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("HOME", self.0.path());
        let output = command.args(line.split(' ')).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    /// Runs `convert` with both encoders and the given further options.
    fn convert(&self, checkpoint: &Path, options: &str) -> (Option<i32>, String, String) {
        let encoders = "--text-encoder bert --image-encoder lite0.safetensors --out model";
        self.run(&format!(
            "convert {} {encoders} {options}",
            checkpoint.display()
        ))
    }

    /// Asserts that the checkpoint is converted, and returns the standard error.
    fn assert_converts(&self, checkpoint: &Path) -> String {
        let (code, out, err) = self.convert(checkpoint, "--vocabulary data --rows rows.txt");
        assert_eq!(code, Some(0), "{err}");
        assert!(
            out.starts_with(
                "model: 6 entities, 4 clusters, BERT of 2 layers, 1 vision and 1 fusion layers"
            ),
            "{out}"
        );
        err
    }

    /// Asserts that `convert` fails with one error and writes nothing, and returns the error.
    fn convert_error(&self, code: i32, checkpoint: &Path, options: &str) -> String {
        let before = self.list_files();
        let (actual_code, out, err) = self.convert(checkpoint, options);
        let sentences: Vec<&str> = err
            .lines()
            .filter(|line| line.starts_with("multiexpan: "))
            .collect();
        assert!(
            actual_code == Some(code) && out.is_empty() && sentences.len() == 1,
            "{actual_code:?} {out} {err}"
        );
        assert_eq!(self.list_files(), before, "something was written");
        sentences[0].to_owned()
    }

    /// Returns the sorted paths of the entries of the folder.
    fn list_files(&self) -> Vec<PathBuf> {
        let mut all: Vec<_> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        all.sort();
        all
    }

    fn model(&self) -> ModelFolder {
        ModelFolder::open(&self.path("model")).unwrap()
    }
}

/// Returns an image encoder whose weights are zero, for tests in which the images do not matter.
fn zero_weights(list: &str) -> Vec<(String, Tensor)> {
    let list = fs::read_to_string(crate::common::formula::fixture(list)).unwrap();
    let parameter = |line: &str| {
        let (name, size) = line.split_once(' ').unwrap();
        let size: Vec<i64> = size.split(' ').map(|word| word.parse().unwrap()).collect();
        (
            name.to_owned(),
            Tensor::zeros(size, (Kind::Float, Device::Cpu)),
        )
    };
    list.lines().map(parameter).collect()
}

fn write_tensors(path: &Path, tensors: impl IntoIterator<Item = (String, Tensor)>) {
    let contiguous_tensors: Vec<(String, Tensor)> = tensors
        .into_iter()
        .map(|(name, value)| (name, value.to_kind(Kind::Float).contiguous()))
        .collect();
    Tensor::write_safetensors(&contiguous_tensors, path).unwrap();
}

/// Asserts that every parameter of the model follows the formula, rounded to the precision that
/// `kind` returns for the index of the parameter.
fn assert_formula(folder: &TestFolder, kind: impl Fn(usize) -> Kind) {
    let encoder = Weights::open(&folder.path("bert")).unwrap();
    let OpenedNetwork { store, network, .. } =
        folder.model().network(Some(&encoder), Device::Cpu).unwrap();
    let variables = store.variables();
    for (index, (name, value)) in parameters().into_iter().enumerate() {
        let Some(found) = variables.get(&name) else {
            assert!(
                name.contains("_m") && network.teacher.is_none(),
                "{name} is not there"
            );
            continue;
        };
        // The frozen layers come from the encoder and have its precision.
        let frozen = name.starts_with("bert") && !name.contains(".layer.1.");
        let stored = value
            .to_kind(if frozen { Kind::Float } else { kind(index) })
            .to_kind(Kind::Float);
        assert_eq!(
            (found.size(), found.equal(&stored)),
            (value.size(), true),
            "{name}"
        );
    }
}

#[test]
fn a_data_parallel_checkpoint_can_be_indexed_and_expanded() {
    let folder = TestFolder::new();
    write_tensors(
        &folder.path("lite0.safetensors"),
        filled("efficientnet-lite0.txt"),
    );
    let message = folder.assert_converts(&checkpoint("parallel.pkl"));
    assert!(
        message.contains("rows.txt") && !message.contains("left out"),
        "{message}"
    );
    let config = folder.model().config;
    assert_eq!(
        config.entity_ids.iter().map(|id| id.0).collect::<Vec<_>>(),
        IDS_OF_ROWS
    );
    assert_eq!(config.class_names, ["big", "cats", "spotted"]);
    assert_eq!(
        (
            config.sizes.heads,
            config.sizes.feed_forward,
            config.sizes.token_vocabulary
        ),
        (2, 16, 32)
    );
    let image = config.image_encoder.unwrap();
    assert_eq!((image.normalize, image.grid), (false, Some(4)));
    assert_formula(&folder, |_| Kind::Float);

    let (code, _, err) = folder.run("index data --model model --out index --device cpu");
    assert_eq!(code, Some(0), "{err}");
    let (code, out, err) =
        folder.run("expand index --seeds lion,tiger,puma --size 2 --format json --device cpu");
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(
        serde_json::from_str::<Vec<serde_json::Value>>(&out)
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_training_checkpoint_opens_in_every_precision() {
    let folder = TestFolder::new();
    let message = folder.assert_converts(&checkpoint("wrapped.pkl"));
    assert!(
        message.contains("left out: 1 parameters of resnet"),
        "{message}"
    );
    assert!(
        !message.contains("pooler") && !message.contains("position_ids"),
        "{message}"
    );
    assert!(!folder.model().has_frozen_layers());
    assert_formula(&folder, |index| {
        [Kind::Float, Kind::Half, Kind::BFloat16, Kind::Double][index % 4]
    });
}

/// If the frozen layers of BERT differ from those of the encoder, the model stores its own layers,
/// and
/// the text states are cached separately.
#[test]
fn frozen_layers_that_differ_from_the_encoder_are_stored() {
    let folder = TestFolder::new();
    let mut changed = parameters();
    let bias = changed
        .iter_mut()
        .find(|(name, _)| name == "bert.encoder.layer.0.output.dense.bias")
        .unwrap();
    bias.1 = &bias.1 + 1.0;
    let expected = bias.1.to_kind(Kind::Float);
    let file = folder.path("epoch_12.safetensors");
    write_tensors(&file, changed);
    assert!(folder.assert_converts(&file).contains("are kept"));
    let model = folder.model();
    assert!(model.has_frozen_layers());
    let store = model.network(None, Device::Cpu).unwrap().store;
    assert!(store.variables()["bert.encoder.layer.0.output.dense.bias"].equal(&expected));

    fs::rename(folder.path("model"), folder.path("own")).unwrap();
    folder.assert_converts(&checkpoint("parallel.pkl"));
    for model in ["own", "model"] {
        let (code, _, err) = folder.run(&format!(
            "index data --model {model} --out {model}-index --device cpu"
        ));
        assert_eq!(code, Some(0), "{err}");
    }
    let texts = fs::read_dir(folder.path("cache/multiexpan"))
        .unwrap()
        .flatten();
    assert_eq!(
        texts
            .filter(|file| file.file_name().to_string_lossy().starts_with("text-"))
            .count(),
        2
    );
}

#[test]
fn the_row_order_is_required() {
    let folder = TestFolder::new();
    let file = checkpoint("parallel.pkl");
    let message = folder.convert_error(2, &file, "--vocabulary data");
    assert!(
        message.contains("does not state the entity of each row")
            && message.contains("ls -U")
            && message.contains("--vocabulary-order"),
        "{message}"
    );
    let message = folder.convert_error(1, &file, "--vocabulary data --rows other.txt");
    assert!(message.contains("other.txt"), "{message}");
    fs::write(folder.path("rows.txt"), "lion\ntiger\nleopard\njaguar\n").unwrap();
    let message = folder.convert_error(1, &file, "--vocabulary data --rows rows.txt");
    assert!(
        message.contains("rows.txt lists 4 entities for a head of 6 rows"),
        "{message}"
    );
    fs::write(folder.path("rows.txt"), ROWS.replace("leopard", "leoprad")).unwrap();
    let message = folder.convert_error(1, &file, "--vocabulary data --rows rows.txt");
    assert!(
        message.contains("rows.txt:4:") && message.contains("did you mean leopard"),
        "{message}"
    );

    let (code, _, err) =
        folder.convert(&file, "--vocabulary data/entity2id.txt --vocabulary-order");
    assert_eq!(code, Some(0), "{err}");
    let config = folder.model().config;
    assert_eq!(
        config.entity_ids.iter().map(|id| id.0).collect::<Vec<_>>(),
        [10, 11, 12, 13, 14, 15]
    );
    assert_eq!(
        config.class_names,
        ["cluster 1", "cluster 2", "cluster 3"],
        "a list of entities has no classes"
    );
}

/// By default, the list of rows is next to the vocabulary and the model is next to the checkpoint.
#[test]
fn default_paths_are_next_to_the_inputs() {
    let folder = TestFolder::new();
    fs::rename(folder.path("rows.txt"), folder.path("data/rows.txt")).unwrap();
    fs::copy(checkpoint("parallel.pkl"), folder.path("epoch_12.pkl")).unwrap();
    let (code, out, err) =
        folder.run("convert epoch_12.pkl --vocabulary data --text-encoder bert --image-encoder lite0.safetensors");
    assert_eq!(code, Some(0), "{err}");
    assert!(
        out.starts_with("epoch_12: ") && folder.path("epoch_12/config.json").is_file(),
        "{out}"
    );
}

#[test]
fn an_invalid_state_dict_is_an_error() {
    let folder = TestFolder::new();
    let options = "--vocabulary data --rows rows.txt";
    assert!(
        folder
            .convert_error(1, &folder.path("none.pkl"), options)
            .contains("no checkpoint at")
    );
    let message = folder.convert_error(1, &checkpoint("asks.pkl"), options);
    assert!(
        message.contains("posix.system") && !folder.path("it-ran").exists(),
        "{message}"
    );
    assert!(
        folder
            .convert_error(1, &folder.path("rows.txt"), options)
            .contains("is not a weight file")
    );
    let message = folder.convert_error(1, &folder.path("lite0.safetensors"), options);
    assert!(
        message.contains("is not a state dict of MultiExpan") && message.contains("head.4.weight"),
        "{message}"
    );
    let complete = fs::read(checkpoint("parallel.pkl")).unwrap();
    fs::write(folder.path("cut.pkl"), &complete[..complete.len() / 2]).unwrap();
    assert!(
        folder
            .convert_error(1, &folder.path("cut.pkl"), options)
            .contains("cut short")
    );
}

#[test]
fn a_different_architecture_is_an_error() {
    let folder = TestFolder::new();
    let options = "--vocabulary data --rows rows.txt";
    let mut other = parameters();
    other.retain(|(name, _)| name != "head.2.bias" && name != "head_m.0.weight");
    other.push((
        "head.6.weight".into(),
        Tensor::ones([2], (Kind::Float, Device::Cpu)),
    ));
    write_tensors(&folder.path("other.safetensors"), other);
    let message = folder.convert_error(1, &folder.path("other.safetensors"), options);
    assert!(
        message.contains("does not have head.2.bias, head_m.0.weight and also has head.6.weight"),
        "{message}"
    );

    let mut other = parameters();
    let bias = other
        .iter_mut()
        .find(|(name, _)| name == "cluster_head.2.bias")
        .unwrap();
    bias.1 = Tensor::ones([3], (Kind::Float, Device::Cpu));
    write_tensors(&folder.path("other.safetensors"), other);
    assert!(
        folder
            .convert_error(1, &folder.path("other.safetensors"), options)
            .contains("cluster_head.2.bias")
    );

    let file = checkpoint("parallel.pkl");
    let message = folder.convert_error(1, &file, &format!("{options} --heads 3"));
    assert!(
        message.contains("the width 8 is not divisible by the 3 heads"),
        "{message}"
    );
}

#[test]
fn incompatible_encoders_are_an_error() {
    let folder = TestFolder::new();
    let file = checkpoint("parallel.pkl");
    let line = |text: &str, image: &str| {
        format!(
            "convert {} --vocabulary data --rows rows.txt --out model --text-encoder {text} --image-encoder {image}",
            file.display()
        )
    };
    let (code, _, message) = folder.run(&line("nowhere", "lite0.safetensors"));
    assert!(code == Some(2) && message.contains("nowhere"), "{message}");
    write_tensors(
        &folder.path("resnet.safetensors"),
        zero_weights("resnet-50.txt"),
    );
    let (code, _, message) = folder.run(&line("bert", "resnet.safetensors"));
    assert!(
        code == Some(1) && message.contains("16 × 1280") && message.contains("36 × 2048"),
        "{message}"
    );
    let config = fs::read_to_string(folder.path("bert/config.json")).unwrap();
    fs::write(
        folder.path("bert/config.json"),
        config.replace("160", "512"),
    )
    .unwrap();
    let bert = Tensor::read_safetensors(folder.path("bert/model.safetensors"))
        .unwrap()
        .into_iter();
    let longer = bert.map(|(name, value)| {
        let is_table = name.contains("position_embeddings");
        (
            name,
            if is_table {
                Tensor::ones([512, 8], (Kind::Float, Device::Cpu))
            } else {
                value
            },
        )
    });
    write_tensors(&folder.path("bert/model.safetensors"), longer);
    let (code, _, message) = folder.run(&line("bert", "lite0.safetensors"));
    assert!(
        code == Some(1) && message.contains("positions 160") && message.contains("512"),
        "{message}"
    );
    assert!(!folder.path("model").exists());
}

#[test]
fn a_non_empty_output_folder_is_not_changed() {
    let folder = TestFolder::new();
    fs::create_dir(folder.path("model")).unwrap();
    folder.assert_converts(&checkpoint("parallel.pkl"));
    let before = fs::read(folder.path("model/config.json")).unwrap();
    let message = folder.convert_error(
        1,
        &checkpoint("wrapped.pkl"),
        "--vocabulary data --rows rows.txt",
    );
    assert!(
        message.contains("model is there and is not an empty folder"),
        "{message}"
    );
    assert_eq!(fs::read(folder.path("model/config.json")).unwrap(), before);
}

/// The tensor shapes of the golden checkpoint give the sizes in its `config.json`.
#[test]
fn sizes_are_read_from_the_golden_checkpoint() {
    let golden = Path::new(ROOT).join("tests/golden/model");
    let expected: NetworkConfig =
        serde_json::from_str(&fs::read_to_string(golden.join("config.json")).unwrap()).unwrap();
    let state_dict = StateDict::open(&golden.join("checkpoint.safetensors")).unwrap();
    assert_eq!(
        state_dict
            .sizes(&NetworkConfig {
                heads: expected.heads,
                ..NetworkConfig::default()
            })
            .unwrap(),
        expected
    );
}
