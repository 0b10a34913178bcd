//! The paper's sizes on this machine, with random weights: BERT-base, 36 × 2048 patches, 14,489
//! entities.
//!
//! Builds the network, saves it as a state dict, converts that like `multiexpan convert`, opens the
//! model folder, and runs a batch of 8 pairs of 64 tokens in all four modes. Prints the time and
//! the peak memory of each step.
//!
//! Run it with `cargo run --release --example model_sizes`. It needs 6 GB of memory and 4 GB in the
//! folder for temporary files. docs/MODEL_SIZES.md has its results.

use std::fs;
use std::path::Path;
use std::time::Instant;

use multiexpan::error::Result;
use multiexpan::jobs::convert::{Conversion, RowOrder, convert};
use multiexpan::model::Pooling;
use multiexpan::model::layer::attention_bias;
use multiexpan::model::network_config::TRAINED_BERT_LAYERS;
use multiexpan::model::weights::Weights;
use multiexpan::model::{ModelFolder, Network, NetworkConfig, NetworkInput};
use multiexpan::progress::Unobserved;
use multiexpan::types::Mode;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

const ENTITIES: i64 = 14_489;
const PAIRS: i64 = 8;
const TOKENS: i64 = 64;
const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);

fn main() -> Result<()> {
    let sizes = NetworkConfig {
        entities: ENTITIES,
        clusters: 47,
        ..NetworkConfig::default()
    };
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let at = |name: &str| folder.path().join(name);
    timed("network built, state dict and encoders written", || {
        write_random(folder.path(), &sizes)
    })?;
    let conversion = Conversion {
        checkpoint: at("epoch_12.safetensors"),
        vocabulary: at("entity2id.txt"),
        rows: Some(RowOrder::Vocabulary),
        out: at("model"),
        text_encoder: at("bert").to_string_lossy().into_owned(),
        image_encoder: at("resnet50.safetensors").to_string_lossy().into_owned(),
        normalize: false,
        state: Pooling::Mask,
        heads: None,
    };
    let converted = timed("converted", || convert(&conversion, &mut Unobserved))?;
    println!("{}", converted.network);
    let megabytes = |name: &str| fs::metadata(at(name)).map_or(0, |file| file.len() >> 20);
    println!(
        "state dict {} MiB, model {} MiB",
        megabytes("epoch_12.safetensors"),
        megabytes("model/model.safetensors")
    );
    let opened = timed("model folder opened", || {
        let encoder = Weights::open(&at("bert"))?;
        ModelFolder::open(&at("model"))?.network(Some(&encoder), Device::Cpu)
    })?;
    let network = opened.network;
    assert_eq!(network.config, sizes, "the sizes are read from the shapes");
    for mode in Mode::TRAINED {
        timed(&format!("{PAIRS} × {TOKENS} tokens, {mode}"), || {
            tch::no_grad(|| check_batch(&network, mode))
        });
    }
    Ok(())
}

/// Writes a state dict, both encoders and the entities, like a training with the published code.
fn write_random(folder: &Path, sizes: &NetworkConfig) -> Result<()> {
    let store = VarStore::new(Device::Cpu);
    Network::new(&store.root(), sizes, true);
    let all = store.variables();
    for (name, value) in &all {
        if let Some(rest) = name.strip_prefix("bert_m.") {
            tch::no_grad(|| value.shallow_clone().copy_(&all[&format!("bert.{rest}")]));
        }
    }
    store.save(folder.join("epoch_12.safetensors"))?;
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let write = |name: &str, text: String| {
        fs::write(folder.join(name), text).expect("room for temporary files")
    };
    fs::create_dir(folder.join("bert")).expect("room for temporary files");
    let bert: Vec<(String, Tensor)> = all
        .into_iter()
        .filter(|(name, _)| name.starts_with("bert."))
        .collect();
    Tensor::write_safetensors(&bert, folder.join("bert/model.safetensors"))?;
    write(
        "bert/vocab.txt",
        fs::read_to_string(fixtures.join("tokenizer/vocab.txt")).expect("a fixture"),
    );
    let config = serde_json::json!({ "hidden_size": sizes.hidden, "num_hidden_layers": sizes.bert_layers,
        "num_attention_heads": sizes.heads, "intermediate_size": sizes.feed_forward,
        "vocab_size": sizes.token_vocabulary, "max_position_embeddings": sizes.max_positions });
    write("bert/config.json", config.to_string());
    let list = fs::read_to_string(fixtures.join("encoders/resnet-50.txt")).expect("a fixture");
    Tensor::write_safetensors(
        &list.lines().map(ones_from_line).collect::<Vec<_>>(),
        folder.join("resnet50.safetensors"),
    )?;
    write(
        "entity2id.txt",
        (0..sizes.entities)
            .map(|id| format!("entity {id}\t{id}\n"))
            .collect(),
    );
    Ok(())
}

/// Returns the parameter of a line "name size size …".
fn ones_from_line(line: &str) -> (String, Tensor) {
    let mut words = line.split(' ');
    let name = words.next().unwrap_or_default().to_owned();
    let size: Vec<i64> = words.filter_map(|word| word.parse().ok()).collect();
    (name, Tensor::ones(size, CPU))
}

/// Computes log p of one batch and checks all shapes.
fn check_batch(network: &Network, mode: Mode) {
    let (tower, sizes) = (&network.student, &network.config);
    let length = if matches!(mode, Mode::Both | Mode::Text) {
        TOKENS
    } else {
        3
    };
    let ids = Tensor::randint(
        sizes.token_vocabulary,
        [PAIRS, length],
        (Kind::Int64, Device::Cpu),
    );
    let text_keep = Tensor::ones([PAIRS, length], (Kind::Bool, Device::Cpu));
    let shown = matches!(mode, Mode::Both | Mode::Image);
    let input = NetworkInput {
        text: tower
            .bert
            .lower(&ids, &attention_bias(&text_keep), TRAINED_BERT_LAYERS),
        text_keep,
        mask_position: Tensor::ones([PAIRS], (Kind::Int64, Device::Cpu)),
        patches: shown.then(|| Tensor::randn([PAIRS, sizes.patches, sizes.patch_features], CPU)),
        image_keep: None,
    };
    let state = tower.hidden(&input, false);
    let log_prob = tower
        .head
        .log_prob(&tower.head.pre_head(&state, false), false, 0.0);
    assert_eq!(state.size(), [PAIRS, sizes.hidden]);
    assert_eq!(log_prob.size(), [PAIRS, ENTITIES]);
    assert_eq!(
        network.projection.forward(&state, false).size(),
        [PAIRS, 128]
    );
    assert_eq!(
        network.cluster.forward(&state, false).size(),
        [PAIRS, sizes.clusters]
    );
    let total = log_prob.exp().sum(Kind::Double).double_value(&[]);
    assert!(
        (total - PAIRS as f64).abs() < 1e-3,
        "probabilities sum to {total}"
    );
}

/// Does the work and prints its time and its peak memory.
fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    // Linux resets the peak; elsewhere it includes everything before
    let _ = fs::write("/proc/self/clear_refs", "5");
    let start = Instant::now();
    let done = work();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| {
        line.strip_prefix("VmHWM:")?
            .split_whitespace()
            .next()?
            .parse::<f64>()
            .ok()
    });
    println!(
        "{what}: {:.2} s, peak {:.2} GiB",
        start.elapsed().as_secs_f64(),
        peak.unwrap_or(0.0) / f64::from(1 << 20)
    );
    done
}
