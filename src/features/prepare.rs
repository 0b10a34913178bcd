//! From a data set and two frozen encoders to pairs and patches: the way that training and indexing share.

use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use tch::Device;

use super::cache::{DEFAULT_LIMIT, FeatureCache};
use super::image::ImageEncoder;
use super::pairs::Pairs;
use super::patches::{PatchStore, image_features, record_bytes};
use super::source::resolve;
use super::texts::TextStates;
use super::tokens::TextTokenizer;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::job::{Observer, Progress};
use crate::model::Config;
use crate::model::bert::Bert;
use crate::model::checkpoint::{EncoderSource, hash_file};
use crate::model::weights::Weights;
use crate::types::EntityId;

/// A text encoder from its folder.
pub struct TextEncoder {
    pub source: EncoderSource,
    pub tokenizer: TextTokenizer,
    pub weights: Weights,
    /// The sizes that the encoder fixes; the others are the paper's.
    pub sizes: Config,
}

/// The two frozen encoders.
pub struct Encoders {
    pub text: TextEncoder,
    pub image: ImageEncoder,
    pub image_source: EncoderSource,
}

impl Encoders {
    /// Opens both by name (see [`resolve`]).
    pub fn open(text: &str, image: &str, normalize: bool, device: Device) -> Result<Self> {
        let image_path = resolve(image)?;
        let encoder = ImageEncoder::open(&weights_in(&image_path)?, device, normalize)?;
        let image_source = EncoderSource { name: image.into(), hash: encoder.weights_hash().to_owned() };
        Ok(Encoders { text: TextEncoder::open(text)?, image: encoder, image_source })
    }

    /// Both by name and hash, as a run's settings tell them.
    pub fn settings(&self) -> Map<String, Value> {
        let sources = [("text_encoder", &self.text.source), ("image_encoder", &self.image_source)];
        sources.map(|(key, source)| (key.to_owned(), json!(source))).into_iter().collect()
    }
}

/// The fields of a Hugging Face `config.json` that matter here.
#[derive(serde::Deserialize)]
struct BertConfig {
    hidden_size: i64,
    num_hidden_layers: i64,
    num_attention_heads: i64,
    intermediate_size: i64,
    vocab_size: i64,
    max_position_embeddings: i64,
    #[serde(default = "bert_eps")]
    layer_norm_eps: f64,
    #[serde(default = "bert_activation")]
    hidden_act: String,
}

fn bert_eps() -> f64 {
    1e-12
}

fn bert_activation() -> String {
    "gelu".into()
}

impl TextEncoder {
    /// A folder with `config.json`, `tokenizer.json` or `vocab.txt`, and weights.
    pub fn open(name: &str) -> Result<Self> {
        let folder = resolve(name)?;
        let file = folder.join("config.json");
        let text = std::fs::read_to_string(&file).map_err(Error::io("read", &file))?;
        let config: BertConfig =
            serde_json::from_str(&text).map_err(|e| Error::format(&file, format!("is no BERT configuration: {e}")))?;
        if config.hidden_act != "gelu" {
            return Err(Error::format(
                &file,
                format!("has the activation {}; BERT's gelu is what runs here", config.hidden_act),
            ));
        }
        let weights = weights_in(&folder)?;
        let sizes = Config {
            hidden: config.hidden_size,
            bert_layers: config.num_hidden_layers,
            heads: config.num_attention_heads,
            feed_forward: config.intermediate_size,
            token_vocabulary: config.vocab_size,
            max_positions: config.max_position_embeddings,
            layer_norm_eps_bert: config.layer_norm_eps,
            ..Config::default()
        };
        let source = EncoderSource { name: name.into(), hash: hash_file(&weights)? };
        Ok(TextEncoder { source, tokenizer: TextTokenizer::open(&folder)?, weights: Weights::open(&weights)?, sizes })
    }

    /// The states of these pairs' texts after `bert`'s frozen layers, kept under `folder`.
    pub fn states(
        &self,
        folder: &Path,
        pairs: &Pairs,
        bert: &Bert,
        device: Device,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<TextStates> {
        TextStates::open(folder, pairs, bert, &self.source.hash, &self.tokenizer.blank(), device, observe)
    }
}

/// The weights of an encoder: the file itself, or the one in its folder.
fn weights_in(source: &Path) -> Result<PathBuf> {
    const NAMES: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];
    if source.is_file() {
        return Ok(source.to_owned());
    }
    if let Some(found) = NAMES.iter().map(|n| source.join(n)).find(|p| p.is_file()) {
        return Ok(found);
    }
    let entries = std::fs::read_dir(source).map_err(Error::io("read", source))?;
    let mut others: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| has_weights(p)).collect();
    match (others.pop(), others.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Err(Error::Missing {
            what: "encoder weights",
            path: source.join(NAMES[0]),
            hint: "one .safetensors, .bin or .pth file would do".into(),
        }),
    }
}

fn has_weights(path: &Path) -> bool {
    path.extension().is_some_and(|e| ["safetensors", "bin", "pth", "pt"].iter().any(|known| e == *known))
}

/// Reads the corpus, brings the pictures' features from the cache or the encoder, and settles which pairs are used.
///
/// `rows`: the entities of an existing model, in its order.
pub fn gather(
    dataset: &Dataset,
    encoders: &Encoders,
    grid: Option<i64>,
    cache: &Path,
    rows: Option<&[EntityId]>,
    observe: &mut dyn Observer<Progress>,
) -> Result<(Pairs, PatchStore)> {
    let unsettled = Pairs::read(dataset, &encoders.text.tokenizer, observe)?;
    let cache = FeatureCache::open(
        &cache.join("patches"),
        &encoders.image.hash(),
        record_bytes(&encoders.image),
        DEFAULT_LIMIT,
    )?;
    let seen = image_features(&unsettled.images, &encoders.image, cache, grid, observe)?;
    let pairs = unsettled.settle(dataset, &|path| seen.store.number(path), rows)?;
    Ok((pairs, seen.store))
}
