//! What stands beside the index in a comparison: other indexes of the same data set, and runs of
//! any system.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::engine::protocol::{Import, Ranker};
use crate::engine::session::Session;
use crate::error::{Error, Result};
use crate::eval::run::{OpenedRun, Run};
use crate::eval::{QueryKey, ScoredRun};
use crate::index::Index;
use crate::types::{EntityId, Mode, SeedCount};

/// One of them.
pub(super) enum ExternalSource {
    Index(Box<Index>),
    Run(RunLists),
}

/// A run's lists by query.
pub(super) type RunLists = HashMap<QueryKey, Vec<EntityId>>;

impl Session {
    /// An index's folder, which has an `index.json`, or a run of any form. Errors: those of opening
    /// either; `Mismatch` for an index of another data set, a run that is not comparable here or
    /// has no query of this data set, or where no data set is open.
    pub(super) fn bring(&mut self, path: &Path) -> Result<Import> {
        let place = u16::try_from(self.imports.len())
            .map_err(|_| Error::Mismatch("there are too many".into()))?;
        let (brought, import) = if path.join("index.json").exists() {
            self.bring_index(path, place)?
        } else {
            self.bring_run(path, place)?
        };
        self.imports.push(brought);
        Ok(import)
    }

    fn bring_index(&self, path: &Path, place: u16) -> Result<(ExternalSource, Import)> {
        let Some(dataset) = &self.dataset else {
            return Err(no_queries());
        };
        let index = Index::open(path, self.index.device())?;
        index.check_dataset(&dataset.hash()?)?;
        let modes = index.modes().into_iter().filter(|m| *m != Mode::None);
        let lacking = self
            .index
            .entities()
            .iter()
            .filter(|e| index.row(e.id).is_none())
            .count();
        let import = Import {
            path: path.to_owned(),
            label: label(path),
            rankers: modes
                .map(|mode| Ranker::ImportedIndex(place, mode))
                .collect(),
            warnings: (lacking > 0)
                .then(|| format!("{lacking} entities are not in it"))
                .into_iter()
                .collect(),
            unknown_entities: BTreeMap::new(),
        };
        Ok((ExternalSource::Index(Box::new(index)), import))
    }

    fn bring_run(&self, path: &Path, place: u16) -> Result<(ExternalSource, Import)> {
        let Some(dataset) = &self.dataset else {
            return Err(no_queries());
        };
        let OpenedRun { run, warnings, .. } = Run::open(path, dataset, None)?;
        if let Some(why) = run.mismatch(dataset, &dataset.hash()?) {
            return Err(Error::Mismatch(format!(
                "{} is not comparable: {why}",
                path.display()
            )));
        }
        let ScoredRun { rankings } = ScoredRun::from_run(&run, dataset);
        if rankings.is_empty() {
            return Err(Error::Mismatch(format!(
                "{} has no query of this data set",
                path.display()
            )));
        }
        let joint = (run.is_joint() == Some(true))
            .then(|| "its lists are joint: `r` sets joint ones beside it".to_owned());
        let warnings = warnings
            .summary()
            .into_iter()
            .map(|(kind, count)| format!("{count} {kind}"))
            .chain(joint)
            .collect();
        let label = label(path);
        let (rankers, unknown_entities) = (vec![Ranker::ImportedRun(place)], run.unknown_entities);
        let import = Import {
            path: path.to_owned(),
            label,
            rankers,
            warnings,
            unknown_entities,
        };
        Ok((ExternalSource::Run(rankings), import))
    }

    /// The index that a contender ranks by. Error: it is a run, or was not brought.
    pub(super) fn index_of(&self, of: Ranker) -> Result<(&Index, Mode)> {
        match of {
            Ranker::OpenIndex(mode) => Ok((&self.index, mode)),
            Ranker::ImportedIndex(at, mode) => match self.imports.get(usize::from(at)) {
                Some(ExternalSource::Index(index)) => Ok((index, mode)),
                _ => Err(Error::Mismatch("that index is not open".into())),
            },
            Ranker::ImportedRun(_) => Err(Error::Mismatch("a run cannot be expanded".into())),
        }
    }

    /// A run's lists of one number of seeds; none where it is no run.
    pub(super) fn run_lists(
        &self,
        of: Ranker,
        count: SeedCount,
    ) -> Option<crate::engine::session::RankedQueries> {
        let Ranker::ImportedRun(at) = of else {
            return None;
        };
        let Some(ExternalSource::Run(lists)) = self.imports.get(usize::from(at)) else {
            return None;
        };
        let of_count = lists.iter().filter(|((_, seeds, _), _)| *seeds == count);
        Some(
            of_count
                .map(|(&(class, _, number), list)| ((class, number), list.clone()))
                .collect(),
        )
    }
}

fn no_queries() -> Error {
    Error::Mismatch("the index has no data set, and so no queries to compare over".into())
}

/// What a path is called in a column.
pub(crate) fn label(path: &Path) -> String {
    let name = |path: &Path| {
        path.file_stem()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    // most are called so
    match (name(path), path.parent()) {
        (own, Some(parent)) if own == "index" && parent.file_name().is_some() => name(parent),
        (own, _) => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_is_called_by_what_tells_it_apart() {
        assert_eq!(label(Path::new("runs/clip/index")), "clip");
        assert_eq!(label(Path::new("runs/probexpan.run")), "probexpan");
        assert_eq!(label(Path::new("/index")), "index");
    }
}
