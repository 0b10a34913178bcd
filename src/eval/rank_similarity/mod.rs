//! The similarity of two rankings of one query: overlap, rank-biased overlap, and Kendall's τ.

mod kendall_tau;
mod rank_biased_overlap;
mod similarity;
#[cfg(test)]
mod tests;

pub use similarity::rank_similarity;
