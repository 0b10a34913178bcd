//! The rankings of evaluated queries.

use std::collections::HashMap;

use crate::types::{ClassId, EntityId};

/// The rankings of evaluated queries by class and query number, best entity first.
pub(super) type QueryRankings = HashMap<(ClassId, usize), Vec<EntityId>>;
