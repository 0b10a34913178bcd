//! Tests the program with damaged files: the error states the cause, and values that are not finite
//! never become scores.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::common::workspace::Workspace;
use serde_json::{Value, json};
use tch::{Kind, Tensor};

const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";

/// Runs `multiexpan` in the workspace and returns its exit code and standard error.
fn run(workspace: &Workspace, line: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_multiexpan"));
    command
        .current_dir(workspace.path(""))
        .env("XDG_CACHE_HOME", workspace.path("cache"));
    let output = command.args(line.split(' ')).output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

const BASELINE: &str = "baseline text-cosine data --out x.run --device cpu --text-encoder text --image-encoder image.safetensors";

/// Asserts that the command fails with one error and writes nothing, and returns the error.
fn error_of(workspace: &Workspace, line: &str) -> String {
    let (code, message) = run(workspace, line);
    let sentences: Vec<&str> = message
        .lines()
        .filter(|line| line.starts_with("multiexpan: "))
        .collect();
    assert!(
        code == Some(1) && sentences.len() == 1,
        "{code:?} {message}"
    );
    assert!(!workspace.path("x.run").exists() && !workspace.path("index").exists());
    sentences[0].to_owned()
}

/// Changes every line of the corpus.
fn change_sentences(workspace: &Workspace, change: impl Fn(usize, &mut Value)) {
    let path = workspace.path("data/sentences.json");
    let mut text = String::new();
    for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
        let mut sentence: Value = serde_json::from_str(line).unwrap();
        change(number, &mut sentence);
        text += &format!("{sentence}\n");
    }
    fs::write(path, text).unwrap();
}

fn images(workspace: &Workspace) -> Vec<PathBuf> {
    fs::read_dir(workspace.path("data/image"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[test]
fn a_data_set_without_pairs_is_an_error_with_reasons() {
    let train =
        "train data --out model --device cpu --text-encoder text --image-encoder image.safetensors";
    let workspace = Workspace::new();
    images(&workspace)
        .iter()
        .for_each(|image| fs::write(image, POINTER).unwrap());
    for line in [BASELINE, train] {
        let message = error_of(&workspace, line);
        assert!(
            message.contains(
                "has no entity with 2 usable pairs of a sentence and an image; left out: 48 pairs"
            ),
            "{message}"
        );
        assert!(
            message.contains(
                "/image/0.png is a Git LFS pointer, not the file itself; run `git lfs pull`"
            ),
            "{message}"
        );
    }
    drop(workspace);

    let workspace = Workspace::new();
    change_sentences(&workspace, |number, sentence| {
        match number % 4 {
            0 => sentence["image"] = Value::Null,
            1 => sentence["image"] = json!("image/none.png"),
            2 => sentence["entityMentions"] = json!("7"),
            _ => sentence["tokens"] = json!(vec!["cat"; 200]),
        };
    });
    let message = error_of(&workspace, BASELINE);
    for part in [
        "12 sentences without an image (the first: sentences.json:1: the sentence has no image)",
        "12 sentences whose image is missing (the first: sentences.json:2: there is no image image/none.png)",
        "12 lines that are not a sentence in JSON (the first: sentences.json:3: invalid type: string \"7\"",
        "12 sentences over 150 tokens (the first: sentences.json:4)",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    drop(workspace);

    // The model has an entity that no longer has pairs.
    let workspace = Workspace::new();
    let config = workspace.config(&[multiexpan::train::Task::Mep]);
    workspace.train(
        "model",
        &multiexpan::train::TrainConfig {
            epochs: 1,
            ..config
        },
    );
    images(&workspace)
        .iter()
        .filter(|image| image.ends_with("3.png"))
        .for_each(|image| fs::write(image, "no image").unwrap());
    let message = error_of(
        &workspace,
        "index data --model model --out index --device cpu",
    );
    assert!(
        message.contains(
            "data has no usable pair of entity 3, which the model needs; left out: 3 pairs"
        ),
        "{message}"
    );
    assert!(
        message.contains("image/3.png is text, not an image"),
        "{message}"
    );
}

#[test]
fn a_git_lfs_pointer_is_an_error() {
    let workspace = Workspace::new();
    for file in [
        "data/entity2id.txt",
        "data/sentences.json",
        "text/model.safetensors",
        "image.safetensors",
    ] {
        let original = fs::read(workspace.path(file)).unwrap();
        fs::write(workspace.path(file), POINTER).unwrap();
        let message = error_of(&workspace, BASELINE);
        assert!(
            message.contains(&format!(
                "{file} is a Git LFS pointer, not the file itself; run `git lfs pull`"
            )),
            "{message}"
        );
        fs::write(workspace.path(file), original).unwrap();
    }
}

/// Sentences with more tokens than the encoder has positions are left out and counted, even if only
/// the unmasked sentence is too long.
#[test]
fn sentences_longer_than_the_encoder_are_left_out() {
    let workspace = Workspace::new();
    let path = workspace.path("text/config.json");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(&path, config.replace("160", "9")).unwrap();
    let weights = workspace.path("text/model.safetensors");
    let mut tensors: Vec<(String, Tensor)> = Tensor::read_safetensors(&weights).unwrap();
    let table = tensors
        .iter_mut()
        .find(|(name, _)| name.contains("position_embeddings"))
        .unwrap();
    table.1 = table.1.narrow(0, 0, 9).contiguous();
    Tensor::write_safetensors(&tensors, &weights).unwrap();
    // "jaguar is … . a" has 8 tokens with [CLS] and [SEP], and its mention is one token. Some of
    // the
    // sentences are extended.
    change_sentences(&workspace, |number, sentence| {
        let tokens = sentence["tokens"].as_array_mut().unwrap();
        match number % 8 {
            0 => tokens.extend(vec![json!("cat"); 2]),
            1 => {
                // The sentence has 8 tokens if masked and 10 if unmasked.
                tokens[0] = json!("unaffable");
                tokens.push(json!("cat"));
            }
            _ => {}
        }
    });
    let (code, message) = run(&workspace, BASELINE);
    assert_eq!(code, Some(0), "{message}");
    assert!(
        message.contains("left out: 12 sentences over 9 tokens"),
        "{message}"
    );
    let albef = "baseline albef data --out y.run --device cpu --text-encoder text --image-encoder image.safetensors --config r.toml";
    let recipe = multiexpan::train::TrainConfig {
        drop_text: 0.0,
        drop_image: 0.0,
        epochs: 1,
        ..workspace.config(&[multiexpan::train::Task::Itc, multiexpan::train::Task::Mlm])
    };
    fs::write(workspace.path("r.toml"), toml::to_string(&recipe).unwrap()).unwrap();
    let (code, message) = run(&workspace, albef);
    assert_eq!(code, Some(0), "{message}");
}

/// The same weights with another number of heads are another network, for which the cached values
/// of
/// the first network are not used.
#[test]
fn the_cache_depends_on_the_configuration() {
    let workspace = Workspace::new();
    let scores = |out: &str| {
        let (code, message) = run(&workspace, &BASELINE.replace("x.run", out));
        assert_eq!(code, Some(0), "{message}");
        fs::read_to_string(workspace.path(out)).unwrap()
    };
    let path = workspace.path("text/config.json");
    let config = fs::read_to_string(&path).unwrap();
    let two = scores("two.run");
    fs::write(
        &path,
        config.replace("\"num_attention_heads\":2", "\"num_attention_heads\":4"),
    )
    .unwrap();
    let four = scores("four.run");
    assert_ne!(two, four);
    fs::write(&path, &config).unwrap();
    assert_eq!(scores("again.run"), two);
}

#[test]
fn non_finite_values_are_an_error() {
    let workspace = Workspace::new();
    let weights = workspace.path("text/model.safetensors");
    let valid: Vec<(String, Tensor)> = Tensor::read_safetensors(&weights).unwrap();
    let write_changed = |change: &dyn Fn(&str, &Tensor)| {
        let copies: Vec<(String, Tensor)> = valid
            .iter()
            .map(|(name, value)| (name.clone(), value.copy()))
            .collect();
        copies.iter().for_each(|(name, value)| change(name, value));
        Tensor::write_safetensors(&copies, &weights).unwrap();
    };
    write_changed(&|name, value| {
        if name == "embeddings.word_embeddings.weight" {
            let _ = value.get(20).fill_(f64::NAN);
        }
    });
    let message = error_of(&workspace, BASELINE);
    assert!(
        message.contains("`embeddings.word_embeddings.weight`")
            && message.contains("NaN at [20, 0]"),
        "{message}"
    );
    // The weights are finite, but the states are not.
    write_changed(&|name, value| {
        if name.ends_with("LayerNorm.weight") {
            let _ = value.shallow_clone().fill_(3e38);
        }
    });
    let message = error_of(&workspace, BASELINE);
    assert!(
        message.contains("mean of entity 0's sentences is not finite: NaN"),
        "{message}"
    );
    let train =
        "train data --out model --device cpu --text-encoder text --image-encoder image.safetensors";
    let message = error_of(&workspace, train);
    assert!(message.contains("are not finite as f16"), "{message}");
}

#[test]
fn a_model_that_differs_from_its_configuration_is_an_error() {
    let workspace = Workspace::new();
    let config = workspace.config(&[multiexpan::train::Task::Mep]);
    workspace.train(
        "model",
        &multiexpan::train::TrainConfig {
            epochs: 1,
            ..config
        },
    );
    let file = workspace.path("model/model.safetensors");
    let valid: Vec<(String, Tensor)> = Tensor::read_safetensors(&file).unwrap();
    let index = "index data --model model --out index --device cpu";
    let write = |replacements: &[(&str, Tensor)]| {
        let unchanged = valid
            .iter()
            .filter(|(name, _)| replacements.iter().all(|(other, _)| name != other));
        let all = unchanged.map(|(name, value)| (name.clone(), value.shallow_clone()));
        let all: Vec<_> = all
            .chain(
                replacements
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), value.shallow_clone())),
            )
            .collect();
        Tensor::write_safetensors(&all, &file).unwrap();
    };
    let ones = |size: &[i64]| Tensor::ones(size, (Kind::Float, tch::Device::Cpu));
    write(&[("head.6.weight", ones(&[3]))]);
    assert!(
        error_of(&workspace, index)
            .contains("is not the network of its config.json: it also has head.6.weight")
    );
    write(&[("head.4.bias", ones(&[16]) * f64::INFINITY)]);
    assert!(
        error_of(&workspace, index).contains("`head.4.bias` [16] that is not finite: inf at [0]")
    );
    let settings = workspace.path("model/config.json");
    let text = fs::read_to_string(&settings).unwrap();
    let error_after_change = |from: &str, to: &str| {
        assert!(text.contains(from), "{from} in {text}");
        fs::write(&settings, text.replacen(from, to, 1)).unwrap();
        error_of(&workspace, index)
    };
    write(&[]);
    assert!(
        error_after_change("\"vision_layers\": 1", "\"vision_layers\": 2")
            .contains("visual_transformer.layers.1.")
    );
    assert!(
        error_after_change("\"vision_layers\": 1", "\"vision_layers\": 0")
            .contains("it also has visual_transformer.layers.0.")
    );
    assert!(
        error_after_change("\"patches\": 4", "\"patches\": 9")
            .contains("takes images as 9 × 1280 features")
    );
    assert!(error_after_change("\"grid\": 2", "\"grid\": 0").contains("image grid of 0"));
    assert!(
        error_after_change("\"token_vocabulary\": 32", "\"token_vocabulary\": 31")
            .contains("for a text encoder of 31 token")
    );
    assert!(
        error_after_change("\"max_positions\": 160", "\"max_positions\": 200")
            .contains("position_embeddings.weight")
    );
    assert!(
        error_after_change("\"feed_forward\": 32", "\"feed_forward\": 1000000000000")
            .contains("1000000000000")
    );
    fs::write(&settings, text).unwrap();
    write(&[("resnet.conv1.weight", ones(&[3]))]);
    let (code, message) = run(&workspace, index);
    assert_eq!(code, Some(0), "{message}");
    assert!(
        message.contains("left out: 1 parameters of resnet in model/model.safetensors"),
        "{message}"
    );
}
