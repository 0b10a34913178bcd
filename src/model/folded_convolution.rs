//! A frozen convolution with its batch norm folded in, the building block of both image networks.

use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::model::finite::find_not_finite;
use crate::model::weights::Weights;

/// The placement of zeros around the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    /// (k − 1)/2 zeros on every side, as in PyTorch's networks.
    Centred,
    /// TensorFlow's "same": the output has ⌈side/stride⌉ pixels. If the number of zeros is uneven,
    /// the extra one is at the right and the bottom.
    Same,
}

/// A convolution y = w ∗ x + b: `[N, Cin, H, W]` → `[N, Cout, H', W']`.
pub(super) struct Convolution {
    weight: Tensor,
    bias: Tensor,
    stride: i64,
    groups: i64,
    padding: Padding,
}

/// The shape and the settings of a convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConvolutionShape {
    pub shape: [i64; 4],
    pub stride: i64,
    pub groups: i64,
    pub padding: Padding,
    /// The ε of the batch norm.
    pub epsilon: f64,
}

impl Convolution {
    /// Reads `conv`.weight of shape `[Cout, Cin/groups, k, k]` and the batch norm `norm`, and folds
    /// them in f64: w' = w·γ/√(σ²+ε), b = β − μ·γ/√(σ²+ε).
    pub fn open(
        weights: &Weights,
        conv: &str,
        norm: &str,
        config: ConvolutionShape,
        device: Device,
    ) -> Result<Convolution> {
        let channels = config.shape[0];
        let read = |name: &str| {
            Ok::<_, Error>(
                weights
                    .expect(&format!("{norm}.{name}"), &[channels])?
                    .to_kind(Kind::Double),
            )
        };
        let weight = weights
            .expect(&format!("{conv}.weight"), &config.shape)?
            .to_kind(Kind::Double);
        let scale = read("weight")? / (read("running_var")? + config.epsilon).sqrt();
        let bias = read("bias")? - read("running_mean")? * &scale;
        let weight = (weight * scale.view([-1, 1, 1, 1])).to_kind(Kind::Float);
        let bias = bias.to_kind(Kind::Float);
        for folded in [&weight, &bias] {
            if let Some(found) = find_not_finite(folded)? {
                let reason = format!(
                    "has an invalid batch norm `{norm}` (negative variance?), which results in {found}"
                );
                return Err(Error::format(weights.path(), reason));
            }
        }
        Ok(Convolution {
            weight: weight.to_device(device),
            bias: bias.to_device(device),
            stride: config.stride,
            groups: config.groups,
            padding: config.padding,
        })
    }

    /// Applies the convolution.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let kernel = self.weight.size()[3];
        let (height, width) = (x.size()[2], x.size()[3]);
        // zeros in total, vertical and horizontal
        let zeros = match self.padding {
            Padding::Centred => [kernel - 1; 2],
            Padding::Same => [height, width].map(|side| {
                let out = (side + self.stride - 1) / self.stride;
                ((out - 1) * self.stride + kernel - side).max(0)
            }),
        };
        let even = zeros.iter().all(|n| n % 2 == 0);
        let (x, padding) = if even {
            (x.shallow_clone(), zeros.map(|n| n / 2))
        } else {
            let [vertical, horizontal] = zeros;
            (
                x.constant_pad_nd([
                    horizontal / 2,
                    horizontal - horizontal / 2,
                    vertical / 2,
                    vertical - vertical / 2,
                ]),
                [0; 2],
            )
        };
        x.conv2d(
            &self.weight,
            Some(&self.bias),
            [self.stride; 2],
            padding,
            [1, 1],
            self.groups,
        )
    }
}
