//! What the front ends talk to: plain requests and replies over one worker thread that owns every tensor.

pub mod api;

// For front ends, which may not import the model.
pub use crate::model::device;
// And the validator, which needs no engine.
pub use crate::data::{Finding, Findings, Severity, check};
