//! The cache of one mode between expansions: rows of Z within a number of bytes, of which the least
//! recently used are evicted first, and prepared states of entities. Anything that is not cached is
//! computed again, so results do not depend on the cache.

use std::collections::HashMap;
use std::rc::Rc;

use lru::LruCache;

use crate::index::kernels::TiledRows;
use crate::types::Row;

/// The default limit for rows in bytes: 4,600 rows of 14,489 entities, or all rows of 825.
const ROW_BYTES: usize = 256 << 20;

/// The limit for states in bytes: those of all entities of 825, or of a third of 14,489.
const STATE_BYTES: usize = 64 << 20;

/// The cache of one mode.
pub struct RowCache {
    row_limit: usize,
    row_bytes: usize,
    rows: LruCache<Row, Rc<Vec<f32>>>,
    states: HashMap<Row, Rc<TiledRows>>,
    state_bytes: usize,
}

impl Default for RowCache {
    fn default() -> Self {
        RowCache::new(ROW_BYTES)
    }
}

impl RowCache {
    /// Creates an empty cache with a limit for rows in bytes.
    pub fn new(row_limit: usize) -> Self {
        RowCache {
            row_limit,
            row_bytes: 0,
            rows: LruCache::unbounded(),
            states: HashMap::new(),
            state_bytes: 0,
        }
    }

    /// Returns the states of an entity, built by `build` if they are not cached. If the states would
    /// exceed their limit, all earlier ones are evicted.
    pub fn states(&mut self, entity: Row, build: impl FnOnce() -> TiledRows) -> Rc<TiledRows> {
        if let Some(states) = self.states.get(&entity) {
            return states.clone();
        }
        let states = Rc::new(build());
        self.state_bytes += states.bytes();
        if self.state_bytes > STATE_BYTES {
            self.states.clear();
            self.state_bytes = states.bytes();
        }
        self.states.insert(entity, states.clone());
        states
    }

    /// Returns whether a row is cached, without counting as a use of it.
    pub fn has_row(&self, row: Row) -> bool {
        self.rows.contains(&row)
    }

    /// Returns a cached row, and makes it the most recently used one.
    pub fn row(&mut self, row: Row) -> Option<Rc<Vec<f32>>> {
        self.rows.get(&row).cloned()
    }

    /// Adds a row, and evicts the least recently used rows while the limit is exceeded.
    pub fn insert_row(&mut self, row: Row, values: Rc<Vec<f32>>) {
        self.row_bytes += size_of_val(values.as_slice());
        if let Some(replaced) = self.rows.put(row, values) {
            self.row_bytes -= size_of_val(replaced.as_slice());
        }
        while self.row_bytes > self.row_limit {
            let Some((_, evicted)) = self.rows.pop_lru() else {
                break;
            };
            self.row_bytes -= size_of_val(evicted.as_slice());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_row_is_evicted_first() {
        let mut cache = RowCache::new(3 * 8);
        for r in 0..3 {
            cache.insert_row(Row(r), Rc::new(vec![r as f32, 0.0]));
        }
        assert_eq!(cache.row(Row(0)).unwrap()[0], 0.0);
        cache.insert_row(Row(3), Rc::new(vec![3.0, 0.0]));
        assert!(cache.has_row(Row(0)) && !cache.has_row(Row(1)) && cache.has_row(Row(3)));
        assert_eq!(cache.row_bytes, 24);
    }

    #[test]
    fn a_row_above_the_limit_is_not_cached() {
        let mut cache = RowCache::new(4);
        cache.insert_row(Row(0), Rc::new(vec![1.0, 2.0]));
        assert!(!cache.has_row(Row(0)));
        assert_eq!(cache.row_bytes, 0);
    }
}
