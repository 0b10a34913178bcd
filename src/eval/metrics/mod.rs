//! Metrics of one ranking against the gold of its query (`docs/ALGORITHM.md`, section 6).
//!
//! An entity counts once: a second occurrence in the ranking takes a rank and is not a hit.

mod average_precision;
mod gold;
mod hits;
mod precision;
mod ranking_metrics;
#[cfg(test)]
mod tests;

pub use average_precision::average_precision;
pub use gold::gold;
pub use precision::precision;
pub use ranking_metrics::ranking_metrics;
