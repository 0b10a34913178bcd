//! AdamW (Loshchilov and Hutter 2019) whose state can be saved and restored, which tch's own does
//! not offer.

use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::model::parameters::copy_parameter;
use crate::model::weights::Weights;

/// One trained parameter.
#[derive(Debug)]
struct Parameter {
    name: String,
    value: Tensor,
    mean: Tensor,
    square: Tensor,
    learning_rate: f64,
    decay: f64,
}

impl Parameter {
    /// Returns the gradient, or 0 if the loss has not reached the parameter.
    fn gradient(&self) -> Tensor {
        let gradient = self.value.grad();
        if gradient.defined() {
            gradient
        } else {
            self.value.zeros_like()
        }
    }
}

/// The decay rates of the running moments, as in the paper's defaults.
const BETAS: (f64, f64) = (0.9, 0.999);
const EPS: f64 = 1e-8;

#[derive(Debug, Default)]
pub struct AdamW {
    parameters: Vec<Parameter>,
    steps: i64,
}

impl AdamW {
    /// Adds a parameter with its own learning rate and weight decay.
    pub fn add(&mut self, name: String, value: Tensor, learning_rate: f64, decay: f64) {
        let (mean, square) = (value.zeros_like().detach(), value.zeros_like().detach());
        self.parameters.push(Parameter {
            name,
            value,
            mean,
            square,
            learning_rate,
            decay,
        });
    }

    pub fn zero_grad(&mut self) {
        self.parameters.iter_mut().for_each(|p| p.value.zero_grad());
    }

    /// Scales the gradients of the parameters that `trains` selects so that their common norm is at
    /// max_norm `max_norm`. Returns the norm before.
    pub fn clip_gradient_norm(&mut self, max_norm: f64, trains: impl Fn(&str) -> bool) -> f64 {
        tch::no_grad(|| {
            // A missing gradient counts as zeros: the rounding of the sum depends on the number of
            // terms.
            let grads: Vec<Tensor> = self
                .parameters
                .iter()
                .filter(|p| trains(&p.name))
                .map(Parameter::gradient)
                .collect();
            if grads.is_empty() {
                return 0.0;
            }
            let squares: Vec<Tensor> = grads.iter().map(|g| g.square().sum(Kind::Float)).collect();
            let norm = Tensor::stack(&squares, 0)
                .sum(Kind::Float)
                .sqrt()
                .double_value(&[]);
            if norm > max_norm {
                grads.into_iter().for_each(|mut g| {
                    let _ = g.g_mul_scalar_(max_norm / (norm + 1e-6));
                });
            }
            norm
        })
    }

    /// Performs one step on the parameters that `trains` selects, with `scale` as a factor of every
    /// learning rate. The other parameters and their moments do not change. A parameter that the
    /// loss did not reach has a gradient of 0, whether or not it had one before.
    pub fn step(&mut self, scale: f64, trains: impl Fn(&str) -> bool) {
        self.steps += 1;
        let (b1, b2) = BETAS;
        let n = self.steps as i32;
        let (c1, c2) = (1.0 - b1.powi(n), 1.0 - b2.powi(n));
        tch::no_grad(|| {
            for p in self.parameters.iter_mut().filter(|p| trains(&p.name)) {
                let grad = p.gradient();
                let rate = p.learning_rate * scale;
                let _ = p.value.g_mul_scalar_(1.0 - rate * p.decay);
                let _ = p.mean.lerp_(&grad, 1.0 - b1);
                let _ = p
                    .square
                    .g_mul_scalar_(b2)
                    .addcmul_(&(&grad * (1.0 - b2)), &grad);
                let _ = p
                    .value
                    .addcdiv_(&(&p.mean * (-rate / c1)), &((&p.square / c2).sqrt() + EPS));
            }
        });
    }

    /// Returns the state as named tensors.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        let moments = self.parameters.iter().flat_map(|p| {
            [
                (format!("mean.{}", p.name), p.mean.shallow_clone()),
                (format!("square.{}", p.name), p.square.shallow_clone()),
            ]
        });
        moments
            .chain([("steps".to_owned(), Tensor::from(self.steps))])
            .collect()
    }

    /// Restores a state that [`AdamW::state`] returned.
    pub fn restore(&mut self, state: &Weights) -> Result<()> {
        for p in &mut self.parameters {
            copy_parameter(
                &p.name,
                &mut p.mean,
                &state.get(&format!("mean.{}", p.name))?,
            )?;
            copy_parameter(
                &p.name,
                &mut p.square,
                &state.get(&format!("square.{}", p.name))?,
            )?;
        }
        let steps = state.get("steps")?;
        self.steps = i64::try_from(&steps).map_err(|e| Error::Torch {
            operation: "reading the optimizer's step".into(),
            message: e.to_string(),
        })?;
        Ok(())
    }
}
