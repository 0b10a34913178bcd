//! Expansion of several queries side by side, so that the rows of Z that they need are computed
//! together. A single query is a batch of one.

use crate::error::Result;
use crate::expand::expand_config::ExpandConfig;
use crate::expand::window_search::{Expansion, Pick, WindowSearch};
use crate::index::ModeIndex;
use crate::progress::Observer;
use crate::types::Row;

/// The running searches of several queries. In each round every query makes one pick, in the given
/// order; then the rows of Z of all picks are computed in one product, for queries that use rows.
/// Free rows of the product are used for likely next picks. Results depend neither on these nor on
/// the other queries of the batch.
pub struct BatchExpansion {
    config: ExpandConfig,
    /// The searches; `None` for a finished query.
    searches: Vec<Option<WindowSearch>>,
    /// The entities that cannot be picked any more, `[V]`: for each query, or one pool for all.
    pools: Vec<Vec<bool>>,
    /// The rows to be added before the next round: (query, row).
    pending_rows: Vec<(usize, Row)>,
    /// The index of the query that picks next; after the last one the rows are added.
    turn: usize,
}

/// One step of a [`BatchExpansion`]. Queries are identified by their index.
#[derive(Debug)]
pub enum BatchStep {
    Picked(usize, Pick),
    /// The rows of a round were added.
    RowsAdded,
    Finished(usize, Box<Expansion>),
}

impl BatchExpansion {
    /// Starts queries that do not influence each other; `excluded` are never picked.
    ///
    /// Errors: a query without seeds, a duplicate seed, a seed that is not of this index.
    pub fn independent(
        index: &ModeIndex,
        queries: &[Vec<Row>],
        excluded: &[Row],
        config: &ExpandConfig,
    ) -> Result<Self> {
        let pool = |seeds: &Vec<Row>| {
            let mut taken = vec![false; index.len()];
            excluded
                .iter()
                .filter(|r| r.index() < index.len())
                .for_each(|r| taken[r.index()] = true);
            seeds
                .iter()
                .filter(|s| s.index() < index.len())
                .for_each(|s| taken[s.index()] = true);
            taken
        };
        BatchExpansion::new(index, queries, queries.iter().map(pool).collect(), config)
    }

    /// Starts queries with one common pool: a candidate that one query picks is not available to
    /// the others, and the seeds of all queries are excluded. Errors: those of
    /// [`BatchExpansion::independent`].
    pub fn with_common_pool(
        index: &ModeIndex,
        queries: &[Vec<Row>],
        config: &ExpandConfig,
    ) -> Result<Self> {
        let mut taken = vec![false; index.len()];
        queries
            .iter()
            .flatten()
            .filter(|s| s.index() < index.len())
            .for_each(|s| taken[s.index()] = true);
        BatchExpansion::new(index, queries, vec![taken], config)
    }

    fn new(
        index: &ModeIndex,
        queries: &[Vec<Row>],
        pools: Vec<Vec<bool>>,
        config: &ExpandConfig,
    ) -> Result<Self> {
        let searches = queries
            .iter()
            .map(|seeds| WindowSearch::new(index, seeds))
            .collect::<Result<Vec<_>>>()?;
        let by_rows = queries
            .iter()
            .zip(&searches)
            .enumerate()
            .filter(|(_, (_, search))| search.uses_rows());
        let pending_rows = by_rows
            .flat_map(|(query, (seeds, _))| seeds.iter().map(move |&s| (query, s)))
            .collect();
        let searches: Vec<_> = searches.into_iter().map(Some).collect();
        Ok(BatchExpansion {
            config: config.clone(),
            pools,
            pending_rows,
            turn: searches.len(),
            searches,
        })
    }

    /// Performs one step: a pick, the end of a query, or the rows of a round. Returns `None` once
    /// all queries are finished.
    pub fn step(&mut self, index: &ModeIndex) -> Option<BatchStep> {
        if self.turn == self.searches.len() {
            self.turn = 0;
            if !self.pending_rows.is_empty() {
                self.add_rows(index);
                return Some(BatchStep::RowsAdded);
            }
        }
        while self.turn < self.searches.len() {
            let query = self.turn;
            self.turn += 1;
            let Some(mut search) = self.searches[query].take() else {
                continue;
            };
            let pool = self.pool(query);
            let Some(pick) = search.pick(index, &self.config, &mut self.pools[pool]) else {
                return Some(BatchStep::Finished(
                    query,
                    Box::new(search.finish(index, &self.config)),
                ));
            };
            if search.uses_rows() {
                self.pending_rows.push((query, pick.row));
            }
            self.searches[query] = Some(search);
            return Some(BatchStep::Picked(query, pick));
        }
        if self.pending_rows.is_empty() && self.searches.iter().all(Option::is_none) {
            return None;
        }
        self.step(index)
    }

    /// Returns the index of a query's pool.
    fn pool(&self, query: usize) -> usize {
        if self.pools.len() == 1 { 0 } else { query }
    }

    fn add_rows(&mut self, index: &ModeIndex) {
        let mut rows: Vec<Row> = self.pending_rows.iter().map(|&(_, row)| row).collect();
        rows.extend(self.likely_rows(index, &rows));
        let z = index.z_rows(&rows);
        for ((query, _), row) in self.pending_rows.drain(..).zip(&z) {
            if let Some(search) = &mut self.searches[query] {
                search.add(row);
            }
        }
    }

    /// Returns rows for which the product of `rows` has room: the likely next picks of each query
    /// in turn.
    fn likely_rows(&self, index: &ModeIndex, rows: &[Row]) -> Vec<Row> {
        let free = index.free_rows(rows);
        let mut found: Vec<Row> = Vec::with_capacity(free);
        for (query, search) in self.searches.iter().enumerate() {
            let Some(search) = search else { continue };
            if found.len() == free {
                break;
            }
            let (pool, room) = (&self.pools[self.pool(query)], free - found.len());
            let next = search
                .likely_rows(index, &self.config, pool, room)
                .into_iter();
            let new = next
                .filter(|r| !index.has_cached_row(*r) && !rows.contains(r) && !found.contains(r))
                .take(room);
            found.extend(new.collect::<Vec<_>>());
        }
        found
    }
}

/// Expands one query; `excluded` are never picked. The observer receives every pick and may stop
/// the search.
///
/// Errors: no seeds, a duplicate seed, a seed that is not of this index;
/// [`Error::Stopped`](crate::error::Error::Stopped).
pub fn expand(
    index: &ModeIndex,
    seeds: &[Row],
    excluded: &[Row],
    config: &ExpandConfig,
    observer: &mut dyn for<'p> Observer<&'p Pick>,
) -> Result<Expansion> {
    let batch = BatchExpansion::independent(index, &[seeds.to_vec()], excluded, config)?;
    let mut all = run(batch, index, &mut |(_, pick): (usize, &Pick)| {
        observer.report(pick)
    })?;
    Ok(all.swap_remove(0))
}

/// Expands queries with one common pool, as the published evaluation does. They pick in turn, in
/// the given order. The observer receives the index of the query with each pick.
pub fn expand_joint(
    index: &ModeIndex,
    queries: &[Vec<Row>],
    config: &ExpandConfig,
    observer: &mut dyn for<'p> Observer<(usize, &'p Pick)>,
) -> Result<Vec<Expansion>> {
    run(
        BatchExpansion::with_common_pool(index, queries, config)?,
        index,
        observer,
    )
}

/// Runs all queries, and returns their expansions in the given order.
fn run(
    mut batch: BatchExpansion,
    index: &ModeIndex,
    observer: &mut dyn for<'p> Observer<(usize, &'p Pick)>,
) -> Result<Vec<Expansion>> {
    let mut found: Vec<Option<Expansion>> = batch.searches.iter().map(|_| None).collect();
    while let Some(step) = batch.step(index) {
        match step {
            BatchStep::Picked(query, pick) => observer.report((query, &pick))?,
            BatchStep::RowsAdded => {}
            BatchStep::Finished(query, expansion) => found[query] = Some(*expansion),
        }
    }
    Ok(found.into_iter().flatten().collect())
}
