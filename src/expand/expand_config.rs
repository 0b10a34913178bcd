//! The constants of the search and the re-ranking, each once.

use crate::types::{PUBLISHED_WEIGHTS, SearchSettings};

/// Li et al., AAAI 2024 (arXiv 2307.14878), as their published code has them.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpandConfig {
    /// How many candidates to pick.
    pub size: usize,
    pub window: WindowConfig,
    /// T's heights while picking, by place in the set.
    pub selection: Vec<Tier>,
    /// T's heights while re-ranking.
    pub reranking: Vec<Tier>,
    /// What 1/(rank when picked) counts in the re-ranked score.
    pub rank_weight: f64,
    /// What 1/(rank by divergence) counts.
    pub divergence_weight: f64,
}

impl Default for ExpandConfig {
    fn default() -> Self {
        let tier = |through, height| Tier { through, height };
        ExpandConfig {
            size: 100,
            window: WindowConfig::default(),
            selection: vec![tier(41, 1000.0), tier(75, 500.0), tier(usize::MAX, 300.0)],
            reranking: vec![
                tier(20, 1600.0),
                tier(35, 900.0),
                tier(70, 600.0),
                tier(usize::MAX, 150.0),
            ],
            rank_weight: PUBLISHED_WEIGHTS[0].into(),
            divergence_weight: PUBLISHED_WEIGHTS[1].into(),
        }
    }
}

impl ExpandConfig {
    /// As published but for what `tuning` says.
    pub fn tuned(size: usize, tuning: SearchSettings) -> Self {
        let [rank_weight, divergence_weight] = tuning.weights().map(f64::from);
        let window = WindowConfig {
            fixed: tuning.window.map(|width| width as usize),
            ..WindowConfig::default()
        };
        ExpandConfig {
            size,
            window,
            rank_weight,
            divergence_weight,
            ..ExpandConfig::default()
        }
    }
}

/// A run of places in the set, from after the tier before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tier {
    /// The last place of it, counted from 1 with the seeds.
    pub through: usize,
    /// T there, in units of 1/V.
    pub height: f64,
}

/// How many of the best candidates compete for a pick: w(r), at round r = |set| − 3.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowConfig {
    /// Set members that come before round 0.
    pub seeds: usize,
    /// Before this round w = 1.
    pub opens: i64,
    /// From this round on it grows by `late` instead of `early`.
    pub widens: i64,
    /// From this round on w = 1 again.
    pub closes: i64,
    /// w = ⌊1 + growth · r / step⌋.
    pub step: f64,
    pub early: f64,
    pub late: f64,
    /// In the place of all that: w at every pick.
    pub fixed: Option<usize>,
}

impl Default for WindowConfig {
    fn default() -> Self {
        WindowConfig {
            seeds: 3,
            opens: 20,
            widens: 50,
            closes: 100,
            step: 20.0,
            early: 2.5,
            late: 3.125,
            fixed: None,
        }
    }
}

impl WindowConfig {
    /// r for a set of this size; negative before 3.
    pub fn round(&self, set: usize) -> i64 {
        set as i64 - self.seeds as i64
    }

    /// w(r), at least 1.
    pub fn width(&self, round: i64) -> usize {
        if let Some(width) = self.fixed {
            return width.max(1);
        }
        if round < self.opens || round >= self.closes {
            return 1;
        }
        let growth = if round < self.widens {
            self.early
        } else {
            self.late
        };
        (1.0 + growth * round as f64 / self.step) as usize
    }
}

/// T's height, in units of 1/V, at this place of the set (from 0).
pub fn height(tiers: &[Tier], place: usize) -> f64 {
    // a place after the last tier is a place like any other entity's
    tiers
        .iter()
        .find(|t| place < t.through)
        .map_or(1.0, |t| t.height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_widths() {
        let widths = [-2, 0, 19, 20, 24, 40, 49, 50, 64, 99, 100, 200]
            .map(|r| WindowConfig::default().width(r));
        assert_eq!(widths, [1, 1, 1, 3, 4, 6, 7, 8, 11, 16, 1, 1]);
        let fixed = ExpandConfig::tuned(
            10,
            SearchSettings {
                window: Some(5),
                weights: None,
            },
        )
        .window;
        assert_eq!([-2, 0, 60, 200].map(|r| fixed.width(r)), [5; 4]);
    }

    #[test]
    fn settings_as_published_are_the_default() {
        assert_eq!(
            ExpandConfig::tuned(100, SearchSettings::default()),
            ExpandConfig::default()
        );
    }

    #[test]
    fn heights_at_the_edges_of_tiers() {
        let config = ExpandConfig::default();
        assert_eq!(
            [0, 40, 41, 74, 75, 500].map(|p| height(&config.selection, p)),
            [1e3, 1e3, 5e2, 5e2, 3e2, 3e2]
        );
        let places = [19, 20, 34, 35, 69, 70];
        assert_eq!(
            places.map(|p| height(&config.reranking, p)),
            [1600.0, 900.0, 900.0, 600.0, 600.0, 150.0]
        );
    }
}
