//! The long jobs of the command line, from paths and plain settings.

use std::path::Path;

use crate::data::{Dataset, Findings, Vocabulary};
use crate::error::Result;
use crate::features::cache_folder;
use crate::index::{self, Prototypes};
use crate::job::{Observer, Progress};
use crate::model::device;
use crate::train;
use crate::types::{DeviceChoice, Query, SeedCount};

pub use super::convert::{Conversion, Converted, RowOrder, convert};
pub use crate::eval::run::{Ranking, Run, write_qrels};
pub use crate::model::State;
pub use crate::train::config::Precision;
pub use crate::train::trainer::Trained;
pub use crate::train::{Preset, Task, Tasks, TrainConfig};

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
    let places = train::trainer::Places { dataset: dataset.into(), out: out.into(), cache: cache_folder()? };
    train::train(&places, config, options.resume, device::device(options.device)?, observe)
}

/// Builds an index from a data set and a model; gives what was left out. `prototypes`: in the place of what the model's
/// settings say.
pub fn index(
    dataset: &Path,
    model: &Path,
    out: &Path,
    prototypes: Option<Option<Prototypes>>,
    choice: DeviceChoice,
    observe: &mut dyn Observer<Progress>,
) -> Result<Vec<(String, usize)>> {
    let places = index::from_model::Places {
        dataset: dataset.into(),
        model: model.into(),
        out: out.into(),
        cache: cache_folder()?,
        prototypes: prototypes.map_or_else(|| index::from_model::trained_with(model), Ok)?,
    };
    index::from_model::build(&places, device::device(choice)?, observe)
}

/// Builds an index from the last layer of any model; `entities` names its rows.
pub fn index_raw(
    raw: &Path,
    entities: Option<&Path>,
    out: &Path,
    choice: DeviceChoice,
    observe: &mut dyn Observer<Progress>,
) -> Result<()> {
    let named = entities.map(Vocabulary::open).transpose()?;
    let names: Option<Vec<_>> = named.map(|v| v.iter().map(|(id, name)| (id, name.to_owned())).collect());
    index::import_raw(raw, names.as_deref(), out, device::device(choice)?, observe)
}

/// Queries from another folder of query files, one file a class of the data set.
pub fn queries(dataset: &Path, folder: &Path, seeds: SeedCount) -> Result<Vec<Query>> {
    Dataset::open(dataset)?.queries_in(folder, seeds, &mut Findings::default())
}
