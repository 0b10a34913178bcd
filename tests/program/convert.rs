//! Checkpoints as the published code saves them, through `convert`, `index` and `expand`.
//!
//! `fixtures/checkpoints/make.py` wrote them with torch; their numbers are the formula's.

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
/// The published loader's order, as `ls -U` gives it.
const ROWS: &str = "lynx.pkl\nlion.pkl\npuma.pkl\nleopard.pkl\njaguar.pkl\ntiger.pkl\n";
const IDS_OF_ROWS: [u32; 6] = [15, 10, 14, 12, 13, 11];

fn checkpoint(name: &str) -> PathBuf {
    Path::new(ROOT)
        .join("tests/fixtures/checkpoints")
        .join(name)
}

/// Every parameter of the fixtures by name, in f64.
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
        let which = names.iter().position(|other| *other == student).unwrap();
        let bare = name.replace("visual_linear_m", "visual_linear");
        let repeated =
            ["visual_linear.0.weight", "projection_head.3.weight"].contains(&bare.as_str());
        let stored = if repeated {
            vec![1, size[1]]
        } else {
            size.clone()
        };
        let mut value = noise(stored.iter().product(), which as u32).view(stored.as_slice()) * 0.5;
        if name.ends_with("running_var") {
            value += 1.0;
        }
        (name, value.expand(size, false))
    };
    list.lines().map(parameter).collect()
}

/// A folder with a small data set, and both encoders as the fixtures were "trained" with.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        place.write_data();
        place.write_encoders();
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write_data(&self) {
        fs::create_dir_all(self.at("data/gt")).unwrap();
        fs::create_dir_all(self.at("data/image")).unwrap();
        let entities: Vec<String> = NAMES
            .iter()
            .zip(10..)
            .map(|(name, id)| format!("{name}\t{id}\n"))
            .collect();
        fs::write(self.at("data/entity2id.txt"), entities.concat()).unwrap();
        let mut pictures: Vec<_> = fs::read_dir(format!("{ROOT}/data/demo/image"))
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        pictures.sort();
        let mut sentences = String::new();
        for (at, picture) in pictures.iter().take(NAMES.len() * 2).enumerate() {
            let (name, id, end) = (
                NAMES[at / 2],
                10 + at / 2,
                picture.extension().unwrap().to_str().unwrap(),
            );
            fs::copy(picture, self.at(&format!("data/image/{at}.{end}"))).unwrap();
            let tokens = &["the", name, "is", "a", "large", "cat"][..4 + at % 3];
            let sentence = serde_json::json!({ "tokens": tokens,
                "entityMentions": [{ "entityId": id, "start": 1, "end": 1 }], "image": format!("image/{at}.{end}") });
            sentences += &format!("{sentence}\n");
        }
        fs::write(self.at("data/sentences.json"), sentences).unwrap();
        for class in ["big", "cats", "spotted"] {
            fs::write(
                self.at(&format!("data/gt/{class}.txt")),
                "10\tlion\t1\n11\ttiger\t1\n12\tleopard\t1\n",
            )
            .unwrap();
        }
        fs::write(self.at("rows.txt"), ROWS).unwrap();
    }

    fn write_encoders(&self) {
        fs::create_dir(self.at("bert")).unwrap();
        fs::copy(
            format!("{ROOT}/tests/fixtures/tokenizer/vocab.txt"),
            self.at("bert/vocab.txt"),
        )
        .unwrap();
        let sizes = serde_json::json!({ "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 16, "vocab_size": 32, "max_position_embeddings": 160 });
        fs::write(self.at("bert/config.json"), sizes.to_string()).unwrap();
        let bert = parameters()
            .into_iter()
            .filter(|(name, _)| name.starts_with("bert."));
        write(&self.at("bert/model.safetensors"), bert);
        write(
            &self.at("lite0.safetensors"),
            blank("efficientnet-lite0.txt"),
        );
    }

    /// `multiexpan …` here: exit code, standard output, standard error.
    fn run(&self, line: &str) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_multiexpan"));
        command
            .current_dir(self.0.path())
            .env("XDG_CACHE_HOME", self.at("cache"))
            .env("HOME", self.0.path());
        let ran = command.args(line.split(' ')).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (ran.status.code(), text(ran.stdout), text(ran.stderr))
    }

    /// `convert` with both encoders, and what must come after: `--vocabulary …`.
    fn convert(&self, checkpoint: &Path, more: &str) -> (Option<i32>, String, String) {
        let encoders = "--text-encoder bert --image-encoder lite0.safetensors --out model";
        self.run(&format!(
            "convert {} {encoders} {more}",
            checkpoint.display()
        ))
    }

    fn converted(&self, checkpoint: &Path) -> String {
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

    /// The sentence of a refused `convert`, which leaves nothing behind.
    fn refused(&self, code: i32, checkpoint: &Path, more: &str) -> String {
        let before = self.listing();
        let (found, out, err) = self.convert(checkpoint, more);
        let sentences: Vec<&str> = err
            .lines()
            .filter(|line| line.starts_with("multiexpan: "))
            .collect();
        assert!(
            found == Some(code) && out.is_empty() && sentences.len() == 1,
            "{found:?} {out} {err}"
        );
        assert_eq!(self.listing(), before, "something was written");
        sentences[0].to_owned()
    }

    fn listing(&self) -> Vec<PathBuf> {
        let mut all: Vec<_> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        all.sort();
        all
    }

    fn model(&self) -> ModelFolder {
        ModelFolder::open(&self.at("model")).unwrap()
    }
}

/// An image encoder that sees nothing: quickly made, and enough where pictures do not matter.
fn blank(list: &str) -> Vec<(String, Tensor)> {
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

fn write(path: &Path, tensors: impl IntoIterator<Item = (String, Tensor)>) {
    let plain: Vec<(String, Tensor)> = tensors
        .into_iter()
        .map(|(name, value)| (name, value.to_kind(Kind::Float).contiguous()))
        .collect();
    Tensor::write_safetensors(&plain, path).unwrap();
}

/// Every parameter of the opened model is the formula's, as `kind` (which tensor) holds it.
fn assert_formula(place: &Place, kind: impl Fn(usize) -> Kind) {
    let encoder = Weights::open(&place.at("bert")).unwrap();
    let OpenedNetwork { store, network, .. } =
        place.model().network(Some(&encoder), Device::Cpu).unwrap();
    let found = store.variables();
    for (which, (name, value)) in parameters().into_iter().enumerate() {
        let Some(found) = found.get(&name) else {
            assert!(
                name.contains("_m") && network.teacher.is_none(),
                "{name} is not there"
            );
            continue;
        };
        // frozen layers come from the encoder, in its precision
        let frozen = name.starts_with("bert") && !name.contains(".layer.1.");
        let stored = value
            .to_kind(if frozen { Kind::Float } else { kind(which) })
            .to_kind(Kind::Float);
        assert_eq!(
            (found.size(), found.equal(&stored)),
            (value.size(), true),
            "{name}"
        );
    }
}

#[test]
fn a_parallel_models_checkpoint_opens_indexes_and_expands() {
    let place = Place::new();
    write(
        &place.at("lite0.safetensors"),
        filled("efficientnet-lite0.txt"),
    );
    let said = place.converted(&checkpoint("parallel.pkl"));
    assert!(
        said.contains("rows.txt") && !said.contains("left out"),
        "{said}"
    );
    let config = place.model().config;
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
    assert_formula(&place, |_| Kind::Float);

    let (code, _, err) = place.run("index data --model model --out index --device cpu");
    assert_eq!(code, Some(0), "{err}");
    let (code, out, err) =
        place.run("expand index --seeds lion,tiger,puma --size 2 --format json --device cpu");
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(
        serde_json::from_str::<Vec<serde_json::Value>>(&out)
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_training_loops_checkpoint_opens_whatever_it_was_stored_in() {
    let place = Place::new();
    let said = place.converted(&checkpoint("wrapped.pkl"));
    assert!(said.contains("left out: 1 parameters of resnet"), "{said}");
    assert!(
        !said.contains("pooler") && !said.contains("position_ids"),
        "{said}"
    );
    assert!(!place.model().has_frozen_layers());
    assert_formula(&place, |which| {
        [Kind::Float, Kind::Half, Kind::BFloat16, Kind::Double][which % 4]
    });
}

/// Where BERT's frozen layers are not the encoder's, the model keeps its own, and so do the cached
/// states of texts.
#[test]
fn frozen_layers_of_a_checkpoint_are_used() {
    let place = Place::new();
    let mut changed = parameters();
    let word = changed
        .iter_mut()
        .find(|(name, _)| name == "bert.encoder.layer.0.output.dense.bias")
        .unwrap();
    word.1 = &word.1 + 1.0;
    let wanted = word.1.to_kind(Kind::Float);
    let file = place.at("epoch_12.safetensors");
    write(&file, changed);
    assert!(place.converted(&file).contains("are kept"));
    let model = place.model();
    assert!(model.has_frozen_layers());
    let store = model.network(None, Device::Cpu).unwrap().store;
    assert!(store.variables()["bert.encoder.layer.0.output.dense.bias"].equal(&wanted));

    fs::rename(place.at("model"), place.at("own")).unwrap();
    place.converted(&checkpoint("parallel.pkl"));
    for model in ["own", "model"] {
        let (code, _, err) = place.run(&format!(
            "index data --model {model} --out {model}-index --device cpu"
        ));
        assert_eq!(code, Some(0), "{err}");
    }
    let texts = fs::read_dir(place.at("cache/multiexpan"))
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
fn the_order_of_the_rows_must_be_said() {
    let place = Place::new();
    let file = checkpoint("parallel.pkl");
    let said = place.refused(2, &file, "--vocabulary data");
    assert!(
        said.contains("does not state the entity of each row")
            && said.contains("ls -U")
            && said.contains("--vocabulary-order"),
        "{said}"
    );
    let said = place.refused(1, &file, "--vocabulary data --rows other.txt");
    assert!(said.contains("other.txt"), "{said}");
    fs::write(place.at("rows.txt"), "lion\ntiger\nleopard\njaguar\n").unwrap();
    let said = place.refused(1, &file, "--vocabulary data --rows rows.txt");
    assert!(
        said.contains("rows.txt lists 4 entities for a head of 6 rows"),
        "{said}"
    );
    fs::write(place.at("rows.txt"), ROWS.replace("leopard", "leoprad")).unwrap();
    let said = place.refused(1, &file, "--vocabulary data --rows rows.txt");
    assert!(
        said.contains("rows.txt:4:") && said.contains("did you mean leopard"),
        "{said}"
    );

    let (code, _, err) = place.convert(&file, "--vocabulary data/entity2id.txt --vocabulary-order");
    assert_eq!(code, Some(0), "{err}");
    let config = place.model().config;
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

/// The shortest line: the list beside the vocabulary, the model beside the checkpoint.
#[test]
fn places_that_go_without_saying() {
    let place = Place::new();
    fs::rename(place.at("rows.txt"), place.at("data/rows.txt")).unwrap();
    fs::copy(checkpoint("parallel.pkl"), place.at("epoch_12.pkl")).unwrap();
    let (code, out, err) =
        place.run("convert epoch_12.pkl --vocabulary data --text-encoder bert --image-encoder lite0.safetensors");
    assert_eq!(code, Some(0), "{err}");
    assert!(
        out.starts_with("epoch_12: ") && place.at("epoch_12/config.json").is_file(),
        "{out}"
    );
}

#[test]
fn what_is_no_state_dict_is_refused() {
    let place = Place::new();
    let order = "--vocabulary data --rows rows.txt";
    assert!(
        place
            .refused(1, &place.at("none.pkl"), order)
            .contains("no checkpoint at")
    );
    let said = place.refused(1, &checkpoint("asks.pkl"), order);
    assert!(
        said.contains("posix.system") && !place.at("it-ran").exists(),
        "{said}"
    );
    assert!(
        place
            .refused(1, &place.at("rows.txt"), order)
            .contains("is not a weight file")
    );
    let said = place.refused(1, &place.at("lite0.safetensors"), order);
    assert!(
        said.contains("is not a state dict of MultiExpan") && said.contains("head.4.weight"),
        "{said}"
    );
    let whole = fs::read(checkpoint("parallel.pkl")).unwrap();
    fs::write(place.at("cut.pkl"), &whole[..whole.len() / 2]).unwrap();
    assert!(
        place
            .refused(1, &place.at("cut.pkl"), order)
            .contains("cut short")
    );
}

#[test]
fn another_architecture_is_refused_by_name() {
    let place = Place::new();
    let order = "--vocabulary data --rows rows.txt";
    let mut other = parameters();
    other.retain(|(name, _)| name != "head.2.bias" && name != "head_m.0.weight");
    other.push((
        "head.6.weight".into(),
        Tensor::ones([2], (Kind::Float, Device::Cpu)),
    ));
    write(&place.at("other.safetensors"), other);
    let said = place.refused(1, &place.at("other.safetensors"), order);
    assert!(
        said.contains("does not have head.2.bias, head_m.0.weight and also has head.6.weight"),
        "{said}"
    );

    let mut other = parameters();
    let last = other
        .iter_mut()
        .find(|(name, _)| name == "cluster_head.2.bias")
        .unwrap();
    last.1 = Tensor::ones([3], (Kind::Float, Device::Cpu));
    write(&place.at("other.safetensors"), other);
    assert!(
        place
            .refused(1, &place.at("other.safetensors"), order)
            .contains("cluster_head.2.bias")
    );

    let file = checkpoint("parallel.pkl");
    let said = place.refused(1, &file, &format!("{order} --heads 3"));
    assert!(
        said.contains("the width 8 is not divisible by the 3 heads"),
        "{said}"
    );
}

#[test]
fn encoders_that_it_was_not_trained_with_are_refused() {
    let place = Place::new();
    let file = checkpoint("parallel.pkl");
    let line = |text: &str, image: &str| {
        format!(
            "convert {} --vocabulary data --rows rows.txt --out model --text-encoder {text} --image-encoder {image}",
            file.display()
        )
    };
    let (code, _, said) = place.run(&line("nowhere", "lite0.safetensors"));
    assert!(code == Some(2) && said.contains("nowhere"), "{said}");
    write(&place.at("resnet.safetensors"), blank("resnet-50.txt"));
    let (code, _, said) = place.run(&line("bert", "resnet.safetensors"));
    assert!(
        code == Some(1) && said.contains("16 × 1280") && said.contains("36 × 2048"),
        "{said}"
    );
    let config = fs::read_to_string(place.at("bert/config.json")).unwrap();
    fs::write(place.at("bert/config.json"), config.replace("160", "512")).unwrap();
    let bert = Tensor::read_safetensors(place.at("bert/model.safetensors"))
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
    write(&place.at("bert/model.safetensors"), longer);
    let (code, _, said) = place.run(&line("bert", "lite0.safetensors"));
    assert!(
        code == Some(1) && said.contains("positions 160") && said.contains("512"),
        "{said}"
    );
    assert!(!place.at("model").exists());
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let place = Place::new();
    fs::create_dir(place.at("model")).unwrap();
    place.converted(&checkpoint("parallel.pkl"));
    let before = fs::read(place.at("model/config.json")).unwrap();
    let said = place.refused(
        1,
        &checkpoint("wrapped.pkl"),
        "--vocabulary data --rows rows.txt",
    );
    assert!(
        said.contains("model is there and is not an empty folder"),
        "{said}"
    );
    assert_eq!(fs::read(place.at("model/config.json")).unwrap(), before);
}

/// The shapes of the golden checkpoint tell the sizes of its `config.json`.
#[test]
fn the_golden_checkpoint_tells_its_sizes() {
    let golden = Path::new(ROOT).join("tests/golden/model");
    let wanted: NetworkConfig =
        serde_json::from_str(&fs::read_to_string(golden.join("config.json")).unwrap()).unwrap();
    let state_dict = StateDict::open(&golden.join("checkpoint.safetensors")).unwrap();
    assert_eq!(
        state_dict
            .sizes(&NetworkConfig {
                heads: wanted.heads,
                ..NetworkConfig::default()
            })
            .unwrap(),
        wanted
    );
}
