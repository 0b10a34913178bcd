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
mod entity_states;
mod log;
pub mod loss;
mod mining;
pub mod optimizer;
mod sampler;
mod schedule;
mod soft_targets;
pub mod task;
mod teacher;
mod train_state;
pub mod trainer;
mod validation;

pub use config::{Preset, TrainConfig};
pub use entity_states::entity_vectors;
pub use task::{Task, Tasks};
pub use trainer::{to_the_end, train};
