//! Tests of text encoders that are opened from folders. Token ids equal those of Hugging Face's
//! libraries, every parameter is used or reported, and files that do not match are an error.

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

/// Reads a JSON file.
fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// An option of `fixtures/tokenizer/options.py` with its expected token ids.
struct TokenizerOption(Value);

impl TokenizerOption {
    /// Returns the words of the vocabulary in the order of their ids.
    fn words(&self) -> Vec<String> {
        let vocabulary = self.0["vocabulary"].as_str().unwrap();
        let text = fs::read_to_string(fixture(&format!("{vocabulary}.txt"))).unwrap();
        let additional: Vec<String> = serde_json::from_value(self.0["more_words"].clone()).unwrap();
        text.lines().map(str::to_owned).chain(additional).collect()
    }

    /// Writes the files of a tokenizer with this option to `folder`.
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

/// Returns a `tokenizer.json` that truncates texts to 8 tokens and pads them to 16. The tokenizer
/// must ignore both settings.
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

/// Returns the sentences of `options.py`, which are lines of the demo's corpus with an unusual word
/// inserted into each.
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

/// Returns the FNV-1a hash of the ids of all sentences, with `u32::MAX` after each sentence.
fn hash_ids(sentences: &[Vec<i64>]) -> String {
    let terminated = sentences
        .iter()
        .flat_map(|ids| ids.iter().map(|&id| id as u32).chain([u32::MAX]));
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!(
        "{:016x}",
        terminated
            .flat_map(u32::to_le_bytes)
            .fold(0xcbf2_9ce4_8422_2325, mix)
    )
}

#[test]
fn ids_match_hugging_face_for_every_option() {
    let file = read_json(&fixture("options.json"));
    let sentences = sentences(&serde_json::from_value::<Vec<String>>(file["odd"].clone()).unwrap());
    assert_eq!(sentences.len(), 1000);
    let mut hashes = BTreeMap::new();
    for option in file["options"].as_array().unwrap() {
        let name = option["name"].as_str().unwrap();
        let folder = tempfile::tempdir().unwrap();
        TokenizerOption(option.clone()).write(folder.path());
        let tokenizer = TextTokenizer::open(folder.path()).unwrap();
        let ids: Vec<Vec<i64>> = sentences
            .iter()
            .map(|words| tokenizer.word_pieces(words).unwrap())
            .collect();
        let first: Vec<Vec<i64>> = serde_json::from_value(option["first"].clone()).unwrap();
        assert_eq!(ids[..first.len()], first, "{name}");
        assert_eq!(hash_ids(&ids), option["hash"], "{name}");
        hashes.insert(hash_ids(&ids), name);
    }
    // Most options must give different ids, or the test would show nothing. The others include
    // options that state a default.
    assert_eq!(hashes.len(), 11, "{hashes:?}");
}

/// Checks that no byte of `vocab.txt` other than its words becomes part of a token.
#[test]
fn a_vocabulary_may_have_a_byte_order_mark_crlf_and_a_repeated_word() {
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
    // The id of a repeated word is that of its last row, as in transformers.
    let expected = (vec![2, 4, 3], vec![7, 6, 1]);
    assert_eq!(ids(plain), expected);
    assert_eq!(ids(&plain.replace('\n', "\r\n")), expected);
    assert_eq!(ids(&format!("\u{feff}{plain}")), expected);
    assert_eq!(ids(plain.trim_end()), expected);
}

#[test]
fn unsupported_tokenizer_settings_are_an_error() {
    let vocabulary = fs::read_to_string(fixture("vocab.txt")).unwrap();
    let opening_error = |files: &[(&str, &str)]| {
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
        assert_eq!(opening_error(&[(config, harmless)]), None);
    }
    for (content, expected) in [
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
        let message = opening_error(&[(config, content)]).unwrap_or_default();
        assert!(message.contains(expected), "{content}: {message}");
    }
    for (name, content, expected) in [
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
        let message = opening_error(&[(name, content)]).unwrap_or_default();
        assert!(message.contains(expected), "{name} {content}: {message}");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("vocab.txt"), b"[PAD]\n[UNK]\n\xff\xfe\n").unwrap();
    let message = TextTokenizer::open(folder.path())
        .err()
        .unwrap()
        .to_string();
    assert!(message.contains("vocab.txt:3: is not UTF-8"), "{message}");
}

/// A temporary folder with the files of a small BERT.
struct EncoderFolder(tempfile::TempDir);

const LAYERS: i64 = 2;

impl EncoderFolder {
    fn new() -> EncoderFolder {
        let folder = EncoderFolder(tempfile::tempdir().unwrap());
        fs::copy(fixture("vocab.txt"), folder.file("vocab.txt")).unwrap();
        folder.configure(json!({}));
        folder.write_weights(parameters());
        folder
    }

    /// Returns the path of a file of the folder.
    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes `config.json` with `changes` applied to its settings.
    fn configure(&self, changes: Value) {
        let mut settings = json!({ "model_type": "bert", "hidden_size": 8, "num_hidden_layers": LAYERS,
            "num_attention_heads": 2, "intermediate_size": 12, "vocab_size": 32, "max_position_embeddings": 160 });
        settings
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        fs::write(self.file("config.json"), settings.to_string()).unwrap();
    }

    fn write_weights(&self, tensors: impl IntoIterator<Item = (String, Tensor)>) {
        write_tensors(&self.file("model.safetensors"), tensors);
    }

    fn open(&self) -> Result<TextEncoder, String> {
        TextEncoder::open(self.0.path().to_str().unwrap()).map_err(|error| error.to_string())
    }

    /// Returns the error of opening the encoder with `changes` applied to its settings.
    fn error_with_settings(&self, changes: Value) -> String {
        self.configure(changes);
        let message = self.open().err().expect("it opened");
        self.configure(json!({}));
        message
    }
}

/// Returns the parameters of a new BERT of the size of the folder's settings.
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

/// Writes tensors to a safetensors file.
fn write_tensors(path: &Path, tensors: impl IntoIterator<Item = (String, Tensor)>) {
    let tensors: Vec<(String, Tensor)> = tensors.into_iter().collect();
    Tensor::write_safetensors(&tensors, path).unwrap();
}

#[test]
fn an_encoder_opens_under_any_prefix_and_reports_unused_parameters() {
    let folder = EncoderFolder::new();
    let plain = folder.open().unwrap();
    assert!(plain.left_out.is_empty());
    assert_eq!((plain.sizes.hidden, plain.tokenizer.max_length()), (8, 150));
    let ones = || Tensor::ones([3], (Kind::Float, Device::Cpu));
    for prefix in ["bert.", "model.bert.", "module._orig_mod.bert."] {
        let value = |name: &str| plain.weights.get(name).unwrap();
        let prefixed = plain
            .weights
            .names()
            .map(|name| (format!("{prefix}{name}"), value(name)));
        let heads = [
            "cls.predictions.bias",
            "classifier.weight",
            "classifier.bias",
        ]
        .map(|name| (name.to_owned(), ones()));
        folder.write_weights(prefixed.chain(heads));
        let encoder = folder.open().unwrap();
        let left_out: Vec<&str> = encoder
            .left_out
            .iter()
            .map(|(part, _)| part.as_str())
            .collect();
        assert!(
            left_out
                .iter()
                .any(|part| part.starts_with("parameters of classifier in ")),
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
fn weights_of_another_architecture_are_an_error() {
    let folder = EncoderFolder::new();
    let message = folder.error_with_settings(json!({ "num_hidden_layers": 1 }));
    assert!(
        message.contains("is not a BERT of 1 layers: it also has encoder.layer.1."),
        "{message}"
    );
    let message = folder.error_with_settings(json!({ "num_hidden_layers": 3 }));
    assert!(
        message.contains("has no `encoder.layer.2.attention.self.query.weight`"),
        "{message}"
    );
    let message = folder.error_with_settings(json!({ "num_hidden_layers": 1_000_000_000 }));
    assert!(message.contains("has no `encoder.layer.2."), "{message}");
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
            let message = folder.error_with_settings(json!({ setting: size }));
            assert!(
                message.contains(name) && message.contains(&size.to_string()),
                "{message}"
            );
        }
    }
    assert!(
        folder
            .error_with_settings(json!({ "position_embedding_type": "relative_key" }))
            .contains("`position_embedding_type`")
    );
    assert!(
        folder
            .error_with_settings(json!({ "model_type": "clip" }))
            .contains("`model_type` \"clip\" (only \"bert\" is supported)")
    );
    assert!(
        folder
            .error_with_settings(json!({ "num_attention_heads": 3 }))
            .contains("is not divisible by the 3 heads")
    );

    let mut with_distances = parameters();
    let distances = Tensor::ones([319, 4], (Kind::Float, Device::Cpu));
    with_distances.insert(
        "encoder.layer.0.attention.self.distance_embedding.weight".into(),
        distances,
    );
    folder.write_weights(with_distances);
    let message = folder.open().err().unwrap();
    assert!(
        message.contains("it also has encoder.layer.0.attention.self.distance_embedding.weight"),
        "{message}"
    );

    let mut invalid = parameters();
    let _ = invalid["embeddings.word_embeddings.weight"]
        .get(5)
        .get(2)
        .fill_(f64::NAN);
    folder.write_weights(
        invalid
            .iter()
            .map(|(name, value)| (name.clone(), value.shallow_clone())),
    );
    let message = folder.open().err().unwrap();
    assert!(
        message.contains(
            "`embeddings.word_embeddings.weight` [32, 8] that is not finite: NaN at [5, 2]"
        ),
        "{message}"
    );
    // The value exceeds the largest f16.
    invalid.insert(
        "embeddings.LayerNorm.bias".into(),
        Tensor::full([8], 1e5, (Kind::Float, Device::Cpu)).to_kind(Kind::Half),
    );
    invalid.insert(
        "embeddings.word_embeddings.weight".into(),
        Tensor::ones([32, 8], (Kind::Float, Device::Cpu)),
    );
    folder.write_weights(invalid);
    assert!(
        folder
            .open()
            .err()
            .unwrap()
            .contains("`embeddings.LayerNorm.bias` [8] that is not finite: inf at [0]")
    );
}

#[test]
fn a_tokenizer_larger_than_its_encoder_is_an_error() {
    let folder = EncoderFolder::new();
    let words = fs::read_to_string(folder.file("vocab.txt")).unwrap();
    fs::write(folder.file("vocab.txt"), format!("{words}[ENT]\n")).unwrap();
    let message = folder.open().err().unwrap();
    assert!(
        message.contains(
            "vocab.txt has a token “[ENT]” with the id 32, for a text encoder of 32 token"
        ),
        "{message}"
    );
    // A padded model has more rows than its tokenizer has tokens, which is allowed.
    fs::write(
        folder.file("vocab.txt"),
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
fn a_folder_without_a_text_encoder_is_an_error() {
    let folder = EncoderFolder::new();
    let file = folder.file("model.safetensors");
    let message = TextEncoder::open(file.to_str().unwrap())
        .err()
        .unwrap()
        .to_string();
    assert!(
        message.contains("is a file; a text encoder is a folder with config.json"),
        "{message}"
    );
    fs::remove_file(folder.file("config.json")).unwrap();
    assert!(
        folder
            .open()
            .err()
            .unwrap()
            .contains("no BERT configuration at")
    );
    fs::write(folder.file("config.json"), b"\xef\xbb\xbf{").unwrap();
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
    let message = folder.open().err().unwrap();
    assert!(
        message
            .contains("has no `embeddings.word_embeddings.weight` (it has layer1.0.conv1.weight)"),
        "{message}"
    );
}

#[test]
fn shards_are_read_as_one_set_of_weights() {
    let folder = EncoderFolder::new();
    let complete = folder.open().unwrap();
    fs::remove_file(folder.file("model.safetensors")).unwrap();
    let mut shard_of_parameter = Map::new();
    let (first, second): (Vec<_>, Vec<_>) = parameters()
        .into_iter()
        .enumerate()
        .partition(|(i, _)| i % 2 == 0);
    for (file, part) in [
        ("model-00001-of-00002.safetensors", first),
        ("model-00002-of-00002.safetensors", second),
    ] {
        shard_of_parameter.extend(
            part.iter()
                .map(|(_, (name, _))| (name.clone(), json!(file))),
        );
        let values = part
            .into_iter()
            .map(|(_, (name, _))| (name.clone(), complete.weights.get(&name).unwrap()));
        write_tensors(&folder.file(file), values);
    }
    assert!(
        folder
            .open()
            .err()
            .unwrap()
            .contains("has 2 weight files (model-00001-of-00002.safetensors, ")
    );
    let index = folder.file("model.safetensors.index.json");
    let write_index = |shard_of_parameter: &Map<String, Value>| {
        fs::write(
            &index,
            json!({ "weight_map": shard_of_parameter }).to_string(),
        )
        .unwrap()
    };
    write_index(&shard_of_parameter);
    let shards = folder.open().unwrap();
    assert_eq!(shards.weights.len(), complete.weights.len());
    for name in complete.weights.names() {
        assert_eq!(
            shards.weights.get(name).unwrap(),
            complete.weights.get(name).unwrap(),
            "{name}"
        );
    }
    // The hash that identifies cached features depends on the shards.
    assert_eq!(shards.source.hash, folder.open().unwrap().source.hash);
    assert_ne!(shards.source.hash, complete.source.hash);

    let name = "embeddings.LayerNorm.bias".to_owned();
    let current_shard = shard_of_parameter[&name].clone();
    let other_shard = shard_of_parameter
        .values()
        .find(|file| **file != current_shard)
        .unwrap()
        .clone();
    shard_of_parameter.insert(name.clone(), other_shard);
    write_index(&shard_of_parameter);
    assert!(
        folder
            .open()
            .err()
            .unwrap()
            .contains("has no `embeddings.LayerNorm.bias`, which ")
    );
    shard_of_parameter.insert(name, json!("model-00003-of-00002.safetensors"));
    write_index(&shard_of_parameter);
    let message = folder.open().err().unwrap();
    assert!(
        message.contains("no weight shard at") && message.contains("model-00003-of-00002"),
        "{message}"
    );
}
