//! Fuzz tests: readers get mutated files and unusual names. `README.md` describes longer runs.
//!
//! Each test states what must hold for every input: the reader does not panic, it returns within a
//! time limit, and what was written is read back equal.

mod dataset;
mod images;
mod mutate;
mod names;
mod runs;
mod sentences;
mod weights;
