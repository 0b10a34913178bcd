//! ResNet-50 up to its average pool.
//!
//! He et al., CVPR 2016, arXiv 1512.03385, with the stride in a block's 3×3 convolution as torchvision has it.
//! Parameter names are torchvision's (`conv1.weight`, `layer1.0.bn1.running_mean`, …).

use tch::{Device, Tensor};

use super::convolution::{Convolution, Form, Padding};
use super::weights::Weights;
use crate::error::Result;

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
    pub const MARK: &'static str = "layer4.2.bn3.running_var";

    /// Fails where a parameter is missing or has another shape.
    pub fn open(weights: &Weights, device: Device) -> Result<ResNet50> {
        let conv = |conv: &str, norm: &str, shape, stride| {
            let form = Form { shape, stride, groups: 1, padding: Padding::Centred, epsilon: EPSILON };
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
                        .then(|| conv(&name("downsample.0"), &name("downsample.1"), [output, input, 1, 1], stride))
                        .transpose()?,
                });
                input = output;
            }
        }
        Ok(ResNet50 { stem: conv("conv1", "bn1", [64, 3, 7, 7], 2)?, blocks })
    }

    /// Pictures `[N, 3, H, W]` → `[N, 2048]`.
    pub fn forward(&self, pictures: &Tensor) -> Tensor {
        let stem = self.stem.forward(pictures).relu().max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false);
        let map = self.blocks.iter().fold(stem, |x, block| block.forward(&x));
        map.mean_dim([2i64, 3].as_slice(), false, None)
    }
}

impl Bottleneck {
    fn forward(&self, x: &Tensor) -> Tensor {
        let inner = self.middle.forward(&self.reduce.forward(x).relu()).relu();
        let around = self.shortcut.as_ref().map_or_else(|| x.shallow_clone(), |shortcut| shortcut.forward(x));
        (self.expand.forward(&inner) + around).relu()
    }
}
