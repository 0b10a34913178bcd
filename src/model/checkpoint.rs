//! Model folders: `config.json` and `model.safetensors`, under the published parameter names.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tch::nn::VarStore;
use tch::{Device, Tensor};

use crate::error::{Error, Result};
use crate::files::{replace_file, write_atomic};
use crate::model::alignment_heads::AlignmentConfig;
use crate::model::finite::find_not_finite;
use crate::model::network::{Network, TRAINED_BERT_LAYERS};
use crate::model::network_config::NetworkConfig;
use crate::model::weights::Weights;
use crate::text_file::read_json;
use crate::types::EntityId;

/// Where a frozen encoder came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncoderSource {
    /// A local folder, a name under `encoders/`, or a hub's name.
    pub name: String,
    /// Of its weights (blake3).
    pub hash: String,
}

/// How pictures become patches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageSource {
    #[serde(flatten)]
    pub encoder: EncoderSource,
    /// Pixels normalised by the encoder's own mean and deviation.
    pub normalize: bool,
    /// The patch map is average-pooled to `grid × grid`; none: as the encoder gives it.
    pub grid: Option<i64>,
}

/// `config.json`: the sizes, the encoders, and what the rows of the heads mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelConfig {
    #[serde(flatten)]
    pub sizes: NetworkConfig,
    #[serde(default)]
    pub text_encoder: Option<EncoderSource>,
    #[serde(default)]
    pub image_encoder: Option<ImageSource>,
    /// In the order of the entity head's rows.
    #[serde(default)]
    pub entity_ids: Vec<EntityId>,
    /// In the order of the cluster head's columns (one more column is for no class).
    #[serde(default)]
    pub class_names: Vec<String>,
    /// Of the data set that it was trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_hash: Option<String>,
    /// Every setting of the training that made it.
    #[serde(default)]
    pub training: serde_json::Value,
}

/// A model folder that has been opened.
#[derive(Debug)]
pub struct ModelFolder {
    pub path: PathBuf,
    pub config: ModelConfig,
    weights: Weights,
}

/// A model folder's network.
#[derive(Debug)]
pub struct OpenedNetwork {
    /// The parameters of the network, frozen.
    pub store: VarStore,
    pub network: Network,
    /// The parts of the folder's weights that the network does not have, and how many parameters
    /// each has.
    pub left_out: Vec<(String, usize)>,
}

/// The modules that a network may have, without the momentum copy's `_m`; which it has, its sizes
/// say.
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
        let cannot_be =
            |reason: Error| Error::format(&file, format!("has sizes that cannot be: {reason}"));
        config.sizes.validate().map_err(cannot_be)?;
        if let Some(grid) = config
            .image_encoder
            .as_ref()
            .and_then(|image| image.grid)
            .filter(|grid| *grid < 1)
        {
            return Err(Error::format(
                &file,
                format!("has an image grid of {grid}; expected at least 1"),
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

    /// The hash of the weights file, hex.
    pub fn hash(&self) -> Result<String> {
        hash_file(&self.path.join(WEIGHTS))
    }

    /// Returns the network with this folder's parameters, in evaluation state, and what of them it
    /// does not have, with how many parameters each part has. `encoder` fills the frozen part of
    /// BERT where the folder leaves it out.
    ///
    /// Errors: `Format` for a parameter that is missing, not finite, of another shape, or one too
    /// many.
    pub fn network(&self, encoder: Option<&Weights>, device: Device) -> Result<OpenedNetwork> {
        let sizes = &self.config.sizes;
        let other = "the weights are of another model or vocabulary than config.json";
        check_sizes(&self.weights, encoder, sizes).map_err(|error| error.with_clause(other))?;
        let with_teacher = self.weights.names().any(|n| n.starts_with("head_m."));
        let mut store = VarStore::new(device);
        let network = Network::new(&store.root(), sizes, with_teacher);
        // by name, so that the same fault is told of the same parameter every time
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

    /// Whether the folder has the frozen layers of BERT itself: they may be others than the
    /// encoder's.
    pub fn has_frozen_layers(&self) -> bool {
        let frozen = frozen_names(self.config.sizes.bert_layers);
        self.weights.names().any(frozen)
    }

    /// The named parameters as stored: for going on with a training.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }
}

/// Writes a model folder; each file appears whole or not at all. The parts of BERT that training
/// never touches are left out.
pub fn save(path: &Path, config: &ModelConfig, store: &VarStore) -> Result<()> {
    let frozen = frozen_names(config.sizes.bert_layers);
    save_filtered(path, config, store, |name| !frozen(name))
}

/// As [`save`], with all of BERT: for a model whose frozen layers are not its encoder's.
pub fn save_with_frozen_layers(path: &Path, config: &ModelConfig, store: &VarStore) -> Result<()> {
    save_filtered(path, config, store, |_| true)
}

fn save_filtered(
    path: &Path,
    config: &ModelConfig,
    store: &VarStore,
    keep: impl Fn(&str) -> bool,
) -> Result<()> {
    std::fs::create_dir_all(path).map_err(Error::io("create", path))?;
    let mut kept: Vec<(String, Tensor)> = store
        .variables()
        .into_iter()
        .filter(|(name, _)| keep(name))
        .collect();
    kept.sort_by(|a, b| a.0.cmp(&b.0));
    write_tensors(&path.join(WEIGHTS), &kept)?;
    let text = serde_json::to_string_pretty(config)
        .map_err(|e| Error::format(path.join(CONFIG), e.to_string()))?;
    write_atomic(&path.join(CONFIG), text.as_bytes())
}

/// Writes named tensors to a safetensors file, which appears whole or not at all.
///
/// Errors: `Mismatch` that names a tensor with NaN or infinity; nothing is written then. `Io`.
pub fn write_tensors(path: &Path, tensors: &[(String, Tensor)]) -> Result<()> {
    for (name, tensor) in tensors {
        if let Some(found) = find_not_finite(tensor)? {
            return Err(Error::Mismatch(format!(
                "{} is not written: “{name}” has a number that is not finite, {found}; if it was trained, a smaller \
                 learning rate helps",
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

/// Fills every `bert.` variable of the store from an encoder's own weights.
pub fn load_encoder(store: &VarStore, encoder: &Weights) -> Result<()> {
    for (name, mut variable) in store.variables() {
        if name.starts_with("bert.") {
            let value = encoder.expect(&encoder_name(encoder, &name), &variable.size())?;
            copy_parameter(&name, &mut variable, &value)?;
        }
    }
    Ok(())
}

/// Takes `bert.x` or `bert_m.x` from an encoder's own weights ([`encoder_name`]).
pub(super) fn encoder_parameter(encoder: &Weights, name: &str) -> Result<Tensor> {
    encoder.get(&encoder_name(encoder, name))
}

/// Returns what an encoder's file calls the parameter `bert.x`, `bert_m.x` or `x`: with or without
/// the prefix, a norm's by its old or its new name. `x` where it has none of these.
pub(super) fn encoder_name(encoder: &Weights, name: &str) -> String {
    let bare = name
        .trim_start_matches("bert_m.")
        .trim_start_matches("bert.");
    let old = bare
        .replace("LayerNorm.weight", "LayerNorm.gamma")
        .replace("LayerNorm.bias", "LayerNorm.beta");
    let names = [
        bare.to_owned(),
        format!("bert.{bare}"),
        old.clone(),
        format!("bert.{old}"),
    ];
    names
        .into_iter()
        .find(|name| encoder.has(name))
        .unwrap_or_else(|| bare.to_owned())
}

/// Refuses sizes that the parameters do not have, before anything is allocated for them. `encoder`
/// has the frozen part of BERT where these weights leave it out.
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

/// Returns whether a parameter is one that published checkpoints carry along and the network never
/// reads.
pub(super) fn is_unused(name: &str) -> bool {
    name.starts_with("bert.pooler.") || name.starts_with("bert_m.pooler.")
}

/// Copies a parameter, refusing another shape.
pub fn copy_parameter(name: &str, variable: &mut Tensor, value: &Tensor) -> Result<()> {
    if variable.size() != value.size() {
        return Err(Error::Mismatch(format!(
            "parameter {name} has the shape {:?} where this model has {:?}: the weights are of another model or vocabulary",
            value.size(),
            variable.size()
        )));
    }
    tch::no_grad(|| variable.f_copy_(value))?;
    Ok(())
}

/// Whether a parameter belongs to the part of BERT that is never trained.
pub fn frozen_names(bert_layers: i64) -> impl Fn(&str) -> bool {
    move |name| {
        let Some(rest) = name
            .strip_prefix("bert.")
            .or_else(|| name.strip_prefix("bert_m."))
        else {
            return false;
        };
        match rest
            .strip_prefix("encoder.layer.")
            .and_then(|r| r.split('.').next())
            .and_then(|n| n.parse::<i64>().ok())
        {
            Some(layer) => layer < bert_layers - TRAINED_BERT_LAYERS as i64,
            None => true,
        }
    }
}

/// blake3 of a file, hex.
pub fn hash_file(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let file = std::fs::File::open(path).map_err(Error::io("read", path))?;
    hasher
        .update_reader(file)
        .map_err(Error::io("read", path))?;
    Ok(hasher.finalize().to_hex().to_string())
}
