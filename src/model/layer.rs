//! The Transformer layer of the vision and cross-modal encoders, and the attention function that
//! BERT uses too.
//!
//! `x = x + LayerNorm(Attention(x))`, `x = x + LayerNorm(FFN(x))`: the norm is on the branch's
//! output, so that a layer with gains close to 0 is close to the identity. Parameter names are
//! those of the published code.

use tch::nn::{self, Module, Path};
use tch::{Kind, Tensor};

/// The sizes and rates of a layer.
#[derive(Debug, Clone, Copy)]
pub struct LayerConfig {
    pub width: i64,
    pub heads: i64,
    pub feed_forward: i64,
    pub dropout: f64,
    pub eps: f64,
    pub compute: Kind,
}

/// Makes a layer norm over vectors of `width`.
pub fn layer_norm(path: Path, width: i64, eps: f64) -> nn::LayerNorm {
    nn::layer_norm(
        path,
        vec![width],
        nn::LayerNormConfig {
            eps,
            ..Default::default()
        },
    )
}

/// Scales `rows [N, D]` to unit length. A row of length 0 stays 0.
pub fn unit_rows(rows: &Tensor) -> Tensor {
    let rows = rows.to_kind(Kind::Float);
    &rows
        / rows
            .norm_scalaropt_dim(2.0, [1i64].as_slice(), true)
            .clamp_min(1e-12)
}

/// Returns the bias of attention scores: 0 where `keep` is true, −1e9 elsewhere.
/// `[B, L]` bool → `[B, 1, 1, L]`.
pub fn attention_bias(keep: &Tensor) -> Tensor {
    (keep.logical_not().to_kind(Kind::Float) * -1e9)
        .unsqueeze(1)
        .unsqueeze(1)
}

/// Computes multi-head attention of q, k, v `[B, L, D]` with `bias [B, 1, 1, L]` → `[B, L, D]`.
pub fn attend(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    bias: &Tensor,
    heads: i64,
    dropout: f64,
) -> Tensor {
    // the input of every caller is [B, L, D] by construction
    let (b, l, d) = q
        .size3()
        .expect("attention takes [B, L, D]: shapes are fixed by the layers that call it");
    let split = |x: &Tensor| x.view([b, l, heads, d / heads]).transpose(1, 2); // [B, H, L, D/H]
    let bias = bias.to_kind(q.kind());
    Tensor::scaled_dot_product_attention(
        &split(q),
        &split(k),
        &split(v),
        Some(&bias),
        dropout,
        false,
        None,
        false,
    )
    .transpose(1, 2)
    .reshape([b, l, d])
}

/// Applies a linear map in `kind`. The result has this kind.
pub fn linear(map: &nn::Linear, x: &Tensor, kind: Kind) -> Tensor {
    let cast = |t: &Tensor| t.to_kind(kind);
    cast(x).linear(&cast(&map.ws), map.bs.as_ref().map(cast))
}

/// One layer of the vision or the cross-modal encoder.
#[derive(Debug)]
pub struct TransformerLayer {
    qkv: [nn::Linear; 3],
    output: nn::Linear,
    attention_norm: nn::LayerNorm,
    inner: nn::Linear,
    outer: nn::Linear,
    feed_forward_norm: nn::LayerNorm,
    config: LayerConfig,
}

impl TransformerLayer {
    pub fn new(path: Path, config: LayerConfig) -> Self {
        let LayerConfig {
            width,
            feed_forward,
            eps,
            ..
        } = config;
        let linear = |p: Path| nn::linear(p, width, width, Default::default());
        let attention = &path / 0;
        let maps = &attention / "fn" / "linear_layers";
        let branch = &path / 1;
        let net = &branch / "fn" / "net";
        TransformerLayer {
            qkv: [linear(&maps / 0), linear(&maps / 1), linear(&maps / 2)],
            output: linear(&attention / "fn" / "output_linear"),
            attention_norm: layer_norm(&attention / "norm", width, eps),
            inner: nn::linear(&net / 0, width, feed_forward, Default::default()),
            outer: nn::linear(&net / 3, feed_forward, width, Default::default()),
            feed_forward_norm: layer_norm(&branch / "norm", width, eps),
            config,
        }
    }

    /// Applies the layer: `x [B, L, D]`, `bias [B, 1, 1, L]` → `[B, L, D]`.
    pub fn forward(&self, x: &Tensor, bias: &Tensor, train: bool) -> Tensor {
        let LayerConfig {
            heads,
            dropout,
            compute,
            ..
        } = self.config;
        let rate = if train { dropout } else { 0.0 };
        let [q, k, v] = self.qkv.each_ref().map(|map| linear(map, x, compute));
        let attended = linear(
            &self.output,
            &attend(&q, &k, &v, bias, heads, rate),
            compute,
        );
        let x = x + self.attention_norm.forward(&attended.to_kind(Kind::Float));
        let inner = linear(&self.inner, &x, compute)
            .gelu("none")
            .dropout(dropout, train);
        let outer = linear(&self.outer, &inner, compute).dropout(dropout, train);
        &x + self.feed_forward_norm.forward(&outer.to_kind(Kind::Float))
    }

    /// Sets the gains of both norms. With a gain close to 0 the layer starts as the identity.
    pub fn set_gain(&mut self, gain: f64) {
        for norm in [&mut self.attention_norm, &mut self.feed_forward_norm] {
            if let Some(ws) = &mut norm.ws {
                tch::no_grad(|| {
                    let _ = ws.fill_(gain);
                });
            }
        }
    }
}
