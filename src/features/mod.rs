//! Tokens with `[MASK]`, pictures to patch features, and their caches.

pub mod batch;
pub mod cache;
pub mod image;
pub mod pairs;
pub mod prepare;
pub mod source;
pub mod texts;
pub mod tokens;
