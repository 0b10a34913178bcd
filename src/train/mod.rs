//! Pre-training: the sampler, the tasks' losses, the optimizer, the trainer.

pub mod config;
pub mod loss;
pub mod optimizer;
pub mod sampler;
pub mod trainer;

pub use config::{Preset, TrainConfig};
pub use trainer::train;
