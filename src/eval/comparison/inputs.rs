//! The runs and the settings of a comparison.

use std::path::PathBuf;

use crate::data::Diagnostics;
use crate::eval::run::Run;
use crate::types::Metric;

/// A run to compare.
#[derive(Debug, Clone, Default)]
pub struct ComparisonInput {
    /// The name in tables, which no other run has.
    pub name: String,
    pub path: PathBuf,
    pub run: Run,
    /// The warnings of reading the run.
    pub warnings: Diagnostics,
}

/// The pairs of runs to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairSelection {
    /// Every run with the first, the reference run.
    WithReference,
    /// Every run with each run before it.
    AllPairs,
}

/// The settings of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonSettings {
    /// The metrics to test. The p-values of all of them are corrected together.
    pub metrics: Vec<Metric>,
    pub pair_selection: PairSelection,
    /// The number of first candidates among which entities count as gained or lost.
    pub depth: usize,
}
