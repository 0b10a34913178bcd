//! An open index and its data set, from which every request is answered.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::{Dataset, Vocabulary};
use crate::engine::describe;
use crate::engine::evaluation_cache::EvaluationCache;
use crate::engine::external::ExternalSource;
use crate::engine::protocol::{Catalogue, EvaluationKey};
use crate::engine::query_rankings::QueryRankings;
use crate::error::{Error, Result};
use crate::eval;
use crate::eval::run::{Run, RunFormat};
use crate::expand::Similarity;
use crate::index::Index;
use crate::model::device;
use crate::types::{
    ClassId, DeviceChoice, EntityId, EvaluationProtocol, MetricValues, Mode, Query, RankingKind,
    Row, SeedCount,
};

/// An open index. It owns every tensor, and so stays on one thread.
pub struct Session {
    pub catalogue: Arc<Catalogue>,
    pub(crate) index: Index,
    pub(crate) dataset: Option<Dataset>,
    /// The index's own entity names, for an index without a data set.
    index_vocabulary: Vocabulary,
    /// The rankings of finished evaluations.
    pub(super) rankings: HashMap<EvaluationKey, QueryRankings>,
    /// The imported indexes and runs.
    pub(super) imports: Vec<ExternalSource>,
    /// The first image of each entity that was requested.
    pub(super) first_images: HashMap<EntityId, Option<PathBuf>>,
    /// The folder of finished evaluations; `None` if they are not stored.
    pub(super) evaluation_cache: Option<EvaluationCache>,
    /// Further indexes of the same entities, for an ensemble: the feedback ranking takes the mean of
    /// the affinities of all indexes.
    pub(super) companions: Vec<Index>,
}

impl Session {
    /// Opens an index and its data set, or `dataset` in its place. An index without a data set (a
    /// raw one) has no classes, sentences or images.
    ///
    /// # Errors
    ///
    /// Fails like [`Index::open`] and [`Dataset::open`]. `Mismatch` if the data set is not the one
    /// that was indexed.
    pub fn open(index: &Path, dataset: Option<&Path>, choice: DeviceChoice) -> Result<Session> {
        let device = device::open_device(choice)?;
        let opened = Index::open(index, device)?;
        let dataset = match dataset
            .map(Path::to_owned)
            .or_else(|| opened.dataset_path())
        {
            Some(path) => {
                let dataset = Dataset::open(&path)?;
                opened.check_dataset(&dataset.hash()?)?;
                Some(dataset)
            }
            None => None,
        };
        let catalogue = Arc::new(describe::describe(
            &opened,
            index,
            dataset.as_ref(),
            device::device_name(device),
        ));
        let index_vocabulary = opened
            .entities()
            .iter()
            .map(|e| (e.id, e.name.clone()))
            .collect();
        Ok(Session {
            catalogue,
            index_vocabulary,
            index: opened,
            dataset,
            rankings: HashMap::new(),
            imports: Vec::new(),
            first_images: HashMap::new(),
            evaluation_cache: None,
            companions: Vec::new(),
        })
    }

    /// Adds another index of the same entities to the ensemble.
    ///
    /// # Errors
    ///
    /// Fails like [`Index::open`]. `Mismatch` if it has other entities.
    pub fn add_companion(&mut self, path: &Path, choice: DeviceChoice) -> Result<()> {
        let companion = Index::open(path, device::open_device(choice)?)?;
        let ids = |index: &Index| index.entities().iter().map(|e| e.id).collect::<Vec<_>>();
        if ids(&companion) != ids(&self.index) {
            return Err(Error::Mismatch(format!(
                "{} has other entities than {}, so that they cannot be combined",
                path.display(),
                self.index.path().display()
            )));
        }
        self.companions.push(companion);
        Ok(())
    }

    /// Returns the similarity of a mode in an index; that of the open index includes its companions
    /// that have the mode.
    pub(crate) fn similarity<'a>(&'a self, index: &'a Index, mode: Mode) -> Result<Similarity<'a>> {
        let mut all = vec![Similarity::of_mode(index, mode)?];
        if std::ptr::eq(index, &self.index) {
            let companions = self.companions.iter();
            for companion in companions.filter(|index| index.modes().contains(&mode)) {
                all.push(Similarity::of_mode(companion, mode)?);
            }
        }
        Ok(Similarity::mean(all))
    }

    /// Refuses a mode that the index does not have, and a ranking that is not possible in it.
    pub(crate) fn check_ranking(
        &self,
        index: &Index,
        mode: Mode,
        ranking: RankingKind,
    ) -> Result<()> {
        if ranking == RankingKind::Feedback {
            return Similarity::of_mode(index, mode).map(drop);
        }
        if !self.companions.is_empty() && std::ptr::eq(index, &self.index) {
            return Err(Error::Argument(
                "several indexes are combined by the feedback ranking only".into(),
            ));
        }
        index.view(mode).map(drop)
    }

    /// Finds seeds by name or id. Returns an error if any of them is not in the vocabulary.
    pub fn find_seeds<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<EntityId>> {
        let mut seeds = Vec::new();
        let mut unknown = Vec::new();
        for name in names
            .into_iter()
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            match self.vocabulary().find(name) {
                Ok(seed) => seeds.push(seed),
                Err(error) => unknown.push(error),
            }
        }
        match unknown.len() {
            0 => Ok(seeds),
            1 => Err(unknown.remove(0)),
            _ => Err(Error::AllUnknown(unknown)),
        }
    }

    fn vocabulary(&self) -> &Vocabulary {
        self.dataset
            .as_ref()
            .map_or(&self.index_vocabulary, |d| &d.vocabulary)
    }

    /// Writes a run over the data set's queries. Fails like [`Run::write_as`].
    pub fn write_run(&self, run: &Run, format: RunFormat, path: &Path) -> Result<()> {
        match &self.dataset {
            Some(dataset) => run.write_as(format, path, dataset),
            None => run.write(path),
        }
    }

    /// Returns [`Dataset::queries_hash`]; `None` without a data set.
    pub fn queries_hash(&self, seeds: SeedCount) -> Option<String> {
        self.dataset
            .as_ref()
            .map(|dataset| dataset.queries_hash(seeds))
    }

    /// Finds a class by name.
    pub fn find_class(&self, name: &str) -> Result<ClassId> {
        match &self.dataset {
            Some(dataset) => dataset.class(name),
            None => Err(Error::Unknown {
                kind: "class",
                name: name.into(),
                suggestions: Vec::new(),
            }),
        }
    }

    pub(crate) fn row(&self, entity: EntityId) -> Result<Row> {
        self.index.row(entity).ok_or_else(|| {
            let name = self.name(entity);
            Error::Mismatch(format!(
                "“{name}” is not in the index: it has fewer than 2 usable sentence–picture pairs"
            ))
        })
    }

    pub(crate) fn rows(&self, entities: &[EntityId]) -> Result<Vec<Row>> {
        entities.iter().map(|&e| self.row(e)).collect()
    }

    pub(crate) fn entity(&self, row: Row) -> EntityId {
        self.index.entities()[row.index()].id
    }

    pub(crate) fn name(&self, entity: EntityId) -> String {
        self.vocabulary()
            .name(entity)
            .map_or_else(|| entity.to_string(), str::to_owned)
    }

    /// Returns the query of this class and number, if there is one.
    pub(crate) fn query(
        &self,
        class: ClassId,
        seed_count: SeedCount,
        number: usize,
    ) -> Option<&Query> {
        self.catalogue
            .queries_of(class, seed_count)
            .find(|q| q.number == number)
    }

    /// Returns the data set's queries with this many seeds.
    pub(super) fn queries_with(&self, seed_count: SeedCount) -> impl Iterator<Item = &Query> {
        let queries = self.catalogue.queries.iter();
        queries.filter(move |query| query.seed_count == seed_count)
    }

    /// Returns the modes of the index other than the prior.
    pub(super) fn searchable_modes(&self) -> Vec<Mode> {
        let mut modes = self.index.modes();
        modes.retain(|&mode| mode != Mode::None);
        modes
    }

    /// Returns the searchable modes in which a ranking is possible: an index without a model has mode
    /// `both` only in the feedback ranking.
    pub(super) fn modes_of_ranking(&self, ranking: RankingKind) -> Vec<Mode> {
        let mut modes = self.searchable_modes();
        modes.retain(|&mode| self.check_ranking(&self.index, mode, ranking).is_ok());
        modes
    }

    /// Returns the queries that `index` can answer, and the reasons why others are left out, with
    /// counts. Without a data set there are no queries.
    pub(crate) fn answerable_queries(
        &self,
        queries: Vec<Query>,
        index: &Index,
    ) -> (Vec<Query>, Vec<(String, usize)>) {
        let Some(dataset) = &self.dataset else {
            return Default::default();
        };
        eval::answerable_queries(dataset, queries, |entity| index.row(entity).is_some())
    }

    /// Returns the members of a query's class without its seeds; none without a data set.
    pub(crate) fn gold(&self, query: &Query) -> HashSet<EntityId> {
        let Some(dataset) = &self.dataset else {
            return HashSet::new();
        };
        eval::gold(&dataset.classes[query.class.index()], &query.seeds)
    }

    /// Returns the number of these entities that are in the index.
    pub(crate) fn reachable(&self, entities: &HashSet<EntityId>) -> usize {
        let is_known = |entity: &&EntityId| self.index.row(**entity).is_some();
        entities.iter().filter(is_known).count()
    }

    /// Computes the metrics of a query's ranking. `index` has the entities that can be ranked;
    /// `None` if all can.
    pub(crate) fn query_metrics(
        &self,
        protocol: EvaluationProtocol,
        query: &Query,
        ranking: &[EntityId],
        index: Option<&Index>,
    ) -> MetricValues {
        let Some(dataset) = &self.dataset else {
            return MetricValues::default();
        };
        let is_indexed = |entity| index.is_none_or(|index| index.row(entity).is_some());
        eval::evaluate_query(dataset, query, ranking, protocol, is_indexed)
    }
}
