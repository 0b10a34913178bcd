//! A frozen convolution with its batch norm folded in: what both image networks are made of.

use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::model::finite::find_not_finite;
use crate::model::weights::Weights;

/// Where zeros go around the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    /// (k − 1)/2 on every side, as PyTorch's networks have it.
    Centred,
    /// TensorFlow's "same": ⌈side/stride⌉ out; an odd zero goes right and below.
    Same,
}

/// y = w ∗ x + b, `[N, Cin, H, W]` → `[N, Cout, H', W']`.
pub(super) struct Convolution {
    weight: Tensor,
    bias: Tensor,
    stride: i64,
    groups: i64,
    padding: Padding,
}

/// What the parameters do not tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConvolutionShape {
    pub shape: [i64; 4],
    pub stride: i64,
    pub groups: i64,
    pub padding: Padding,
    /// The batch norm's ε.
    pub epsilon: f64,
}

impl Convolution {
    /// Reads `conv`.weight of `form.shape` `[Cout, Cin/groups, k, k]` and the batch norm `norm`,
    /// and folds them (in f64): w' = w·γ/√(σ²+ε), b = β − μ·γ/√(σ²+ε).
    pub fn open(
        weights: &Weights,
        conv: &str,
        norm: &str,
        form: ConvolutionShape,
        device: Device,
    ) -> Result<Convolution> {
        let channels = form.shape[0];
        let read = |name: &str| {
            Ok::<_, Error>(
                weights
                    .expect(&format!("{norm}.{name}"), &[channels])?
                    .to_kind(Kind::Double),
            )
        };
        let weight = weights
            .expect(&format!("{conv}.weight"), &form.shape)?
            .to_kind(Kind::Double);
        let scale = read("weight")? / (read("running_var")? + form.epsilon).sqrt();
        let bias = read("bias")? - read("running_mean")? * &scale;
        let weight = (weight * scale.view([-1, 1, 1, 1])).to_kind(Kind::Float);
        let bias = bias.to_kind(Kind::Float);
        for folded in [&weight, &bias] {
            if let Some(found) = find_not_finite(folded)? {
                let reason = format!(
                    "has a batch norm “{norm}” that cannot be (a negative variance?): with it {found}"
                );
                return Err(Error::format(weights.path(), reason));
            }
        }
        Ok(Convolution {
            weight: weight.to_device(device),
            bias: bias.to_device(device),
            stride: form.stride,
            groups: form.groups,
            padding: form.padding,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Tensor {
        let kernel = self.weight.size()[3];
        let (height, width) = (x.size()[2], x.size()[3]);
        let zeros = match self.padding {
            Padding::Centred => [kernel - 1; 2],
            Padding::Same => [height, width].map(|side| {
                let out = (side + self.stride - 1) / self.stride;
                ((out - 1) * self.stride + kernel - side).max(0)
            }),
        };
        let even = zeros.iter().all(|n| n % 2 == 0);
        let (x, around) = if even {
            (x.shallow_clone(), zeros.map(|n| n / 2))
        } else {
            let [down, across] = zeros;
            (
                x.constant_pad_nd([across / 2, across - across / 2, down / 2, down - down / 2]),
                [0; 2],
            )
        };
        x.conv2d(
            &self.weight,
            Some(&self.bias),
            [self.stride; 2],
            around,
            [1, 1],
            self.groups,
        )
    }
}
