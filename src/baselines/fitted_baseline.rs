//! A baseline that is ready to rank.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::baselines::baseline_ranking::ScoredRows;
use crate::error::Result;
use crate::types::{ClassId, EntityId, Row};

/// Ranks the candidates of a query: at most 100, best first, without the seeds. The class of the
/// query selects parameters that were fitted without the gold of this class.
pub type RankFn = Box<dyn Fn(ClassId, &[Row]) -> Result<ScoredRows>>;

/// A baseline that is ready to rank.
pub struct FittedBaseline {
    /// The entities in row order. All but the seeds are candidates of every query.
    pub entities: Vec<EntityId>,
    pub rank: RankFn,
    /// Every setting that the rankings depend on.
    pub settings: Map<String, Value>,
    /// The kinds of things that were left out of the data set, with their counts.
    pub left_out: Vec<(String, usize)>,
}

/// Returns the row of each entity.
pub fn rows_by_entity(entities: &[EntityId]) -> HashMap<EntityId, Row> {
    let rows = (0..).map(Row);
    entities.iter().copied().zip(rows).collect()
}
