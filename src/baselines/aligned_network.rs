//! The parts that the dual encoder and ALBEF have in common.
//!
//! Both are trained on the data set's own pairs to align sentences with images. Everything but the
//! depth of the fusion is the same: the frozen encoders, the towers above them, the pairs and the
//! optimizer are those of our own network, and the mention is masked in every sentence.

use serde_json::{Map, Value, json};
use tch::Device;

use crate::baselines::baseline_sources::BaselineSources;
use crate::baselines::entity_vectors::EntityVectors;
use crate::baselines::trained_model::train_if_missing;
use crate::data::Dataset;
use crate::error::Result;
use crate::index::from_model::{self, ModelSources};
use crate::progress::{Observer, Progress};
use crate::train;
use crate::train::{Preset, TrainConfig};
use crate::types::Mode;

/// Returns the settings of the mini preset without dropping a modality, prototypes and soft
/// targets.
pub(super) fn shared_config() -> TrainConfig {
    TrainConfig {
        drop_text: 0.0,
        drop_image: 0.0,
        prototypes: None,
        soft_targets: None,
        ..TrainConfig::preset(Preset::Mini)
    }
}

/// A trained network, and the settings of its runs.
pub(super) struct AlignedNetwork {
    pub(super) sources: ModelSources,
    pub(super) settings: Map<String, Value>,
}

impl AlignedNetwork {
    /// Opens the network, after training it if it does not exist.
    pub(super) fn open(
        config: TrainConfig,
        dataset: &Dataset,
        sources: &BaselineSources,
        device: Device,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<AlignedNetwork> {
        let config = train_if_missing(config, dataset, sources, device, observer)?;
        let opened =
            from_model::open_model(dataset, &sources.model, &sources.cache, device, observer)?;
        let mut settings = Map::new();
        settings.insert("model".into(), json!(opened.folder.hash()?));
        settings.insert("training".into(), json!(config));
        Ok(AlignedNetwork {
            sources: opened,
            settings,
        })
    }

    /// Returns the mean vector of every entity over all its pairs.
    pub(super) fn entity_vectors(
        &self,
        mode: Mode,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<EntityVectors> {
        let rows = train::entity_vectors(
            &self.sources.network,
            &self.sources.sources,
            mode,
            usize::MAX,
            observer,
        )?;
        Ok(EntityVectors::new(&rows))
    }
}
