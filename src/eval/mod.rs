//! How good a ranking is: metrics, their means over queries and classes, runs and gold as files.

mod aggregate;
mod bootstrap;
pub mod comparison;
mod error_analysis;
mod metrics;
mod queries;
mod rank_similarity;
pub mod run;
mod scored_run;
mod significance;
mod subgroup_analysis;
mod subgroups;

pub use aggregate::{Evaluation, aggregate};
pub use bootstrap::intervals;
pub use error_analysis::{FailureContext, FailureKind, NameWords, PairCounts, Tag, TagKind, tags};
pub use metrics::{average_precision, gold, measure, precision};
pub use queries::{askable, measure_query};
pub use rank_similarity::likeness;
pub use scored_run::{QueryKey, ScoredRun, key_of};
pub use significance::{holm, verdict};
pub use subgroup_analysis::{Analysis, SubgroupCell, SubgroupRow, by_seeds, recall};
pub use subgroups::{Groups, by_pairs, by_pictures, by_polysemy};
