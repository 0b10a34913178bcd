//! How good a ranking is: metrics, their means over queries and classes, runs and gold as files.

mod aggregate;
mod metrics;
pub mod run;

pub use aggregate::{Evaluation, aggregate};
pub use metrics::{average_precision, gold, measure, precision};
