//! Text encoders from the files of their folders: the same token ids as Hugging Face's libraries,
//! every parameter used or named, and whatever does not go together refused when it is opened.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use multiexpan::features::load_pairs::TextEncoder;
use multiexpan::features::text_tokenizer::TextTokenizer;
use multiexpan::model::NetworkConfig;
use multiexpan::model::bert::Bert;
use serde_json::{Map, Value, json};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn fixture(name: &str) -> PathBuf {
    Path::new(ROOT).join("tests/fixtures/tokenizer").join(name)
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// One option of `fixtures/tokenizer/options.py`.
struct Golden(Value);

impl Golden {
    fn words(&self) -> Vec<String> {
        let vocabulary = self.0["vocabulary"].as_str().unwrap();
        let text = fs::read_to_string(fixture(&format!("{vocabulary}.txt"))).unwrap();
        let more: Vec<String> = serde_json::from_value(self.0["more_words"].clone()).unwrap();
        text.lines().map(str::to_owned).chain(more).collect()
    }

    /// Writes the files of the folder.
    fn write(&self, folder: &Path) {
        let words = self.words();
        if self.0["normalizer"].is_null() {
            fs::write(folder.join("vocab.txt"), words.join("\n") + "\n").unwrap();
        } else {
            fs::write(
                folder.join("tokenizer.json"),
                tokenizer_json(&words, &self.0["normalizer"]).to_string(),
            )
            .unwrap();
        }
        for (name, content) in self.0["files"].as_object().unwrap() {
            fs::write(folder.join(name), content.to_string()).unwrap();
        }
    }
}

/// A `tokenizer.json` that cuts texts at 8 tokens and fills them up to 16, which is not to be
/// followed.
fn tokenizer_json(words: &[String], normalizer: &Value) -> Value {
    let vocabulary: Map<String, Value> = words
        .iter()
        .cloned()
        .zip((0..).map(|id: u32| json!(id)))
        .collect();
    json!({
        "version": "1.0",
        "truncation": { "max_length": 8, "strategy": "LongestFirst", "stride": 0, "direction": "Right" },
        "padding": { "strategy": { "Fixed": 16 }, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
            "pad_type_id": 0, "pad_token": "[PAD]" },
        "added_tokens": [], "normalizer": normalizer, "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": null, "decoder": null,
        "model": { "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary }
    })
}

/// The sentences of `options.py`: lines of the demo's corpus, an unusual word between the words of
/// each.
fn sentences(unusual: &[String]) -> Vec<Vec<String>> {
    let demo = fs::read_to_string(Path::new(ROOT).join("data/demo/sentences.json")).unwrap();
    let sentence = |(i, line): (usize, &str)| {
        let line: Value = serde_json::from_str(line).unwrap();
        let mut tokens: Vec<String> = serde_json::from_value(line["tokens"].clone()).unwrap();
        tokens.insert(
            7 * i % (tokens.len() + 1),
            unusual[i % unusual.len()].clone(),
        );
        tokens
    };
    demo.lines().take(1000).enumerate().map(sentence).collect()
}

/// FNV-1a over the ids of all sentences, each ended by `u32::MAX`.
fn hash(sentences: &[Vec<i64>]) -> String {
    let ends = sentences
        .iter()
        .flat_map(|ids| ids.iter().map(|&id| id as u32).chain([u32::MAX]));
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!(
        "{:016x}",
        ends.flat_map(u32::to_le_bytes)
            .fold(0xcbf2_9ce4_8422_2325, mix)
    )
}

#[test]
fn ids_are_hugging_faces_for_every_option() {
    let file = read(&fixture("options.json"));
    let sentences = sentences(&serde_json::from_value::<Vec<String>>(file["odd"].clone()).unwrap());
    assert_eq!(sentences.len(), 1000);
    let mut hashes = BTreeMap::new();
    for option in file["options"].as_array().unwrap() {
        let name = option["name"].as_str().unwrap();
        let folder = tempfile::tempdir().unwrap();
        Golden(option.clone()).write(folder.path());
        let tokenizer = TextTokenizer::open(folder.path()).unwrap();
        let ids: Vec<Vec<i64>> = sentences
            .iter()
            .map(|words| tokenizer.word_pieces(words).unwrap())
            .collect();
        let first: Vec<Vec<i64>> = serde_json::from_value(option["first"].clone()).unwrap();
        assert_eq!(ids[..first.len()], first, "{name}");
        assert_eq!(hash(&ids), option["hash"], "{name}");
        hashes.insert(hash(&ids), name);
    }
    // most options differ, or the test would tell nothing: of the others, some say what is so
    // anyway
    assert_eq!(hashes.len(), 11, "{hashes:?}");
}

/// Nothing that is in `vocab.txt` beside its words may become part of a token.
#[test]
fn a_vocabulary_may_have_a_byte_order_mark_crlf_and_a_word_twice() {
    let plain = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nlion\ntiger\nlion\n";
    let folder = tempfile::tempdir().unwrap();
    let ids = |text: &str| {
        fs::write(folder.path().join("vocab.txt"), text).unwrap();
        let tokenizer = TextTokenizer::open(folder.path()).unwrap();
        let words: Vec<String> = ["Lion", "tiger", "puma"].map(str::to_owned).to_vec();
        (
            tokenizer.blank_input(),
            tokenizer.word_pieces(&words).unwrap(),
        )
    };
    // the last row of a word that is there twice, as in transformers
    let expected = (vec![2, 4, 3], vec![7, 6, 1]);
    assert_eq!(ids(plain), expected);
    assert_eq!(ids(&plain.replace('\n', "\r\n")), expected);
    assert_eq!(ids(&format!("\u{feff}{plain}")), expected);
    assert_eq!(ids(plain.trim_end()), expected);
}

#[test]
fn what_the_tokenizer_cannot_follow_is_refused_by_name() {
    let vocabulary = fs::read_to_string(fixture("vocab.txt")).unwrap();
    let said = |files: &[(&str, &str)]| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("vocab.txt"), &vocabulary).unwrap();
        files
            .iter()
            .for_each(|(name, content)| fs::write(folder.path().join(name), content).unwrap());
        TextTokenizer::open(folder.path())
            .err()
            .map(|error| error.to_string())
    };
    let config = "tokenizer_config.json";
    for harmless in [
        r#"{"do_basic_tokenize": true, "never_split": null, "model_max_length": 512, "tokenizer_class": "BertTokenizer"}"#,
        r#"{"never_split": [], "strip_accents": null, "tokenizer_class": "DistilBertTokenizerFast"}"#,
    ] {
        assert_eq!(said(&[(config, harmless)]), None);
    }
    for (content, why) in [
        (
            r#"{"do_basic_tokenize": false}"#,
            "`do_basic_tokenize` false (only true is supported)",
        ),
        (
            r#"{"never_split": ["Turkey"]}"#,
            r#"`never_split` ["Turkey"], which is not supported"#,
        ),
        (
            r#"{"tokenizer_class": "BertJapaneseTokenizer"}"#,
            "`tokenizer_class` BertJapaneseTokenizer",
        ),
        (
            r#"{"do_lower_case": "no"}"#,
            r#"`do_lower_case` "no" (expected true or false)"#,
        ),
        (
            r#"{"mask_token": null}"#,
            "`mask_token` null (expected the name of a token)",
        ),
        (
            r#"{"mask_token": "<mask>"}"#,
            "has no token <mask> (the `mask_token`)",
        ),
        (
            r#"{"unk_token": {"content": "<unk>"}}"#,
            "has no token <unk> (the `unk_token`)",
        ),
        (
            r#"{"added_tokens_decoder": {"99": {"content": "[ENT]"}}}"#,
            "has the id 32 for the token “[ENT]” (expected 99, the id in the added tokens)",
        ),
        (
            r#"{"additional_special_tokens": [5]}"#,
            "has 5 in `additional_special_tokens`",
        ),
        (
            r#"{"added_tokens_decoder": {"x": {"content": "[ENT]"}}}"#,
            "has an invalid added token",
        ),
        (
            r#"{"do_lower_case": false,"#,
            "tokenizer_config.json is not JSON",
        ),
        ("[]", "is not a tokenizer's settings"),
        (
            "version https://git-lfs.github.com/spec/v1\n",
            "run `git lfs pull`",
        ),
    ] {
        let found = said(&[(config, content)]).unwrap_or_default();
        assert!(found.contains(why), "{content}: {found}");
    }
    for (name, content, why) in [
        (
            "special_tokens_map.json",
            r#"{"cls_token": 5}"#,
            "special_tokens_map.json has `cls_token` 5",
        ),
        (
            "special_tokens_map.json",
            "{",
            "special_tokens_map.json is not JSON",
        ),
        (
            "added_tokens.json",
            r#"{"[ENT]": 40}"#,
            "expected 40, the id in the added tokens",
        ),
        (
            "tokenizer.json",
            "{}",
            "tokenizer.json is not a usable tokenizer",
        ),
        ("tokenizer.json", "{", "tokenizer.json is not JSON"),
        (
            "vocab.txt",
            "version https://git-lfs.github.com/spec/v1\n",
            "vocab.txt is a Git LFS pointer",
        ),
    ] {
        let found = said(&[(name, content)]).unwrap_or_default();
        assert!(found.contains(why), "{name} {content}: {found}");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("vocab.txt"), b"[PAD]\n[UNK]\n\xff\xfe\n").unwrap();
    let found = TextTokenizer::open(folder.path())
        .err()
        .unwrap()
        .to_string();
    assert!(found.contains("vocab.txt:3: is not UTF-8"), "{found}");
}

/// A small BERT's folder.
struct Folder(tempfile::TempDir);

const LAYERS: i64 = 2;

impl Folder {
    fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        fs::copy(fixture("vocab.txt"), folder.at("vocab.txt")).unwrap();
        folder.configure(json!({}));
        folder.write_weights(parameters());
        folder
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes `config.json` with some of its settings changed.
    fn configure(&self, changes: Value) {
        let mut settings = json!({ "model_type": "bert", "hidden_size": 8, "num_hidden_layers": LAYERS,
            "num_attention_heads": 2, "intermediate_size": 12, "vocab_size": 32, "max_position_embeddings": 160 });
        settings
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        fs::write(self.at("config.json"), settings.to_string()).unwrap();
    }

    fn write_weights(&self, tensors: impl IntoIterator<Item = (String, Tensor)>) {
        write(&self.at("model.safetensors"), tensors);
    }

    fn open(&self) -> Result<TextEncoder, String> {
        TextEncoder::open(self.0.path().to_str().unwrap()).map_err(|error| error.to_string())
    }

    /// Returns what is wrong once the settings are changed.
    fn refused(&self, changes: Value) -> String {
        self.configure(changes);
        let said = self.open().err().expect("it opened");
        self.configure(json!({}));
        said
    }
}

fn parameters() -> BTreeMap<String, Tensor> {
    let sizes = NetworkConfig {
        hidden: 8,
        heads: 2,
        feed_forward: 12,
        bert_layers: LAYERS,
        token_vocabulary: 32,
        max_positions: 160,
        ..NetworkConfig::default()
    };
    let store = VarStore::new(Device::Cpu);
    let _bert = Bert::new(store.root(), &sizes);
    store
        .variables()
        .into_iter()
        .map(|(name, value)| (name, value.detach()))
        .collect()
}

fn write(path: &Path, tensors: impl IntoIterator<Item = (String, Tensor)>) {
    let tensors: Vec<(String, Tensor)> = tensors.into_iter().collect();
    Tensor::write_safetensors(&tensors, path).unwrap();
}

#[test]
fn an_encoder_opens_under_any_prefix_and_names_what_it_does_not_use() {
    let folder = Folder::new();
    let plain = folder.open().unwrap();
    assert!(plain.left_out.is_empty());
    assert_eq!((plain.sizes.hidden, plain.tokenizer.max_length()), (8, 150));
    let ones = || Tensor::ones([3], (Kind::Float, Device::Cpu));
    for prefix in ["bert.", "model.bert.", "module._orig_mod.bert."] {
        let value = |name: &str| plain.weights.get(name).unwrap();
        let named = plain
            .weights
            .names()
            .map(|name| (format!("{prefix}{name}"), value(name)));
        let heads = [
            "cls.predictions.bias",
            "classifier.weight",
            "classifier.bias",
        ]
        .map(|name| (name.to_owned(), ones()));
        folder.write_weights(named.chain(heads));
        let encoder = folder.open().unwrap();
        let left_out: Vec<&str> = encoder
            .left_out
            .iter()
            .map(|(what, _)| what.as_str())
            .collect();
        assert!(
            left_out
                .iter()
                .any(|what| what.starts_with("parameters of classifier in ")),
            "{left_out:?}"
        );
        let name = "encoder.layer.1.output.dense.weight";
        assert_eq!(
            encoder.weights.get(name).unwrap(),
            plain.weights.get(name).unwrap()
        );
    }
}

#[test]
fn weights_of_another_architecture_are_refused_by_name() {
    let folder = Folder::new();
    let said = folder.refused(json!({ "num_hidden_layers": 1 }));
    assert!(
        said.contains("is not a BERT of 1 layers: it also has encoder.layer.1."),
        "{said}"
    );
    let said = folder.refused(json!({ "num_hidden_layers": 3 }));
    assert!(
        said.contains("has no `encoder.layer.2.attention.self.query.weight`"),
        "{said}"
    );
    let said = folder.refused(json!({ "num_hidden_layers": 1_000_000_000 }));
    assert!(said.contains("has no `encoder.layer.2."), "{said}");
    for (setting, name) in [
        ("vocab_size", "embeddings.word_embeddings.weight"),
        (
            "max_position_embeddings",
            "embeddings.position_embeddings.weight",
        ),
        (
            "intermediate_size",
            "encoder.layer.0.intermediate.dense.weight",
        ),
        ("hidden_size", "embeddings.word_embeddings.weight"),
    ] {
        for size in [1_000_000_000_000i64, 40] {
            let said = folder.refused(json!({ setting: size }));
            assert!(
                said.contains(name) && said.contains(&size.to_string()),
                "{said}"
            );
        }
    }
    assert!(
        folder
            .refused(json!({ "position_embedding_type": "relative_key" }))
            .contains("`position_embedding_type`")
    );
    assert!(
        folder
            .refused(json!({ "model_type": "clip" }))
            .contains("`model_type` \"clip\" (only \"bert\" is supported)")
    );
    assert!(
        folder
            .refused(json!({ "num_attention_heads": 3 }))
            .contains("is not divisible by the 3 heads")
    );

    let mut relative = parameters();
    let distances = Tensor::ones([319, 4], (Kind::Float, Device::Cpu));
    relative.insert(
        "encoder.layer.0.attention.self.distance_embedding.weight".into(),
        distances,
    );
    folder.write_weights(relative);
    let said = folder.open().err().unwrap();
    assert!(
        said.contains("it also has encoder.layer.0.attention.self.distance_embedding.weight"),
        "{said}"
    );

    let mut poisoned = parameters();
    let _ = poisoned["embeddings.word_embeddings.weight"]
        .get(5)
        .get(2)
        .fill_(f64::NAN);
    folder.write_weights(
        poisoned
            .iter()
            .map(|(name, value)| (name.clone(), value.shallow_clone())),
    );
    let said = folder.open().err().unwrap();
    assert!(
        said.contains(
            "`embeddings.word_embeddings.weight` [32, 8] that is not finite: NaN at [5, 2]"
        ),
        "{said}"
    );
    // beyond the largest f16
    poisoned.insert(
        "embeddings.LayerNorm.bias".into(),
        Tensor::full([8], 1e5, (Kind::Float, Device::Cpu)).to_kind(Kind::Half),
    );
    poisoned.insert(
        "embeddings.word_embeddings.weight".into(),
        Tensor::ones([32, 8], (Kind::Float, Device::Cpu)),
    );
    folder.write_weights(poisoned);
    assert!(
        folder
            .open()
            .err()
            .unwrap()
            .contains("`embeddings.LayerNorm.bias` [8] that is not finite: inf at [0]")
    );
}

#[test]
fn tokenizer_and_encoder_must_be_of_one_model() {
    let folder = Folder::new();
    let words = fs::read_to_string(folder.at("vocab.txt")).unwrap();
    fs::write(folder.at("vocab.txt"), format!("{words}[ENT]\n")).unwrap();
    let said = folder.open().err().unwrap();
    assert!(
        said.contains(
            "vocab.txt has a token “[ENT]” with the id 32, for a text encoder of 32 token"
        ),
        "{said}"
    );
    // fewer tokens than rows is how models are padded
    fs::write(
        folder.at("vocab.txt"),
        words
            .lines()
            .take(30)
            .map(|word| format!("{word}\n"))
            .collect::<String>(),
    )
    .unwrap();
    assert!(folder.open().is_ok());
}

#[test]
fn what_is_not_a_text_encoder_is_said() {
    let folder = Folder::new();
    let file = folder.at("model.safetensors");
    let said = TextEncoder::open(file.to_str().unwrap())
        .err()
        .unwrap()
        .to_string();
    assert!(
        said.contains("is a file; a text encoder is a folder with config.json"),
        "{said}"
    );
    fs::remove_file(folder.at("config.json")).unwrap();
    assert!(
        folder
            .open()
            .err()
            .unwrap()
            .contains("no BERT configuration at")
    );
    fs::write(folder.at("config.json"), b"\xef\xbb\xbf{").unwrap();
    assert!(
        folder
            .open()
            .err()
            .unwrap()
            .contains("config.json is not JSON")
    );
    folder.configure(json!({}));
    fs::write(
        &file,
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
    )
    .unwrap();
    assert!(
        folder
            .open()
            .err()
            .unwrap()
            .contains("model.safetensors is a Git LFS pointer")
    );
    folder.write_weights([(
        "layer1.0.conv1.weight".to_owned(),
        Tensor::ones([2], (Kind::Float, Device::Cpu)),
    )]);
    let said = folder.open().err().unwrap();
    assert!(
        said.contains("has no `embeddings.word_embeddings.weight` (it has layer1.0.conv1.weight)"),
        "{said}"
    );
}

#[test]
fn shards_are_one_set_of_weights() {
    let folder = Folder::new();
    let whole = folder.open().unwrap();
    fs::remove_file(folder.at("model.safetensors")).unwrap();
    let mut map = Map::new();
    let (first, second): (Vec<_>, Vec<_>) = parameters()
        .into_iter()
        .enumerate()
        .partition(|(i, _)| i % 2 == 0);
    for (file, part) in [
        ("model-00001-of-00002.safetensors", first),
        ("model-00002-of-00002.safetensors", second),
    ] {
        map.extend(
            part.iter()
                .map(|(_, (name, _))| (name.clone(), json!(file))),
        );
        let values = part
            .into_iter()
            .map(|(_, (name, _))| (name.clone(), whole.weights.get(&name).unwrap()));
        write(&folder.at(file), values);
    }
    assert!(
        folder
            .open()
            .err()
            .unwrap()
            .contains("has 2 weight files (model-00001-of-00002.safetensors, ")
    );
    let index = folder.at("model.safetensors.index.json");
    let write_index = |map: &Map<String, Value>| {
        fs::write(&index, json!({ "weight_map": map }).to_string()).unwrap()
    };
    write_index(&map);
    let shards = folder.open().unwrap();
    assert_eq!(shards.weights.len(), whole.weights.len());
    for name in whole.weights.names() {
        assert_eq!(
            shards.weights.get(name).unwrap(),
            whole.weights.get(name).unwrap(),
            "{name}"
        );
    }
    // what is cached by hash is of these shards
    assert_eq!(shards.source.hash, folder.open().unwrap().source.hash);
    assert_ne!(shards.source.hash, whole.source.hash);

    let name = "embeddings.LayerNorm.bias".to_owned();
    let there = map[&name].clone();
    let other = map.values().find(|file| **file != there).unwrap().clone();
    map.insert(name.clone(), other);
    write_index(&map);
    assert!(
        folder
            .open()
            .err()
            .unwrap()
            .contains("has no `embeddings.LayerNorm.bias`, which ")
    );
    map.insert(name, json!("model-00003-of-00002.safetensors"));
    write_index(&map);
    let said = folder.open().err().unwrap();
    assert!(
        said.contains("no weight shard at") && said.contains("model-00003-of-00002"),
        "{said}"
    );
}
