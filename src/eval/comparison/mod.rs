//! Comparisons of runs over the queries of a data set: metrics with intervals, significance tests,
//! differences per class, and the entities that were gained and lost. The result is plain data,
//! from which the command line prints tables and the report draws plots.
//!
//! Nothing is left out silently: a comparison that lacks a run is [`PairOutcome::NotRun`], and one
//! of runs that must not be compared is [`PairOutcome::NotComparable`], each with its reason.
//!
//! * `inputs` – the runs and the settings of a comparison
//! * `comparison_result`, `pair_outcome` – the result
//! * `compare_runs` – [`compare`]
//! * `evaluated_run`, `run_scores` – one run
//! * `shared_queries`, `pair_comparison`, `ranking_changes` – a pair of runs
//! * `class_group` – classes and the levels above them
//! * `comparison_tables` – tables for people

mod class_group;
mod compare_runs;
mod comparison_result;
mod comparison_tables;
mod evaluated_run;
mod inputs;
mod pair_comparison;
mod pair_outcome;
mod ranking_changes;
mod run_scores;
mod shared_queries;

pub use compare_runs::compare;
pub use comparison_result::{
    ChangedEntity, Comparison, Estimate, GroupComparison, GroupDifferences, GroupScores,
    PairComparison, RankingChange, RollupLevel, RunPair, RunResult, RunScores, TestedDifference,
    UntestedDifference,
};
pub use evaluated_run::{score_run, seed_count_of};
pub use inputs::{ComparisonInput, ComparisonSettings, PairSelection};
pub use pair_outcome::{DIFFERENT_POOLS, PairOutcome};
