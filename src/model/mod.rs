//! The network: BERT, vision, cross-modal transformer, heads, checkpoint, and the device that they run on.

pub mod cuda;
pub mod device;
