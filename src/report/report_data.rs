//! The content of a report.

use std::collections::HashMap;

use crate::eval::SubgroupAnalysis;
use crate::eval::comparison::Comparison;
use crate::types::EntityId;

/// The greatest number of pairs of runs that are not folded one by one.
const MAX_OPEN_PAIRS: usize = 3;

/// Everything that a report shows.
pub struct Report {
    pub comparison: Comparison,
    pub analyses: Vec<SubgroupAnalysis>,
    /// Sentences about analyses that are missing, and about runs that are missing in them.
    pub notes: Vec<String>,
    /// The images of the entities gained and lost, as `data:` addresses.
    pub images: HashMap<EntityId, String>,
    /// The number of entities whose images were left out for lack of room.
    pub images_left_out: usize,
}

impl Report {
    /// Returns the name of the data set's folder.
    pub(super) fn dataset_name(&self) -> String {
        let path = &self.comparison.dataset;
        let name = path.file_name().unwrap_or(path.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// Returns whether at least one pair of runs was compared.
    pub(super) fn has_compared_pair(&self) -> bool {
        let mut pairs = self.comparison.pairs.iter();
        pairs.any(|pair| pair.result.done().is_some())
    }

    /// Returns whether the sections of pairs are folded.
    pub(super) fn folds_pairs(&self) -> bool {
        self.comparison.pairs.len() > MAX_OPEN_PAIRS
    }
}
