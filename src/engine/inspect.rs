//! Everything about one entity: its images, sentences, neighbours and ranks.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::data::{Dataset, Pair};
use crate::engine::protocol::{EntityDetail, EvaluationKey, Ranker, SentenceCard};
use crate::engine::session::Session;
use crate::error::Result;
use crate::expand;
use crate::index::ModeIndex;
use crate::types::{ClassId, EntityId, Mode, RankingKind, Row, SeedCount};

/// The greatest number of sentences in a reply.
const MAX_SENTENCES: usize = 200;
const NEIGHBOURS: usize = 10;

impl Session {
    /// Gathers the details of an entity. Fails if it is not in the index.
    pub(super) fn inspect(&mut self, entity: EntityId, mode: Mode) -> Result<EntityDetail> {
        let row = self.row(entity)?;
        let sentences: Vec<SentenceCard> = match &self.dataset {
            Some(dataset) => self
                .pairs_of(dataset, row, MAX_SENTENCES)
                .map(sentence)
                .collect(),
            None => Vec::new(),
        };
        let mut seen = HashSet::new();
        let images: Vec<PathBuf> = sentences
            .iter()
            .filter_map(|s| s.image.clone())
            .filter(|p| seen.insert(p.clone()))
            .collect();
        let neighbours = expand::nearest_entities(&self.neighbour_view(mode)?, row, NEIGHBOURS);
        Ok(EntityDetail {
            entity,
            images,
            sentences,
            neighbours: neighbours
                .into_iter()
                .map(|(row, z)| (self.entity(row), z))
                .collect(),
            query_ranks: self.query_ranks(mode, row),
        })
    }

    /// Returns the mode whose Z gives the neighbours: an index without a model has no Z of mode `both`,
    /// and takes the first of the modes that it is ranked by.
    fn neighbour_view(&self, mode: Mode) -> Result<ModeIndex<'_>> {
        let modes = self.index.modes_of_similarity(mode);
        let first = modes.first().copied().unwrap_or(mode);
        self.index.view(mode).or_else(|_| self.index.view(first))
    }

    /// Returns the first image of each entity. Images that were already requested are remembered.
    pub(super) fn first_images(
        &mut self,
        entities: &[EntityId],
    ) -> Vec<(EntityId, Option<PathBuf>)> {
        entities
            .iter()
            .map(|&entity| {
                if let Some(known) = self.first_images.get(&entity) {
                    return (entity, known.clone());
                }
                let row = self.index.row(entity);
                let first = self
                    .dataset
                    .as_ref()
                    .zip(row)
                    .and_then(|(d, row)| self.pairs_of(d, row, 1).next()?.image);
                self.first_images.insert(entity, first.clone());
                (entity, first)
            })
            .collect()
    }

    fn pairs_of<'a>(
        &'a self,
        dataset: &'a Dataset,
        row: Row,
        max: usize,
    ) -> impl Iterator<Item = Pair> + 'a {
        self.index
            .pairs_of(row)
            .into_iter()
            .take(max)
            .filter_map(|pair| dataset.pair_at(pair.offset, pair.mention as u16).ok())
    }

    /// Returns the entity's ranks in the first of these evaluations that was made in this mode:
    /// by feedback, by window searches, by seeds; from 3 seeds, then from 5.
    fn query_ranks(&self, mode: Mode, row: Row) -> Vec<(ClassId, usize, usize)> {
        let kinds = [
            (SeedCount::Three, RankingKind::Feedback),
            (SeedCount::Five, RankingKind::Feedback),
            (SeedCount::Three, RankingKind::Window),
            (SeedCount::Five, RankingKind::Window),
            (SeedCount::Three, RankingKind::SeedSimilarity),
            (SeedCount::Five, RankingKind::SeedSimilarity),
        ];
        let ranker = Ranker::OpenIndex(mode);
        let rankings = |(seed_count, ranking)| {
            self.rankings.get(&EvaluationKey {
                ranker,
                seed_count,
                ranking,
            })
        };
        let Some(evaluated) = kinds.into_iter().find_map(rankings) else {
            return Vec::new();
        };
        let entity = self.entity(row);
        let mut ranks: Vec<_> = evaluated
            .iter()
            .filter_map(|(&(class, number), list)| {
                Some((class, number, list.iter().position(|&e| e == entity)? + 1))
            })
            .collect();
        ranks.sort();
        ranks
    }
}

pub(super) fn sentence(pair: Pair) -> SentenceCard {
    SentenceCard {
        tokens: pair.tokens,
        start: pair.start,
        end: pair.end,
        image: pair.image,
    }
}
