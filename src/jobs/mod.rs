//! The long jobs of the command line, from paths and plain settings.

pub mod ablation;
pub mod analyse;
pub mod baseline;
pub mod convert;

use std::path::{Path, PathBuf};

use crate::data::{Dataset, Vocabulary};
use crate::error::{Error, Result};
use crate::eval::comparison;
use crate::eval::comparison::{Comparison, ComparisonInput};
use crate::eval::run;
use crate::features::cache_folder;
use crate::index;
use crate::index::Prototypes;
use crate::model::device;
use crate::progress::{Observer, Progress};
use crate::train;
use crate::types::{DeviceChoice, Query, SeedCount};

use crate::engine::external::label;

pub use crate::eval::run::{OpenedRun, Ranking, Run, RunFormat};
pub use crate::model::Pooling;
pub use crate::train::train_config::TrainPrecision;
pub use crate::train::trainer::Trained;
pub use crate::train::{Preset, Task, TaskSet, TrainConfig};
pub use convert::{Conversion, Converted, RowOrder, convert};

/// How a training runs, beside its settings.
#[derive(Debug, Clone, Copy)]
pub struct TrainOptions {
    /// Go on from the last checkpoint.
    pub resume: bool,
    pub device: DeviceChoice,
    /// CPU threads; none: all.
    pub threads: Option<usize>,
}

/// Trains a model on a data set.
pub fn train(
    dataset: &Path,
    out: &Path,
    config: &TrainConfig,
    options: TrainOptions,
    observe: &mut dyn Observer<Progress>,
) -> Result<Trained> {
    if let Some(threads) = options.threads {
        tch::set_num_threads(threads as i32);
    }
    let places = train::paths::TrainPaths {
        dataset: dataset.into(),
        out: out.into(),
        cache: cache_folder()?,
    };
    train::train(
        &places,
        config,
        options.resume,
        device::open_device(options.device)?,
        observe,
    )
}

/// Builds an index from a data set and a model; gives what was left out. `prototypes`: in the place
/// of what the model's settings say.
pub fn index(
    dataset: &Path,
    model: &Path,
    out: &Path,
    prototypes: Option<Option<Prototypes>>,
    choice: DeviceChoice,
    observe: &mut dyn Observer<Progress>,
) -> Result<Vec<(String, usize)>> {
    let places = index::from_model::IndexPaths {
        dataset: dataset.into(),
        model: model.into(),
        out: out.into(),
        cache: cache_folder()?,
        prototypes: prototypes.map_or_else(|| index::from_model::trained_with(model), Ok)?,
    };
    index::from_model::build(&places, device::open_device(choice)?, observe)
}

/// Builds an index from the last layer of any model; `entities` names its rows. Gives what was left
/// out.
pub fn index_raw(
    raw: &Path,
    entities: Option<&Path>,
    out: &Path,
    choice: DeviceChoice,
    observe: &mut dyn Observer<Progress>,
) -> Result<Vec<(String, usize)>> {
    let named = entities.map(Vocabulary::open).transpose()?;
    let names: Option<Vec<_>> =
        named.map(|v| v.iter().map(|(id, name)| (id, name.to_owned())).collect());
    index::import_raw(
        raw,
        names.as_deref(),
        out,
        device::open_device(choice)?,
        observe,
    )
}

/// Queries from another folder of query files, one file a class of the data set; and their
/// [`Dataset::queries_hash`].
pub fn queries(dataset: &Path, folder: &Path, seeds: SeedCount) -> Result<(Vec<Query>, String)> {
    let mut dataset = Dataset::open(dataset)?.with_queries(folder, seeds)?;
    let hash = dataset.queries_hash(seeds);
    dataset.queries.retain(|query| query.seed_count == seeds);
    Ok((dataset.queries, hash))
}

/// Runs to look at, side by side.
#[derive(Debug, Clone, Copy)]
pub struct RunInputs<'a> {
    pub paths: &'a [PathBuf],
    /// None: the one that the first run's settings name.
    pub dataset: Option<&'a Path>,
    /// A folder of query files in the place of the data set's.
    pub queries: Option<&'a Path>,
    /// None: as many as the first run has; 3 where it has both.
    pub seeds: Option<SeedCount>,
}

/// A run and the data set that it is of; none: the one that its settings name. Errors: those of
/// [`Run::open`] and of opening the data set, `Argument` where none is named, and `Format` for a
/// run without a query of so many seeds.
pub fn read_run(
    path: &Path,
    dataset: Option<&Path>,
    seeds: Option<SeedCount>,
) -> Result<(OpenedRun, Dataset)> {
    let root = dataset.map_or_else(|| run::stated_dataset(path), |given| Ok(given.to_owned()))?;
    let dataset = Dataset::open(&root)?;
    let opened = Run::open(path, &dataset, seeds)?;
    match seeds {
        Some(seeds) if opened.run.rankings.is_empty() => Err(Error::format(
            path,
            format!("has no query of {} seeds", seeds.as_usize()),
        )),
        _ => Ok((opened, dataset)),
    }
}

/// Writes the gold of a data set's queries as TREC qrels; gives how many queries have some.
pub fn qrels(dataset: &Path, out: &Path) -> Result<usize> {
    run::write_qrels(&Dataset::open(dataset)?, out)
}

/// Compares runs. Errors: those of [`Run::open`] and of opening the data set, and `Argument` where
/// none is named.
pub fn compare(runs: &RunInputs, settings: &comparison::ComparisonSettings) -> Result<Comparison> {
    let (entries, dataset, seeds) = entries(runs)?;
    comparison::compare(&entries, &dataset, seeds, settings)
}

/// Runs, each under a name of its own, the data set that they are of, and of how many seeds their
/// queries are. Those of another number are not read, and so not missed. Errors: those of
/// [`Run::open`] and of opening the data set, and `Argument` where none is named.
pub(super) fn entries(runs: &RunInputs) -> Result<(Vec<ComparisonInput>, Dataset, SeedCount)> {
    let RunInputs {
        paths,
        dataset,
        queries,
        seeds,
    } = *runs;
    let Some(first) = paths.first() else {
        return Err(Error::Argument("there is no run to compare".into()));
    };
    let root = dataset.map_or_else(|| run::stated_dataset(first), |given| Ok(given.to_owned()))?;
    let dataset = Dataset::open(&root)?;
    let only = match seeds {
        Some(seeds) => seeds,
        None => comparison::seed_count_of(&Run::open(first, &dataset, None)?.run, &dataset),
    };
    let dataset = match queries {
        Some(folder) => dataset.with_queries(folder, only)?,
        None => dataset,
    };
    let mut entries: Vec<ComparisonInput> = Vec::new();
    for path in paths {
        let OpenedRun { run, warnings, .. } = Run::open_with(path, &dataset, Some(only), seeds)?;
        let label = label(path);
        let is_free = |name: &String| entries.iter().all(|entry| entry.name != *name);
        let numbered = (2..).map(|number| format!("{label} ({number})"));
        let name = std::iter::once(label.clone())
            .chain(numbered)
            .find(is_free)
            .unwrap_or_default();
        entries.push(ComparisonInput {
            name,
            path: path.clone(),
            run,
            warnings,
        });
    }
    Ok((entries, dataset, only))
}
