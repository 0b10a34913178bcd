//! EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation, ReLU6 for swish.
//!
//! Tan & Le, ICML 2019, arXiv 1905.11946; the Lite variant is TensorFlow's
//! `efficientnet_lite_builder.py`. Parameter names are those of EfficientNet-PyTorch
//! (`_conv_stem.weight`, `_blocks.0._bn1.running_mean`, …).

use tch::{Device, Tensor};

use super::convolution::{Convolution, Form, Padding};
use super::weights::Weights;
use crate::error::{Error, Result};

/// The batch norms' ε.
const EPSILON: f64 = 1e-3;

/// Stages: blocks, kernel, stride of the first block, expansion, channels in, channels out.
const STAGES: [(usize, i64, i64, i64, i64, i64); 7] = [
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
];

/// The network up to its last feature map.
pub struct EfficientNetLite0 {
    stem: Convolution,
    blocks: Vec<Block>,
    head: Convolution,
}

/// A mobile inverted bottleneck: widen, one kernel a channel, narrow; plus the input where shapes
/// agree.
struct Block {
    expand: Option<Convolution>,
    depthwise: Convolution,
    project: Convolution,
    skip: bool,
}

impl EfficientNetLite0 {
    /// The side the weights were trained at, in pixels.
    pub const SIDE: i64 = 224;
    /// Channels of the last feature map.
    pub const FEATURES: i64 = 1280;
    /// Pixels of the input to one of the last feature map.
    pub const STRIDE: i64 = 32;
    /// A parameter that tells such weights from others.
    pub const MARK: &'static str = "_conv_stem.weight";

    /// Reads the network. Of other parameters only the classifier's may be there, and
    /// [`Weights::beside`] names what lies beside the network.
    ///
    /// Errors: `Format` where a parameter is missing, is not finite, has another shape, or is one
    /// too many.
    pub fn open(weights: &Weights, device: Device) -> Result<EfficientNetLite0> {
        if let Some(other) = other_efficientnet(weights) {
            return Err(Error::format(
                weights.path(),
                format!("is {other}; expected an EfficientNet-Lite0"),
            ));
        }
        let conv = |conv: &str, norm: &str, shape, stride, groups| {
            let form = Form {
                shape,
                stride,
                groups,
                padding: Padding::Same,
                epsilon: EPSILON,
            };
            Convolution::open(weights, conv, norm, form, device)
        };
        let mut blocks = Vec::new();
        for (count, kernel, stride, expansion, input, output) in STAGES {
            for place in 0..count {
                let (stride, input) = if place == 0 {
                    (stride, input)
                } else {
                    (1, output)
                };
                let name = |part: &str| format!("_blocks.{}.{part}", blocks.len());
                let wide = input * expansion;
                let expand = (expansion > 1)
                    .then(|| {
                        conv(
                            &name("_expand_conv"),
                            &name("_bn0"),
                            [wide, input, 1, 1],
                            1,
                            1,
                        )
                    })
                    .transpose()?;
                let deep = [wide, 1, kernel, kernel];
                let depthwise = conv(&name("_depthwise_conv"), &name("_bn1"), deep, stride, wide)?;
                let project = conv(
                    &name("_project_conv"),
                    &name("_bn2"),
                    [output, wide, 1, 1],
                    1,
                    1,
                )?;
                blocks.push(Block {
                    expand,
                    depthwise,
                    project,
                    skip: stride == 1 && input == output,
                });
            }
        }
        let stem = conv("_conv_stem", "_bn0", [32, 3, 3, 3], 2, 1)?;
        let head = conv("_conv_head", "_bn1", [Self::FEATURES, 320, 1, 1], 1, 1)?;
        let classifier = |name: &str| name.starts_with("_fc.");
        weights.finish("an EfficientNet-Lite0", &classifier, &|_| true)?;
        Ok(EfficientNetLite0 { stem, blocks, head })
    }

    /// Normalised pictures `[N, 3, H, W]` → the last feature map `[N, 1280, ⌈H/32⌉, ⌈W/32⌉]`.
    pub fn forward(&self, pictures: &Tensor) -> Tensor {
        let stem = self.stem.forward(pictures).relu6();
        let deep = self.blocks.iter().fold(stem, |x, block| block.forward(&x));
        self.head.forward(&deep).relu6()
    }
}

/// Names a network of the same family by what it has and a Lite0 has not; `None` for what is
/// unknown.
fn other_efficientnet(weights: &Weights) -> Option<String> {
    if weights.names().any(|name| name.contains("._se_")) {
        return Some("an EfficientNet with squeeze-and-excitation (B0 to B8)".into());
    }
    let own: usize = STAGES.iter().map(|(blocks, ..)| blocks).sum();
    let blocks = (0..)
        .take_while(|n| weights.has(&format!("_blocks.{n}._project_conv.weight")))
        .count();
    (blocks > own).then(|| format!("an EfficientNet of {blocks} blocks, such as Lite1 to Lite4"))
}

impl Block {
    fn forward(&self, x: &Tensor) -> Tensor {
        let wide = self
            .expand
            .as_ref()
            .map_or_else(|| x.shallow_clone(), |expand| expand.forward(x).relu6());
        let narrow = self.project.forward(&self.depthwise.forward(&wide).relu6());
        if self.skip { narrow + x } else { narrow }
    }
}
