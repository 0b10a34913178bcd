//! An open index with its data set: what every request is answered from.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::api::Catalogue;
use super::catalogue;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::index::Index;
use crate::model::device;
use crate::types::{ClassId, DeviceChoice, EntityId, Mode, Query, RankingKind, Row, SeedCount};

/// A query that has been evaluated, by class and number.
pub(super) type Ranked = HashMap<(ClassId, usize), Vec<Row>>;

/// An open index. Every tensor lives here, so it stays on one thread.
pub struct Session {
    pub catalogue: Arc<Catalogue>,
    pub(super) index: Index,
    pub(super) dataset: Option<Dataset>,
    /// Rankings of evaluated queries, for the ranks of one entity in all of them.
    pub(super) ranked: HashMap<(Mode, SeedCount, RankingKind), Ranked>,
    pub(super) first_pictures: HashMap<EntityId, Option<PathBuf>>,
}

impl Session {
    /// Opens an index and the data set that it names, or the one given. An index without a data set (a raw one) opens
    /// too: then there are no classes, sentences or pictures.
    ///
    /// Errors: those of [`Index::open`]; `Mismatch` where the data set is not the one that was indexed.
    pub fn open(index: &Path, dataset: Option<&Path>, choice: DeviceChoice) -> Result<Session> {
        let device = device::device(choice)?;
        let opened = Index::open(index, device)?;
        let dataset = match dataset.map(Path::to_owned).or_else(|| opened.dataset_path()) {
            Some(path) => {
                let dataset = Dataset::open(&path)?;
                opened.check_dataset(&path, &dataset.hash()?)?;
                Some(dataset)
            }
            None => None,
        };
        let catalogue = Arc::new(catalogue::describe(&opened, index, dataset.as_ref(), device::describe(device)));
        Ok(Session { catalogue, index: opened, dataset, ranked: HashMap::new(), first_pictures: HashMap::new() })
    }

    /// Seeds by name or number, refusing unknown ones and those that the index lacks.
    pub fn find_seeds<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<Vec<EntityId>> {
        names.into_iter().map(str::trim).filter(|n| !n.is_empty()).map(|name| self.find_entity(name)).collect()
    }

    fn find_entity(&self, name: &str) -> Result<EntityId> {
        if let Some(dataset) = &self.dataset {
            return dataset.vocabulary.find(name);
        }
        let wanted = name.parse().ok().map(EntityId);
        let entities = &self.catalogue.entities;
        let found = entities.iter().find(|e| e.name == name).or_else(|| entities.iter().find(|e| Some(e.id) == wanted));
        found.map(|e| e.id).ok_or_else(|| Error::Unknown {
            kind: "entity",
            name: name.into(),
            near: crate::data::nearest(name, entities.iter().map(|e| e.name.as_str()), 3),
        })
    }

    /// The class of this name.
    pub fn find_class(&self, name: &str) -> Result<ClassId> {
        match &self.dataset {
            Some(dataset) => dataset.class(name),
            None => Err(Error::Unknown { kind: "class", name: name.into(), near: Vec::new() }),
        }
    }

    pub(super) fn row(&self, entity: EntityId) -> Result<Row> {
        self.index.row(entity).ok_or_else(|| {
            let name = self.name(entity);
            Error::Mismatch(format!("“{name}” is not in the index: it has fewer than 2 usable sentence–picture pairs"))
        })
    }

    pub(super) fn rows(&self, entities: &[EntityId]) -> Result<Vec<Row>> {
        entities.iter().map(|&e| self.row(e)).collect()
    }

    pub(super) fn entity(&self, row: Row) -> EntityId {
        self.index.entities()[row.at()].id
    }

    pub(super) fn name(&self, entity: EntityId) -> String {
        let named = self.dataset.as_ref().and_then(|d| d.vocabulary.name(entity)).map(str::to_owned);
        named.unwrap_or_else(|| self.catalogue.entity(entity).map_or_else(|| entity.to_string(), |e| e.name.clone()))
    }

    /// The query of that class and number, where there is one.
    pub(super) fn query(&self, class: ClassId, seed_count: SeedCount, number: usize) -> Option<&Query> {
        self.catalogue.queries_of(class, seed_count).find(|q| q.number == number)
    }
}

