//! The comparison of two evaluations, query by query.

use serde::{Deserialize, Serialize};

use crate::types::{ClassId, EntityId, PairedTest, RankSimilarity};

/// Two evaluations over the same queries.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct QueryComparison {
    /// The paired test of AP at each cutoff; `None` without queries.
    pub ap_tests: [Option<PairedTest>; 4],
    /// The queries in the order of the catalogue.
    pub queries: Vec<QueryPair>,
    /// The number of queries that only the first evaluation has, and only the second. They are
    /// left out of all figures.
    pub unmatched: [usize; 2],
}

/// The results of one query in the first evaluation and in the second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryPair {
    pub class: ClassId,
    pub number: usize,
    /// AP at each cutoff.
    pub ap: [[f64; 4]; 2],
    /// The similarity of the stored rankings.
    pub similarity: RankSimilarity,
    /// Best first, at most 100 long.
    pub rankings: [Vec<EntityId>; 2],
}
