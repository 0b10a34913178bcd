//! The confusion matrix: gold classes × the classes of their false positives.

use std::collections::HashMap;
use std::hash::Hash;

use crate::engine::protocol::{Catalogue, Failure, FailureKind};

/// The label of false positives that are members of no class.
pub const NO_CLASS: &str = "no class";

/// The level of the class hierarchy that the matrix shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MatrixLevel {
    #[default]
    Fine,
    Middle,
    Coarse,
}

impl MatrixLevel {
    pub fn name(self) -> &'static str {
        match self {
            MatrixLevel::Fine => "fine classes",
            MatrixLevel::Middle => "middle classes",
            MatrixLevel::Coarse => "coarse classes",
        }
    }

    pub(super) fn next(self) -> MatrixLevel {
        match self {
            MatrixLevel::Fine => MatrixLevel::Middle,
            MatrixLevel::Middle => MatrixLevel::Coarse,
            MatrixLevel::Coarse => MatrixLevel::Fine,
        }
    }

    /// Returns the label of every class at this level; a class that has none there has its own.
    fn labels(self, catalogue: &Catalogue) -> Vec<String> {
        let mut labels = Vec::new();
        for class in &catalogue.classes {
            let group = match self {
                MatrixLevel::Fine => None,
                MatrixLevel::Middle => class.middle.clone(),
                MatrixLevel::Coarse => class.coarse.clone(),
            };
            labels.push(group.unwrap_or_else(|| class.title()));
        }
        labels
    }
}

/// A cell of the matrix, by its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionCell {
    pub level: MatrixLevel,
    pub gold: String,
    pub other: String,
}

impl ConfusionCell {
    /// Returns a predicate that is true for the failures of this cell.
    pub(super) fn filter(&self, catalogue: &Catalogue) -> impl Fn(&Failure) -> bool {
        let labels = self.level.labels(catalogue);
        let (gold, other) = (self.gold.clone(), self.other.clone());
        move |failure: &Failure| {
            failure.kind() == FailureKind::FalsePositive
                && labels_of(failure, &labels) == (&gold, &other)
        }
    }
}

/// Returns the label of a failure's gold class, and that of the class that the entity is in.
fn labels_of<'a>(failure: &Failure, labels: &'a [String]) -> (&'a str, &'a str) {
    let gold = &labels[failure.class.index()];
    match failure.known_class() {
        Some(class) => (gold, &labels[class.index()]),
        None => (gold, NO_CLASS),
    }
}

/// The counts of the matrix. The classes with the most false positives come first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Confusion {
    /// The gold classes.
    pub rows: Vec<String>,
    /// The classes of their false positives.
    pub columns: Vec<String>,
    /// The number of false positives, by row and then by column.
    pub counts: Vec<Vec<usize>>,
}

impl Confusion {
    /// Counts false positives at a level of the class hierarchy.
    pub(super) fn from_failures<'a>(
        failures: impl Iterator<Item = &'a Failure>,
        level: MatrixLevel,
        catalogue: &Catalogue,
    ) -> Confusion {
        let labels = level.labels(catalogue);
        Confusion::from_pairs(failures.map(|failure| labels_of(failure, &labels)))
    }

    /// Counts pairs of a gold label and the label that was ranked in its place.
    fn from_pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Confusion {
        let cells = count(pairs);
        let rows = by_frequency(cells.iter().map(|(&(gold, _), &n)| (gold, n)));
        let columns = by_frequency(cells.iter().map(|(&(_, other), &n)| (other, n)));
        let mut counts = Vec::new();
        for &row in &rows {
            let cell = |&column: &&str| cells.get(&(row, column)).copied().unwrap_or(0);
            counts.push(columns.iter().map(cell).collect());
        }
        Confusion {
            rows: rows.into_iter().map(str::to_owned).collect(),
            columns: columns.into_iter().map(str::to_owned).collect(),
            counts,
        }
    }
}

fn count<K: Hash + Eq>(keys: impl Iterator<Item = K>) -> HashMap<K, usize> {
    let mut counts = HashMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts
}

/// Returns labels by their total count, the most frequent first.
fn by_frequency<'a>(counts: impl Iterator<Item = (&'a str, usize)>) -> Vec<&'a str> {
    let mut totals: HashMap<&str, usize> = HashMap::new();
    for (label, count) in counts {
        *totals.entry(label).or_default() += count;
    }
    let mut totals: Vec<(&str, usize)> = totals.into_iter().collect();
    totals.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    totals.into_iter().map(|(label, _)| label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_confused_classes_come_first_and_empty_ones_are_left_out() {
        let pairs = [
            ("fish", "birds"),
            ("trees", "fish"),
            ("trees", "birds"),
            ("trees", "birds"),
        ];
        let confusion = Confusion::from_pairs(pairs.into_iter());
        assert_eq!(confusion.rows, ["trees", "fish"]);
        assert_eq!(confusion.columns, ["birds", "fish"]);
        assert_eq!(confusion.counts, [vec![2, 1], vec![1, 0]]);
        let empty = Confusion::from_pairs(std::iter::empty());
        assert_eq!(empty, Confusion::default());
    }
}
