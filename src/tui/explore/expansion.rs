//! One expansion as it streams in, and the rows that the screen makes of it.

use std::collections::HashMap;
use std::time::Duration;

use crate::engine::protocol::{Candidate, Catalogue, ExpandRequest, Missing, RerankedPick};
use crate::tui::gold_mark::{GoldMark, gold_mark};
use crate::types::{EntityId, MetricValues, Mode};

/// All that is known of one expansion.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateList {
    pub ask: ExpandRequest,
    pub picks: Vec<Candidate>,
    pub reranked: Option<Vec<RerankedPick>>,
    /// Before and after re-ranking.
    pub measured: Option<(MetricValues, MetricValues)>,
    /// The same seeds in other modes: rank by entity, from 1.
    pub beside: Vec<(Mode, HashMap<EntityId, usize>)>,
    pub missing: Option<Vec<Missing>>,
    pub took: Option<Duration>,
    pub failed: Option<String>,
}

/// How a candidate's rank differs from its rank in the mode beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RankShift {
    /// Positive: it ranks higher here.
    By(i64),
    /// It is not in the other list.
    New,
    /// The other list is not there (yet).
    Unknown,
}

/// Which candidates are shown.
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

    fn lets(self, row: &CandidateRow, moved_by: usize) -> bool {
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

/// A candidate in its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CandidateRow {
    /// From 1.
    pub rank: usize,
    /// Index into the picks.
    pub pick: usize,
    pub entity: EntityId,
    pub place: Option<RerankedPick>,
    pub mark: GoldMark,
    pub shift: RankShift,
}

impl CandidateList {
    pub fn new(ask: ExpandRequest) -> Self {
        CandidateList {
            ask,
            picks: Vec::new(),
            reranked: None,
            measured: None,
            beside: Vec::new(),
            missing: None,
            took: None,
            failed: None,
        }
    }

    /// The mode whose ranks are shown beside: what is left when the other modality is taken away.
    pub fn beside_mode(&self) -> Option<Mode> {
        let wanted = match self.ask.mode {
            Mode::Both => [Mode::Text, Mode::Image],
            Mode::Text => [Mode::Both, Mode::Image],
            Mode::Image | Mode::None => [Mode::Both, Mode::Text],
        };
        wanted
            .into_iter()
            .find(|m| self.beside.iter().any(|(mode, _)| mode == m))
    }

    /// An entity's rank in another mode: None where that mode has not answered, `Some(None)` where
    /// it lacks it.
    pub fn rank_in(&self, mode: Mode, entity: EntityId) -> Option<Option<usize>> {
        self.beside
            .iter()
            .find(|(m, _)| *m == mode)
            .map(|(_, ranks)| ranks.get(&entity).copied())
    }

    /// All candidates in order, before or after re-ranking.
    pub fn rows(&self, catalogue: &Catalogue, reranked: bool) -> Vec<CandidateRow> {
        let beside = self.beside_mode();
        let row = |(at, (pick, place)): (usize, (usize, Option<RerankedPick>))| {
            let entity = self.picks.get(pick)?.entity;
            let rank = at + 1;
            let shift = match beside.and_then(|m| self.rank_in(m, entity)) {
                None => RankShift::Unknown,
                Some(None) => RankShift::New,
                Some(Some(other)) => RankShift::By(other as i64 - rank as i64),
            };
            Some(CandidateRow {
                rank,
                pick,
                entity,
                place,
                mark: gold_mark(catalogue, self.ask.class, entity),
                shift,
            })
        };
        let places: Vec<_> = match (&self.reranked, reranked) {
            (Some(order), true) => order.iter().map(|r| (r.pick, Some(*r))).collect(),
            (Some(order), false) => {
                let place: HashMap<usize, RerankedPick> =
                    order.iter().map(|r| (r.pick, *r)).collect();
                (0..self.picks.len())
                    .map(|pick| (pick, place.get(&pick).copied()))
                    .collect()
            }
            (None, _) => (0..self.picks.len()).map(|pick| (pick, None)).collect(),
        };
        places.into_iter().enumerate().filter_map(row).collect()
    }

    /// The rows that a filter lets through; ranks stay those of the whole list.
    pub fn filtered(
        &self,
        catalogue: &Catalogue,
        reranked: bool,
        filter: RowFilter,
        moved_by: usize,
    ) -> Vec<CandidateRow> {
        let mut rows = self.rows(catalogue, reranked);
        rows.retain(|row| filter.lets(row, moved_by));
        rows
    }

    /// The largest share of a modality in the list, for the scale of the bars.
    pub fn largest_share(&self) -> Option<f64> {
        let shares = self
            .picks
            .iter()
            .filter_map(|c| c.parts)
            .map(|p| p.text.abs().max(p.image.abs()));
        shares.reduce(f64::max).filter(|m| *m > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::protocol::{ClassCard, EntityCard};
    use crate::types::{ClassId, SearchSettings};

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
        let ask = ExpandRequest {
            mode: Mode::Both,
            seeds: Vec::new(),
            rejected: Vec::new(),
            size: 4,
            class: Some(ClassId(0)),
            joint: None,
            settings: SearchSettings::default(),
        };
        let mut e = CandidateList::new(ask);
        for i in 0..4 {
            e.picks.push(Candidate {
                entity: EntityId(i),
                score: 1.0,
                parts: None,
                seed_contributions: Vec::new(),
                set_score: 1.0,
                round: 0,
                window: 1,
                window_rank: 1,
                divergence: 0.1,
            });
        }
        e
    }

    fn ids(rows: &[CandidateRow]) -> Vec<u32> {
        rows.iter().map(|r| r.entity.0).collect()
    }

    #[test]
    fn the_order_is_that_of_the_picks_until_they_are_reranked() {
        let mut e = expansion();
        assert_eq!(ids(&e.rows(&catalogue(), true)), [0, 1, 2, 3]);
        let place = |pick| RerankedPick {
            pick,
            divergence_rank: 1,
            score: 1.0,
        };
        e.reranked = Some(vec![place(2), place(0), place(3), place(1)]);
        assert_eq!(ids(&e.rows(&catalogue(), true)), [2, 0, 3, 1]);
        let before = e.rows(&catalogue(), false);
        assert_eq!(ids(&before), [0, 1, 2, 3]);
        assert!(before.iter().all(|r| r.place.is_some()));
    }

    #[test]
    fn marks_tell_members_other_members_and_the_unjudged() {
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
        e.beside.push((Mode::Text, ranking.into_iter().collect()));
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
    fn a_reranking_that_names_a_pick_not_yet_there_is_no_row() {
        let mut e = expansion();
        e.reranked = Some(vec![RerankedPick {
            pick: 9,
            divergence_rank: 1,
            score: 1.0,
        }]);
        assert!(e.rows(&catalogue(), true).is_empty());
    }
}
