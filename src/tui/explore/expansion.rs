//! One expansion: a list that arrives as a whole, or the picks of a window search that stream in; and
//! the rows that the screen shows of it.

use std::collections::HashMap;
use std::time::Duration;

use crate::engine::protocol::{
    Candidate, Catalogue, ExpandRequest, ListBoundary, Missing, ReplyKind, RerankedPick,
};
use crate::tui::gold_mark::{GoldMark, gold_mark};
use crate::types::{EntityId, MetricValues, Mode};

/// One expansion: its request and all replies so far.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateList {
    pub request: ExpandRequest,
    /// The candidates in the order in which they were sent: best first, or as they were picked.
    pub candidates: Vec<Candidate>,
    /// Where the class probably ends; `None` if it is not known.
    pub boundary: Option<ListBoundary>,
    /// The candidates that were fed back.
    pub fed_back: Vec<EntityId>,
    /// The weight of the frozen images; `None` if the mode does not use trust in images.
    pub image_weight: Option<f64>,
    /// The order after the re-ranking of a window search.
    pub reranked: Option<Vec<RerankedPick>>,
    /// The metrics before and after re-ranking.
    pub metrics: Option<(MetricValues, MetricValues)>,
    /// The ranks of the same seeds' candidates in other modes, from 1.
    pub other_modes: Vec<(Mode, HashMap<EntityId, usize>)>,
    pub missing: Option<Vec<Missing>>,
    /// The time that the engine took.
    pub elapsed: Option<Duration>,
    /// The reason why the engine could not expand.
    pub error: Option<String>,
}

/// The difference between a candidate's rank and its rank in the compared mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RankShift {
    /// The ranks that it is higher here; negative if it is lower.
    By(i64),
    /// The other ranking does not have it.
    New,
    /// The other ranking is not known yet.
    Unknown,
}

/// A filter of the candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RowFilter {
    #[default]
    All,
    Hits,
    Misses,
    Moved,
}

impl RowFilter {
    pub fn next(self) -> RowFilter {
        match self {
            RowFilter::All => RowFilter::Hits,
            RowFilter::Hits => RowFilter::Misses,
            RowFilter::Misses => RowFilter::Moved,
            RowFilter::Moved => RowFilter::All,
        }
    }

    fn passes(self, row: &CandidateRow, moved_by: usize) -> bool {
        match self {
            RowFilter::All => true,
            RowFilter::Hits => row.mark == GoldMark::Gold,
            RowFilter::Misses => matches!(row.mark, GoldMark::Other(_)),
            RowFilter::Moved => match row.shift {
                RankShift::By(ranks) => ranks.unsigned_abs() > moved_by as u64,
                RankShift::New => true,
                RankShift::Unknown => false,
            },
        }
    }
}

/// A candidate with its rank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CandidateRow {
    /// The rank in the unfiltered list, from 1.
    pub rank: usize,
    /// The index into [`CandidateList::candidates`]; in a window search the number of the pick.
    pub pick: usize,
    pub entity: EntityId,
    /// The result of re-ranking, once it is known.
    pub reranking: Option<RerankedPick>,
    pub mark: GoldMark,
    pub shift: RankShift,
}

impl CandidateList {
    pub fn new(request: ExpandRequest) -> Self {
        CandidateList {
            request,
            candidates: Vec::new(),
            boundary: None,
            fed_back: Vec::new(),
            image_weight: None,
            reranked: None,
            metrics: None,
            other_modes: Vec::new(),
            missing: None,
            elapsed: None,
            error: None,
        }
    }

    /// Returns the mode that ranks are compared with. It shows the effect of leaving out one
    /// modality.
    pub fn compared_mode(&self) -> Option<Mode> {
        let wanted = match self.request.mode {
            Mode::Both => [Mode::Text, Mode::Image],
            Mode::Text => [Mode::Both, Mode::Image],
            Mode::Image | Mode::None | Mode::FrozenText | Mode::FrozenImage | Mode::Words => {
                [Mode::Both, Mode::Text]
            }
        };
        wanted
            .into_iter()
            .find(|m| self.other_modes.iter().any(|(mode, _)| mode == m))
    }

    /// Returns an entity's rank in another mode: `None` if that mode's ranking is not known yet,
    /// `Some(None)` if the entity is not in it.
    pub fn rank_in(&self, mode: Mode, entity: EntityId) -> Option<Option<usize>> {
        self.other_modes
            .iter()
            .find(|(m, _)| *m == mode)
            .map(|(_, ranks)| ranks.get(&entity).copied())
    }

    /// Returns all candidates in order, before or after re-ranking.
    pub fn rows(&self, catalogue: &Catalogue, reranked: bool) -> Vec<CandidateRow> {
        let compared = self.compared_mode();
        let mut rows = Vec::new();
        for (position, (pick, reranking)) in self.order(reranked).into_iter().enumerate() {
            let Some(candidate) = self.candidates.get(pick) else {
                continue;
            };
            let (entity, rank) = (candidate.entity, position + 1);
            let shift = match compared.and_then(|mode| self.rank_in(mode, entity)) {
                None => RankShift::Unknown,
                Some(None) => RankShift::New,
                Some(Some(other)) => RankShift::By(other as i64 - rank as i64),
            };
            rows.push(CandidateRow {
                rank,
                pick,
                entity,
                reranking,
                mark: gold_mark(catalogue, self.request.class, entity),
                shift,
            });
        }
        rows
    }

    /// Returns the indexes of the picks in order, each with its re-ranking once that is known.
    fn order(&self, reranked: bool) -> Vec<(usize, Option<RerankedPick>)> {
        let picks = 0..self.candidates.len();
        let Some(order) = &self.reranked else {
            return picks.map(|pick| (pick, None)).collect();
        };
        if reranked {
            return order.iter().map(|pick| (pick.pick, Some(*pick))).collect();
        }
        let by_pick: HashMap<usize, RerankedPick> =
            order.iter().map(|pick| (pick.pick, *pick)).collect();
        picks
            .map(|pick| (pick, by_pick.get(&pick).copied()))
            .collect()
    }

    /// Adds a reply of the engine.
    pub fn add_reply(&mut self, reply: ReplyKind) {
        match reply {
            ReplyKind::Ranked(list) => {
                self.candidates = list.candidates;
                self.boundary = list.boundary;
                self.fed_back = list.fed_back;
                self.image_weight = list.image_weight;
            }
            ReplyKind::Picks(picks) => self.candidates.extend(picks),
            ReplyKind::Reranked(order) => self.reranked = Some(order),
            ReplyKind::Measured { picked, reranked } => self.metrics = Some((picked, reranked)),
            ReplyKind::OtherMode { mode, ranking } => {
                let ranks = (1..).zip(ranking).map(|(rank, entity)| (entity, rank));
                self.other_modes.push((mode, ranks.collect()));
            }
            ReplyKind::Missing(missing) => self.missing = Some(missing),
            ReplyKind::Expanded { elapsed } => self.elapsed = Some(elapsed),
            _ => {}
        }
    }

    /// Returns the rows that pass a filter, with their ranks in the unfiltered list.
    pub fn filtered(
        &self,
        catalogue: &Catalogue,
        reranked: bool,
        filter: RowFilter,
        moved_by: usize,
    ) -> Vec<CandidateRow> {
        let mut rows = self.rows(catalogue, reranked);
        rows.retain(|row| filter.passes(row, moved_by));
        rows
    }

    /// Returns the largest contribution of a modality in the list, for the scale of the bars.
    pub fn largest_contribution(&self) -> Option<f64> {
        let contributions = self
            .candidates
            .iter()
            .filter_map(|c| c.parts)
            .map(|p| p.text.abs().max(p.image.abs()));
        contributions.reduce(f64::max).filter(|m| *m > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::protocol::{ClassCard, EntityCard};
    use crate::types::{ClassId, RankingKind, SearchSettings};

    fn catalogue() -> Catalogue {
        let mut c = Catalogue::default();
        let classes = [vec![ClassId(0)], vec![ClassId(1)], vec![], vec![ClassId(0)]];
        for (i, classes) in classes.into_iter().enumerate() {
            c.entities.push(EntityCard {
                id: EntityId(i as u32),
                name: format!("e{i}"),
                classes,
                pairs: 2,
            });
        }
        for name in ["a", "b"] {
            c.classes.push(ClassCard {
                name: name.into(),
                middle: None,
                coarse: None,
                members: Vec::new(),
                negatives: Vec::new(),
            });
        }
        c.with_positions()
    }

    fn expansion() -> CandidateList {
        let request = ExpandRequest {
            mode: Mode::Both,
            ranking: RankingKind::Window,
            seeds: Vec::new(),
            accepted: Vec::new(),
            rejected: Vec::new(),
            size: 4,
            class: Some(ClassId(0)),
            joint: None,
            settings: SearchSettings::default(),
        };
        let mut e = CandidateList::new(request);
        for i in 0..4 {
            e.candidates.push(Candidate {
                entity: EntityId(i),
                score: 1.0,
                parts: None,
                seed_contributions: Vec::new(),
                feedback_contribution: 0.0,
                probability: None,
                pick: None,
            });
        }
        e
    }

    fn ids(rows: &[CandidateRow]) -> Vec<u32> {
        rows.iter().map(|r| r.entity.0).collect()
    }

    #[test]
    fn candidates_are_in_the_order_of_the_picks_until_they_are_reranked() {
        let mut e = expansion();
        assert_eq!(ids(&e.rows(&catalogue(), true)), [0, 1, 2, 3]);
        let reranked = |pick| RerankedPick {
            pick,
            divergence_rank: 1,
            score: 1.0,
        };
        e.reranked = Some(vec![reranked(2), reranked(0), reranked(3), reranked(1)]);
        assert_eq!(ids(&e.rows(&catalogue(), true)), [2, 0, 3, 1]);
        let before = e.rows(&catalogue(), false);
        assert_eq!(ids(&before), [0, 1, 2, 3]);
        assert!(before.iter().all(|r| r.reranking.is_some()));
    }

    #[test]
    fn marks_distinguish_members_nonmembers_and_unjudged_entities() {
        let marks: Vec<_> = expansion()
            .rows(&catalogue(), true)
            .iter()
            .map(|r| r.mark)
            .collect();
        assert_eq!(
            marks,
            [
                GoldMark::Gold,
                GoldMark::Other(Some(ClassId(1))),
                GoldMark::Unjudged,
                GoldMark::Gold
            ]
        );
    }

    #[test]
    fn filters_keep_the_ranks_of_the_whole_list() {
        let mut e = expansion();
        let ranking = [(EntityId(0), 1), (EntityId(1), 40), (EntityId(3), 5)];
        e.other_modes
            .push((Mode::Text, ranking.into_iter().collect()));
        let hits = e.filtered(&catalogue(), true, RowFilter::Hits, 10);
        assert_eq!(hits.iter().map(|r| r.rank).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(
            ids(&e.filtered(&catalogue(), true, RowFilter::Misses, 10)),
            [1]
        );
        let moved = e.filtered(&catalogue(), true, RowFilter::Moved, 10);
        assert_eq!(
            moved.iter().map(|r| r.shift).collect::<Vec<_>>(),
            [RankShift::By(38), RankShift::New]
        );
    }

    #[test]
    fn a_reranked_pick_that_has_not_arrived_has_no_row() {
        let mut e = expansion();
        e.reranked = Some(vec![RerankedPick {
            pick: 9,
            divergence_rank: 1,
            score: 1.0,
        }]);
        assert!(e.rows(&catalogue(), true).is_empty());
    }
}
