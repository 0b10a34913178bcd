//! Evaluation: metrics of rankings, their means and intervals, significance tests, comparisons of
//! runs, and the analysis of errors.
//!
//! * `metrics`, `aggregate`, `bootstrap`, `significance`, `rank_similarity` – the statistics
//! * `queries`, `query_key`, `scored_run` – the evaluation of one query and of one run
//! * `class_cut` – how good the boundary of a class is
//! * `run` – runs and qrels as files
//! * `comparison` – comparisons of runs
//! * `error_analysis`, `failure_tag`, `name_words`, `pair_counts` – reasons of single failures
//! * `subgroups`, `subgroup_analysis`, `sentence_analysis` – metrics by group of entities, number of
//!   seeds or number of sentences

mod aggregate;
mod bootstrap;
mod class_cut;
pub mod comparison;
mod error_analysis;
mod failure_tag;
mod metrics;
mod name_words;
mod pair_counts;
mod queries;
mod query_key;
mod rank_similarity;
pub mod run;
mod scored_run;
mod sentence_analysis;
mod significance;
mod subgroup_analysis;
mod subgroups;

pub use aggregate::{Evaluation, aggregate};
pub use bootstrap::bootstrap_intervals;
pub use class_cut::{CutMetrics, CutQuery};
pub use error_analysis::{FailureContext, failure_tags};
pub use failure_tag::{FailureKind, Tag, TagKind};
pub use metrics::{average_precision, gold, precision, ranking_metrics};
pub use name_words::NameWords;
pub use pair_counts::PairCounts;
pub use queries::{answerable_queries, evaluate_query};
pub use query_key::{QueryKey, query_key};
pub use rank_similarity::rank_similarity;
pub use scored_run::ScoredRun;
pub use sentence_analysis::{SentenceCountValues, sentence_count_analysis};
pub use significance::{holm, paired_test};
pub use subgroup_analysis::{
    SubgroupAnalysis, SubgroupCell, SubgroupRow, recall_analysis, seed_count_analysis,
};
pub use subgroups::{
    EntityGroups, group_by_image_kind, group_by_pair_count, group_by_shared_words,
};
