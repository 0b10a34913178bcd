//! The window search (`docs/ALGORITHM.md`, "Expansion"): a set grows from its seeds, one pick at a
//! time.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result};
use crate::expand::divergence::DivergenceTerms;
use crate::expand::expand_config::{ExpandConfig, height};
use crate::expand::rerank::{Reranked, rerank};
use crate::expand::row_sums::Sums;
use crate::expand::score_bounds::Bounds;
use crate::expand::top_k::by_score;
use crate::index::{ModeIndex, PreparedEntity, TargetSet};
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

/// One that competed for a pick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Competitor {
    pub row: Row,
    pub set_score: f64,
    /// KL(T‖P\[e\]), in nats: the least is picked.
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
    /// Who competed for each pick, best `set_score` first; the picked one is among them.
    pub windows: Vec<Vec<Competitor>>,
}

impl Expansion {
    /// The first pick (from 1) that an entity competed for; none where it never did.
    pub fn first_window(&self, row: Row) -> Option<usize> {
        self.windows
            .iter()
            .position(|window| window.iter().any(|rival| rival.row == row))
            .map(|at| at + 1)
    }

    /// The rank (from 1) of every entity by ΣZ over the whole set among all that are not seeds,
    /// `[V]`; of a seed it says nothing.
    pub fn final_ranks(&self, view: &ModeIndex) -> Vec<usize> {
        let set: Vec<Row> = self
            .seeds
            .iter()
            .copied()
            .chain(self.picks.iter().map(|p| p.row))
            .collect();
        let scores = view.set_scores(&set);
        let mut order: Vec<Row> = (0..view.len() as u32)
            .map(Row)
            .filter(|r| !self.seeds.contains(r))
            .collect();
        order.sort_unstable_by(|&a, &b| by_score(&scores, a, b));
        let mut ranks = vec![0; view.len()];
        order
            .iter()
            .zip(1..)
            .for_each(|(row, rank)| ranks[row.index()] = rank);
        ranks
    }

    /// The candidates in the order of the re-ranking, best first.
    pub fn ranking(&self) -> impl Iterator<Item = Row> {
        self.reranked.iter().map(|r| self.picks[r.pick].row)
    }
}

/// Rows of so many of the best are computed ahead in a small vocabulary.
const AHEAD: usize = 48;
/// In a large one the search itself goes on among so many of the best, to see whose rows it will
/// want: there the best change with every pick, and a row costs more than the guess.
const GUESSED_AMONG: usize = 512;
/// V·D of a vocabulary that counts as large.
const GUESSED_FROM: usize = 4 << 20;

/// A query under way.
pub(super) struct WindowSearch {
    seeds: usize,
    /// Seeds, then picks.
    set: Vec<Row>,
    /// As places where P is wanted.
    targets: TargetSet,
    scores: Scores,
    picks: Vec<Pick>,
    windows: Vec<Vec<Competitor>>,
    /// Entities that were in a window.
    watched: HashMap<Row, Watched>,
}

/// ΣZ over the set.
enum Scores {
    Bounded(Bounds),
    /// As far as rows were added.
    Whole(Sums),
    /// Of a few candidates, where the picks are only guessed.
    Few(Vec<(Row, f64)>),
}

/// What is known of an entity that was in a window.
#[derive(Clone)]
struct Watched {
    asked: PreparedEntity,
    /// P\[e\]\[e\].
    own: f64,
    /// P\[e\] at the set's places as far as they were looked at.
    p: Vec<f64>,
    /// The set's places among them.
    places: DivergenceTerms,
}

impl WindowSearch {
    /// Where it [wants rows](Search::wants_rows), those of the seeds are to be added.
    pub fn new(view: &ModeIndex, seeds: &[Row]) -> Result<Self> {
        check_seeds(view, seeds)?;
        let bounded = || {
            let mut bounds = Bounds::new(view)?;
            seeds
                .iter()
                .try_for_each(|&seed| bounds.add(view, seed))
                .map(|()| bounds)
        };
        Ok(WindowSearch {
            seeds: seeds.len(),
            set: seeds.to_vec(),
            targets: TargetSet::default(),
            scores: bounded().map_or_else(|| Scores::Whole(Sums::new(view.len())), Scores::Bounded),
            picks: Vec::new(),
            windows: Vec::new(),
            watched: HashMap::new(),
        })
    }

    /// Whether it goes by whole rows of Z: those of its picks are to be added.
    pub fn wants_rows(&self) -> bool {
        matches!(self.scores, Scores::Whole(_))
    }

    /// Whose rows are likely to be wanted next, where it goes by rows and that of the last pick is
    /// still to be added: more than `count` may be given.
    pub fn ahead(
        &self,
        view: &ModeIndex,
        config: &ExpandConfig,
        taken: &[bool],
        count: usize,
    ) -> Vec<Row> {
        match &self.scores {
            Scores::Whole(_) if self.picks.is_empty() => Vec::new(),
            Scores::Whole(sums) if view.len() * view.width() < GUESSED_FROM => {
                sums.best(taken, AHEAD)
            }
            _ => self.guess(view, config, taken, count),
        }
    }

    /// The picks that come next, were they all among the best now; as [`WindowSearch::ahead`].
    pub fn guess(
        &self,
        view: &ModeIndex,
        config: &ExpandConfig,
        taken: &[bool],
        count: usize,
    ) -> Vec<Row> {
        let (Scores::Whole(sums), Some(last)) = (&self.scores, self.picks.last()) else {
            return Vec::new();
        };
        let few = sums
            .best(taken, GUESSED_AMONG)
            .into_iter()
            .map(|row| (row, sums.of(row)))
            .collect();
        let mut search = WindowSearch {
            seeds: self.seeds,
            set: self.set.clone(),
            targets: self.targets.clone(),
            scores: Scores::Few(few),
            picks: self.picks.clone(),
            windows: Vec::new(),
            watched: self.watched.clone(),
        };
        search.add_to_few(view, last.row);
        let mut taken = taken.to_vec();
        (0..count)
            .map_while(|_| search.pick(view, config, &mut taken))
            .map(|pick| pick.row)
            .collect()
    }

    fn add_to_few(&mut self, view: &ModeIndex, member: Row) {
        let Scores::Few(few) = &mut self.scores else {
            return;
        };
        let rows: Vec<Row> = few.iter().map(|&(row, _)| row).collect();
        few.iter_mut()
            .zip(&view.z(&[member], &rows)[0])
            .for_each(|((_, sum), z)| *sum += z);
    }

    /// Adds Z of a member of the set to the scores.
    pub fn add(&mut self, row: &[f32]) {
        if let Scores::Whole(sums) = &mut self.scores {
            sums.add(row);
        }
    }

    /// The best that are not taken, best first, with ΣZ. Where bounds do not tell, it goes by rows
    /// from now on.
    fn best(&mut self, view: &ModeIndex, taken: &[bool], count: usize) -> Vec<(Row, f64)> {
        if let Scores::Bounded(bounds) = &mut self.scores {
            if let Some(found) = bounds.best(view, taken, count) {
                return found;
            }
            self.scores = Scores::Whole(Sums::over(view, &self.set));
        }
        match &self.scores {
            Scores::Whole(sums) => sums
                .best(taken, count)
                .into_iter()
                .map(|row| (row, sums.of(row)))
                .collect(),
            Scores::Few(few) => {
                let mut left: Vec<(Row, f64)> = few
                    .iter()
                    .filter(|(row, _)| !taken[row.index()])
                    .copied()
                    .collect();
                left.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                left.truncate(count);
                left
            }
            Scores::Bounded(_) => Vec::new(),
        }
    }

    /// Picks the next candidate and takes it from the pool. None when there are enough or the pool
    /// is empty.
    pub fn pick(
        &mut self,
        view: &ModeIndex,
        config: &ExpandConfig,
        taken: &mut [bool],
    ) -> Option<Pick> {
        if self.picks.len() == config.size {
            return None;
        }
        let round = config.window.round(self.set.len());
        let window = config.window.width(round);
        let candidates = self.best(view, taken, window);
        let divergences = self.divergences(view, config, &candidates);
        let least =
            (0..candidates.len()).min_by(|&a, &b| divergences[a].total_cmp(&divergences[b]))?;
        let (row, set_score) = candidates[least];
        let pick = Pick {
            row,
            set_score,
            round,
            window,
            window_place: least + 1,
            divergence: divergences[least],
        };
        taken[row.index()] = true;
        let rivals = candidates.into_iter().zip(divergences);
        self.windows.push(
            rivals
                .map(|((row, set_score), divergence)| Competitor {
                    row,
                    set_score,
                    divergence,
                })
                .collect(),
        );
        self.picks.push(pick);
        self.set.push(row);
        if let Scores::Bounded(bounds) = &mut self.scores
            && bounds.add(view, row).is_none()
        {
            self.scores = Scores::Whole(Sums::over(view, &self.set[..self.set.len() - 1]));
        }
        self.add_to_few(view, row);
        Some(pick)
    }

    /// KL(T‖P\[e\]) of each entity, none of the set: T is P\[e\]\[e\] at its own place.
    fn divergences(
        &mut self,
        view: &ModeIndex,
        config: &ExpandConfig,
        entities: &[(Row, f64)],
    ) -> Vec<f64> {
        let v = view.len();
        let entities: Vec<Row> = entities.iter().map(|&(e, _)| e).collect();
        self.watch(view, &entities);
        let divergence = |entity: Row| {
            let watched = self.watched.get_mut(&entity)?;
            for (place, &p) in watched.p.iter().enumerate().skip(watched.places.count()) {
                watched
                    .places
                    .add(height(&config.selection, place) / v as f64, p);
            }
            Some(
                watched
                    .places
                    .with(watched.own, watched.own)
                    .divergence(v, view.sum_log_prob(entity)),
            )
        };
        entities.into_iter().filter_map(divergence).collect()
    }

    /// KL(T‖P\[e\]) of each pick, T that of the re-ranking: its own place is one of the set's.
    fn final_divergences(&mut self, view: &ModeIndex, config: &ExpandConfig) -> Vec<f64> {
        let v = view.len();
        let picked: Vec<Row> = self.picks.iter().map(|p| p.row).collect();
        self.watch(view, &picked);
        let divergence = |&member: &Row| {
            let mut places = DivergenceTerms::default();
            for (place, &p) in self.watched[&member].p.iter().enumerate() {
                places.add(height(&config.reranking, place) / v as f64, p);
            }
            places.divergence(v, view.sum_log_prob(member))
        };
        picked.iter().map(divergence).collect()
    }

    /// Has P\[e\] of these entities at the places of the whole set.
    fn watch(&mut self, view: &ModeIndex, entities: &[Row]) {
        for &entity in entities {
            self.watched.entry(entity).or_insert_with(|| {
                let (asked, mut own) = (view.prepare(entity), TargetSet::default());
                view.add_target(&mut own, entity);
                let own = view.probabilities(&[(&asked, 0)], &own)[0][0];
                Watched {
                    asked,
                    own,
                    p: Vec::new(),
                    places: DivergenceTerms::default(),
                }
            });
        }
        for &row in &self.set[self.targets.count()..] {
            view.add_target(&mut self.targets, row);
        }
        let wanted = entities
            .iter()
            .map(|e| &self.watched[e])
            .map(|w| (&w.asked, w.p.len()));
        let found = view.probabilities(&wanted.collect::<Vec<_>>(), &self.targets);
        for (entity, found) in entities.iter().zip(found) {
            self.watched
                .entry(*entity)
                .and_modify(|watched| watched.p.extend(found));
        }
    }

    /// Re-ranks the picks.
    pub fn finish(mut self, view: &ModeIndex, config: &ExpandConfig) -> Expansion {
        let divergences = self.final_divergences(view, config);
        Expansion {
            seeds: self.set[..self.seeds].to_vec(),
            reranked: rerank(&divergences, config),
            picks: self.picks,
            windows: self.windows,
        }
    }
}

fn check_seeds(view: &ModeIndex, seeds: &[Row]) -> Result<()> {
    if seeds.is_empty() {
        return Err(Error::Argument(
            "an expansion needs at least one seed".to_owned(),
        ));
    }
    let mut seen = HashSet::new();
    for &seed in seeds {
        if seed.index() >= view.len() {
            return Err(Error::Argument(format!(
                "row {} is not in an index of {} entities",
                seed.0,
                view.len()
            )));
        }
        if !seen.insert(seed) {
            let name = &view.entity(seed).name;
            return Err(Error::Argument(format!("“{name}” is a seed twice")));
        }
    }
    Ok(())
}
