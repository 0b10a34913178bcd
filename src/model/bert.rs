//! BERT (Devlin et al. 2019), parameter names as in Hugging Face's checkpoints.

use tch::nn::{self, Module, Path};
use tch::{Kind, Tensor};

use super::config::Config;
use super::layer::{attend, layer_norm, linear};

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
    fn new(path: Path, config: &Config) -> Self {
        let (d, f, eps) = (config.hidden, config.feed_forward, config.layer_norm_eps_bert);
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

    /// `x [B, L, D]`, `bias [B, 1, 1, L]` → `[B, L, D]`; the norm is on the sum, unlike in the other encoders.
    /// Products are computed in `compute`.
    fn forward(&self, x: &Tensor, bias: &Tensor, train: bool, compute: Kind) -> Tensor {
        let map = |map: &nn::Linear, x: &Tensor| linear(map, x, compute);
        let (q, k, v) = (map(&self.query, x), map(&self.key, x), map(&self.value, x));
        let attended = attend(&q, &k, &v, bias, self.heads, if train { self.dropout } else { 0.0 });
        let attended = map(&self.attention_output, &attended).dropout(self.dropout, train);
        let x = self.attention_norm.forward(&(x + attended.to_kind(Kind::Float)));
        let inner = map(&self.intermediate, &x).gelu("none");
        let outer = map(&self.output, &inner).dropout(self.dropout, train).to_kind(Kind::Float);
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
    /// Of the upper part; what the lower gives is kept and shared, so it is f32 always.
    compute: Kind,
}

impl Bert {
    pub fn new(path: Path, config: &Config) -> Self {
        let embeddings = &path / "embeddings";
        let table = |name: &str, rows| nn::embedding(&embeddings / name, rows, config.hidden, Default::default());
        let layers = &path / "encoder" / "layer";
        Bert {
            words: table("word_embeddings", config.token_vocabulary),
            positions: table("position_embeddings", config.max_positions),
            token_types: table("token_type_embeddings", 2),
            norm: layer_norm(&embeddings / "LayerNorm", config.hidden, config.layer_norm_eps_bert),
            layers: (0..config.bert_layers).map(|i| BertLayer::new(&layers / i, config)).collect(),
            compute: config.compute,
        }
    }

    /// The word embeddings, `[W, D]`. Never trained.
    pub fn words(&self) -> &Tensor {
        &self.words.ws
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
        self.layers[..frozen].iter().fold(self.norm.forward(&x), |x, layer| layer.forward(&x, bias, false, Kind::Float))
    }

    /// The last `trained` layers. `[B, L, D]` → `[B, L, D]`.
    pub fn upper(&self, x: &Tensor, bias: &Tensor, trained: usize, train: bool) -> Tensor {
        let frozen = self.layers.len().saturating_sub(trained);
        self.layers[frozen..].iter().fold(x.shallow_clone(), |x, layer| layer.forward(&x, bias, train, self.compute))
    }
}
