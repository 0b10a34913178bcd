//! What a view keeps between expansions: rows of Z by bytes, least recently used first out; and
//! entities' states, made ready. What is not here is computed again, so answers do not depend on
//! it.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::index::kernels::TiledRows;
use crate::types::Row;

/// Bytes of rows that one mode keeps: 4,600 rows at 14,489 entities, all of them at 825.
const ROW_BYTES: usize = 256 << 20;

/// Bytes of states that one mode keeps: those of all entities at 825, of a third of them at 14,489.
const STATE_BYTES: usize = 64 << 20;

pub struct Cache {
    limit: usize,
    used: usize,
    clock: u64,
    rows: HashMap<Row, (Rc<Vec<f32>>, u64)>,
    /// Rows by when they were last asked for.
    ages: BTreeMap<u64, Row>,
    states: HashMap<Row, Rc<TiledRows>>,
    state_bytes: usize,
}

impl Default for Cache {
    fn default() -> Self {
        Cache::bounded(ROW_BYTES)
    }
}

impl Cache {
    pub fn bounded(row_bytes: usize) -> Self {
        Cache {
            limit: row_bytes,
            used: 0,
            clock: 0,
            rows: HashMap::new(),
            ages: BTreeMap::new(),
            states: HashMap::new(),
            state_bytes: 0,
        }
    }

    /// An entity's states; made where they are not kept. Where they would be too many, those before
    /// are forgotten.
    pub fn states(&mut self, entity: Row, make: impl FnOnce() -> TiledRows) -> Rc<TiledRows> {
        if let Some(states) = self.states.get(&entity) {
            return states.clone();
        }
        let made = Rc::new(make());
        self.state_bytes += made.bytes();
        if self.state_bytes > STATE_BYTES {
            self.states.clear();
            self.state_bytes = made.bytes();
        }
        self.states.insert(entity, made.clone());
        made
    }

    pub fn has_row(&self, row: Row) -> bool {
        self.rows.contains_key(&row)
    }

    pub fn row(&mut self, row: Row) -> Option<Rc<Vec<f32>>> {
        let (values, age) = self.rows.get_mut(&row)?;
        self.ages.remove(age);
        self.clock += 1;
        *age = self.clock;
        self.ages.insert(self.clock, row);
        Some(values.clone())
    }

    /// Keeps a row that is not kept yet, at the cost of the oldest.
    pub fn keep_row(&mut self, row: Row, values: Rc<Vec<f32>>) {
        self.used += size_of_val(values.as_slice());
        self.clock += 1;
        self.ages.insert(self.clock, row);
        self.rows.insert(row, (values, self.clock));
        while self.used > self.limit {
            let Some((_, oldest)) = self.ages.pop_first() else {
                break;
            };
            if let Some((values, _)) = self.rows.remove(&oldest) {
                self.used -= size_of_val(values.as_slice());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_row_goes_first() {
        let mut cache = Cache::bounded(3 * 8);
        for r in 0..3 {
            cache.keep_row(Row(r), Rc::new(vec![r as f32, 0.0]));
        }
        assert_eq!(cache.row(Row(0)).unwrap()[0], 0.0);
        cache.keep_row(Row(3), Rc::new(vec![3.0, 0.0]));
        assert!(cache.has_row(Row(0)) && !cache.has_row(Row(1)) && cache.has_row(Row(3)));
        assert_eq!(cache.used, 24);
    }

    #[test]
    fn a_row_larger_than_the_bound_is_not_kept() {
        let mut cache = Cache::bounded(4);
        cache.keep_row(Row(0), Rc::new(vec![1.0, 2.0]));
        assert!(!cache.has_row(Row(0)));
        assert_eq!(cache.used, 0);
    }
}
