//! The window search (`docs/ALGORITHM.md`, "Expansion"): a set grows from its seeds, one pick at a time.

use std::collections::{HashMap, HashSet};

use super::ahead::{self, best};
use super::config::{Config, height};
use super::divergence::Places;
use super::ranking::add_row;
use super::rerank::{Reranked, rerank};
use crate::error::{Error, Result};
use crate::index::View;
use crate::job::Observer;
use crate::types::Row;

/// One picked candidate, and how it was picked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pick {
    pub row: Row,
    /// ΣZ over the seeds and everything picked before: what the search sorted by.
    pub set_score: f64,
    /// r = |set| − 3.
    pub round: i64,
    /// w(r).
    pub window: usize,
    /// Its place by `set_score` among those not yet in the set, 1..=window.
    pub window_place: usize,
    /// KL(T‖P\[e\]), in nats.
    pub divergence: f64,
}

/// What one query came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Expansion {
    pub seeds: Vec<Row>,
    /// In the order picked; fewer than asked for where the candidates ran out.
    pub picks: Vec<Pick>,
    /// The picks, best first.
    pub reranked: Vec<Reranked>,
    /// For each entity that was in a window and not picked in the end: the first pick (from 1) that it lost.
    pub lost: HashMap<Row, usize>,
    /// ΣZ over the seeds and all picks, `[V]`.
    pub set_scores: Vec<f64>,
}

impl Expansion {
    /// The entity's rank (from 1) by ΣZ over the whole set among all that are not seeds.
    pub fn final_rank(&self, row: Row) -> usize {
        let score = self.set_scores[row.at()];
        let above = |(i, s): (usize, &f64)| *s > score || (*s == score && i < row.at());
        let all = self.set_scores.iter().enumerate().filter(|&x| above(x)).count();
        let seeds = self.seeds.iter().filter(|s| above((s.at(), &self.set_scores[s.at()]))).count();
        all - seeds + 1
    }

    /// The candidates in the order of the re-ranking, best first.
    pub fn ranking(&self) -> impl Iterator<Item = Row> {
        self.reranked.iter().map(|r| self.picks[r.pick].row)
    }
}

/// Expands one query alone. `excluded` are never picked. The observer sees every pick and may stop the search there
/// ([`Error::Stopped`]). Errors: no seeds, a seed twice, a seed that is not of this index.
pub fn expand(
    view: &View,
    seeds: &[Row],
    excluded: &[Row],
    config: &Config,
    observer: &mut dyn for<'p> Observer<&'p Pick>,
) -> Result<Expansion> {
    let mut taken = vec![false; view.len()];
    excluded.iter().filter(|r| r.at() < view.len()).for_each(|r| taken[r.at()] = true);
    let mut search = Search::new(view, seeds, config)?;
    seeds.iter().for_each(|s| taken[s.at()] = true);
    while let Some(pick) = search.pick(&mut taken) {
        if observer.on(&pick).is_break() {
            return Err(Error::Stopped);
        }
    }
    Ok(search.finish())
}

/// Expands queries together from one pool, as the published evaluation does: what one takes no other can have, and
/// the seeds of all are out for all. They pick in turn, in the order given. The observer is told whose pick it is.
pub fn expand_joint(
    view: &View,
    queries: &[Vec<Row>],
    config: &Config,
    observer: &mut dyn for<'p> Observer<(usize, &'p Pick)>,
) -> Result<Vec<Expansion>> {
    let mut searches = queries.iter().map(|seeds| Search::new(view, seeds, config)).collect::<Result<Vec<_>>>()?;
    let mut taken = vec![false; view.len()];
    queries.iter().flatten().for_each(|s| taken[s.at()] = true);
    let mut picking = true;
    while picking {
        picking = false;
        for (query, search) in searches.iter_mut().enumerate() {
            let Some(pick) = search.pick(&mut taken) else { continue };
            picking = true;
            if observer.on((query, &pick)).is_break() {
                return Err(Error::Stopped);
            }
        }
    }
    Ok(searches.into_iter().map(Search::finish).collect())
}

/// A query under way.
struct Search<'a> {
    view: &'a View<'a>,
    config: &'a Config,
    seeds: usize,
    /// Seeds, then picks.
    set: Vec<Row>,
    /// ΣZ over the set, `[V]`.
    scores: Vec<f64>,
    picks: Vec<Pick>,
    lost: HashMap<Row, usize>,
    /// Entities that were in a window: the set's places as far as they have been added.
    watched: HashMap<Row, Places>,
}

impl<'a> Search<'a> {
    fn new(view: &'a View<'a>, seeds: &[Row], config: &'a Config) -> Result<Self> {
        check_seeds(view, seeds)?;
        let mut scores = vec![0.0; view.len()];
        view.z_rows(seeds).iter().for_each(|row| add_row(&mut scores, row));
        Ok(Search {
            view,
            config,
            seeds: seeds.len(),
            set: seeds.to_vec(),
            scores,
            picks: Vec::with_capacity(config.size),
            lost: HashMap::new(),
            watched: HashMap::new(),
        })
    }

    /// Picks the next candidate and takes it from the pool; none when there are enough or the pool is empty.
    fn pick(&mut self, taken: &mut [bool]) -> Option<Pick> {
        if self.picks.len() == self.config.size {
            return None;
        }
        let round = self.config.window.round(self.set.len());
        let window = self.config.window.width(round);
        let candidates = best(&self.scores, taken, window);
        let ahead = (self.config.size - self.picks.len()).min(self.config.look_ahead).max(window);
        let seen = |c: Row| self.watched.get(&c).map_or(0, Places::count);
        ahead::load_probabilities(self.view, &candidates, &self.set, seen, || best(&self.scores, taken, ahead));
        let divergences: Vec<f64> = candidates.iter().map(|&c| self.divergence(c)).collect();
        let least = (0..candidates.len()).min_by(|&a, &b| divergences[a].total_cmp(&divergences[b]))?;
        let row = candidates[least];
        let pick = Pick {
            row,
            set_score: self.scores[row.at()],
            round,
            window,
            window_place: least + 1,
            divergence: divergences[least],
        };
        taken[row.at()] = true;
        for loser in candidates.into_iter().filter(|&c| c != row) {
            self.lost.entry(loser).or_insert(self.picks.len() + 1);
        }
        self.lost.remove(&row);
        self.picks.push(pick);
        self.set.push(row);
        let z = ahead::row(self.view, row, || best(&self.scores, taken, ahead - 1));
        add_row(&mut self.scores, &z);
        Some(pick)
    }

    /// KL(T‖P\[e\]) of an entity that is not in the set: T is P\[e\]\[e\] at its own place.
    fn divergence(&mut self, entity: Row) -> f64 {
        let v = self.view.len();
        let places = self.watched.entry(entity).or_default();
        let seen = places.count();
        let mut targets = vec![entity];
        targets.extend_from_slice(&self.set[seen..]);
        let p = self.view.probabilities_of(entity, &targets);
        let own = p[0];
        for (place, &p) in (seen..).zip(&p[1..]) {
            places.add(height(&self.config.selection, place) / v as f64, p);
        }
        places.with(own, own).divergence(v, self.view.sum_log_prob(entity))
    }

    fn finish(self) -> Expansion {
        Expansion {
            seeds: self.set[..self.seeds].to_vec(),
            reranked: rerank(self.view, &self.set, self.seeds, self.config),
            picks: self.picks,
            lost: self.lost,
            set_scores: self.scores,
        }
    }
}

fn check_seeds(view: &View, seeds: &[Row]) -> Result<()> {
    if seeds.is_empty() {
        return Err(Error::Argument("an expansion needs at least one seed".to_owned()));
    }
    let mut seen = HashSet::new();
    for &seed in seeds {
        if seed.at() >= view.len() {
            return Err(Error::Argument(format!("row {} is not in an index of {} entities", seed.0, view.len())));
        }
        if !seen.insert(seed) {
            let name = &view.index().entity(seed).name;
            return Err(Error::Argument(format!("“{name}” is a seed twice")));
        }
    }
    Ok(())
}
