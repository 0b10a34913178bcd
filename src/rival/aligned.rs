//! Two networks trained on the data set's own pairs to align sentences with pictures, so that shallow and deep fusion are compared
//! with all else alike: the frozen encoders, the towers over them, the pairs and the optimizer are those of our own network.
//!
//! * `dual`, of CLIP's shape (Radford et al. 2021): contrast alone. An entity is the mean of its sentences and that of its pictures
//!   in the common space; likeness is the sum of the two cosines, so that the modalities meet in a sum only.
//! * `albef` (Li et al. 2021): contrast against a momentum copy and its queue, matching with hard negatives, the masked mention's
//!   tokens, each softened by the copy. An entity is the mean of its pairs' fused states, as our network pools them.
//!
//! Means are centred over the entities before the cosine, as those of the frozen encoders are.

use serde_json::{Map, json};
use tch::Device;

use super::similarity::{Vectors, ranking};
use super::{Places, System};
use crate::data::Dataset;
use crate::error::Result;
use crate::file::settings_over;
use crate::index::from_model::{Opened, open};
use crate::job::{Observer, Progress};
use crate::model::alignment::AlignmentConfig;
use crate::train::{self, Preset, Task, Tasks, TrainConfig, trainer};
use crate::types::Mode;

/// What both train with: the mini preset's encoders, towers and rates, every pair with its sentence and its picture.
fn common() -> TrainConfig {
    TrainConfig {
        drop_text: 0.0,
        drop_image: 0.0,
        prototypes: None,
        neighbours: None,
        ..TrainConfig::preset(Preset::Mini)
    }
}

pub fn dual() -> TrainConfig {
    TrainConfig {
        tasks: Tasks::new([Task::Itc]),
        fusion_layers: 0,
        alignment: AlignmentConfig { queue: 0, ..AlignmentConfig::default() },
        ..common()
    }
}

/// Momentum and its share are ALBEF's; the queue is shorter, for thousands of pairs, not millions.
pub fn albef() -> TrainConfig {
    TrainConfig {
        tasks: Tasks::new([Task::Itc, Task::Itm, Task::Mlm, Task::Distillation]),
        alignment: AlignmentConfig { queue: 1024, ..AlignmentConfig::default() },
        momentum: 0.995,
        distillation_share: 0.4,
        epochs: 4,
        ..common()
    }
}

/// Trains the network where it is not there yet, and ranks by the cosine of the entities' vectors.
pub fn prepare(
    config: TrainConfig,
    dataset: &Dataset,
    places: &Places,
    device: Device,
    observe: &mut dyn Observer<Progress>,
) -> Result<System> {
    let (text_encoder, image_encoder) = (places.text_encoder.clone(), places.image_encoder.clone());
    let own = TrainConfig { text_encoder, image_encoder, ..config };
    let config = places.config.as_deref().map_or_else(|| Ok(own.clone()), |file| settings_over(&own, file))?;
    let (out, cache) = (places.model.clone(), places.cache.clone());
    train::to_the_end(&trainer::Places { dataset: dataset.root.clone(), out, cache }, &config, device, observe)?;
    let Opened { folder, network, sources } = open(dataset, &places.model, &places.cache, device, observe)?;
    let vectors = Vectors::new(&train::entity_vectors(&network, &sources, Mode::Both, usize::MAX, observe)?);
    let mut settings = Map::new();
    settings.insert("training".into(), folder.config.training.clone());
    settings.insert("model_hash".into(), json!(folder.hash()?));
    let pairs = sources.pairs;
    let rank = Box::new(move |_, seeds: &[_]| Ok(ranking(&vectors.likeness(seeds)?, seeds)));
    Ok(System { entities: pairs.entities, rank, settings, left_out: pairs.left_out })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_can_be_trained() {
        for config in [dual(), albef()] {
            config.validate().unwrap();
            assert_eq!(config.shown(), Mode::Both);
        }
        assert_eq!(dual().fusion_layers, 0);
        assert!(albef().fusion_layers > 0);
    }
}
