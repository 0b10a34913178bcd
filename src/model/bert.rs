//! BERT (Devlin et al. 2019), parameter names as in Hugging Face's checkpoints.

use tch::nn::{self, Module, Path};
use tch::{Kind, Tensor};

use crate::error::Result;
use crate::model::checkpoint::encoder_name;
use crate::model::layer::{attend, layer_norm, linear};
use crate::model::network_config::NetworkConfig;
use crate::model::weights::Weights;

/// A parameter by which a BERT is found in a checkpoint.
pub const MARKER: &str = "embeddings.word_embeddings.weight";
/// Rows of the token type embeddings.
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

    /// `x [B, L, D]`, `bias [B, 1, 1, L]` → `[B, L, D]`; the norm is on the sum, unlike in the
    /// other encoders. Products are computed in `compute`.
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

/// The text encoder, split into the frozen lower part and the trained upper one.
#[derive(Debug)]
pub struct Bert {
    words: nn::Embedding,
    positions: nn::Embedding,
    token_types: nn::Embedding,
    norm: nn::LayerNorm,
    layers: Vec<BertLayer>,
    heads: i64,
    layer_norm_eps: f64,
    /// Of the upper part; what the lower gives is kept and shared, so it is f32 always.
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

    /// The word embeddings, `[W, D]`. Never trained.
    pub fn words(&self) -> &Tensor {
        &self.words.ws
    }

    /// Returns what its states depend on besides the parameters, in words. What is cached of them
    /// goes by this too.
    pub fn settings(&self) -> String {
        format!("{} heads, ε {}", self.heads, self.layer_norm_eps)
    }

    /// The frozen part: embeddings and all layers but the last `trained`.
    /// `token_ids [B, L]`, `bias [B, 1, 1, L]` → `[B, L, D]`. Never in training state.
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

    /// The last `trained` layers. `[B, L, D]` → `[B, L, D]`.
    pub fn upper(&self, x: &Tensor, bias: &Tensor, trained: usize, train: bool) -> Tensor {
        let frozen = self.layers.len().saturating_sub(trained);
        self.layers[frozen..]
            .iter()
            .fold(x.shallow_clone(), |x, layer| {
                layer.forward(&x, bias, train, self.compute)
            })
    }
}

/// Checks that an encoder's weights are exactly a BERT of these sizes, before anything is allocated
/// for it. Returns the modules that are left out, such as a classifier, and how many parameters
/// each has.
///
/// Errors: `Format` that names a parameter which is missing, has another shape, is not finite, or
/// is one too many.
pub fn check_parameters(weights: &Weights, config: &NetworkConfig) -> Result<Vec<(String, usize)>> {
    for (name, shape) in parameters(config) {
        weights
            .expect(&encoder_name(weights, &name), &shape)
            .map(drop)?;
    }
    // the layer on [CLS] and the head of masked language modelling, which nothing here reads
    let known = ["pooler.", "cls.", "embeddings.token_type_ids"];
    let ignorable = |name: &str| known.iter().any(|start| name.starts_with(start));
    let network = format!("a BERT of {} layers", config.bert_layers);
    weights.finish(&network, &ignorable, &|_| false)
}

/// The parameters of a BERT and their shapes.
fn parameters(config: &NetworkConfig) -> impl Iterator<Item = (String, Vec<i64>)> {
    let (d, f) = (config.hidden, config.feed_forward);
    let tables = [
        ("word", config.token_vocabulary),
        ("position", config.max_positions),
        ("token_type", TOKEN_TYPES),
    ];
    let tables =
        tables.map(|(of, rows)| (format!("embeddings.{of}_embeddings.weight"), vec![rows, d]));
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
        let at = |part: &str| format!("encoder.layer.{number}.{part}");
        [
            linear(at("attention.self.query"), d, d),
            linear(at("attention.self.key"), d, d),
            linear(at("attention.self.value"), d, d),
            linear(at("attention.output.dense"), d, d),
            norm(at("attention.output.LayerNorm")),
            linear(at("intermediate.dense"), f, d),
            linear(at("output.dense"), d, f),
            norm(at("output.LayerNorm")),
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
    fn the_list_of_parameters_is_the_networks() {
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
    fn every_parameter_is_used_named_or_refused() {
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
        let said = changed("encoder.layer.2.output.dense.bias", Some(ones(&[8])));
        assert!(
            said.contains("not a BERT of 2 layers")
                && said.contains("encoder.layer.2.output.dense.bias"),
            "{said}"
        );
        let distance = "encoder.layer.0.attention.self.distance_embedding.weight";
        assert!(changed(distance, Some(ones(&[59, 4]))).contains(distance));
        assert!(
            changed("encoder.layer.1.output.dense.bias", None)
                .contains("has no “encoder.layer.1.output.dense.bias”")
        );
        let said = changed(MARKER, Some(ones(&[19, 8])));
        assert!(
            said.contains("of shape [19, 8] where [20, 8] is expected"),
            "{said}"
        );
        let said = changed(MARKER, Some(ones(&[20, 8]).to_kind(Kind::Int8)));
        assert!(
            said.contains("as Int8; expected floating-point numbers"),
            "{said}"
        );
        let poisoned = ones(&[20, 8]);
        let _ = poisoned.get(7).get(1).fill_(f64::NAN);
        assert!(changed(MARKER, Some(poisoned)).contains("not finite: NaN at [7, 1]"));
    }
}
