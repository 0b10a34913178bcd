//! Readers under input that nobody meant: mutated files and hostile names. See `README.md` for
//! longer runs.
//!
//! Each target states what must hold for every input: no panic, an answer in time, and what was
//! written is read back equal.

mod dataset;
mod images;
mod mutate;
mod names;
mod runs;
mod sentences;
mod weights;
