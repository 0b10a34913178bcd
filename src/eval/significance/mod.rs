//! Significance tests of the differences of two runs over the same queries, one test a file.
//!
//! The queries of a class share its gold and are not independent. All tests therefore treat classes
//! as clusters.

mod holm_correction;
mod paired_tests;
mod randomization_test;
mod t_test;
#[cfg(test)]
mod tests;
mod win_counts;

pub use holm_correction::holm;
pub use paired_tests::paired_test;
pub(super) use win_counts::wins_ties_losses;
