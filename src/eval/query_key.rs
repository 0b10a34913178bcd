//! The key of a query.

use crate::types::{ClassId, Query, SeedCount};

/// The class of a query, its number of seeds, and its number from 0.
pub type QueryKey = (ClassId, SeedCount, usize);

/// Returns the key of a query.
pub fn query_key(query: &Query) -> QueryKey {
    (query.class, query.seed_count, query.number)
}
