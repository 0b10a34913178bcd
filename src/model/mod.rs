//! The network: BERT, vision and cross-modal transformers, heads, checkpoints, and the device that they run on. tch
//! lives here.

pub mod bert;
pub mod checkpoint;
pub mod config;
pub mod cuda;
pub mod device;
pub mod heads;
pub mod layer;
pub mod network;

pub use checkpoint::ModelFolder;
pub use config::{Config, State};
pub use network::{Input, Network};
