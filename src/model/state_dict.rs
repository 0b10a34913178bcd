//! State dicts of the published code. Sizes are read from the shapes of the parameters.

use std::collections::BTreeMap;
use std::path::Path;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::model::network::Network;
use crate::model::network_config::NetworkConfig;
use crate::model::parameters::{copy_parameter, encoder_parameter, is_frozen, is_unused};
use crate::model::weights::{Weights, count_by_module, list_names};
use crate::progress::{Observer, Progress};

/// The last layer of the entity head, `[V, D]`, which every state dict of the published code has.
const HEAD: &str = "head.4.weight";

/// A state dict with the published parameter names.
#[derive(Debug)]
pub struct StateDict {
    weights: Weights,
}

/// The network made from a state dict.
#[derive(Debug)]
pub struct ConvertedNetwork {
    /// Every parameter, as f32 on the CPU.
    pub store: VarStore,
    /// True if the frozen layers of BERT are equal to those of the encoder, in the precision of the
    /// state dict.
    pub frozen_layers_match_encoder: bool,
    /// The modules that the network does not have, with the number of parameters of each.
    pub left_out: Vec<(String, usize)>,
}

impl StateDict {
    /// Reads safetensors or a file of `torch.save` (zip or legacy). Parameters may have a wrapper's
    /// prefix (`state_dict`, `model`, `module.` …). Pickled code is not executed.
    ///
    /// Errors: `Missing`; `Format` for a file that is damaged, requires the execution of code, or
    /// has no entity head.
    pub fn open(path: &Path) -> Result<StateDict> {
        if !path.is_file() {
            return Err(Error::Missing {
                what: "checkpoint",
                path: path.to_owned(),
                hint: String::new(),
            });
        }
        let weights = Weights::open(path)?.strip_prefix_of(HEAD)?;
        if !weights.has(HEAD) {
            let names: Vec<&str> = weights.names().collect();
            let reason = format!(
                "is not a state dict of MultiExpan: it has no {HEAD} (only {})",
                list_names(&names)
            );
            return Err(Error::format(path, reason));
        }
        Ok(StateDict { weights })
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        self.weights.path()
    }

    /// Returns the BLAKE3 hash of the file, in hexadecimal.
    pub fn hash(&self) -> &str {
        self.weights.hash()
    }

    /// Reads the sizes from the shapes of the parameters. The number of attention heads, the
    /// epsilons of the norms and the pooling are not in the shapes, and are taken from `known`.
    ///
    /// Errors: `Format` for a parameter that is missing or has another number of dimensions;
    /// `Mismatch` for invalid sizes.
    pub fn sizes(&self, known: &NetworkConfig) -> Result<NetworkConfig> {
        let [entities, hidden] = self.shape(HEAD)?;
        let [clusters, _] = self.shape("cluster_head.5.weight")?;
        let [_, patches, _] = self.shape("visual_pos_embedding")?;
        let [_, patch_features] = self.shape("visual_linear.0.weight")?;
        let [feed_forward, _] = self.shape("bert.encoder.layer.0.intermediate.dense.weight")?;
        let [token_vocabulary, _] = self.shape("bert.embeddings.word_embeddings.weight")?;
        let [max_positions, _] = self.shape("bert.embeddings.position_embeddings.weight")?;
        let sizes = NetworkConfig {
            entities,
            clusters,
            patches,
            patch_features,
            hidden,
            bert_layers: self.count_layers("bert.encoder.layer."),
            vision_layers: self.count_layers("visual_transformer.layers."),
            fusion_layers: self.count_layers("cross_transformer.layers."),
            feed_forward,
            token_vocabulary,
            max_positions,
            ..known.clone()
        };
        sizes.validate()?;
        Ok(sizes)
    }

    fn shape<const N: usize>(&self, name: &str) -> Result<[i64; N]> {
        self.weights
            .get(name)?
            .size()
            .try_into()
            .map_err(|size: Vec<i64>| {
                Error::format(
                    self.path(),
                    format!("has `{name}` of shape {size:?} (expected {N} dimensions)"),
                )
            })
    }

    /// Counts the layers with this prefix, numbered from 0 without a gap. The result is at least 1,
    /// so that a state dict without layers is reported for its missing parameters.
    fn count_layers(&self, prefix: &str) -> i64 {
        let has = |number: &i64| {
            let layer = format!("{prefix}{number}.");
            self.weights.names().any(|name| name.starts_with(&layer))
        };
        (0..).take_while(has).count().max(1) as i64
    }

    /// Copies every parameter into a network of these sizes, and converts it to f32.
    ///
    /// Errors: `Format` for missing and unexpected parameters; `Mismatch` for one of another shape;
    /// `Stopped`.
    pub fn fill(
        &self,
        sizes: &NetworkConfig,
        encoder: &Weights,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<ConvertedNetwork> {
        let with_teacher = self.weights.names().any(|name| name.starts_with("head_m."));
        let store = VarStore::new(Device::Cpu);
        Network::new(&store.root(), sizes, with_teacher);
        let variables: BTreeMap<String, Tensor> = store.variables().into_iter().collect();
        let left_out = self.compare_names(&variables)?;
        let mut frozen_layers_match_encoder = true;
        let total = variables.len() as u64;
        for (done, (name, mut variable)) in (1..).zip(variables) {
            let value = self.weights.expect(&name, &variable.size())?;
            copy_parameter(&name, &mut variable, &value)?;
            frozen_layers_match_encoder &=
                !is_frozen(&name, sizes.bert_layers) || is_parameter_of(encoder, &name, &value);
            observe.report(Progress::new("parameters", done, total))?;
        }
        Ok(ConvertedNetwork {
            store,
            frozen_layers_match_encoder,
            left_out,
        })
    }

    /// Compares the names with the `variables` of the network. Returns the modules that the network
    /// does not have.
    ///
    /// Errors: `Format` for a parameter that is missing, or unexpected in a module of the network.
    fn compare_names(&self, variables: &BTreeMap<String, Tensor>) -> Result<Vec<(String, usize)>> {
        let missing: Vec<&String> = variables
            .keys()
            .filter(|name| !self.weights.has(name))
            .collect();
        let (excess, left_out) = self
            .weights
            .unknown_names(variables.keys().map(String::as_str), &is_unused);
        let problems: Vec<String> = [
            ("does not have", list_names(&missing)),
            ("also has", list_names(&excess)),
        ]
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(verb, names)| format!("{verb} {names}"))
        .collect();
        if !problems.is_empty() {
            let reason = format!("is of another architecture: it {}", problems.join(" and "));
            return Err(Error::format(self.path(), reason));
        }
        Ok(self
            .weights
            .other_parts()
            .iter()
            .cloned()
            .chain(count_by_module(left_out))
            .collect())
    }
}

/// Returns whether `value` is equal to the encoder's parameter of that name. A value of lower
/// precision is compared in that precision.
fn is_parameter_of(encoder: &Weights, name: &str, value: &Tensor) -> bool {
    let kind = if value.kind() == Kind::Double {
        Kind::Float
    } else {
        value.kind()
    };
    encoder_parameter(encoder, name).is_ok_and(|original| {
        original.size() == value.size() && original.to_kind(kind).equal(&value.to_kind(kind))
    })
}
