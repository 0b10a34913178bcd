//! The network: BERT, vision and cross-modal transformers, heads, checkpoints, and the device that
//! they run on. tch lives here.

pub mod aligned;
pub mod alignment;
pub mod bert;
pub mod bert_config;
pub mod checkpoint;
pub mod clip;
pub mod config;
pub mod convert;
mod convolution;
pub mod cuda;
pub mod device;
pub mod efficientnet;
pub mod finite;
pub mod heads;
pub mod layer;
pub mod network;
mod pickle;
pub mod resnet;
pub mod weight_files;
pub mod weight_reader;
pub mod weights;

pub use checkpoint::ModelFolder;
pub use config::{NetworkConfig, PairState};
pub use network::{Network, NetworkInput};
