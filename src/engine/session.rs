//! An open index with its data set: what every request is answered from.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::{Dataset, Vocabulary};
use crate::engine::describe;
use crate::engine::evaluation_cache::EvaluationCache;
use crate::engine::external::ExternalSource;
use crate::engine::protocol::{Catalogue, EvaluationKey};
use crate::error::{Error, Result};
use crate::eval::run::{Run, RunFormat};
use crate::index::Index;
use crate::model::device;
use crate::types::{ClassId, DeviceChoice, EntityId, Query, Row, SeedCount};

/// The lists of queries that have been evaluated, by class and number.
pub(super) type RankedQueries = HashMap<(ClassId, usize), Vec<EntityId>>;

/// An open index. Every tensor lives here, so it stays on one thread.
pub struct Session {
    pub catalogue: Arc<Catalogue>,
    pub(crate) index: Index,
    pub(crate) dataset: Option<Dataset>,
    /// The index's own names, for an index without a data set.
    rows_only: Vocabulary,
    /// Rankings of evaluated queries, for the ranks of one entity in all of them.
    pub(crate) ranked: HashMap<EvaluationKey, RankedQueries>,
    /// What was brought to stand beside the index.
    pub(super) imports: Vec<ExternalSource>,
    pub(crate) first_pictures: HashMap<EntityId, Option<PathBuf>>,
    /// Where finished evaluations are kept.
    pub(super) shelf: Option<EvaluationCache>,
}

impl Session {
    /// Opens an index and the data set that it names, or the one given. An index without a data set
    /// (a raw one) opens too: then there are no classes, sentences or pictures.
    ///
    /// Errors: those of [`Index::open`]; `Mismatch` where the data set is not the one that was
    /// indexed.
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
        let rows_only = opened
            .entities()
            .iter()
            .map(|e| (e.id, e.name.clone()))
            .collect();
        Ok(Session {
            catalogue,
            rows_only,
            index: opened,
            dataset,
            ranked: HashMap::new(),
            imports: Vec::new(),
            first_pictures: HashMap::new(),
            shelf: None,
        })
    }

    /// Seeds by name or number, refusing unknown ones and those that the index lacks.
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
            .map_or(&self.rows_only, |d| &d.vocabulary)
    }

    /// Writes a run over the data set's queries. Errors: those of [`Run::write_as`].
    pub fn write_run(&self, run: &Run, form: RunFormat, path: &Path) -> Result<()> {
        match &self.dataset {
            Some(dataset) => run.write_as(form, path, dataset),
            None => run.write(path),
        }
    }

    /// As [`Dataset::queries_hash`]; none without a data set.
    pub fn queries_hash(&self, seeds: SeedCount) -> Option<String> {
        self.dataset
            .as_ref()
            .map(|dataset| dataset.queries_hash(seeds))
    }

    /// The class of this name.
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

    /// The query of that class and number, where there is one.
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
}
