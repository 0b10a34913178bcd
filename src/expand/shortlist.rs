//! Scores of which a few change at a time and the best are often requested. Those that may be among
//! the best are in a short list, so that not all are searched each time.

use crate::expand::top_k::best_of;
use crate::types::Row;

/// The length of the list after all scores were searched.
const LENGTH: usize = 256;
/// The length from which all scores are searched again.
const MAX_LENGTH: usize = 4 * LENGTH;

pub(super) struct Shortlist {
    /// The scores, `[V]`.
    scores: Vec<f64>,
    /// All entities with a score above `floor` that are not taken, and some others.
    short: Vec<Row>,
    /// Whether each entity is or was in `short`, `[V]`.
    listed: Vec<bool>,
    floor: f64,
}

impl Shortlist {
    /// Creates scores of 0.
    pub fn new(count: usize) -> Self {
        Shortlist {
            scores: vec![0.0; count],
            short: Vec::new(),
            listed: vec![false; count],
            floor: f64::INFINITY,
        }
    }

    pub fn get(&self, row: Row) -> f64 {
        self.scores[row.index()]
    }

    pub fn set(&mut self, row: Row, score: f64) {
        self.scores[row.index()] = score;
        if score > self.floor && !self.listed[row.index()] {
            self.listed[row.index()] = true;
            self.short.push(row);
        }
    }

    pub fn add(&mut self, row: Row, by: f64) {
        self.set(row, self.get(row) + by);
    }

    /// Returns the `count` best entities that are not taken, best first; among equals the lower
    /// row. An entity that was taken once must stay taken.
    pub fn best(&mut self, taken: &[bool], count: usize) -> Vec<Row> {
        self.short.retain(|r| !taken[r.index()]);
        if self.short.len() > MAX_LENGTH.max(4 * count) {
            self.refill(taken, LENGTH.max(2 * count));
        }
        if let Some(found) = self.best_of_short(count) {
            return found;
        }
        self.refill(taken, LENGTH.max(2 * count));
        self.best_of_short(count).unwrap_or_else(|| {
            // too many scores are equal
            self.refill(taken, usize::MAX);
            best_of(&self.scores, self.short.iter().copied(), count)
        })
    }

    /// Returns the best of the list; `None` if other entities may be better.
    fn best_of_short(&self, count: usize) -> Option<Vec<Row>> {
        let found = best_of(&self.scores, self.short.iter().copied(), count);
        let others_are_worse = found.len() == count
            && found
                .last()
                .is_some_and(|&last| self.get(last) > self.floor);
        (others_are_worse || self.floor == f64::NEG_INFINITY).then_some(found)
    }

    /// Fills the list with this number of entities, or with all if there are not more.
    fn refill(&mut self, taken: &[bool], count: usize) {
        let mut scores: Vec<f64> = self
            .scores
            .iter()
            .zip(taken)
            .filter(|(_, taken)| !**taken)
            .map(|(s, _)| *s)
            .collect();
        self.floor = match scores.len() > count {
            true => {
                *scores
                    .select_nth_unstable_by(count, |a, b| b.total_cmp(a))
                    .1
            }
            false => f64::NEG_INFINITY,
        };
        self.short.clear();
        for (i, ((&score, &taken), listed)) in self
            .scores
            .iter()
            .zip(taken)
            .zip(&mut self.listed)
            .enumerate()
        {
            *listed = taken || score > self.floor;
            if *listed && !taken {
                self.short.push(Row(i as u32));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_found_as_scores_change() {
        let v = 3_000;
        let mut list = Shortlist::new(v);
        let (mut scores, mut taken) = (vec![0.0; v], vec![false; v]);
        let mut state = 1u64;
        let mut next = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let best = |scores: &[f64], taken: &[bool], count| {
            best_of(
                scores,
                (0..v as u32).map(Row).filter(|r| !taken[r.index()]),
                count,
            )
        };
        for round in 0..400 {
            for _ in 0..200 {
                // few different values, so that many are equal
                let (row, by) = (next(v), next(5) as f64);
                scores[row] += by;
                list.add(Row(row as u32), by);
            }
            let count = [1, 5, 40, 300][round % 4];
            let found = list.best(&taken, count);
            assert_eq!(found, best(&scores, &taken, count), "round {round}");
            for row in found.into_iter().take(5) {
                scores[row.index()] -= 2.0;
                list.set(row, scores[row.index()]);
                taken[row.index()] = next(2) == 0;
            }
        }
        taken.iter_mut().skip(10).for_each(|taken| *taken = true);
        assert_eq!(
            list.best(&taken, 20),
            best(&scores, &taken, 20),
            "fewer are left than requested"
        );
    }
}
