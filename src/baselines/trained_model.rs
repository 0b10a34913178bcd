//! Training the model of a baseline.

use tch::Device;

use crate::baselines::baseline_sources::BaselineSources;
use crate::data::Dataset;
use crate::error::Result;
use crate::files::load_with_defaults;
use crate::progress::{Observer, Progress};
use crate::train;
use crate::train::TrainConfig;
use crate::train::paths::TrainPaths;

/// Trains a model unless it exists, and returns the settings of its training: `defaults`, replaced
/// by those of the configuration file and of the command line.
///
/// Errors: `Format` for a folder with a model of other settings; those of training.
pub(super) fn train_if_missing(
    defaults: TrainConfig,
    dataset: &Dataset,
    sources: &BaselineSources,
    device: Device,
    observer: &mut dyn Observer<Progress>,
) -> Result<TrainConfig> {
    let mut config = match &sources.config {
        Some(file) => load_with_defaults(&defaults, file)?,
        None => defaults,
    };
    if let Some(encoder) = &sources.text_encoder {
        config.text_encoder.clone_from(encoder);
    }
    if let Some(encoder) = &sources.image_encoder {
        config.image_encoder.clone_from(encoder);
    }
    let paths = TrainPaths {
        dataset: dataset.root.clone(),
        out: sources.model.clone(),
        cache: sources.cache.clone(),
    };
    train::train_to_completion(&paths, &config, device, observer)?;
    Ok(config)
}
