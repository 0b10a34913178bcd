//! How good a ranking is: metrics, their means over queries and classes, runs and gold as files.

mod aggregate;
mod cluster;
pub mod comparison;
mod failure;
mod interval;
mod judged;
mod metrics;
mod overlap;
mod pair;
pub mod run;

pub use aggregate::{Evaluation, aggregate};
pub use failure::{Facts, FailureKind, Pairs, Tag, TagKind, Words, tags};
pub use interval::intervals;
pub use judged::{Judged, QueryKey, key_of};
pub use metrics::{average_precision, gold, measure, precision};
pub use overlap::likeness;
pub use pair::{holm, verdict};
