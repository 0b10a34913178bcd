//! (room)
mod convolution;
pub mod efficientnet;
mod pickle;
pub mod resnet;
pub mod weights;
