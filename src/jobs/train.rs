//! Trains a model.

use std::path::Path;

use crate::error::Result;
use crate::features::cache_folder;
use crate::model::device;
use crate::progress::{Observer, Progress};
use crate::train;
use crate::train::paths::TrainPaths;
use crate::train::train_config::TrainConfig;
use crate::train::trainer::Trained;
use crate::types::DeviceChoice;

/// The options of a training run besides its settings.
#[derive(Debug, Clone, Copy)]
pub struct TrainOptions {
    /// Continue from the last checkpoint.
    pub resume: bool,
    pub device: DeviceChoice,
    /// The number of CPU threads; `None` for all.
    pub threads: Option<usize>,
}

/// Trains a model on a data set.
pub fn train(
    dataset: &Path,
    out: &Path,
    config: &TrainConfig,
    options: TrainOptions,
    observer: &mut dyn Observer<Progress>,
) -> Result<Trained> {
    if let Some(threads) = options.threads {
        tch::set_num_threads(threads as i32);
    }
    let paths = TrainPaths {
        dataset: dataset.into(),
        out: out.into(),
        cache: cache_folder()?,
    };
    let device = device::open_device(options.device)?;
    train::train(&paths, config, options.resume, device, observer)
}
