//! Analyses how a ranking without training depends on the number of sentences of an entity.

use std::path::PathBuf;

use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use tch::Device;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::eval::{SentenceCountValues, SubgroupAnalysis, evaluate_query, sentence_count_analysis};
use crate::expand::{FeedbackConfig, Similarity, rank_together};
use crate::features::cache_folder;
use crate::index::from_encoders::{FrozenSources, open_sources};
use crate::index::{Builder, Entity, Index, IndexMeta, Provenance};
use crate::model::device;
use crate::progress::{Observer, Progress, Unobserved};
use crate::types::{
    CUTOFFS, ClassId, DeviceChoice, EntityId, EvaluationProtocol, Mode, Query, Row, SeedCount,
};

/// The numbers of sentences that are compared with all.
const SENTENCE_COUNTS: [usize; 4] = [1, 2, 4, 8];

/// The settings of the analysis.
#[derive(Debug, Clone)]
pub struct SentenceAnalysis {
    /// A data set, or an index that was built from one.
    pub source: PathBuf,
    /// The names of the text encoder and of the image encoder.
    pub encoders: [String; 2],
    pub seed_count: SeedCount,
    /// The cutoff of MAP.
    pub cutoff: usize,
    /// The number of times that sentences are drawn.
    pub draws: usize,
    pub device: DeviceChoice,
}

impl SentenceAnalysis {
    /// Computes MAP by text alone and by text and images, with few sentences of every entity and
    /// with all. Each draw builds an index without a model.
    ///
    /// Errors: `Argument` for another cutoff than 10, 20, 50 or 100; `Mismatch` without queries or
    /// without text or images; those of building an index; `Stopped`.
    pub fn run(&self, observer: &mut dyn Observer<Progress>) -> Result<SubgroupAnalysis> {
        let Some(cutoff) = CUTOFFS.iter().position(|&k| k == self.cutoff) else {
            let cutoff = self.cutoff;
            return Err(Error::Argument(format!(
                "unknown cutoff {cutoff} (expected one of: 10, 20, 50, 100)"
            )));
        };
        let dataset = Dataset::open(&self.dataset_path()?)?;
        let device = device::open_device(self.device)?;
        let [text, image] = &self.encoders;
        let sources = open_sources(&dataset, [text, image], &cache_folder()?, device, observer)?;
        let queries = self.queries(&dataset, &sources)?;
        let scratch = tempfile::tempdir().map_err(Error::io("create", std::env::temp_dir()))?;
        let counts = SENTENCE_COUNTS.map(Some);
        let mut rows = Vec::new();
        for (number, sentences) in counts.into_iter().chain([None]).enumerate() {
            // With all sentences every draw is the same.
            let draws = if sentences.is_none() { 1 } else { self.draws };
            let mut values = Vec::with_capacity(draws);
            for draw in 0..draws {
                let stage = format!("ranking with {}", described(sentences));
                observer.report(Progress::new(stage, draw as u64, draws as u64))?;
                let chosen = sentences.map(|count| draw_sentences(&sources, count, draw as u64));
                let index = DrawnIndex {
                    sources: &sources,
                    path: scratch.path().join(format!("{number}-{draw}")),
                    device,
                };
                let index = index.build(chosen.as_deref())?;
                values.push(AveragePrecisions {
                    dataset: &dataset,
                    queries: &queries,
                    cutoff,
                    index,
                });
            }
            let mean = |mode| mean_values(&values, mode);
            rows.push(SentenceCountValues {
                sentences,
                text: mean(Mode::Text)?,
                both: mean(Mode::Both)?,
            });
        }
        Ok(sentence_count_analysis(&rows, self.cutoff, self.draws))
    }

    /// Returns the path of the data set, which an index names.
    fn dataset_path(&self) -> Result<PathBuf> {
        if !self.source.join("index.json").is_file() {
            return Ok(self.source.clone());
        }
        let meta = IndexMeta::read(&self.source)?;
        let named = meta.provenance.dataset.ok_or_else(|| {
            Error::Mismatch(format!(
                "{} was not built from a data set",
                self.source.display()
            ))
        })?;
        Ok(self.source.join(named.path))
    }

    /// Returns the queries whose seeds are all indexed and that have gold.
    fn queries(&self, dataset: &Dataset, sources: &FrozenSources) -> Result<Vec<Query>> {
        let entities = &sources.corpus.entities;
        let has_images = sources
            .corpus
            .images
            .iter()
            .any(|images| !images.is_empty());
        if sources.sentences.is_none() || !has_images {
            return Err(Error::Mismatch(format!(
                "{} does not have both sentences and images",
                dataset.root.display()
            )));
        }
        let mut queries = dataset.queries.clone();
        queries.retain(|query| query.seed_count == self.seed_count);
        queries.retain(|query| query.seeds.iter().all(|seed| entities.contains(seed)));
        let (queries, _) = crate::eval::answerable_queries(dataset, queries, |_| true);
        if queries.is_empty() {
            let seeds = self.seed_count.as_usize();
            return Err(Error::Mismatch(format!(
                "there is no query with {seeds} seeds to evaluate"
            )));
        }
        Ok(queries)
    }
}

fn described(sentences: Option<usize>) -> String {
    match sentences {
        None => "all sentences".to_owned(),
        Some(count) => format!("{count} sentences an entity"),
    }
}

/// Draws up to `count` sentences of every entity; returns their positions in ascending order.
fn draw_sentences(sources: &FrozenSources, count: usize, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let sentences = &sources.corpus.sentences;
    let positions: Vec<usize> = (0..sentences.len()).collect();
    let mut chosen = Vec::new();
    for own in positions.chunk_by(|&a, &b| sentences[a].row == sentences[b].row) {
        chosen.extend(own.sample(&mut rng, count.min(own.len())));
    }
    chosen.sort_unstable();
    chosen
}

/// An index of some of the sentences.
struct DrawnIndex<'a> {
    sources: &'a FrozenSources,
    path: PathBuf,
    device: Device,
}

impl DrawnIndex<'_> {
    fn build(&self, chosen: Option<&[usize]>) -> Result<Index> {
        let entity = |&id: &EntityId| Entity {
            id,
            name: id.to_string(),
        };
        let entities = self.sources.corpus.entities.iter().map(entity).collect();
        let mut builder =
            Builder::without_head(&self.path, entities, Provenance::default(), self.device)?;
        let modes = self.sources.modes(chosen, &mut Unobserved)?;
        modes.add_to(&mut builder, &mut Unobserved)?;
        builder.finish()?;
        Index::open(&self.path, self.device)
    }
}

/// The evaluation of one index.
struct AveragePrecisions<'a> {
    dataset: &'a Dataset,
    queries: &'a [Query],
    /// The position of the cutoff in [`CUTOFFS`].
    cutoff: usize,
    index: Index,
}

impl AveragePrecisions<'_> {
    /// Returns the AP of every query in a mode.
    fn of_mode(&self, mode: Mode) -> Result<Vec<(ClassId, f64)>> {
        let similarity = Similarity::of_mode(&self.index, mode)?;
        let row = |&seed: &EntityId| self.index.row(seed);
        let seeds = |query: &Query| -> Vec<Row> { query.seeds.iter().filter_map(row).collect() };
        let seeds: Vec<Vec<Row>> = self.queries.iter().map(seeds).collect();
        let size = CUTOFFS[3];
        let rankings = rank_together(&similarity, &seeds, size, &FeedbackConfig::default())?;
        let mut values = Vec::with_capacity(rankings.len());
        for (query, ranking) in self.queries.iter().zip(rankings) {
            let entity = |row: &Row| self.index.entity(*row).id;
            let entities: Vec<EntityId> = ranking.ranking.iter().map(entity).collect();
            let metrics = evaluate_query(
                self.dataset,
                query,
                &entities,
                EvaluationProtocol::Standard,
                |entity| self.index.row(entity).is_some(),
            );
            values.push((query.class, metrics.ap[self.cutoff]));
        }
        Ok(values)
    }
}

/// Returns the mean AP of every query over several indexes.
fn mean_values(all: &[AveragePrecisions], mode: Mode) -> Result<Vec<(ClassId, f64)>> {
    let mut sums: Vec<(ClassId, f64)> = Vec::new();
    for one in all {
        let values = one.of_mode(mode)?;
        if sums.is_empty() {
            sums = values;
        } else {
            for (sum, (_, value)) in sums.iter_mut().zip(values) {
                sum.1 += value;
            }
        }
    }
    for (_, sum) in &mut sums {
        *sum /= all.len() as f64;
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::frozen_corpus::{EntitySentence, FrozenCorpus};

    #[test]
    fn every_entity_gets_as_many_sentences_as_it_has_at_most() {
        let sentence = |row| EntitySentence {
            row,
            offset: 0,
            mention: 0,
            masked: Vec::new(),
            unmasked: Vec::new(),
        };
        let corpus = FrozenCorpus {
            sentences: [0, 0, 0, 0, 1, 2, 2, 2].map(sentence).into(),
            ..FrozenCorpus::default()
        };
        let sources = FrozenSources::without_vectors(corpus);
        let chosen = draw_sentences(&sources, 2, 7);
        let rows: Vec<usize> = chosen
            .iter()
            .map(|&i| sources.corpus.sentences[i].row)
            .collect();
        assert_eq!(rows, [0, 0, 1, 2, 2]);
        assert_eq!(chosen, draw_sentences(&sources, 2, 7), "drawn with a seed");
        assert!((0..20).any(|seed| draw_sentences(&sources, 2, seed) != chosen));
    }
}
