//! Builds explanations: the expansion is run again, and its numbers are taken apart for the
//! requested entities. Window searches are explained here, lists in [`list_explanation`].
//!
//! [`list_explanation`]: super::list_explanation

use std::collections::HashMap;

use crate::engine::expansion::{EntityRanks, IsCurrent, SearchResult};
use crate::engine::inspect;
use crate::engine::protocol::{
    EntityExplanation, EntityStatus, Evidence, ExpandRequest, Explanation, ExplanationKind,
    RankExplanation,
};
use crate::engine::session::Session;
use crate::error::{Error, Result};
use crate::expand;
use crate::index::{Index, ModeIndex, StateContribution};
use crate::types::{EntityId, Mode, Row};

/// The number of states that are listed for each seed.
const MAX_STATES: usize = 60;

/// The contributions of a seed's states to the explained entities.
pub(super) struct SeedStates {
    seed: Row,
    /// All states of the seed, for each entity of the index.
    contributions: HashMap<Row, Vec<StateContribution>>,
    /// The positions of the listed states, and the pairs that they come from.
    listed: Vec<(usize, Evidence)>,
    /// The number of states that are not listed.
    others: usize,
}

impl SeedStates {
    /// Explains `weight` · Z of the seed at the entity in `row`, which is `total`, by state. A seed
    /// with a single state has no parts.
    pub(super) fn explain(&self, row: Row, weight: f64, total: f64) -> Vec<Explanation> {
        let contributions = &self.contributions[&row];
        if contributions.len() < 2 {
            return Vec::new();
        }
        let mut children = Vec::new();
        let mut sum = 0.0;
        for (position, evidence) in &self.listed {
            let state = &contributions[*position];
            let contribution = weight * state.fraction * state.z;
            sum += contribution;
            children.push(Explanation {
                evidence: Some(evidence.clone()),
                ..Explanation::leaf(ExplanationKind::State(state.state), contribution)
            });
        }
        if self.others > 0 {
            let kind = ExplanationKind::OtherStates(self.others);
            children.push(Explanation::leaf(kind, total - sum));
        }
        children
    }
}

impl Session {
    /// Explains the score, the pick and the re-ranking of each entity. `is_current` is called at
    /// every pick.
    ///
    /// # Errors
    ///
    /// Fails like an expansion, and if there is no entity.
    pub(super) fn explain(
        &self,
        request: ExpandRequest,
        entities: &[EntityId],
        is_current: &IsCurrent,
    ) -> Result<RankExplanation> {
        if entities.is_empty() {
            return Err(Error::Argument("there is no entity to explain".into()));
        }
        self.check(&request)?;
        if !request.is_window_search() {
            return self.explain_list(request, entities);
        }
        let seeds = self.rows(&request.seeds)?;
        let search = self.search(&request, &seeds, &mut |_| Ok(()), is_current)?;
        let ranks = self.entity_ranks(&request, &seeds, &search)?;
        let rows = self.known_rows(entities);
        let states = self.states_of_seeds(&request, &rows)?;
        let mut explained = Vec::with_capacity(entities.len());
        for &entity in entities {
            explained.push(self.explain_entity(&request, entity, &search, &ranks, &states)?);
        }
        Ok(RankExplanation {
            request,
            entities: explained,
        })
    }

    /// Returns the states of the seeds of a request in its mode, for the entities in `rows`.
    pub(super) fn states_of_seeds(
        &self,
        request: &ExpandRequest,
        rows: &[Row],
    ) -> Result<Vec<SeedStates>> {
        let view = self.index.view(request.mode)?;
        let mut states = Vec::with_capacity(request.seeds.len());
        for seed in self.rows(&request.seeds)? {
            states.push(self.seed_states(&self.index, &view, seed, rows));
        }
        Ok(states)
    }

    fn explain_entity(
        &self,
        request: &ExpandRequest,
        entity: EntityId,
        search: &SearchResult,
        ranks: &EntityRanks,
        states: &[SeedStates],
    ) -> Result<EntityExplanation> {
        let Some(row) = self.index.row(entity) else {
            let reason = self.missing_reason(request, search, ranks, entity);
            return Ok(EntityExplanation {
                entity,
                status: EntityStatus::Missing(reason),
                parts: Vec::new(),
            });
        };
        let pick = search.expansion.picks.iter().position(|p| p.row == row);
        let reranking = pick.and_then(|pick| explain_reranking(search, pick));
        let mut parts = vec![self.explain_score(request.mode, row, states)?];
        parts.extend(self.explain_pick(entity, pick, search, ranks));
        let status = match &reranking {
            Some((rank, _)) => EntityStatus::Listed {
                rank: *rank,
                of: search.expansion.reranked.len(),
            },
            None if request.seeds.contains(&entity) => EntityStatus::Seed,
            None => EntityStatus::Missing(self.missing_reason(request, search, ranks, entity)),
        };
        parts.extend(reranking.map(|(_, part)| part));
        Ok(EntityExplanation {
            entity,
            status,
            parts,
        })
    }

    /// Explains ΣZ over the seeds by modality and by seed.
    pub(super) fn explain_score(
        &self,
        mode: Mode,
        row: Row,
        states: &[SeedStates],
    ) -> Result<Explanation> {
        let seeds: Vec<Row> = states.iter().map(|states| states.seed).collect();
        let score = expand::explain(&self.index, mode, &seeds, &[row])?.swap_remove(0);
        let mut children = Explanation::modalities(score.parts);
        for states in states {
            children.push(self.explain_seed(mode, row, states)?);
        }
        Ok(Explanation::new(
            ExplanationKind::Score,
            Some(score.score),
            children,
        ))
    }

    /// Explains the Z of one seed by modality and by state.
    fn explain_seed(&self, mode: Mode, row: Row, states: &SeedStates) -> Result<Explanation> {
        let z = self.index.view(mode)?.z(&[states.seed], &[row])[0][0];
        let parts = expand::explain(&self.index, mode, &[states.seed], &[row])?[0].parts;
        let mut children = Explanation::modalities(parts);
        children.extend(states.explain(row, 1.0, z));
        let kind = ExplanationKind::Seed(self.entity(states.seed));
        Ok(Explanation::new(kind, Some(z), children))
    }

    /// Explains the pick that decided: the entity's own (`pick`, from 0), or the first that it lost.
    /// `None` for a seed.
    fn explain_pick(
        &self,
        entity: EntityId,
        pick: Option<usize>,
        search: &SearchResult,
        ranks: &EntityRanks,
    ) -> Option<Explanation> {
        let row = self.index.row(entity)?;
        let mut children = Vec::new();
        if let Some(&rank) = ranks.by_seeds.get(&row) {
            children.push(Explanation::leaf(ExplanationKind::SeedRank, rank as f64));
        }
        let deciding = match pick {
            Some(pick) => Some(pick),
            None => search.expansion.first_window(row).map(|number| number - 1),
        };
        let window = deciding.and_then(|pick| self.explain_window(search, pick, row));
        let number = window.as_ref().and(deciding).map(|pick| (pick + 1) as f64);
        children.extend(window.unwrap_or_default());
        if children.is_empty() {
            return None;
        }
        Some(Explanation::new(ExplanationKind::Pick, number, children))
    }

    /// Returns the numbers of a pick (from 0) for the entity in `row`, and all competitors, best
    /// `set_score` first.
    fn explain_window(
        &self,
        search: &SearchResult,
        pick: usize,
        row: Row,
    ) -> Option<Vec<Explanation>> {
        let picked = search.expansion.picks.get(pick)?;
        let window = search.expansion.windows.get(pick)?;
        let mut numbers = vec![
            Explanation::leaf(ExplanationKind::Round, picked.round as f64),
            Explanation::leaf(ExplanationKind::WindowSize, window.len() as f64),
        ];
        if let Some(position) = window.iter().position(|competitor| competitor.row == row) {
            let own = &window[position];
            numbers.extend([
                Explanation::leaf(ExplanationKind::WindowRank, (position + 1) as f64),
                Explanation::leaf(ExplanationKind::SetScore, own.set_score),
                Explanation::leaf(ExplanationKind::Divergence, own.divergence),
            ]);
        }
        for (competitor, rank) in window.iter().zip(1..) {
            let kind = ExplanationKind::Competitor {
                entity: self.entity(competitor.row),
                rank,
                is_winner: competitor.row == picked.row,
            };
            numbers.push(Explanation::leaf(kind, competitor.divergence));
        }
        Some(numbers)
    }

    /// Computes the contributions of a seed's states to the entities of `rows`, and chooses the
    /// states to list.
    pub(super) fn seed_states(
        &self,
        index: &Index,
        view: &ModeIndex,
        seed: Row,
        rows: &[Row],
    ) -> SeedStates {
        let all: Vec<Vec<StateContribution>> = rows
            .iter()
            .map(|&row| view.state_contributions(seed, row))
            .collect();
        let sentences = sentences_of_states(index, view.mode(), seed);
        let mut listed = Vec::new();
        for position in chosen_states(&all) {
            let evidence = self.state_evidence(&all[0][position], &sentences);
            listed.push((position, evidence));
        }
        SeedStates {
            seed,
            others: all.first().map_or(0, Vec::len) - listed.len(),
            listed,
            contributions: rows.iter().copied().zip(all).collect(),
        }
    }

    /// Returns a state's fraction, and the sentence of its first pair.
    fn state_evidence(
        &self,
        state: &StateContribution,
        sentences: &HashMap<usize, (u64, u32)>,
    ) -> Evidence {
        let location = sentences.get(&state.state).zip(self.dataset.as_ref());
        let pair = location
            .and_then(|(&(offset, mention), dataset)| dataset.pair_at(offset, mention as u16).ok());
        Evidence {
            fraction: state.fraction,
            sentence: pair.map(inspect::sentence),
        }
    }
}

/// Returns the first pair of each state of an entity: the offset of its line and the mention.
fn sentences_of_states(index: &Index, mode: Mode, row: Row) -> HashMap<usize, (u64, u32)> {
    let mut first = HashMap::new();
    for pair in index.pairs_of(row) {
        for &(_, state) in pair.states.iter().filter(|(m, _)| *m == mode) {
            first.entry(state).or_insert((pair.offset, pair.mention));
        }
    }
    first
}

/// Returns the rank of a pick (from 0) after re-ranking, and its explanation.
fn explain_reranking(search: &SearchResult, pick: usize) -> Option<(usize, Explanation)> {
    let reranked = &search.expansion.reranked;
    let position = reranked.iter().position(|entry| entry.pick == pick)?;
    let rank = position + 1;
    let entry = &reranked[position];
    let numbers = vec![
        Explanation::leaf(ExplanationKind::PickOrder, (pick + 1) as f64),
        Explanation::leaf(
            ExplanationKind::DivergenceRank,
            entry.divergence_rank as f64,
        ),
        Explanation::leaf(ExplanationKind::RerankScore, entry.score),
    ];
    let explanation = Explanation::new(ExplanationKind::Reranking, Some(rank as f64), numbers);
    Some((rank, explanation))
}

/// Chooses the [`MAX_STATES`] states of a seed with the greatest contribution to any entity, and
/// sorts them by their contribution to the first. `all` has every state for each entity.
fn chosen_states(all: &[Vec<StateContribution>]) -> Vec<usize> {
    let contributions = |state: usize| {
        all.iter()
            .map(move |one| one[state].fraction * one[state].z)
    };
    let greatest = |state: usize| contributions(state).map(f64::abs).fold(0.0, f64::max);
    let first = |state: usize| contributions(state).next().unwrap_or_default();
    let count = all.first().map_or(0, Vec::len);
    let mut chosen: Vec<usize> = (0..count).collect();
    chosen.sort_by(|&a, &b| greatest(b).total_cmp(&greatest(a)));
    chosen.truncate(MAX_STATES);
    chosen.sort_by(|&a, &b| first(b).total_cmp(&first(a)));
    chosen
}
