//! Loads other indexes and runs beside the open index.

use std::collections::BTreeMap;
use std::path::Path;

use crate::data::Dataset;
use crate::engine::external::{ExternalSource, label};
use crate::engine::protocol::{Import, Ranker};
use crate::engine::query_rankings::QueryRankings;
use crate::engine::session::Session;
use crate::error::{Error, Result};
use crate::eval::ScoredRun;
use crate::eval::run::{OpenedRun, Run};
use crate::index::Index;
use crate::types::{Mode, SeedCount};

impl Session {
    /// Loads an index (a folder with an `index.json`), or a run in any format.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be opened. `Mismatch` if no data set is open, if the index is of another
    /// data set, or if the run is not comparable or has no query of the data set.
    pub(super) fn import(&mut self, path: &Path) -> Result<Import> {
        let position = u16::try_from(self.imports.len())
            .map_err(|_| Error::Mismatch("too many imported indexes and runs".into()))?;
        let Some(dataset) = &self.dataset else {
            return Err(Error::Mismatch(
                "the index has no data set, and so no queries to compare over".into(),
            ));
        };
        let (source, import) = if path.join("index.json").exists() {
            self.import_index(dataset, path, position)?
        } else {
            import_run(dataset, path, position)?
        };
        self.imports.push(source);
        Ok(import)
    }

    fn import_index(
        &self,
        dataset: &Dataset,
        path: &Path,
        position: u16,
    ) -> Result<(ExternalSource, Import)> {
        let index = Index::open(path, self.index.device())?;
        index.check_dataset(&dataset.hash()?)?;
        let mut rankers = Vec::new();
        for mode in index.modes().into_iter().filter(|m| *m != Mode::None) {
            rankers.push(Ranker::ImportedIndex(position, mode));
        }
        let entities = self.index.entities().iter();
        let missing = entities.filter(|e| index.row(e.id).is_none()).count();
        let mut warnings = Vec::new();
        if missing > 0 {
            warnings.push(format!("{missing} entities are not in it"));
        }
        let import = Import {
            path: path.to_owned(),
            label: label(path),
            rankers,
            warnings,
            unknown_entities: BTreeMap::new(),
        };
        Ok((ExternalSource::Index(Box::new(index)), import))
    }

    /// Returns the index that a ranker uses, and its mode. Fails for a run, and for an index that
    /// was not imported.
    pub(super) fn ranker_index(&self, ranker: Ranker) -> Result<(&Index, Mode)> {
        match ranker {
            Ranker::OpenIndex(mode) => Ok((&self.index, mode)),
            Ranker::ImportedIndex(position, mode) => {
                match self.imports.get(usize::from(position)) {
                    Some(ExternalSource::Index(index)) => Ok((index, mode)),
                    _ => Err(Error::Mismatch("that index is not open".into())),
                }
            }
            Ranker::ImportedRun(_) => Err(Error::Mismatch("a run cannot be expanded".into())),
        }
    }

    /// Returns a run's rankings of the queries with this many seeds; `None` if the ranker is not a
    /// run.
    pub(super) fn run_rankings(
        &self,
        ranker: Ranker,
        seed_count: SeedCount,
    ) -> Option<QueryRankings> {
        let Ranker::ImportedRun(position) = ranker else {
            return None;
        };
        let Some(ExternalSource::Run(all)) = self.imports.get(usize::from(position)) else {
            return None;
        };
        let mut rankings = QueryRankings::new();
        for (&(class, seeds, number), ranking) in all {
            if seeds == seed_count {
                rankings.insert((class, number), ranking.clone());
            }
        }
        Some(rankings)
    }
}

fn import_run(dataset: &Dataset, path: &Path, position: u16) -> Result<(ExternalSource, Import)> {
    let shown = path.display();
    let OpenedRun { run, warnings, .. } = Run::open(path, dataset, None)?;
    if let Some(reason) = run.mismatch(dataset, &dataset.hash()?) {
        return Err(Error::Mismatch(format!(
            "{shown} is not comparable: {reason}"
        )));
    }
    let ScoredRun { rankings } = ScoredRun::from_run(&run, dataset);
    if rankings.is_empty() {
        return Err(Error::Mismatch(format!(
            "{shown} has no query of this data set"
        )));
    }
    let mut messages = Vec::new();
    for (kind, count) in warnings.summary() {
        messages.push(format!("{count} {kind}"));
    }
    if run.is_joint() == Some(true) {
        messages
            .push("its rankings are joint; `r` evaluates joint rankings to compare with".into());
    }
    let import = Import {
        path: path.to_owned(),
        label: label(path),
        rankers: vec![Ranker::ImportedRun(position)],
        warnings: messages,
        unknown_entities: run.unknown_entities,
    };
    Ok((ExternalSource::Run(rankings), import))
}
