//! CLIP (Radford et al., ICML 2021, arXiv 2103.00020): a text and an image Transformer that end in
//! one space. Both are pre-norm; sizes and parameter names are those of Hugging Face's `CLIPModel`.

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

/// `config.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ClipConfig {
    pub text_config: TextConfig,
    pub vision_config: VisionConfig,
    /// Width of the common space.
    pub projection_dim: i64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TextConfig {
    #[serde(flatten)]
    pub tower: TowerConfig,
    pub vocab_size: i64,
    /// The longest text in tokens.
    pub max_position_embeddings: i64,
    /// The token whose state is the text's.
    pub eos_token_id: i64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct VisionConfig {
    #[serde(flatten)]
    pub tower: TowerConfig,
    /// Width and height of a picture, in pixels.
    pub image_size: i64,
    pub patch_size: i64,
}

impl VisionConfig {
    /// Returns how many vectors an image is: its patches, and the class token.
    fn positions(&self) -> i64 {
        (self.image_size / self.patch_size)
            .saturating_pow(2)
            .saturating_add(1)
    }
}

/// What both towers have.
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
    /// Refuses a width that does not divide into the heads. The error is a clause.
    fn check_heads(&self) -> std::result::Result<(), String> {
        let (width, heads) = (self.hidden_size, self.num_attention_heads);
        if width > 0 && heads > 0 && width % heads == 0 {
            return Ok(());
        }
        Err(format!(
            "has a width of {width}, which does not divide into {heads} heads"
        ))
    }
}

/// An activation of the feed-forward blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// x·σ(1.702 x).
    QuickGelu,
    Gelu,
}

/// What a `config.json` that leaves it out means: the values of `CLIPConfig`.
const LEFT_OUT: &str = r#"{
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
    /// Whether a text of these ids has an end whose state can stand for it.
    pub fn has_end(&self, ids: &[i64]) -> bool {
        match self.eos_token_id {
            OLD_END => ids.len() > 1 && ids.iter().max() == ids.last(),
            end => ids.contains(&end),
        }
    }
}

/// `eos_token_id` in the first checkpoints, which mean by it the highest id of a text.
const OLD_END: i64 = 2;

impl ClipConfig {
    /// From a `config.json`. Fails where it is not of a CLIP, or has sizes that no network can
    /// have.
    pub fn read(path: &std::path::Path) -> Result<ClipConfig> {
        let unusable =
            |e: serde_json::Error| Error::format(path, format!("is no CLIP configuration: {e}"));
        let mut all: Value = serde_json::from_str(LEFT_OUT).map_err(unusable)?;
        let said: Value = read_json(path, "a CLIP configuration")?;
        if let Some(other) = said.get("model_type").filter(|kind| *kind != "clip") {
            return Err(Error::format(
                path,
                format!("is of a model of the kind {other}, not of a CLIP"),
            ));
        }
        merge_json(&mut all, said);
        let config: ClipConfig = serde_json::from_value(all).map_err(unusable)?;
        config
            .check()
            .map_err(|reason| Error::format(path, reason))?;
        Ok(config)
    }

    /// Refuses weights of other sizes, before anything is allocated for them.
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
                "has patches of {} px in pictures of {}",
                vision.patch_size, vision.image_size
            ));
        }
        let eps = [&text.tower, &vision.tower].map(|tower| tower.layer_norm_eps);
        if eps.iter().any(|eps| !(0.0..1.0).contains(eps)) {
            return Err(format!(
                "has `layer_norm_eps` {eps:?}; expected numbers from 0 to below 1"
            ));
        }
        text.tower.check_heads()?;
        vision.tower.check_heads()
    }
}

/// `x = x + Attention(LayerNorm(x))`, `x = x + FFN(LayerNorm(x))`.
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

    /// `x [B, L, D]`, `bias` that broadcasts to `[B, H, L, L]` → `[B, L, D]`.
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

/// The dual encoder, frozen, on its device.
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
            // spelled so in every checkpoint
            first_norm: layer_norm(&model / "pre_layrnorm", width, eps),
            norm: layer_norm(&model / "post_layernorm", width, eps),
            blocks: blocks(&model, &config.tower),
            projection: projection(root / "visual_projection", width, common),
        }
    }
}

impl Clip {
    /// A parameter by which a CLIP is found in a checkpoint.
    pub const MARKER: &'static str = "text_model.embeddings.token_embedding.weight";

    /// Reads the network, and returns it with what of the weights it does not have and how many
    /// parameters each part has.
    ///
    /// Errors: `Format` where a parameter is missing, is not finite, has another shape, or is one
    /// too many.
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

    /// D, the width of the common space.
    pub fn width(&self) -> i64 {
        self.text.projection.ws.size()[0]
    }

    /// `ids [B, L]`, each row with an end of text, whatever comes after it → `[B, projection_dim]`.
    pub fn text(&self, ids: &Tensor) -> Tensor {
        let length = ids.size()[1];
        let positions = Tensor::arange(length, (Kind::Int64, ids.device()));
        let x = self.text.tokens.forward(ids) + self.text.positions.forward(&positions);
        // a token sees itself and those before it
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
        let ends = if self.text.end_of_text == OLD_END {
            ids.copy()
        } else {
            ids.eq(self.text.end_of_text).to_kind(Kind::Int)
        };
        let at = ends
            .argmax(1, false)
            .view([-1, 1, 1])
            .expand([-1, 1, x.size()[2]], false); // the first of equals
        self.text
            .projection
            .forward(&x.gather(1, &at, false).squeeze_dim(1))
    }

    /// `pixels [B, 3, S, S]`, normalised → `[B, projection_dim]`.
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
    fn what_is_left_out_is_as_in_the_first_model() {
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
    fn a_configuration_that_cannot_be_is_refused_with_the_reason() {
        for (text, why) in [
            (r#"{"text_config": {"hidden_size": 100}}"#, "divide"),
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
            let said = read(text).unwrap_err().to_string();
            assert!(said.contains(why), "{said}");
        }
    }
}
