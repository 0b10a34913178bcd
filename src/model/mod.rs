//! (room)
mod convolution;
pub mod efficientnet;
mod pickle;
pub mod resnet;
mod unpickle;
pub mod weights;
