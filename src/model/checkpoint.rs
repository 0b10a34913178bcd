//! Model folders with `config.json` and `model.safetensors`, which has the published parameter
//! names.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tch::nn::VarStore;
use tch::{Device, Tensor};

use crate::error::{Error, Result};
use crate::files::{replace_file, write_atomic};
use crate::model::finite::find_not_finite;
use crate::model::network::Network;
use crate::model::network_config::AlignmentConfig;
use crate::model::network_config::NetworkConfig;
use crate::model::parameters::{copy_parameter, encoder_name, is_frozen, is_unused};
use crate::model::weights::Weights;
use crate::text_file::read_json;
use crate::types::EntityId;

/// The origin of a frozen encoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncoderSource {
    /// A local folder, a name in `encoders/`, or a name on the Hugging Face hub.
    pub name: String,
    /// The BLAKE3 hash of its weights.
    pub hash: String,
}

/// The image encoder and the preparation of images for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageSource {
    #[serde(flatten)]
    pub encoder: EncoderSource,
    /// True if pixels are normalised by the encoder's mean and standard deviation.
    pub normalize: bool,
    /// The patch map is average-pooled to `grid × grid`. `None` keeps the encoder's map.
    pub grid: Option<i64>,
}

/// The content of `config.json`: the sizes, the encoders, and the meaning of the heads' rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelConfig {
    #[serde(flatten)]
    pub sizes: NetworkConfig,
    #[serde(default)]
    pub text_encoder: Option<EncoderSource>,
    #[serde(default)]
    pub image_encoder: Option<ImageSource>,
    /// The entities in the order of the entity head's rows.
    #[serde(default)]
    pub entity_ids: Vec<EntityId>,
    /// The classes in the order of the cluster head's columns. The last column means no class.
    #[serde(default)]
    pub class_names: Vec<String>,
    /// The hash of the training data set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_hash: Option<String>,
    /// Every setting of the training.
    #[serde(default)]
    pub training: serde_json::Value,
}

/// An opened model folder.
#[derive(Debug)]
pub struct ModelFolder {
    pub path: PathBuf,
    pub config: ModelConfig,
    weights: Weights,
}

/// The network of a model folder.
#[derive(Debug)]
pub struct OpenedNetwork {
    /// The frozen parameters of the network.
    pub store: VarStore,
    pub network: Network,
    /// The modules of the weights that the network does not have, with the number of parameters of
    /// each.
    pub left_out: Vec<(String, usize)>,
}

/// The modules that a network may have, without the `_m` of the momentum copy. The sizes decide
/// which of them it has.
const MODULES: [&str; 14] = [
    "bert",
    "visual_linear",
    "visual_pos_embedding",
    "visual_transformer",
    "cross_transformer",
    "head",
    "projection_head",
    "cluster_head",
    "text_proj",
    "vision_proj",
    "mlm_head",
    "itm_head",
    "temp",
    "text_queue",
];
const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.safetensors";

impl ModelFolder {
    /// Opens a model folder.
    ///
    /// Errors: `Missing`, `Io`; `Format` for an invalid configuration or weight file.
    pub fn open(path: &Path) -> Result<Self> {
        let missing = |what, path: PathBuf| Error::Missing {
            what,
            path,
            hint: "`multiexpan train` makes a model".into(),
        };
        if !path.is_dir() {
            return Err(missing("model folder", path.into()));
        }
        let file = path.join(CONFIG);
        if !file.is_file() {
            return Err(missing("model configuration", file));
        }
        let config: ModelConfig = read_json(&file, "a model configuration")?;
        let invalid_sizes =
            |reason: Error| Error::format(&file, format!("has invalid sizes: {reason}"));
        config.sizes.validate().map_err(invalid_sizes)?;
        if let Some(grid) = config
            .image_encoder
            .as_ref()
            .and_then(|image| image.grid)
            .filter(|grid| *grid < 1)
        {
            return Err(Error::format(
                &file,
                format!("has an image grid of {grid} (expected at least 1)"),
            ));
        }
        let rows = config.entity_ids.len() as i64;
        if rows != 0 && rows != config.sizes.entities {
            return Err(Error::format(
                &file,
                format!(
                    "names {rows} entities for a head of {} rows",
                    config.sizes.entities
                ),
            ));
        }
        Ok(ModelFolder {
            path: path.into(),
            config,
            weights: Weights::open(&path.join(WEIGHTS))?,
        })
    }

    /// Returns the BLAKE3 hash of the weight file, in hexadecimal.
    pub fn hash(&self) -> Result<String> {
        hash_file(&self.path.join(WEIGHTS))
    }

    /// Returns the network with this folder's parameters, in evaluation mode. `encoder` fills the
    /// frozen layers of BERT if the folder does not have them.
    ///
    /// Errors: `Format` for a parameter that is missing, not finite, of another shape or
    /// unexpected.
    pub fn network(&self, encoder: Option<&Weights>, device: Device) -> Result<OpenedNetwork> {
        let sizes = &self.config.sizes;
        let other = "config.json is of another model or vocabulary than the weights";
        check_sizes(&self.weights, encoder, sizes).map_err(|error| error.with_clause(other))?;
        let with_teacher = self.weights.names().any(|n| n.starts_with("head_m."));
        let mut store = VarStore::new(device);
        let network = Network::new(&store.root(), sizes, with_teacher);
        // sorted by name, so that the same error names the same parameter every time
        let variables: BTreeMap<String, Tensor> = store.variables().into_iter().collect();
        for (name, mut variable) in variables {
            let size = variable.size();
            let value =
                match encoder.filter(|_| !self.weights.has(&name) && name.starts_with("bert")) {
                    Some(encoder) => encoder.expect(&encoder_name(encoder, &name), &size)?,
                    None => self.weights.expect(&name, &size)?,
                };
            copy_parameter(&name, &mut variable, &value)?;
        }
        store.freeze();
        let is_own = |module: &str| MODULES.contains(&module.trim_end_matches("_m"));
        let left_out =
            self.weights
                .finish("the network of its config.json", &is_unused, &is_own)?;
        Ok(OpenedNetwork {
            store,
            network,
            left_out,
        })
    }

    /// Returns whether the folder has its own frozen layers of BERT, which may differ from those of
    /// the encoder.
    pub fn has_frozen_layers(&self) -> bool {
        let bert_layers = self.config.sizes.bert_layers;
        self.weights
            .names()
            .any(|name| is_frozen(name, bert_layers))
    }

    /// Returns the stored parameters, to resume a training.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }
}

/// Writes a model folder without the frozen layers of BERT. Each file is written atomically.
pub fn save(path: &Path, config: &ModelConfig, store: &VarStore) -> Result<()> {
    let bert_layers = config.sizes.bert_layers;
    save_filtered(path, config, store, |name| !is_frozen(name, bert_layers))
}

/// Writes a model folder with all layers of BERT, for a model whose frozen layers differ from those
/// of its encoder.
pub fn save_with_frozen_layers(path: &Path, config: &ModelConfig, store: &VarStore) -> Result<()> {
    save_filtered(path, config, store, |_| true)
}

fn save_filtered(
    path: &Path,
    config: &ModelConfig,
    store: &VarStore,
    is_saved: impl Fn(&str) -> bool,
) -> Result<()> {
    std::fs::create_dir_all(path).map_err(Error::io("create", path))?;
    let mut tensors: Vec<(String, Tensor)> = store
        .variables()
        .into_iter()
        .filter(|(name, _)| is_saved(name))
        .collect();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    write_tensors(&path.join(WEIGHTS), &tensors)?;
    let text = serde_json::to_string_pretty(config)
        .map_err(|e| Error::format(path.join(CONFIG), e.to_string()))?;
    write_atomic(&path.join(CONFIG), text.as_bytes())
}

/// Writes named tensors to a safetensors file, atomically.
///
/// Errors: `Mismatch` for a tensor with NaN or infinity, in which case nothing is written; `Io`.
pub fn write_tensors(path: &Path, tensors: &[(String, Tensor)]) -> Result<()> {
    for (name, tensor) in tensors {
        if let Some(found) = find_not_finite(tensor)? {
            return Err(Error::Mismatch(format!(
                "{} is not written: `{name}` has a value that is not finite, {found}; if it was trained, \
                 use a smaller learning rate",
                path.display()
            )));
        }
    }
    let plain: Vec<(&str, Tensor)> = tensors
        .iter()
        .map(|(n, t)| (n.as_str(), t.detach().contiguous().to_device(Device::Cpu)))
        .collect();
    replace_file(path, |to| Ok(Tensor::write_safetensors(&plain, to)?))
}

/// Checks that the parameters have these sizes, before anything is allocated. `encoder` has the
/// frozen layers of BERT if the weights do not.
fn check_sizes(weights: &Weights, encoder: Option<&Weights>, sizes: &NetworkConfig) -> Result<()> {
    let NetworkConfig {
        entities,
        clusters,
        patches,
        patch_features: features,
        hidden: d,
        feed_forward: inner,
        ..
    } = *sizes;
    weights.check("head.4.weight", &[entities, d])?;
    weights.check("cluster_head.5.weight", &[clusters, d])?;
    weights.check("visual_pos_embedding", &[1, patches, d])?;
    weights.check("visual_linear.0.weight", &[d, features])?;
    for (stack, layers) in [
        ("visual_transformer", sizes.vision_layers),
        ("cross_transformer", sizes.fusion_layers),
    ] {
        for layer in 0..layers {
            weights.check(
                &format!("{stack}.layers.{layer}.1.fn.net.0.weight"),
                &[inner, d],
            )?;
        }
    }
    if let Some(AlignmentConfig { width, queue }) = sizes.alignment {
        weights.check("text_proj.weight", &[width, d])?;
        weights.check("text_queue", &[queue, width])?;
    }
    let bert = |name: String, shape: &[i64]| match encoder.filter(|_| !weights.has(&name)) {
        Some(encoder) => encoder.check(&encoder_name(encoder, &name), shape),
        None => weights.check(&name, shape),
    };
    bert(
        "bert.embeddings.word_embeddings.weight".into(),
        &[sizes.token_vocabulary, d],
    )?;
    bert(
        "bert.embeddings.position_embeddings.weight".into(),
        &[sizes.max_positions, d],
    )?;
    (0..sizes.bert_layers).try_for_each(|layer| {
        bert(
            format!("bert.encoder.layer.{layer}.intermediate.dense.weight"),
            &[inner, d],
        )
    })
}

/// Returns the BLAKE3 hash of a file, in hexadecimal.
pub fn hash_file(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let file = std::fs::File::open(path).map_err(Error::io("read", path))?;
    hasher
        .update_reader(file)
        .map_err(Error::io("read", path))?;
    Ok(hasher.finalize().to_hex().to_string())
}
