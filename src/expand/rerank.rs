//! The re-ranking: 9/(rank when picked) + 1/(rank by divergence from the finished set).

use crate::expand::expand_config::ExpandConfig;

/// An entry of the re-ranked list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reranked {
    /// The index of the pick, from 0.
    pub pick: usize,
    /// The rank by divergence, from 1.
    pub divergence_rank: usize,
    /// The score 9/i + 1/j.
    pub score: f64,
}

/// Re-ranks picks by their divergences, which are in the order picked; best first, among equals the
/// earlier pick.
pub fn rerank(divergences: &[f64], config: &ExpandConfig) -> Vec<Reranked> {
    let mut by_divergence: Vec<usize> = (0..divergences.len()).collect();
    by_divergence.sort_by(|&a, &b| divergences[a].total_cmp(&divergences[b]));
    let mut ranked: Vec<Reranked> = by_divergence
        .into_iter()
        .enumerate()
        .map(|(j, pick)| Reranked {
            pick,
            divergence_rank: j + 1,
            score: config.rank_weight / (pick + 1) as f64
                + config.divergence_weight / (j + 1) as f64,
        })
        .collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.pick.cmp(&b.pick)));
    ranked
}
