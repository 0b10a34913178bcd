//! ResNet-50 up to its average pool.
//!
//! He et al., CVPR 2016, arXiv 1512.03385, with the stride in the 3×3 convolution of a block, as in
//! torchvision. Parameter names are torchvision's (`conv1.weight`,
//! `layer1.0.bn1.running_mean`, …).

use tch::{Device, Tensor};

use crate::error::{Error, Result};
use crate::model::folded_convolution::{Convolution, ConvolutionShape, Padding};
use crate::model::weights::Weights;

/// The ε of the batch norms.
const EPSILON: f64 = 1e-5;

/// The layers: blocks, inner channels, stride of the first block. A block has 4 times as many
/// output channels as inner channels.
const LAYERS: [(usize, i64, i64); 4] = [(3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2)];

/// The network up to its average pool.
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
    /// The number of features of an image.
    pub const FEATURES: i64 = 2048;
    /// The parameter by which the network is recognized in a checkpoint.
    pub const MARKER: &'static str = "layer4.2.bn3.running_var";

    /// Reads the network. The weights may also have a classifier. [`Weights::other_parts`] lists
    /// the other modules of the file.
    ///
    /// Errors: `Format` for another ResNet, and for a parameter that is missing, not finite, of
    /// another shape or unexpected.
    pub fn open(weights: &Weights, device: Device) -> Result<ResNet50> {
        if let Some(other) = other_resnet(weights) {
            return Err(Error::format(
                weights.path(),
                format!("is a {other} (expected a ResNet-50)"),
            ));
        }
        let conv = |conv: &str, norm: &str, shape, stride| {
            let config = ConvolutionShape {
                shape,
                stride,
                groups: 1,
                padding: Padding::Centred,
                epsilon: EPSILON,
            };
            Convolution::open(weights, conv, norm, config, device)
        };
        let mut blocks = Vec::new();
        let mut input = 64;
        for (layer, (count, inner, stride)) in LAYERS.into_iter().enumerate() {
            for number in 0..count {
                let name = |part: &str| format!("layer{}.{number}.{part}", layer + 1);
                let stride = if number == 0 { stride } else { 1 };
                let output = inner * 4;
                let reduce = conv(&name("conv1"), &name("bn1"), [inner, input, 1, 1], 1)?;
                let middle = conv(&name("conv2"), &name("bn2"), [inner, inner, 3, 3], stride)?;
                let expand = conv(&name("conv3"), &name("bn3"), [output, inner, 1, 1], 1)?;
                let mut shortcut = None;
                if number == 0 {
                    let shape = [output, input, 1, 1];
                    let (convolution, norm) = (name("downsample.0"), name("downsample.1"));
                    shortcut = Some(conv(&convolution, &norm, shape, stride)?);
                }
                blocks.push(Bottleneck {
                    reduce,
                    middle,
                    expand,
                    shortcut,
                });
                input = output;
            }
        }
        let stem = conv("conv1", "bn1", [64, 3, 7, 7], 2)?;
        let classifier = |name: &str| name.starts_with("fc.");
        weights.finish("a ResNet-50", &classifier, &|_| true)?;
        Ok(ResNet50 { stem, blocks })
    }

    /// Computes the features of images: `[N, 3, H, W]` → `[N, 2048]`.
    pub fn forward(&self, images: &Tensor) -> Tensor {
        let stem =
            self.stem
                .forward(images)
                .relu()
                .max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false);
        let map = self.blocks.iter().fold(stem, |x, block| block.forward(&x));
        map.mean_dim([2i64, 3].as_slice(), false, None)
    }
}

/// Recognizes another network of the same family by its sizes. Returns `None` for a ResNet-50, and
/// if there is no sign of another one.
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
        let shortcut = self
            .shortcut
            .as_ref()
            .map_or_else(|| x.shallow_clone(), |shortcut| shortcut.forward(x));
        (self.expand.forward(&inner) + shortcut).relu()
    }
}
