//! How good a ranking is: metrics, their means over queries and classes, runs and gold as files.

mod aggregate;
mod bootstrap;
pub mod comparison;
mod error_analysis;
mod metrics;
mod queries;
mod query_key;
mod rank_similarity;
pub mod run;
mod scored_run;
mod significance;
mod subgroup_analysis;
mod subgroups;

pub use aggregate::{Evaluation, aggregate};
pub use bootstrap::bootstrap_intervals;
pub use error_analysis::{
    FailureContext, FailureKind, NameWords, PairCounts, Tag, TagKind, failure_tags,
};
pub use metrics::{average_precision, gold, precision, ranking_metrics};
pub use queries::{answerable_queries, evaluate_query};
pub use query_key::{QueryKey, query_key};
pub use rank_similarity::rank_similarity;
pub use scored_run::ScoredRun;
pub use significance::{holm, paired_test};
pub use subgroup_analysis::{
    SubgroupAnalysis, SubgroupCell, SubgroupRow, recall_analysis, seed_count_analysis,
};
pub use subgroups::{
    EntityGroups, group_by_image_kind, group_by_pair_count, group_by_shared_words,
};
