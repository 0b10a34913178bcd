//! The distribution of the number of pairs of an entity.

/// The lower decile and the median of the numbers of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairCounts {
    pub(super) lower_decile: u32,
    pub(super) median: u32,
}

impl PairCounts {
    /// Computes both from the counts of all entities, in any order.
    pub fn from_counts(mut counts: Vec<u32>) -> PairCounts {
        counts.sort_unstable();
        let count_at = |index: usize| counts.get(index).copied().unwrap_or(0);
        PairCounts {
            lower_decile: count_at(counts.len().saturating_sub(1) / 10),
            median: count_at(counts.len() / 2),
        }
    }

    /// Returns whether a number of pairs is among the lowest tenth. If all entities have the same
    /// number, none is.
    pub(super) fn is_few(&self, pairs: u32) -> bool {
        pairs <= self.lower_decile && pairs < self.median
    }
}
