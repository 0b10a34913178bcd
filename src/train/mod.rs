//! Pre-training by the paper's four tasks, and by those that align sentences with pictures.
//!
//! * `config` – every setting, and the presets; `task` – the tasks and their weights
//! * `loss` – their losses; `neighbours` – a softer target for masked entity prediction; `teacher`
//!   – the momentum copy
//! * `alignment` – steps of image–text contrast, matching and masked language modelling
//! * `sampler`, `schedule` – which pairs, in which steps; `mining` – positives and hard negatives
//! * `trainer` – the loop; `state` – what it goes on from; `optimizer` – AdamW whose state can be
//!   kept
//! * `forward`, `validate` – the model so far, and how well it ranks held-out queries; `log` – what
//!   is told of it

mod alignment;
pub mod config;
mod forward;
mod log;
pub mod loss;
mod mining;
mod neighbours;
pub mod optimizer;
mod sampler;
mod schedule;
mod state;
pub mod task;
mod teacher;
pub mod trainer;
mod validate;

pub use config::{Preset, TrainConfig};
pub use forward::entity_vectors;
pub use task::{Task, Tasks};
pub use trainer::{to_the_end, train};
