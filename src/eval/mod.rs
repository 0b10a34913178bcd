//! How good a ranking is: metrics, their means over queries and classes, runs and gold as files.

mod aggregate;
mod analysis;
mod asked;
mod cluster;
pub mod comparison;
mod failure;
mod groups;
mod interval;
mod judged;
mod metrics;
mod overlap;
mod pair;
pub mod run;

pub use aggregate::{Evaluation, aggregate};
pub use analysis::{Analysis, Cell, Row, by_seeds, recall};
pub use asked::{askable, measure_query};
pub use failure::{Facts, FailureKind, Pairs, Tag, TagKind, Words, tags};
pub use groups::{Groups, by_pairs, by_pictures, by_polysemy};
pub use interval::intervals;
pub use judged::{Judged, QueryKey, key_of};
pub use metrics::{average_precision, gold, measure, precision};
pub use overlap::likeness;
pub use pair::{holm, verdict};
