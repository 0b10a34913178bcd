//! Builds an index.

use std::path::Path;

use crate::data::Vocabulary;
use crate::error::Result;
use crate::features::cache_folder;
use crate::index;
use crate::index::Prototypes;
use crate::index::from_encoders::{self, FrozenIndexPaths};
use crate::index::from_model::{self, IndexPaths};
use crate::model::device;
use crate::progress::{Observer, Progress};
use crate::types::DeviceChoice;

/// Builds an index from a data set and a model. Returns the reasons why data were left out, with
/// counts. `prototypes` overrides the model's settings.
pub fn build_index(
    dataset: &Path,
    model: &Path,
    out: &Path,
    prototypes: Option<Option<Prototypes>>,
    with_frozen_modes: bool,
    device: DeviceChoice,
    observer: &mut dyn Observer<Progress>,
) -> Result<Vec<(String, usize)>> {
    let prototypes = match prototypes {
        Some(prototypes) => prototypes,
        None => from_model::model_prototypes(model)?,
    };
    let paths = IndexPaths {
        dataset: dataset.into(),
        model: model.into(),
        out: out.into(),
        cache: cache_folder()?,
        prototypes,
        with_frozen_modes,
    };
    from_model::build_index(&paths, device::open_device(device)?, observer)
}

/// Builds an index from a data set and the frozen encoders, without a model. Returns the reasons why
/// data were left out, with counts.
pub fn build_frozen_index(
    dataset: &Path,
    out: &Path,
    [text_encoder, image_encoder]: [&str; 2],
    device: DeviceChoice,
    observer: &mut dyn Observer<Progress>,
) -> Result<Vec<(String, usize)>> {
    let paths = FrozenIndexPaths {
        dataset: dataset.into(),
        out: out.into(),
        cache: cache_folder()?,
        text_encoder: text_encoder.into(),
        image_encoder: image_encoder.into(),
    };
    from_encoders::build_frozen_index(&paths, device::open_device(device)?, observer)
}

/// Builds an index from the last layer of any model. `entities` is a vocabulary that names its rows.
/// Returns the reasons why data were left out, with counts.
pub fn build_raw_index(
    raw: &Path,
    entities: Option<&Path>,
    out: &Path,
    device: DeviceChoice,
    observer: &mut dyn Observer<Progress>,
) -> Result<Vec<(String, usize)>> {
    let mut names = None;
    if let Some(path) = entities {
        let vocabulary = Vocabulary::open(path)?;
        let named = vocabulary.iter().map(|(id, name)| (id, name.to_owned()));
        names = Some(named.collect::<Vec<_>>());
    }
    let device = device::open_device(device)?;
    index::import_raw(raw, names.as_deref(), out, device, observer)
}
