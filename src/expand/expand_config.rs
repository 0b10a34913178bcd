//! The constants of the search and the re-ranking.

use crate::types::{PUBLISHED_WEIGHTS, SearchSettings};

/// The settings of an expansion. `Default` has those of the published code (Li et al., AAAI 2024,
/// arXiv 2307.14878).
#[derive(Debug, Clone, PartialEq)]
pub struct ExpandConfig {
    /// The number of candidates to pick.
    pub size: usize,
    pub window: WindowConfig,
    /// The heights of T for picking, by position in the set.
    pub selection: Vec<Tier>,
    /// The heights of T for re-ranking, by position in the set.
    pub reranking: Vec<Tier>,
    /// The weight of 1/(rank when picked) in the re-ranked score.
    pub rank_weight: f64,
    /// The weight of 1/(rank by divergence) in the re-ranked score.
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
    /// Returns the published settings with these changes.
    pub fn with_settings(size: usize, settings: SearchSettings) -> Self {
        let [rank_weight, divergence_weight] = settings.weights().map(f64::from);
        let window = WindowConfig {
            fixed: settings.window.map(|width| width as usize),
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

/// A range of positions in the set, from the end of the tier before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tier {
    /// The end of the range: the last position, counted from 1, seeds included.
    pub through: usize,
    /// The value of T there, in units of 1/V.
    pub height: f64,
}

/// The window: the number of best candidates that compete for a pick, w(r) at round r = |set| − 3.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowConfig {
    /// The size of the set at round 0.
    pub initial_size: usize,
    /// The first round with w > 1.
    pub first_wide_round: i64,
    /// The first round in which w grows by `late_growth` instead of `early_growth`.
    pub late_round: i64,
    /// The first round with w = 1 again.
    pub last_round: i64,
    /// The divisor in w = ⌊1 + growth · r / step⌋.
    pub step: f64,
    pub early_growth: f64,
    pub late_growth: f64,
    /// A constant w for every pick, which replaces all other settings.
    pub fixed: Option<usize>,
}

impl Default for WindowConfig {
    fn default() -> Self {
        WindowConfig {
            initial_size: 3,
            first_wide_round: 20,
            late_round: 50,
            last_round: 100,
            step: 20.0,
            early_growth: 2.5,
            late_growth: 3.125,
            fixed: None,
        }
    }
}

impl WindowConfig {
    /// Returns r for a set of this size; negative for fewer than 3.
    pub fn round(&self, set: usize) -> i64 {
        set as i64 - self.initial_size as i64
    }

    /// Returns w(r), at least 1.
    pub fn width(&self, round: i64) -> usize {
        if let Some(width) = self.fixed {
            return width.max(1);
        }
        if round < self.first_wide_round || round >= self.last_round {
            return 1;
        }
        let growth = if round < self.late_round {
            self.early_growth
        } else {
            self.late_growth
        };
        (1.0 + growth * round as f64 / self.step) as usize
    }
}

/// Returns the height of T, in units of 1/V, at this position of the set (from 0).
pub fn height(tiers: &[Tier], position: usize) -> f64 {
    // a position after the last tier has the height of an entity outside the set
    tiers
        .iter()
        .find(|t| position < t.through)
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
        let fixed = ExpandConfig::with_settings(
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
    fn default_settings_are_the_published_ones() {
        assert_eq!(
            ExpandConfig::with_settings(100, SearchSettings::default()),
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
        let positions = [19, 20, 34, 35, 69, 70];
        assert_eq!(
            positions.map(|p| height(&config.reranking, p)),
            [1600.0, 900.0, 900.0, 600.0, 600.0, 150.0]
        );
    }
}
