//! The window search (`docs/ALGORITHM.md`, "Expansion"): a set grows from its seeds, one pick at a time.

use std::collections::{HashMap, HashSet};

use super::best::best;
use super::config::{Config, height};
use super::divergence::Places;
use super::ranking::add_row;
use super::rerank::{Reranked, rerank};
use crate::error::{Error, Result};
use crate::index::View;
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

/// A query under way.
pub(super) struct Search {
    seeds: usize,
    /// Seeds, then picks.
    set: Vec<Row>,
    /// ΣZ over the set as far as rows were added, `[V]`.
    scores: Vec<f64>,
    picks: Vec<Pick>,
    lost: HashMap<Row, usize>,
    /// Entities that were in a window.
    watched: HashMap<Row, Watched>,
}

/// What is known of an entity that was in a window.
#[derive(Default)]
struct Watched {
    /// P\[e\]\[e\], then P\[e\] at the set's places as far as they were looked at.
    p: Vec<f64>,
    /// The set's places among them.
    places: Places,
}

impl Search {
    /// Without the seeds' rows: they are to be added.
    pub fn new(view: &View, seeds: &[Row]) -> Result<Self> {
        check_seeds(view, seeds)?;
        Ok(Search {
            seeds: seeds.len(),
            set: seeds.to_vec(),
            scores: vec![0.0; view.len()],
            picks: Vec::new(),
            lost: HashMap::new(),
            watched: HashMap::new(),
        })
    }

    pub fn has_picked(&self) -> bool {
        !self.picks.is_empty()
    }

    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// Adds Z of a member of the set to the scores.
    pub fn add(&mut self, row: &[f32]) {
        add_row(&mut self.scores, row);
    }

    /// Picks the next candidate and takes it from the pool; its row is to be added. None when there are enough or the
    /// pool is empty.
    pub fn pick(&mut self, view: &View, config: &Config, taken: &mut [bool]) -> Option<Pick> {
        if self.picks.len() == config.size {
            return None;
        }
        let round = config.window.round(self.set.len());
        let window = config.window.width(round);
        let candidates = best(&self.scores, taken, window);
        let divergences: Vec<f64> = candidates.iter().map(|&c| self.divergence(view, config, c)).collect();
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
        Some(pick)
    }

    /// KL(T‖P\[e\]) of an entity that is not in the set: T is P\[e\]\[e\] at its own place.
    fn divergence(&mut self, view: &View, config: &Config, entity: Row) -> f64 {
        let v = view.len();
        let Watched { p, places } = self.watched.entry(entity).or_default();
        if p.is_empty() {
            view.extend_probabilities(entity, &[entity], p);
        }
        let seen = places.count();
        view.extend_probabilities(entity, &self.set[seen..], p);
        for (place, &p) in p[1..].iter().enumerate().skip(seen) {
            places.add(height(&config.selection, place) / v as f64, p);
        }
        places.with(p[0], p[0]).divergence(v, view.sum_log_prob(entity))
    }

    /// KL(T‖P\[e\]) of a member, T that of the re-ranking: its own place is one of the set's.
    fn final_divergence(&mut self, view: &View, config: &Config, member: Row) -> f64 {
        let v = view.len();
        let p = &mut self.watched.entry(member).or_default().p;
        if p.is_empty() {
            view.extend_probabilities(member, &[member], p);
        }
        view.extend_probabilities(member, &self.set[p.len() - 1..], p);
        let mut places = Places::default();
        for (place, &p) in p[1..].iter().enumerate() {
            places.add(height(&config.reranking, place) / v as f64, p);
        }
        places.divergence(v, view.sum_log_prob(member))
    }

    /// Re-ranks the picks.
    pub fn finish(mut self, view: &View, config: &Config) -> Expansion {
        let picked: Vec<Row> = self.picks.iter().map(|p| p.row).collect();
        let divergences: Vec<f64> = picked.into_iter().map(|e| self.final_divergence(view, config, e)).collect();
        Expansion {
            seeds: self.set[..self.seeds].to_vec(),
            reranked: rerank(&divergences, config),
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
