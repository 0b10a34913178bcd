//! The re-ranking: 9/(rank when picked) + 1/(rank by divergence from the finished set).

use super::ahead::load_probabilities;
use super::config::{Config, height};
use super::divergence::Places;
use crate::index::View;
use crate::types::Row;

/// A place in the re-ranked list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reranked {
    /// Index into the picks, from 0.
    pub pick: usize,
    /// Its rank by divergence, from 1.
    pub divergence_rank: usize,
    /// 9/i + 1/j.
    pub score: f64,
}

/// Ranks the picks `set[seeds..]`, best first; among equals the one picked earlier.
pub fn rerank(view: &View, set: &[Row], seeds: usize, config: &Config) -> Vec<Reranked> {
    let picks = &set[seeds..];
    load_probabilities(view, picks, set, |_| 0, || picks.to_vec());
    let divergences: Vec<f64> = picks.iter().map(|&e| divergence(view, e, set, config)).collect();
    let mut by_divergence: Vec<usize> = (0..picks.len()).collect();
    by_divergence.sort_by(|&a, &b| divergences[a].total_cmp(&divergences[b]));
    let mut ranked: Vec<Reranked> = by_divergence
        .into_iter()
        .enumerate()
        .map(|(j, pick)| Reranked {
            pick,
            divergence_rank: j + 1,
            score: config.rank_weight / (pick + 1) as f64 + config.divergence_weight / (j + 1) as f64,
        })
        .collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.pick.cmp(&b.pick)));
    ranked
}

/// KL(T‖P\[e\]) of a member: its own place is one of the set's.
fn divergence(view: &View, entity: Row, set: &[Row], config: &Config) -> f64 {
    let v = view.len();
    let mut places = Places::default();
    for (place, p) in view.probabilities_of(entity, set).into_iter().enumerate() {
        places.add(height(&config.reranking, place) / v as f64, p);
    }
    places.divergence(v, view.sum_log_prob(entity))
}
