//! CLIP (Radford et al., ICML 2021, arXiv 2103.00020): a text and an image Transformer with a
//! common space. Both are pre-norm. Sizes and parameter names are those of Hugging Face's
//! `CLIPModel`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use tch::nn::{self, Module, Path, VarStore};
use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::files::merge_json;
use crate::model::layer::{attend, layer_norm};
use crate::model::parameters::copy_parameter;
use crate::model::weights::Weights;
use crate::text_file::read_json;

/// The content of `config.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ClipConfig {
    pub text_config: TextConfig,
    pub vision_config: VisionConfig,
    /// The width of the common space.
    pub projection_dim: i64,
}

/// The sizes of the text encoder.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TextConfig {
    #[serde(flatten)]
    pub tower: TowerConfig,
    pub vocab_size: i64,
    /// The maximum length of a text, in tokens.
    pub max_position_embeddings: i64,
    /// The token whose hidden state represents the text.
    pub eos_token_id: i64,
}

/// The sizes of the image encoder.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct VisionConfig {
    #[serde(flatten)]
    pub tower: TowerConfig,
    /// The width and height of an image, in pixels.
    pub image_size: i64,
    pub patch_size: i64,
}

impl VisionConfig {
    /// Returns the length of an image's sequence: its patches, and the class token.
    fn positions(&self) -> i64 {
        (self.image_size / self.patch_size)
            .saturating_pow(2)
            .saturating_add(1)
    }
}

/// The sizes that both encoders have.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TowerConfig {
    pub hidden_size: i64,
    pub intermediate_size: i64,
    pub num_hidden_layers: i64,
    pub num_attention_heads: i64,
    pub hidden_act: Activation,
    pub layer_norm_eps: f64,
}

impl TowerConfig {
    /// Checks that the width is divisible by the number of heads. The error follows the file's
    /// name.
    fn check_heads(&self) -> std::result::Result<(), String> {
        let (width, heads) = (self.hidden_size, self.num_attention_heads);
        if width > 0 && heads > 0 && width % heads == 0 {
            return Ok(());
        }
        Err(format!(
            "has a width of {width}, which is not divisible by {heads} heads"
        ))
    }
}

/// The activation of the feed-forward blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// x·σ(1.702 x), an approximation of GELU.
    QuickGelu,
    Gelu,
}

/// The default values of `CLIPConfig`, for values that a `config.json` leaves out.
const DEFAULTS: &str = r#"{
    "projection_dim": 512,
    "text_config": {
        "hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 8,
        "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5,
        "vocab_size": 49408, "max_position_embeddings": 77, "eos_token_id": 49407
    },
    "vision_config": {
        "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
        "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5,
        "image_size": 224, "patch_size": 32
    }
}"#;

impl TextConfig {
    /// Returns whether a text of these ids has an end token.
    pub fn has_end(&self, ids: &[i64]) -> bool {
        match self.eos_token_id {
            LEGACY_END => ids.len() > 1 && ids.iter().max() == ids.last(),
            end => ids.contains(&end),
        }
    }
}

/// The `eos_token_id` of the first checkpoints, in which the end token is the highest id of a text.
const LEGACY_END: i64 = 2;

impl ClipConfig {
    /// Reads a `config.json`.
    ///
    /// Errors: `Io`; `Format` for another kind of model and for invalid sizes.
    pub fn read(path: &std::path::Path) -> Result<ClipConfig> {
        let unusable =
            |e: serde_json::Error| Error::format(path, format!("is not a CLIP configuration: {e}"));
        let mut all: Value = serde_json::from_str(DEFAULTS).map_err(unusable)?;
        let given: Value = read_json(path, "a CLIP configuration")?;
        if let Some(other) = given.get("model_type").filter(|kind| *kind != "clip") {
            return Err(Error::format(
                path,
                format!("has the model type {other} (expected \"clip\")"),
            ));
        }
        merge_json(&mut all, given);
        let config: ClipConfig = serde_json::from_value(all).map_err(unusable)?;
        config
            .check()
            .map_err(|reason| Error::format(path, reason))?;
        Ok(config)
    }

    /// Checks that the weights have these sizes, before anything is allocated.
    fn check_shapes(&self, weights: &Weights) -> Result<()> {
        let ClipConfig {
            text_config: text,
            vision_config: vision,
            projection_dim,
        } = self;
        let (d, v) = (text.tower.hidden_size, vision.tower.hidden_size);
        weights.check(Clip::MARKER, &[text.vocab_size, d])?;
        weights.check(
            "text_model.embeddings.position_embedding.weight",
            &[text.max_position_embeddings, d],
        )?;
        weights.check("text_projection.weight", &[*projection_dim, d])?;
        weights.check("visual_projection.weight", &[*projection_dim, v])?;
        weights.check(
            "vision_model.embeddings.position_embedding.weight",
            &[vision.positions(), v],
        )?;
        let patch = vision.patch_size;
        weights.check(
            "vision_model.embeddings.patch_embedding.weight",
            &[v, 3, patch, patch],
        )?;
        for (model, tower) in [("text_model", &text.tower), ("vision_model", &vision.tower)] {
            for layer in 0..tower.num_hidden_layers {
                let (d, inner) = (tower.hidden_size, tower.intermediate_size);
                weights.check(
                    &format!("{model}.encoder.layers.{layer}.mlp.fc1.weight"),
                    &[inner, d],
                )?;
            }
        }
        Ok(())
    }

    /// Checks the sizes. The error follows the file's name.
    fn check(&self) -> std::result::Result<(), String> {
        let ClipConfig {
            text_config: text,
            vision_config: vision,
            projection_dim,
        } = self;
        let inner = [&text.tower, &vision.tower].map(|tower| tower.intermediate_size);
        let sizes = [
            *projection_dim,
            text.vocab_size,
            text.max_position_embeddings,
            vision.patch_size,
            inner[0],
            inner[1],
        ];
        if sizes.iter().any(|size| *size < 1) {
            return Err(format!("has sizes below 1: {sizes:?}"));
        }
        if vision.image_size < vision.patch_size {
            return Err(format!(
                "has patches of {} px in images of {} px",
                vision.patch_size, vision.image_size
            ));
        }
        let eps = [&text.tower, &vision.tower].map(|tower| tower.layer_norm_eps);
        if eps.iter().any(|eps| !(0.0..1.0).contains(eps)) {
            return Err(format!(
                "has `layer_norm_eps` {eps:?} (expected at least 0 and below 1)"
            ));
        }
        text.tower.check_heads()?;
        vision.tower.check_heads()
    }
}

/// A Transformer block: `x = x + Attention(LayerNorm(x))`, `x = x + FFN(LayerNorm(x))`.
#[derive(Debug)]
struct Block {
    attention_norm: nn::LayerNorm,
    qkv: [nn::Linear; 3],
    output: nn::Linear,
    feed_forward_norm: nn::LayerNorm,
    inner: nn::Linear,
    outer: nn::Linear,
    heads: i64,
    activation: Activation,
}

impl Block {
    fn new(path: Path, config: &TowerConfig) -> Self {
        let TowerConfig {
            hidden_size: width,
            intermediate_size: inner,
            layer_norm_eps: eps,
            ..
        } = *config;
        let linear = |p: Path, from, to| nn::linear(p, from, to, Default::default());
        let (attention, mlp) = (&path / "self_attn", &path / "mlp");
        Block {
            attention_norm: layer_norm(&path / "layer_norm1", width, eps),
            qkv: ["q_proj", "k_proj", "v_proj"].map(|name| linear(&attention / name, width, width)),
            output: linear(&attention / "out_proj", width, width),
            feed_forward_norm: layer_norm(&path / "layer_norm2", width, eps),
            inner: linear(&mlp / "fc1", width, inner),
            outer: linear(&mlp / "fc2", inner, width),
            heads: config.num_attention_heads,
            activation: config.hidden_act,
        }
    }

    /// Applies the block: `x [B, L, D]`, `bias` that broadcasts to `[B, H, L, L]` → `[B, L, D]`.
    fn forward(&self, x: &Tensor, bias: &Tensor) -> Tensor {
        let normed = self.attention_norm.forward(x);
        let [q, k, v] = self.qkv.each_ref().map(|map| map.forward(&normed));
        let x = x + self
            .output
            .forward(&attend(&q, &k, &v, bias, self.heads, 0.0));
        let inner = self.inner.forward(&self.feed_forward_norm.forward(&x));
        let inner = match self.activation {
            Activation::QuickGelu => &inner * (&inner * 1.702).sigmoid(),
            Activation::Gelu => inner.gelu("none"),
        };
        &x + self.outer.forward(&inner)
    }
}

fn blocks(path: &Path, config: &TowerConfig) -> Vec<Block> {
    let layers = path / "encoder" / "layers";
    (0..config.num_hidden_layers)
        .map(|i| Block::new(&layers / i, config))
        .collect()
}

/// The frozen dual encoder.
#[derive(Debug)]
pub struct Clip {
    text: TextTower,
    vision: VisionTower,
}

/// The text encoder, from token ids to the common space.
#[derive(Debug)]
struct TextTower {
    tokens: nn::Embedding,
    positions: nn::Embedding,
    norm: nn::LayerNorm,
    blocks: Vec<Block>,
    projection: nn::Linear,
    end_of_text: i64,
}

/// The image encoder, from pixels to the common space.
#[derive(Debug)]
struct VisionTower {
    class: Tensor,
    patches: nn::Conv2D,
    positions: nn::Embedding,
    first_norm: nn::LayerNorm,
    norm: nn::LayerNorm,
    blocks: Vec<Block>,
    projection: nn::Linear,
}

/// Makes an embedding of `rows` vectors.
fn table(path: Path, rows: i64, width: i64) -> nn::Embedding {
    nn::embedding(path, rows, width, Default::default())
}

/// Makes the linear map from a tower's `width` to the common space.
fn projection(path: Path, width: i64, common: i64) -> nn::Linear {
    let no_bias = nn::LinearConfig {
        bias: false,
        ..Default::default()
    };
    nn::linear(path, width, common, no_bias)
}

impl TextTower {
    fn new(root: &Path, config: &TextConfig, common: i64) -> TextTower {
        let model = root / "text_model";
        let embeddings = &model / "embeddings";
        let width = config.tower.hidden_size;
        TextTower {
            tokens: table(&embeddings / "token_embedding", config.vocab_size, width),
            positions: table(
                &embeddings / "position_embedding",
                config.max_position_embeddings,
                width,
            ),
            norm: layer_norm(
                &model / "final_layer_norm",
                width,
                config.tower.layer_norm_eps,
            ),
            blocks: blocks(&model, &config.tower),
            projection: projection(root / "text_projection", width, common),
            end_of_text: config.eos_token_id,
        }
    }
}

impl VisionTower {
    fn new(root: &Path, config: &VisionConfig, common: i64) -> VisionTower {
        let model = root / "vision_model";
        let embeddings = &model / "embeddings";
        let (width, eps) = (config.tower.hidden_size, config.tower.layer_norm_eps);
        let patch = nn::ConvConfig {
            stride: config.patch_size,
            bias: false,
            ..Default::default()
        };
        VisionTower {
            class: embeddings.zeros("class_embedding", &[width]),
            patches: nn::conv2d(
                &embeddings / "patch_embedding",
                3,
                width,
                config.patch_size,
                patch,
            ),
            positions: table(
                &embeddings / "position_embedding",
                config.positions(),
                width,
            ),
            // misspelled in every checkpoint
            first_norm: layer_norm(&model / "pre_layrnorm", width, eps),
            norm: layer_norm(&model / "post_layernorm", width, eps),
            blocks: blocks(&model, &config.tower),
            projection: projection(root / "visual_projection", width, common),
        }
    }
}

impl Clip {
    /// The parameter by which a CLIP is recognized in a checkpoint.
    pub const MARKER: &'static str = "text_model.embeddings.token_embedding.weight";

    /// Reads the network. Returns it with the modules that it does not have and the number of
    /// parameters of each.
    ///
    /// Errors: `Format` for a parameter that is missing, not finite, of another shape or
    /// unexpected.
    pub fn open(
        config: &ClipConfig,
        weights: &Weights,
        device: Device,
    ) -> Result<(Clip, Vec<(String, usize)>)> {
        config.check_shapes(weights)?;
        let mut store = VarStore::new(device);
        let clip = Clip::new(&store.root(), config);
        let variables: BTreeMap<String, Tensor> = store.variables().into_iter().collect();
        for (name, mut variable) in variables {
            let value = weights.expect(&name, &variable.size())?;
            copy_parameter(&name, &mut variable, &value)?;
        }
        store.freeze();
        // the temperature of its training
        let temperature = |name: &str| name == "logit_scale";
        let left_out = weights.finish("the CLIP of its configuration", &temperature, &|_| false)?;
        Ok((clip, left_out))
    }

    fn new(root: &Path, config: &ClipConfig) -> Clip {
        let common = config.projection_dim;
        Clip {
            text: TextTower::new(root, &config.text_config, common),
            vision: VisionTower::new(root, &config.vision_config, common),
        }
    }

    /// Returns D, the width of the common space.
    pub fn width(&self) -> i64 {
        self.text.projection.ws.size()[0]
    }

    /// Encodes texts: `ids [B, L]` → `[B, projection_dim]`. Each row has an end token; tokens after
    /// it are ignored.
    pub fn text(&self, ids: &Tensor) -> Tensor {
        let length = ids.size()[1];
        let positions = Tensor::arange(length, (Kind::Int64, ids.device()));
        let x = self.text.tokens.forward(ids) + self.text.positions.forward(&positions);
        // causal attention: a token attends to itself and to earlier tokens
        let bias = Tensor::full(
            [length, length],
            f64::NEG_INFINITY,
            (Kind::Float, ids.device()),
        )
        .triu(1);
        let bias = bias.view([1, 1, length, length]);
        let x = self.text.norm.forward(
            &self
                .text
                .blocks
                .iter()
                .fold(x, |x, block| block.forward(&x, &bias)),
        );
        let ends = if self.text.end_of_text == LEGACY_END {
            ids.copy()
        } else {
            ids.eq(self.text.end_of_text).to_kind(Kind::Int)
        };
        let position = ends
            .argmax(1, false)
            .view([-1, 1, 1])
            .expand([-1, 1, x.size()[2]], false); // the first one in a tie
        self.text
            .projection
            .forward(&x.gather(1, &position, false).squeeze_dim(1))
    }

    /// Encodes images: normalised `pixels [B, 3, S, S]` → `[B, projection_dim]`.
    pub fn image(&self, pixels: &Tensor) -> Tensor {
        // [B, D, S/p, S/p] → [B, P, D]
        let patches = self
            .vision
            .patches
            .forward(pixels)
            .flatten(2, 3)
            .transpose(1, 2);
        let class = self
            .vision
            .class
            .view([1, 1, -1])
            .expand([patches.size()[0], 1, -1], false);
        let x = Tensor::cat(&[class, patches], 1) + &self.vision.positions.ws;
        let bias = Tensor::zeros([1, 1, 1, 1], (Kind::Float, pixels.device()));
        let x = self.vision.first_norm.forward(&x);
        let x = self
            .vision
            .blocks
            .iter()
            .fold(x, |x, block| block.forward(&x, &bias));
        self.vision
            .projection
            .forward(&self.vision.norm.forward(&x.select(1, 0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ClipConfig> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        ClipConfig::read(file.path())
    }

    #[test]
    fn missing_values_have_the_defaults_of_the_first_model() {
        let config =
            read(r#"{"text_config": {"eos_token_id": 2}, "vision_config": {"patch_size": 16}}"#)
                .unwrap();
        assert_eq!(
            (
                config.text_config.eos_token_id,
                config.vision_config.patch_size
            ),
            (2, 16)
        );
        assert_eq!(
            (
                config.text_config.tower.num_attention_heads,
                config.vision_config.image_size
            ),
            (8, 224)
        );
    }

    #[test]
    fn invalid_configurations_are_refused_with_the_reason() {
        for (text, expected) in [
            (r#"{"text_config": {"hidden_size": 100}}"#, "divisible"),
            (r#"{"vision_config": {"patch_size": 0}}"#, "below 1"),
            (r#"{"text_config": {"intermediate_size": 0}}"#, "below 1"),
            (
                r#"{"vision_config": {"image_size": 16}}"#,
                "patches of 32 px",
            ),
            (r#"{"vision_config": {"hidden_act": "relu"}}"#, "relu"),
            (r#"{"model_type": "bert"}"#, "bert"),
            ("[]", "CLIP"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
