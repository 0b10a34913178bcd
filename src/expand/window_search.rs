//! The window search (`docs/ALGORITHM.md`, "Expansion"): a set grows from its seeds, one pick at a
//! time.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result};
use crate::expand::divergence::DivergenceTerms;
use crate::expand::expand_config::{ExpandConfig, height};
use crate::expand::rerank::{Reranked, rerank};
use crate::expand::row_sums::RowSums;
use crate::expand::score_bounds::ScoreBounds;
use crate::expand::top_k::compare_by_score;
use crate::index::{ModeIndex, PreparedEntity, TargetSet};
use crate::types::Row;

/// A picked candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pick {
    pub row: Row,
    /// ΣZ over the seeds and all earlier picks, by which the search sorted.
    pub set_score: f64,
    /// The round r = |set| − 3.
    pub round: i64,
    /// The window w(r).
    pub window: usize,
    /// The rank by `set_score` among the candidates, 1..=window.
    pub window_rank: usize,
    /// KL(T‖P\[e\]) in nats.
    pub divergence: f64,
}

/// A candidate in the window of a pick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Competitor {
    pub row: Row,
    pub set_score: f64,
    /// KL(T‖P\[e\]) in nats. The candidate with the smallest is picked.
    pub divergence: f64,
}

/// The result of one query.
#[derive(Debug, Clone, PartialEq)]
pub struct Expansion {
    pub seeds: Vec<Row>,
    /// The picks in order; fewer than the requested size if the candidates ran out.
    pub picks: Vec<Pick>,
    /// The re-ranked picks, best first.
    pub reranked: Vec<Reranked>,
    /// The window of each pick with all its candidates, best `set_score` first.
    pub windows: Vec<Vec<Competitor>>,
}

impl Expansion {
    /// Returns the first pick (from 1) whose window had this entity; `None` if there is none.
    pub fn first_window(&self, row: Row) -> Option<usize> {
        self.windows
            .iter()
            .position(|window| window.iter().any(|competitor| competitor.row == row))
            .map(|position| position + 1)
    }

    /// Returns the rank (from 1) of every entity by ΣZ over the whole set among all that are not
    /// seeds, `[V]`. The number for a seed has no meaning.
    pub fn final_ranks(&self, index: &ModeIndex) -> Vec<usize> {
        let set: Vec<Row> = self
            .seeds
            .iter()
            .copied()
            .chain(self.picks.iter().map(|p| p.row))
            .collect();
        let scores = index.set_scores(&set);
        let mut order: Vec<Row> = (0..index.len() as u32)
            .map(Row)
            .filter(|r| !self.seeds.contains(r))
            .collect();
        order.sort_unstable_by(|&a, &b| compare_by_score(&scores, a, b));
        let mut ranks = vec![0; index.len()];
        order
            .iter()
            .zip(1..)
            .for_each(|(row, rank)| ranks[row.index()] = rank);
        ranks
    }

    /// Returns the picked candidates in re-ranked order, best first.
    pub fn ranking(&self) -> impl Iterator<Item = Row> {
        self.reranked.iter().map(|r| self.picks[r.pick].row)
    }
}

/// The number of best candidates whose rows are computed ahead in a small vocabulary.
const ROWS_AHEAD: usize = 48;
/// The number of best candidates among which a large vocabulary's next picks are predicted by
/// continuing the search. There the best change with every pick, and a row costs more than the
/// prediction.
const PREDICTION_CANDIDATES: usize = 512;
/// The V·D from which a vocabulary is large.
const LARGE_VOCABULARY: usize = 4 << 20;

/// The running search of one query.
pub(super) struct WindowSearch {
    seeds: usize,
    /// The seeds, then the picks.
    set: Vec<Row>,
    /// The set as targets of P.
    targets: TargetSet,
    scores: Scores,
    picks: Vec<Pick>,
    windows: Vec<Vec<Competitor>>,
    /// The entities that have been in a window.
    window_entities: HashMap<Row, WindowEntity>,
}

/// ΣZ over the set.
enum Scores {
    Bounded(ScoreBounds),
    /// RowSums of the rows that were added.
    Rows(RowSums),
    /// RowSums of a few candidates, for the prediction of picks.
    Few(Vec<(Row, f64)>),
}

/// The numbers of an entity that has been in a window.
#[derive(Clone)]
struct WindowEntity {
    prepared: PreparedEntity,
    /// P\[e\]\[e\].
    own: f64,
    /// P\[e\] at the members of the set, as far as they were computed.
    p: Vec<f64>,
    /// The divergence terms of these members.
    terms: DivergenceTerms,
}

impl WindowSearch {
    /// Starts a search. If it [uses rows](Self::uses_rows), the rows of the seeds must be added
    /// first.
    pub fn new(index: &ModeIndex, seeds: &[Row]) -> Result<Self> {
        check_seeds(index, seeds)?;
        let bounded = || {
            let mut bounds = ScoreBounds::new(index)?;
            seeds
                .iter()
                .try_for_each(|&seed| bounds.add(index, seed))
                .map(|()| bounds)
        };
        Ok(WindowSearch {
            seeds: seeds.len(),
            set: seeds.to_vec(),
            targets: TargetSet::default(),
            scores: bounded()
                .map_or_else(|| Scores::Rows(RowSums::new(index.len())), Scores::Bounded),
            picks: Vec::new(),
            windows: Vec::new(),
            window_entities: HashMap::new(),
        })
    }

    /// Returns whether the search uses whole rows of Z: those of its picks must be added.
    pub fn uses_rows(&self) -> bool {
        matches!(self.scores, Scores::Rows(_))
    }

    /// Returns rows that are likely to be needed next by a search that uses rows and whose last
    /// pick has not been added yet. The result may be longer than `count`.
    pub fn likely_rows(
        &self,
        index: &ModeIndex,
        config: &ExpandConfig,
        taken: &[bool],
        count: usize,
    ) -> Vec<Row> {
        match &self.scores {
            Scores::Rows(_) if self.picks.is_empty() => Vec::new(),
            Scores::Rows(sums) if index.len() * index.width() < LARGE_VOCABULARY => {
                sums.best(taken, ROWS_AHEAD)
            }
            _ => self.predict_picks(index, config, taken, count),
        }
    }

    /// Returns the next picks under the assumption that all of them are among the currently best
    /// candidates; as [`WindowSearch::likely_rows`].
    pub fn predict_picks(
        &self,
        index: &ModeIndex,
        config: &ExpandConfig,
        taken: &[bool],
        count: usize,
    ) -> Vec<Row> {
        let (Scores::Rows(sums), Some(last)) = (&self.scores, self.picks.last()) else {
            return Vec::new();
        };
        let few = sums
            .best(taken, PREDICTION_CANDIDATES)
            .into_iter()
            .map(|row| (row, sums.get(row)))
            .collect();
        let mut search = WindowSearch {
            seeds: self.seeds,
            set: self.set.clone(),
            targets: self.targets.clone(),
            scores: Scores::Few(few),
            picks: self.picks.clone(),
            windows: Vec::new(),
            window_entities: self.window_entities.clone(),
        };
        search.add_to_few(index, last.row);
        let mut taken = taken.to_vec();
        (0..count)
            .map_while(|_| search.pick(index, config, &mut taken))
            .map(|pick| pick.row)
            .collect()
    }

    fn add_to_few(&mut self, index: &ModeIndex, member: Row) {
        let Scores::Few(few) = &mut self.scores else {
            return;
        };
        let rows: Vec<Row> = few.iter().map(|&(row, _)| row).collect();
        few.iter_mut()
            .zip(&index.z(&[member], &rows)[0])
            .for_each(|((_, sum), z)| *sum += z);
    }

    /// Adds Z of a member of the set to the scores.
    pub fn add(&mut self, row: &[f32]) {
        if let Scores::Rows(sums) = &mut self.scores {
            sums.add(row);
        }
    }

    /// Returns the best candidates that are not taken, best first, with ΣZ. If bounds do not
    /// suffice, the search uses rows from now on.
    fn best(&mut self, index: &ModeIndex, taken: &[bool], count: usize) -> Vec<(Row, f64)> {
        if let Scores::Bounded(bounds) = &mut self.scores {
            if let Some(found) = bounds.best(index, taken, count) {
                return found;
            }
            self.scores = Scores::Rows(RowSums::over_set(index, &self.set));
        }
        match &self.scores {
            Scores::Rows(sums) => sums
                .best(taken, count)
                .into_iter()
                .map(|row| (row, sums.get(row)))
                .collect(),
            Scores::Few(few) => {
                let mut remaining: Vec<(Row, f64)> = few
                    .iter()
                    .filter(|(row, _)| !taken[row.index()])
                    .copied()
                    .collect();
                remaining.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                remaining.truncate(count);
                remaining
            }
            Scores::Bounded(_) => Vec::new(),
        }
    }

    /// Picks the next candidate and takes it from the pool. Returns `None` if there are enough
    /// picks or the pool is empty.
    pub fn pick(
        &mut self,
        index: &ModeIndex,
        config: &ExpandConfig,
        taken: &mut [bool],
    ) -> Option<Pick> {
        if self.picks.len() == config.size {
            return None;
        }
        let round = config.window.round(self.set.len());
        let window = config.window.width(round);
        let candidates = self.best(index, taken, window);
        let divergences = self.divergences(index, config, &candidates);
        let least =
            (0..candidates.len()).min_by(|&a, &b| divergences[a].total_cmp(&divergences[b]))?;
        let (row, set_score) = candidates[least];
        let pick = Pick {
            row,
            set_score,
            round,
            window,
            window_rank: least + 1,
            divergence: divergences[least],
        };
        taken[row.index()] = true;
        let competitors = candidates.into_iter().zip(divergences);
        self.windows.push(
            competitors
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
            && bounds.add(index, row).is_none()
        {
            self.scores = Scores::Rows(RowSums::over_set(index, &self.set[..self.set.len() - 1]));
        }
        self.add_to_few(index, row);
        Some(pick)
    }

    /// Returns KL(T‖P\[e\]) of candidates: T at the candidate itself is P\[e\]\[e\].
    fn divergences(
        &mut self,
        index: &ModeIndex,
        config: &ExpandConfig,
        entities: &[(Row, f64)],
    ) -> Vec<f64> {
        let v = index.len();
        let entities: Vec<Row> = entities.iter().map(|&(e, _)| e).collect();
        self.compute_probabilities(index, &entities);
        let divergence = |entity: Row| {
            let candidate = self.window_entities.get_mut(&entity)?;
            for (position, &p) in candidate.p.iter().enumerate().skip(candidate.terms.count()) {
                candidate
                    .terms
                    .add(height(&config.selection, position) / v as f64, p);
            }
            Some(
                candidate
                    .terms
                    .with(candidate.own, candidate.own)
                    .divergence(v, index.sum_log_prob(entity)),
            )
        };
        entities.into_iter().filter_map(divergence).collect()
    }

    /// Returns KL(T‖P\[e\]) of each pick with the T of the re-ranking, in which the pick itself is
    /// a member of the set.
    fn final_divergences(&mut self, index: &ModeIndex, config: &ExpandConfig) -> Vec<f64> {
        let v = index.len();
        let picked: Vec<Row> = self.picks.iter().map(|p| p.row).collect();
        self.compute_probabilities(index, &picked);
        let divergence = |&member: &Row| {
            let mut terms = DivergenceTerms::default();
            for (position, &p) in self.window_entities[&member].p.iter().enumerate() {
                terms.add(height(&config.reranking, position) / v as f64, p);
            }
            terms.divergence(v, index.sum_log_prob(member))
        };
        picked.iter().map(divergence).collect()
    }

    /// Computes P\[e\] of these entities at all members of the set.
    fn compute_probabilities(&mut self, index: &ModeIndex, entities: &[Row]) {
        for &entity in entities {
            self.window_entities.entry(entity).or_insert_with(|| {
                let (prepared, mut own) = (index.prepare(entity), TargetSet::default());
                index.add_target(&mut own, entity);
                let own = index.probabilities(&[(&prepared, 0)], &own)[0][0];
                WindowEntity {
                    prepared,
                    own,
                    p: Vec::new(),
                    terms: DivergenceTerms::default(),
                }
            });
        }
        for &row in &self.set[self.targets.count()..] {
            index.add_target(&mut self.targets, row);
        }
        let requests = entities
            .iter()
            .map(|e| &self.window_entities[e])
            .map(|w| (&w.prepared, w.p.len()));
        let found = index.probabilities(&requests.collect::<Vec<_>>(), &self.targets);
        for (entity, found) in entities.iter().zip(found) {
            self.window_entities
                .entry(*entity)
                .and_modify(|candidate| candidate.p.extend(found));
        }
    }

    /// Re-ranks the picks and returns the result.
    pub fn finish(mut self, index: &ModeIndex, config: &ExpandConfig) -> Expansion {
        let divergences = self.final_divergences(index, config);
        Expansion {
            seeds: self.set[..self.seeds].to_vec(),
            reranked: rerank(&divergences, config),
            picks: self.picks,
            windows: self.windows,
        }
    }
}

fn check_seeds(index: &ModeIndex, seeds: &[Row]) -> Result<()> {
    if seeds.is_empty() {
        return Err(Error::Argument(
            "an expansion needs at least one seed".to_owned(),
        ));
    }
    let mut seen = HashSet::new();
    for &seed in seeds {
        if seed.index() >= index.len() {
            return Err(Error::Argument(format!(
                "row {} is out of range for an index of {} entities",
                seed.0,
                index.len()
            )));
        }
        if !seen.insert(seed) {
            let name = &index.entity(seed).name;
            return Err(Error::Argument(format!("duplicate seed “{name}”")));
        }
    }
    Ok(())
}
