//! The network: BERT, vision and cross-modal Transformers, heads, checkpoints, and devices.

pub mod aligned_bytes;
pub mod alignment_heads;
pub mod bert;
pub mod bert_config;
pub mod checkpoint;
mod checkpoint_pickle;
pub mod clip;
pub mod cuda;
pub mod device;
pub mod efficientnet;
pub mod finite;
mod folded_convolution;
pub mod heads;
pub mod layer;
pub mod network;
pub mod network_config;
pub mod network_input;
pub mod parameters;
pub mod resnet;
pub mod state_dict;
pub mod weight_files;
pub mod weight_reader;
pub mod weights;

pub use checkpoint::ModelFolder;
pub use network::Network;
pub use network_config::{NetworkConfig, Pooling};
pub use network_input::NetworkInput;
