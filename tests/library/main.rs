//! The library: networks, encoders, training, indexes, and parity with reference implementations.

#[path = "../common/mod.rs"]
mod common;
mod encoders;
mod explain;
mod imports;
mod parity;
mod patches;
mod pickles;
mod text_encoders;
mod training;
mod weights;
