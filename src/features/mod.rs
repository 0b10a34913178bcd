//! What the model is fed: tokens with `[MASK]`, pictures as patch features, and where encoders come from.

pub mod cache;
pub mod image;
pub mod patches;
pub mod source;
pub mod tokens;
