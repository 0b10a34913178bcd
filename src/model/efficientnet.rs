//! EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation, and with ReLU6 instead of
//! swish.
//!
//! Tan & Le, ICML 2019, arXiv 1905.11946; the Lite variant is TensorFlow's
//! `efficientnet_lite_builder.py`. Parameter names are those of EfficientNet-PyTorch
//! (`_conv_stem.weight`, `_blocks.0._bn1.running_mean`, …).

use tch::{Device, Tensor};

use crate::error::{Error, Result};
use crate::model::folded_convolution::{Convolution, ConvolutionShape, Padding};
use crate::model::weights::Weights;

/// The ε of the batch norms.
const EPSILON: f64 = 1e-3;

/// The stages: blocks, kernel, stride of the first block, expansion, input channels, output
/// channels.
const STAGES: [(usize, i64, i64, i64, i64, i64); 7] = [
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
];

/// The network up to the last feature map.
pub struct EfficientNetLite0 {
    stem: Convolution,
    blocks: Vec<Block>,
    head: Convolution,
}

/// A mobile inverted bottleneck: an expansion, a depthwise convolution and a projection, plus the
/// input if the shapes agree.
struct Block {
    expand: Option<Convolution>,
    depthwise: Convolution,
    project: Convolution,
    skip: bool,
}

/// The sizes of one block.
struct BlockSizes {
    kernel: i64,
    stride: i64,
    expansion: i64,
    input: i64,
    output: i64,
}

/// Reads layers from the weights onto a device.
struct LayerReader<'a> {
    weights: &'a Weights,
    device: Device,
}

impl LayerReader<'_> {
    /// Reads the convolution and the batch norm with these names.
    fn convolution(
        &self,
        convolution: &str,
        norm: &str,
        shape: [i64; 4],
        stride: i64,
        groups: i64,
    ) -> Result<Convolution> {
        let config = ConvolutionShape {
            shape,
            stride,
            groups,
            padding: Padding::Same,
            epsilon: EPSILON,
        };
        Convolution::open(self.weights, convolution, norm, config, self.device)
    }

    /// Reads the block with this number, counted over all stages.
    fn block(&self, number: usize, sizes: &BlockSizes) -> Result<Block> {
        let &BlockSizes {
            kernel,
            stride,
            expansion,
            input,
            output,
        } = sizes;
        let name = |part: &str| format!("_blocks.{number}.{part}");
        let wide = input * expansion;
        let mut expand = None;
        if expansion > 1 {
            let shape = [wide, input, 1, 1];
            expand = Some(self.convolution(&name("_expand_conv"), &name("_bn0"), shape, 1, 1)?);
        }
        let depthwise = self.convolution(
            &name("_depthwise_conv"),
            &name("_bn1"),
            [wide, 1, kernel, kernel],
            stride,
            wide,
        )?;
        let project = self.convolution(
            &name("_project_conv"),
            &name("_bn2"),
            [output, wide, 1, 1],
            1,
            1,
        )?;
        Ok(Block {
            expand,
            depthwise,
            project,
            skip: stride == 1 && input == output,
        })
    }
}

impl EfficientNetLite0 {
    /// The width and height of the training images, in pixels.
    pub const SIDE: i64 = 224;
    /// The number of channels of the last feature map.
    pub const FEATURES: i64 = 1280;
    /// The number of input pixels per pixel of the last feature map, along each side.
    pub const STRIDE: i64 = 32;
    /// The parameter by which the network is recognized in a checkpoint.
    pub const MARKER: &'static str = "_conv_stem.weight";

    /// Reads the network. The weights may also have a classifier. [`Weights::other_parts`] lists
    /// the other modules of the file.
    ///
    /// Errors: `Format` for another EfficientNet, and for a parameter that is missing, not finite,
    /// of another shape or unexpected.
    pub fn open(weights: &Weights, device: Device) -> Result<EfficientNetLite0> {
        if let Some(other) = other_efficientnet(weights) {
            return Err(Error::format(
                weights.path(),
                format!("is {other} (expected an EfficientNet-Lite0)"),
            ));
        }
        let reader = LayerReader { weights, device };
        let mut blocks = Vec::new();
        for (count, kernel, stride, expansion, input, output) in STAGES {
            for number in 0..count {
                let first = number == 0;
                let sizes = BlockSizes {
                    kernel,
                    stride: if first { stride } else { 1 },
                    expansion,
                    input: if first { input } else { output },
                    output,
                };
                blocks.push(reader.block(blocks.len(), &sizes)?);
            }
        }
        let stem = reader.convolution("_conv_stem", "_bn0", [32, 3, 3, 3], 2, 1)?;
        let head_shape = [Self::FEATURES, 320, 1, 1];
        let head = reader.convolution("_conv_head", "_bn1", head_shape, 1, 1)?;
        let classifier = |name: &str| name.starts_with("_fc.");
        weights.finish("an EfficientNet-Lite0", &classifier, &|_| true)?;
        Ok(EfficientNetLite0 { stem, blocks, head })
    }

    /// Computes the last feature map of normalised images:
    /// `[N, 3, H, W]` → `[N, 1280, ⌈H/32⌉, ⌈W/32⌉]`.
    pub fn forward(&self, images: &Tensor) -> Tensor {
        let stem = self.stem.forward(images).relu6();
        let deep = self.blocks.iter().fold(stem, |x, block| block.forward(&x));
        self.head.forward(&deep).relu6()
    }
}

/// Recognizes another network of the same family by its parameters. Returns `None` if there is no
/// sign of one.
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
