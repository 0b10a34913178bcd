//! Queries that grow side by side, so that rows of Z that they need are computed together. One
//! query alone is the same with one.

use crate::error::Result;
use crate::expand::expand_config::ExpandConfig;
use crate::expand::window_search::{Expansion, Pick, WindowSearch};
use crate::index::ModeIndex;
use crate::progress::Observer;
use crate::types::Row;

/// Queries under way. In each round every one picks, in the order given; then, for those that go by
/// rows of Z, the rows of all that was picked come from one product. What room is left in the
/// product goes to those that are likely to be picked next. Answers depend neither on that nor on
/// which queries go together.
pub struct BatchExpansion {
    config: ExpandConfig,
    /// None once finished.
    searches: Vec<Option<WindowSearch>>,
    /// What cannot be picked any more, `[V]`: by query, or one for all.
    pools: Vec<Vec<bool>>,
    /// Whose rows are to be added before the next round: (query, row).
    waiting: Vec<(usize, Row)>,
    /// The query whose pick is next; past the last one the rows are.
    turn: usize,
}

/// One step of a [`BatchExpansion`]; queries are named by their place.
#[derive(Debug)]
pub enum BatchStep {
    Picked(usize, Pick),
    /// The rows of a round were added.
    Added,
    Finished(usize, Box<Expansion>),
}

impl BatchExpansion {
    /// Each query alone; `excluded` are never picked. Errors: a query without seeds, a seed twice
    /// in one, a seed that is not of this index.
    pub fn apart(
        view: &ModeIndex,
        queries: &[Vec<Row>],
        excluded: &[Row],
        config: &ExpandConfig,
    ) -> Result<Self> {
        let pool = |seeds: &Vec<Row>| {
            let mut taken = vec![false; view.len()];
            excluded
                .iter()
                .filter(|r| r.index() < view.len())
                .for_each(|r| taken[r.index()] = true);
            seeds
                .iter()
                .filter(|s| s.index() < view.len())
                .for_each(|s| taken[s.index()] = true);
            taken
        };
        BatchExpansion::new(view, queries, queries.iter().map(pool).collect(), config)
    }

    /// All queries from one pool: what one takes no other can have, and the seeds of all are out
    /// for all. Errors: as [`BatchExpansion::apart`].
    pub fn jointly(view: &ModeIndex, queries: &[Vec<Row>], config: &ExpandConfig) -> Result<Self> {
        let mut taken = vec![false; view.len()];
        queries
            .iter()
            .flatten()
            .filter(|s| s.index() < view.len())
            .for_each(|s| taken[s.index()] = true);
        BatchExpansion::new(view, queries, vec![taken], config)
    }

    fn new(
        view: &ModeIndex,
        queries: &[Vec<Row>],
        pools: Vec<Vec<bool>>,
        config: &ExpandConfig,
    ) -> Result<Self> {
        let searches = queries
            .iter()
            .map(|seeds| WindowSearch::new(view, seeds))
            .collect::<Result<Vec<_>>>()?;
        let by_rows = queries
            .iter()
            .zip(&searches)
            .enumerate()
            .filter(|(_, (_, search))| search.wants_rows());
        let waiting = by_rows
            .flat_map(|(query, (seeds, _))| seeds.iter().map(move |&s| (query, s)))
            .collect();
        let searches: Vec<_> = searches.into_iter().map(Some).collect();
        Ok(BatchExpansion {
            config: config.clone(),
            pools,
            waiting,
            turn: searches.len(),
            searches,
        })
    }

    /// One step further: a pick, the end of a query, or the rows of the round; none when all
    /// queries are finished.
    pub fn step(&mut self, view: &ModeIndex) -> Option<BatchStep> {
        if self.turn == self.searches.len() {
            self.turn = 0;
            if !self.waiting.is_empty() {
                self.add_rows(view);
                return Some(BatchStep::Added);
            }
        }
        while self.turn < self.searches.len() {
            let query = self.turn;
            self.turn += 1;
            let Some(mut search) = self.searches[query].take() else {
                continue;
            };
            let pool = self.pool(query);
            let Some(pick) = search.pick(view, &self.config, &mut self.pools[pool]) else {
                return Some(BatchStep::Finished(
                    query,
                    Box::new(search.finish(view, &self.config)),
                ));
            };
            if search.wants_rows() {
                self.waiting.push((query, pick.row));
            }
            self.searches[query] = Some(search);
            return Some(BatchStep::Picked(query, pick));
        }
        match self.waiting.is_empty() && self.searches.iter().all(Option::is_none) {
            true => None,
            false => self.step(view),
        }
    }

    /// Which of the pools is this query's.
    fn pool(&self, query: usize) -> usize {
        if self.pools.len() == 1 { 0 } else { query }
    }

    fn add_rows(&mut self, view: &ModeIndex) {
        let mut rows: Vec<Row> = self.waiting.iter().map(|&(_, row)| row).collect();
        rows.extend(self.ahead(view, &rows));
        let z = view.z_rows(&rows);
        for ((query, _), row) in self.waiting.drain(..).zip(&z) {
            if let Some(search) = &mut self.searches[query] {
                search.add(row);
            }
        }
    }

    /// Rows that the product of `rows` has room for: of each query's next picks in turn, as far as
    /// can be told.
    fn ahead(&self, view: &ModeIndex, rows: &[Row]) -> Vec<Row> {
        let spare = view.free_rows(rows);
        let mut found: Vec<Row> = Vec::with_capacity(spare);
        for (query, search) in self.searches.iter().enumerate() {
            let Some(search) = search else { continue };
            if found.len() == spare {
                break;
            }
            let (pool, room) = (&self.pools[self.pool(query)], spare - found.len());
            let next = search.ahead(view, &self.config, pool, room).into_iter();
            let new = next
                .filter(|r| !view.has_cached_row(*r) && !rows.contains(r) && !found.contains(r))
                .take(room);
            found.extend(new.collect::<Vec<_>>());
        }
        found
    }
}

/// Expands one query alone. `excluded` are never picked. The observer sees every pick and may stop
/// the search there ([`Error::Stopped`]). Errors: no seeds, a seed twice, a seed that is not of
/// this index.
pub fn expand(
    view: &ModeIndex,
    seeds: &[Row],
    excluded: &[Row],
    config: &ExpandConfig,
    observer: &mut dyn for<'p> Observer<&'p Pick>,
) -> Result<Expansion> {
    let lockstep = BatchExpansion::apart(view, &[seeds.to_vec()], excluded, config)?;
    let mut all = run(lockstep, view, &mut |(_, pick): (usize, &Pick)| {
        observer.report(pick)
    })?;
    Ok(all.swap_remove(0))
}

/// Expands queries together from one pool, as the published evaluation does. They pick in turn, in
/// the order given. The observer is told whose pick it is.
pub fn expand_joint(
    view: &ModeIndex,
    queries: &[Vec<Row>],
    config: &ExpandConfig,
    observer: &mut dyn for<'p> Observer<(usize, &'p Pick)>,
) -> Result<Vec<Expansion>> {
    run(
        BatchExpansion::jointly(view, queries, config)?,
        view,
        observer,
    )
}

/// Each query's expansion, in the order given.
fn run(
    mut lockstep: BatchExpansion,
    view: &ModeIndex,
    observer: &mut dyn for<'p> Observer<(usize, &'p Pick)>,
) -> Result<Vec<Expansion>> {
    let mut found: Vec<Option<Expansion>> = lockstep.searches.iter().map(|_| None).collect();
    while let Some(step) = lockstep.step(view) {
        match step {
            BatchStep::Picked(query, pick) => observer.report((query, &pick))?,
            BatchStep::Added => {}
            BatchStep::Finished(query, expansion) => found[query] = Some(*expansion),
        }
    }
    Ok(found.into_iter().flatten().collect())
}
