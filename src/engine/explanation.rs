//! Why entities stand where they stand: the expansion run again, and taken apart for them.

use std::collections::HashMap;

use crate::engine::expansion::{EntityRanks, SearchResult};
use crate::engine::protocol::ExpandRequest;
use crate::engine::session::Session;
use crate::engine::why::{
    CompetitorCard, EntityExplanation, EntityStatus, Explained, RerankedRank, SeedContribution,
    SeedStates, StateCard, WindowPick,
};
use crate::error::{Error, Result};
use crate::expand;
use crate::index::StateContribution;
use crate::types::{EntityId, Mode, Row};

/// States that are named one by one, of each seed.
const MOST_STATES: usize = 60;

impl Session {
    /// Each entity's score, pick and re-ranking. `current` is asked at every pick. Errors: those of
    /// an expansion; no entity.
    pub(super) fn explain(
        &self,
        ask: ExpandRequest,
        entities: &[EntityId],
        current: &dyn Fn() -> Result<()>,
    ) -> Result<Explained> {
        if entities.is_empty() {
            return Err(Error::Argument("there is nothing to explain".into()));
        }
        self.check(&ask)?;
        let seeds = self.rows(&ask.seeds)?;
        let found = self.search(&ask, &seeds, &mut |_| Ok(()), current)?;
        let places = self.places(&ask, &seeds, &found)?;
        let mut whys: Vec<EntityExplanation> = Vec::with_capacity(entities.len());
        for &entity in entities {
            whys.push(self.why(&ask, entity, &found, &places)?);
        }
        let rows: Vec<Option<Row>> = entities.iter().map(|&e| self.index.row(e)).collect();
        let mut states = Vec::with_capacity(seeds.len());
        for &seed in &seeds {
            states.push(self.evidence(ask.mode, seed, &rows, &mut whys)?);
        }
        Ok(Explained {
            ask,
            seeds: states,
            entities: whys,
        })
    }

    /// Everything but what seeds bring.
    fn why(
        &self,
        ask: &ExpandRequest,
        entity: EntityId,
        found: &SearchResult,
        places: &EntityRanks,
    ) -> Result<EntityExplanation> {
        let row = self.index.row(entity);
        let pick = row.and_then(|row| found.expansion.picks.iter().position(|p| p.row == row));
        let listed = pick.and_then(|pick| self.place(found, pick));
        let standing = match listed {
            Some(place) => EntityStatus::Listed(place),
            None if ask.seeds.contains(&entity) => EntityStatus::Seed,
            None => EntityStatus::Missing(self.why_missing(ask, found, places, entity)),
        };
        let decided = pick
            .map(|p| p + 1)
            .or_else(|| found.expansion.first_window(row?));
        let (mut score, mut parts) = (0.0, None);
        if let Some(row) = row {
            let seeds = self.rows(&ask.seeds)?;
            let explained = expand::explain(&self.index, ask.mode, &seeds, &[row])?.swap_remove(0);
            (score, parts) = (explained.score, explained.parts);
        }
        Ok(EntityExplanation {
            entity,
            standing,
            seed_rank: row.and_then(|row| places.by_seeds.get(&row).copied()),
            score,
            parts,
            seeds: Vec::new(),
            contest: decided.and_then(|pick| self.contest(found, pick)),
        })
    }

    fn place(&self, found: &SearchResult, pick: usize) -> Option<RerankedRank> {
        let reranked = &found.expansion.reranked;
        let at = reranked.iter().position(|r| r.pick == pick)?;
        let (by_divergence, score) = (reranked[at].divergence_rank, reranked[at].score);
        Some(RerankedRank {
            picked: pick + 1,
            by_divergence,
            score,
            rank: at + 1,
            of: reranked.len(),
        })
    }

    fn contest(&self, found: &SearchResult, pick: usize) -> Option<WindowPick> {
        let (picked, window) = (
            found.expansion.picks.get(pick - 1)?,
            found.expansion.windows.get(pick - 1)?,
        );
        let rival = |r: &expand::Competitor| CompetitorCard {
            entity: self.entity(r.row),
            set_score: r.set_score,
            divergence: r.divergence,
        };
        let winner = self.entity(picked.row);
        Some(WindowPick {
            pick,
            round: picked.round,
            winner,
            rivals: window.iter().map(rival).collect(),
        })
    }

    /// What a seed's states bring to each entity, added to `whys`; gives the states.
    fn evidence(
        &self,
        mode: Mode,
        seed: Row,
        rows: &[Option<Row>],
        whys: &mut [EntityExplanation],
    ) -> Result<SeedStates> {
        let view = self.index.view(mode)?;
        let brought: Vec<Vec<StateContribution>> = rows
            .iter()
            .flatten()
            .map(|&row| view.evidence(seed, row))
            .collect();
        let chosen = chosen_states(&brought);
        let known = whys
            .iter_mut()
            .zip(rows)
            .filter_map(|(why, row)| Some((why, (*row)?)));
        for ((why, row), all) in known.zip(&brought) {
            let z = view.z(&[seed], &[row])[0][0];
            let parts = expand::explain(&self.index, mode, &[seed], &[row])?[0].parts;
            let brought: Vec<f64> = chosen.iter().map(|&at| all[at].share * all[at].z).collect();
            let rest = z - brought.iter().sum::<f64>();
            why.seeds.push(SeedContribution {
                z,
                parts,
                brought,
                rest,
            });
        }
        let sentences = self.sentences_of_states(mode, seed);
        let states: Vec<StateCard> = chosen
            .iter()
            .map(|&at| self.state_card(&brought[0][at], &sentences))
            .collect();
        Ok(SeedStates {
            seed: self.entity(seed),
            more: brought.first().map_or(0, Vec::len) - states.len(),
            states,
        })
    }

    /// A state's share, and the sentence of its first pair.
    fn state_card(
        &self,
        evidence: &StateContribution,
        sentences: &HashMap<usize, (u64, u32)>,
    ) -> StateCard {
        let place = sentences.get(&evidence.state).zip(self.dataset.as_ref());
        let pair =
            place.and_then(|(&(offset, mention), data)| data.pair_at(offset, mention as u16).ok());
        StateCard {
            share: evidence.share,
            sentence: pair.map(crate::engine::inspect::sentence),
        }
    }

    /// The first pair of each of an entity's states: its line's offset and the mention.
    fn sentences_of_states(&self, mode: Mode, row: Row) -> HashMap<usize, (u64, u32)> {
        let mut first = HashMap::new();
        for pair in self.index.pairs_of(row) {
            for &(_, state) in pair.states.iter().filter(|(m, _)| *m == mode) {
                first.entry(state).or_insert((pair.offset, pair.mention));
            }
        }
        first
    }
}

/// Chooses the [`MOST_STATES`] states of a seed that bring the most to any entity, and sorts them
/// by what they bring to the first. `brought` has the evidence of all states for each entity.
fn chosen_states(brought: &[Vec<StateContribution>]) -> Vec<usize> {
    let shares = |at: usize| brought.iter().map(move |all| all[at].share * all[at].z);
    let most = |at: usize| shares(at).map(f64::abs).fold(0.0, f64::max);
    let first = |at: usize| shares(at).next().unwrap_or_default();
    let count = brought.first().map_or(0, Vec::len);
    let mut chosen: Vec<usize> = (0..count).collect();
    chosen.sort_by(|&a, &b| most(b).total_cmp(&most(a)));
    chosen.truncate(MOST_STATES);
    chosen.sort_by(|&a, &b| first(b).total_cmp(&first(a)));
    chosen
}
