//! BERT (Devlin et al. 2019). Parameter names are those of Hugging Face's checkpoints.

use tch::nn::{self, Module, Path};
use tch::{Kind, Tensor};

use crate::error::Result;
use crate::model::layer::{attend, layer_norm, linear};
use crate::model::network_config::NetworkConfig;
use crate::model::parameters::encoder_name;
use crate::model::weights::Weights;

/// The parameter by which a BERT is recognized in a checkpoint.
pub const MARKER: &str = "embeddings.word_embeddings.weight";
/// The number of rows of the token type embeddings.
const TOKEN_TYPES: i64 = 2;

#[derive(Debug)]
struct BertLayer {
    query: nn::Linear,
    key: nn::Linear,
    value: nn::Linear,
    attention_output: nn::Linear,
    attention_norm: nn::LayerNorm,
    intermediate: nn::Linear,
    output: nn::Linear,
    output_norm: nn::LayerNorm,
    heads: i64,
    dropout: f64,
}

impl BertLayer {
    fn new(path: Path, config: &NetworkConfig) -> Self {
        let (d, f, eps) = (
            config.hidden,
            config.feed_forward,
            config.layer_norm_eps_bert,
        );
        let linear = |p: Path, from, to| nn::linear(p, from, to, Default::default());
        let attention = &path / "attention";
        let (own, out) = (&attention / "self", &attention / "output");
        let output = &path / "output";
        BertLayer {
            query: linear(&own / "query", d, d),
            key: linear(&own / "key", d, d),
            value: linear(&own / "value", d, d),
            attention_output: linear(&out / "dense", d, d),
            attention_norm: layer_norm(&out / "LayerNorm", d, eps),
            intermediate: linear(&path / "intermediate" / "dense", d, f),
            output: linear(&output / "dense", f, d),
            output_norm: layer_norm(&output / "LayerNorm", d, eps),
            heads: config.heads,
            dropout: config.dropout,
        }
    }

    /// Applies the layer: `x [B, L, D]`, `bias [B, 1, 1, L]` → `[B, L, D]`. The norm is applied to
    /// the sum, unlike in the other encoders. Matrix products are computed in `compute`.
    fn forward(&self, x: &Tensor, bias: &Tensor, train: bool, compute: Kind) -> Tensor {
        let map = |map: &nn::Linear, x: &Tensor| linear(map, x, compute);
        let (q, k, v) = (map(&self.query, x), map(&self.key, x), map(&self.value, x));
        let attended = attend(
            &q,
            &k,
            &v,
            bias,
            self.heads,
            if train { self.dropout } else { 0.0 },
        );
        let attended = map(&self.attention_output, &attended).dropout(self.dropout, train);
        let x = self
            .attention_norm
            .forward(&(x + attended.to_kind(Kind::Float)));
        let inner = map(&self.intermediate, &x).gelu("none");
        let outer = map(&self.output, &inner)
            .dropout(self.dropout, train)
            .to_kind(Kind::Float);
        self.output_norm.forward(&(&x + outer))
    }
}

/// The text encoder, split into frozen lower layers and trained upper layers.
#[derive(Debug)]
pub struct Bert {
    words: nn::Embedding,
    positions: nn::Embedding,
    token_types: nn::Embedding,
    norm: nn::LayerNorm,
    layers: Vec<BertLayer>,
    heads: i64,
    layer_norm_eps: f64,
    /// The kind of computation of the upper layers. The lower layers use f32, since their hidden
    /// states are cached and shared.
    compute: Kind,
}

impl Bert {
    pub fn new(path: Path, config: &NetworkConfig) -> Self {
        let embeddings = &path / "embeddings";
        let table = |name: &str, rows| {
            nn::embedding(&embeddings / name, rows, config.hidden, Default::default())
        };
        let layers = &path / "encoder" / "layer";
        Bert {
            words: table("word_embeddings", config.token_vocabulary),
            positions: table("position_embeddings", config.max_positions),
            token_types: table("token_type_embeddings", TOKEN_TYPES),
            norm: layer_norm(
                &embeddings / "LayerNorm",
                config.hidden,
                config.layer_norm_eps_bert,
            ),
            layers: (0..config.bert_layers)
                .map(|i| BertLayer::new(&layers / i, config))
                .collect(),
            heads: config.heads,
            layer_norm_eps: config.layer_norm_eps_bert,
            compute: config.compute,
        }
    }

    /// Returns the word embeddings, `[W, D]`, which are never trained.
    pub fn words(&self) -> &Tensor {
        &self.words.ws
    }

    /// Describes the settings on which the hidden states depend besides the parameters. It is part
    /// of the key of cached hidden states.
    pub fn settings(&self) -> String {
        format!("{} heads, ε {}", self.heads, self.layer_norm_eps)
    }

    /// Applies the embeddings and all layers except the last `trained` ones, in evaluation mode:
    /// `token_ids [B, L]`, `bias [B, 1, 1, L]` → `[B, L, D]`.
    pub fn lower(&self, token_ids: &Tensor, bias: &Tensor, trained: usize) -> Tensor {
        let length = token_ids.size()[1];
        let positions = Tensor::arange(length, (Kind::Int64, token_ids.device()));
        let x = self.words.forward(token_ids)
            + self.positions.forward(&positions).unsqueeze(0)
            + self.token_types.forward(&token_ids.zeros_like());
        let frozen = self.layers.len().saturating_sub(trained);
        self.layers[..frozen]
            .iter()
            .fold(self.norm.forward(&x), |x, layer| {
                layer.forward(&x, bias, false, Kind::Float)
            })
    }

    /// Applies the last `trained` layers: `[B, L, D]` → `[B, L, D]`.
    pub fn upper(&self, x: &Tensor, bias: &Tensor, trained: usize, train: bool) -> Tensor {
        let frozen = self.layers.len().saturating_sub(trained);
        self.layers[frozen..]
            .iter()
            .fold(x.shallow_clone(), |x, layer| {
                layer.forward(&x, bias, train, self.compute)
            })
    }
}

/// Checks that an encoder's weights are those of a BERT of these sizes, before anything is
/// allocated. Returns the modules that are not used, such as a classifier, with the number of
/// parameters of each.
///
/// Errors: `Format` for a parameter that is missing, not finite, of another shape or unexpected.
pub fn check_parameters(weights: &Weights, config: &NetworkConfig) -> Result<Vec<(String, usize)>> {
    for (name, shape) in parameters(config) {
        weights
            .expect(&encoder_name(weights, &name), &shape)
            .map(drop)?;
    }
    // the layer on [CLS] and the head of masked language modelling, which are not used
    let known = ["pooler.", "cls.", "embeddings.token_type_ids"];
    let ignorable = |name: &str| known.iter().any(|start| name.starts_with(start));
    let network = format!("a BERT of {} layers", config.bert_layers);
    weights.finish(&network, &ignorable, &|_| false)
}

/// Returns the names and shapes of a BERT's parameters.
fn parameters(config: &NetworkConfig) -> impl Iterator<Item = (String, Vec<i64>)> {
    let (d, f) = (config.hidden, config.feed_forward);
    let tables = [
        ("word", config.token_vocabulary),
        ("position", config.max_positions),
        ("token_type", TOKEN_TYPES),
    ];
    let tables = tables.map(|(name, rows)| {
        (
            format!("embeddings.{name}_embeddings.weight"),
            vec![rows, d],
        )
    });
    let linear = move |name: String, to, from| {
        [
            (format!("{name}.weight"), vec![to, from]),
            (format!("{name}.bias"), vec![to]),
        ]
    };
    let norm = move |name: String| {
        [
            (format!("{name}.weight"), vec![d]),
            (format!("{name}.bias"), vec![d]),
        ]
    };
    let layer = move |number: i64| {
        let name = |part: &str| format!("encoder.layer.{number}.{part}");
        [
            linear(name("attention.self.query"), d, d),
            linear(name("attention.self.key"), d, d),
            linear(name("attention.self.value"), d, d),
            linear(name("attention.output.dense"), d, d),
            norm(name("attention.output.LayerNorm")),
            linear(name("intermediate.dense"), f, d),
            linear(name("output.dense"), d, f),
            norm(name("output.LayerNorm")),
        ]
        .concat()
    };
    tables
        .into_iter()
        .chain(norm("embeddings.LayerNorm".into()))
        .chain((0..config.bert_layers).flat_map(layer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use tch::Device;
    use tch::nn::VarStore;

    fn tiny() -> (NetworkConfig, BTreeMap<String, Tensor>) {
        let config = NetworkConfig {
            hidden: 8,
            heads: 2,
            feed_forward: 12,
            bert_layers: 2,
            token_vocabulary: 20,
            max_positions: 30,
            ..NetworkConfig::default()
        };
        let store = VarStore::new(Device::Cpu);
        let _bert = Bert::new(store.root(), &config);
        (config, store.variables().into_iter().collect())
    }

    fn ones(size: &[i64]) -> Tensor {
        Tensor::ones(size, (Kind::Float, Device::Cpu))
    }

    #[test]
    fn the_listed_parameters_are_those_of_the_network() {
        let (config, variables) = tiny();
        let listed: BTreeMap<String, Vec<i64>> = parameters(&config).collect();
        assert_eq!(
            listed,
            variables
                .into_iter()
                .map(|(name, value)| (name, value.size()))
                .collect()
        );
    }

    #[test]
    fn every_parameter_is_used_listed_or_refused() {
        let (config, mut variables) = tiny();
        let known = [
            "pooler.dense.weight",
            "cls.predictions.bias",
            "embeddings.position_ids",
        ];
        variables.extend(known.map(|name| (name.to_owned(), ones(&[3]))));
        variables.insert("classifier.weight".into(), ones(&[2, 8]));
        let check = |variables: &BTreeMap<String, Tensor>| {
            let copy = variables
                .iter()
                .map(|(name, value)| (name.clone(), value.shallow_clone()))
                .collect();
            check_parameters(&Weights::from_tensors(copy), &config).map_err(|e| e.to_string())
        };
        assert_eq!(check(&variables).unwrap(), [("classifier".to_owned(), 1)]);
        let changed = |name: &str, value: Option<Tensor>| {
            let mut all: BTreeMap<String, Tensor> = variables
                .iter()
                .map(|(name, value)| (name.clone(), value.shallow_clone()))
                .collect();
            match value {
                Some(value) => all.insert(name.to_owned(), value),
                None => all.remove(name),
            };
            check(&all).unwrap_err()
        };
        let error = changed("encoder.layer.2.output.dense.bias", Some(ones(&[8])));
        assert!(
            error.contains("not a BERT of 2 layers")
                && error.contains("encoder.layer.2.output.dense.bias"),
            "{error}"
        );
        let distance = "encoder.layer.0.attention.self.distance_embedding.weight";
        assert!(changed(distance, Some(ones(&[59, 4]))).contains(distance));
        assert!(
            changed("encoder.layer.1.output.dense.bias", None)
                .contains("has no `encoder.layer.1.output.dense.bias`")
        );
        let error = changed(MARKER, Some(ones(&[19, 8])));
        assert!(
            error.contains("of shape [19, 8] (expected [20, 8])"),
            "{error}"
        );
        let error = changed(MARKER, Some(ones(&[20, 8]).to_kind(Kind::Int8)));
        assert!(
            error.contains("as Int8 (expected floating-point numbers)"),
            "{error}"
        );
        let poisoned = ones(&[20, 8]);
        let _ = poisoned.get(7).get(1).fill_(f64::NAN);
        assert!(changed(MARKER, Some(poisoned)).contains("not finite: NaN at [7, 1]"));
    }
}
