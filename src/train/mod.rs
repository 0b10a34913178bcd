//! Pre-training by the paper's four tasks and by tasks that align sentences with images.
//!
//! * `train_config` – all settings and the presets; `task` – the tasks and their weights; `paths`
//! * `loss` – the losses of the tasks; `soft_targets` – a softer target for masked entity
//!   prediction; `teacher` – the momentum teacher
//! * `sampler`, `schedule` – the pairs and the steps of an epoch; `mining` – positives and hard
//!   negatives
//! * `step_batch`, `step` – the input and the computation of one step; `alignment` – the losses of
//!   image–text contrast, matching and masked language modelling; `optimizer` – AdamW
//! * `trainer` – the training loop; `train_state` – its state and the checkpoint
//! * `entity_states`, `validation` – entity vectors of the current model and its MAP on held-out
//!   queries; `epoch_log` – the log file

mod alignment;
mod entity_states;
mod epoch_log;
pub mod loss;
mod mining;
pub mod optimizer;
pub mod paths;
mod sampler;
mod schedule;
mod soft_targets;
mod step;
mod step_batch;
pub mod task;
mod teacher;
pub mod train_config;
mod train_state;
pub mod trainer;
mod validation;

pub use entity_states::entity_vectors;
pub use task::{Task, TaskSet};
pub use train_config::{MINI_ENCODERS, Preset, TrainConfig};
pub use trainer::{train, train_to_completion};
