//! ResNet-50 up to its average pool.
//!
//! He et al., CVPR 2016, arXiv 1512.03385, with the stride in a block's 3×3 convolution as
//! torchvision has it. Parameter names are torchvision's (`conv1.weight`,
//! `layer1.0.bn1.running_mean`, …).

use tch::{Device, Tensor};

use crate::error::{Error, Result};
use crate::model::folded_convolution::{Convolution, ConvolutionShape, Padding};
use crate::model::weights::Weights;

/// The batch norms' ε.
const EPSILON: f64 = 1e-5;

/// Layers: blocks, inner channels, stride of the first block. A block gives 4 × its inner channels.
const LAYERS: [(usize, i64, i64); 4] = [(3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2)];

pub struct ResNet50 {
    stem: Convolution,
    blocks: Vec<Bottleneck>,
}

struct Bottleneck {
    reduce: Convolution,
    middle: Convolution,
    expand: Convolution,
    shortcut: Option<Convolution>,
}

impl ResNet50 {
    /// Width of a pooled picture.
    pub const FEATURES: i64 = 2048;
    /// A parameter that tells such weights from others.
    pub const MARKER: &'static str = "layer4.2.bn3.running_var";

    /// Reads the network. Of other parameters only the classifier's may be there, and
    /// [`Weights::beside`] names what lies beside the network.
    ///
    /// Errors: `Format` where a parameter is missing, is not finite, has another shape, or is one
    /// too many.
    pub fn open(weights: &Weights, device: Device) -> Result<ResNet50> {
        if let Some(other) = other_resnet(weights) {
            return Err(Error::format(
                weights.path(),
                format!("is a {other}; expected a ResNet-50"),
            ));
        }
        let conv = |conv: &str, norm: &str, shape, stride| {
            let form = ConvolutionShape {
                shape,
                stride,
                groups: 1,
                padding: Padding::Centred,
                epsilon: EPSILON,
            };
            Convolution::open(weights, conv, norm, form, device)
        };
        let mut blocks = Vec::new();
        let mut input = 64;
        for (layer, (count, inner, stride)) in LAYERS.into_iter().enumerate() {
            for place in 0..count {
                let name = |part: &str| format!("layer{}.{place}.{part}", layer + 1);
                let stride = if place == 0 { stride } else { 1 };
                let output = inner * 4;
                blocks.push(Bottleneck {
                    reduce: conv(&name("conv1"), &name("bn1"), [inner, input, 1, 1], 1)?,
                    middle: conv(&name("conv2"), &name("bn2"), [inner, inner, 3, 3], stride)?,
                    expand: conv(&name("conv3"), &name("bn3"), [output, inner, 1, 1], 1)?,
                    shortcut: (place == 0)
                        .then(|| {
                            conv(
                                &name("downsample.0"),
                                &name("downsample.1"),
                                [output, input, 1, 1],
                                stride,
                            )
                        })
                        .transpose()?,
                });
                input = output;
            }
        }
        let stem = conv("conv1", "bn1", [64, 3, 7, 7], 2)?;
        let classifier = |name: &str| name.starts_with("fc.");
        weights.finish("a ResNet-50", &classifier, &|_| true)?;
        Ok(ResNet50 { stem, blocks })
    }

    /// Pictures `[N, 3, H, W]` → `[N, 2048]`.
    pub fn forward(&self, pictures: &Tensor) -> Tensor {
        let stem =
            self.stem
                .forward(pictures)
                .relu()
                .max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false);
        let map = self.blocks.iter().fold(stem, |x, block| block.forward(&x));
        map.mean_dim([2i64, 3].as_slice(), false, None)
    }
}

/// Names a network of the same family by the sizes in which it differs; `None` for a ResNet-50 and
/// for what is unknown.
fn other_resnet(weights: &Weights) -> Option<&'static str> {
    let blocks = |layer: usize| {
        (0..)
            .take_while(|n| weights.has(&format!("layer{layer}.{n}.conv1.weight")))
            .count()
    };
    let middle = weights.size("layer1.0.conv2.weight")?;
    if weights
        .names()
        .any(|name| name.contains(".se_module.") || name.contains(".se.") || name.contains(".fc1."))
    {
        return Some("ResNet with squeeze-and-excitation");
    }
    match (middle.as_slice(), blocks(2), blocks(3)) {
        ([128, 128, ..], ..) => Some("wide ResNet"),
        ([64, 64, ..], 4, 23) => Some("ResNet-101"),
        ([64, 64, ..], 8, 36) => Some("ResNet-152"),
        ([_, 4 | 8 | 32, ..], ..) => Some("ResNeXt"),
        _ => None,
    }
}

impl Bottleneck {
    fn forward(&self, x: &Tensor) -> Tensor {
        let inner = self.middle.forward(&self.reduce.forward(x).relu()).relu();
        let around = self
            .shortcut
            .as_ref()
            .map_or_else(|| x.shallow_clone(), |shortcut| shortcut.forward(x));
        (self.expand.forward(&inner) + around).relu()
    }
}
