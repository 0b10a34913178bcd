//! State dicts of the published code: their sizes, told by the shapes of the parameters, and the
//! network they fill.

use std::collections::BTreeMap;
use std::path::Path;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::model::checkpoint::{copy_parameter, encoder_parameter, frozen_names, is_unused};
use crate::model::network::Network;
use crate::model::network_config::NetworkConfig;
use crate::model::weights::{Weights, count_by_module, list_names};
use crate::progress::{Observer, Progress};

/// The entity head's last layer, `[V, D]`: no state dict of the published code is without it.
const HEAD: &str = "head.4.weight";

/// A state dict, under the published names.
#[derive(Debug)]
pub struct StateDict {
    weights: Weights,
}

/// A state dict as a network of ours.
#[derive(Debug)]
pub struct ConvertedNetwork {
    /// Every parameter, in f32 on the CPU.
    pub store: VarStore,
    /// Whether BERT's frozen layers are the encoder's, as exactly as the state dict tells.
    pub frozen_layers_match_encoder: bool,
    /// Modules that this network does not have, and how many parameters each.
    pub left_out: Vec<(String, usize)>,
}

impl StateDict {
    /// Reads safetensors or what `torch.save` wrote (its zip or its older form); parameters may lie
    /// under a wrapper's name (`state_dict`, `model`, `module.` …). Nothing pickled is run.
    ///
    /// Errors: `Missing`, and `Format` where the file is damaged, asks for something to be
    /// executed, or has no entity head.
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

    /// The file it came from.
    pub fn path(&self) -> &Path {
        self.weights.path()
    }

    /// BLAKE3 of the file, in hexadecimal.
    pub fn hash(&self) -> &str {
        self.weights.hash()
    }

    /// The sizes that the shapes tell. Shapes tell neither the attention heads nor the norms'
    /// epsilons: those are `known`'s, as is which state stands for the pair.
    ///
    /// Errors: `Format` for a parameter that is missing or has another number of dimensions;
    /// `Mismatch` for sizes that cannot be.
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
            bert_layers: self.layers("bert.encoder.layer."),
            vision_layers: self.layers("visual_transformer.layers."),
            fusion_layers: self.layers("cross_transformer.layers."),
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
                    format!("has “{name}” of shape {size:?}, where {N} dimensions are expected"),
                )
            })
    }

    /// Layers numbered from 0 without a gap; at least one, so that none at all comes out as missing
    /// parameters.
    fn layers(&self, prefix: &str) -> i64 {
        let has = |number: &i64| {
            let layer = format!("{prefix}{number}.");
            self.weights.names().any(|name| name.starts_with(&layer))
        };
        (0..).take_while(has).count().max(1) as i64
    }

    /// Copies every parameter into a network of these sizes, whatever kind it was stored in.
    ///
    /// Errors: `Format` naming the parameters that are missing, or that a module of ours has no
    /// place for; `Mismatch` for one of another shape; `Stopped`.
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
        let frozen = frozen_names(sizes.bert_layers);
        let mut frozen_layers_match_encoder = true;
        let total = variables.len() as u64;
        for (done, (name, mut variable)) in (1..).zip(variables) {
            let value = self.weights.expect(&name, &variable.size())?;
            copy_parameter(&name, &mut variable, &value)?;
            frozen_layers_match_encoder &=
                !frozen(&name) || is_parameter_of(encoder, &name, &value);
            observe.report(Progress::new("parameters", done, total))?;
        }
        Ok(ConvertedNetwork {
            store,
            frozen_layers_match_encoder,
            left_out,
        })
    }

    /// Compares the names with those of the network's `variables`. Returns the modules that the
    /// network does not have. A parameter that is missing, or one too many in a module that the
    /// network has, is another architecture.
    fn compare_names(&self, variables: &BTreeMap<String, Tensor>) -> Result<Vec<(String, usize)>> {
        let missing: Vec<&String> = variables
            .keys()
            .filter(|name| !self.weights.has(name))
            .collect();
        let (excess, left_out) = self
            .weights
            .unknown_names(variables.keys().map(String::as_str), &is_unused);
        let faults: Vec<String> = [
            ("lacks", list_names(&missing)),
            ("has in excess", list_names(&excess)),
        ]
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(verb, names)| format!("{verb} {names}"))
        .collect();
        if !faults.is_empty() {
            let reason = format!("is of another architecture: it {}", faults.join(" and "));
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

/// Whether `value` is the encoder's parameter of that name. A value stored in less precision is
/// compared in that.
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
