//! Two networks trained on the data set's own pairs to align sentences with pictures, so that
//! shallow and deep fusion are compared with all else alike: the frozen encoders, the towers over
//! them, the pairs and the optimizer are those of our own network.
//!
//! * `dual`, of CLIP's shape (Radford et al. 2021): contrast alone. An entity is the mean of its
//!   sentences and that of its pictures in the common space; their cosines are fused as those of
//!   the frozen encoders are.
//! * `albef` (Li et al. 2021): contrast against a momentum copy and its queue, matching with hard
//!   negatives, the masked mention's tokens, each softened by the copy. An entity is the mean of
//!   its pairs' fused states, as our network pools them.
//!
//! Sentences have the mention masked, as for our network. Means are centred over the entities
//! before the cosine.

use serde_json::{Map, Value, json};
use tch::Device;

use crate::baselines::entity_vectors::{EntityVectors, rank_by_scores};
use crate::baselines::score_fusion::ScoreFusion;
use crate::baselines::{BaselineSources, FittedBaseline, train_if_missing};
use crate::data::Dataset;
use crate::error::Result;
use crate::index::from_model::{ModelSources, open_model};
use crate::model::network_config::AlignmentConfig;
use crate::progress::{Observer, Progress};
use crate::train::{Preset, Task, TaskSet, TrainConfig, entity_vectors};
use crate::types::Mode;

/// Contrast alone, and no layer in which the modalities meet.
pub fn dual(
    dataset: &Dataset,
    places: &BaselineSources,
    device: Device,
    observe: &mut dyn Observer<Progress>,
) -> Result<FittedBaseline> {
    let (opened, mut settings) = opened(dual_settings(), dataset, places, device, observe)?;
    let vectors = [
        vectors(&opened, Mode::Text, observe)?,
        vectors(&opened, Mode::Image, observe)?,
    ];
    let pairs = opened.sources.pairs;
    let fusion = ScoreFusion::fit(dataset, &pairs.entities, vectors, observe)?;
    settings.extend(fusion.settings(dataset));
    let rank = Box::new(move |class, seeds: &[_]| {
        Ok(rank_by_scores(&fusion.likeness(class, seeds)?, seeds))
    });
    Ok(FittedBaseline {
        entities: pairs.entities,
        rank,
        settings,
        left_out: pairs.left_out,
    })
}

/// Contrast, matching and masked tokens, with momentum distillation.
pub fn albef(
    dataset: &Dataset,
    places: &BaselineSources,
    device: Device,
    observe: &mut dyn Observer<Progress>,
) -> Result<FittedBaseline> {
    let (opened, settings) = opened(albef_settings(), dataset, places, device, observe)?;
    let fused = vectors(&opened, Mode::Both, observe)?;
    let pairs = opened.sources.pairs;
    let rank = Box::new(move |_, seeds: &[_]| Ok(rank_by_scores(&fused.likeness(seeds)?, seeds)));
    Ok(FittedBaseline {
        entities: pairs.entities,
        rank,
        settings,
        left_out: pairs.left_out,
    })
}

fn dual_settings() -> TrainConfig {
    TrainConfig {
        tasks: TaskSet::new([Task::Itc]),
        fusion_layers: 0,
        alignment: AlignmentConfig {
            queue: 0,
            ..AlignmentConfig::default()
        },
        ..common()
    }
}

/// Momentum and its share are ALBEF's; the queue is shorter, for thousands of pairs, not millions.
fn albef_settings() -> TrainConfig {
    TrainConfig {
        tasks: TaskSet::new([Task::Itc, Task::Itm, Task::Mlm, Task::Distillation]),
        alignment: AlignmentConfig {
            queue: 1024,
            ..AlignmentConfig::default()
        },
        momentum: 0.995,
        distillation_weight: 0.4,
        ..common()
    }
}

/// The mini preset's encoders, towers and rates, and every pair shown with its sentence and its
/// picture.
fn common() -> TrainConfig {
    TrainConfig {
        drop_text: 0.0,
        drop_image: 0.0,
        prototypes: None,
        soft_targets: None,
        ..TrainConfig::preset(Preset::Mini)
    }
}

/// The network, trained where it is not there yet, and the settings of its run.
fn opened(
    own: TrainConfig,
    dataset: &Dataset,
    places: &BaselineSources,
    device: Device,
    observe: &mut dyn Observer<Progress>,
) -> Result<(ModelSources, Map<String, Value>)> {
    let config = train_if_missing(own, dataset, places, device, observe)?;
    let opened = open_model(dataset, &places.model, &places.cache, device, observe)?;
    let mut settings = Map::new();
    settings.insert("model".into(), json!(opened.folder.hash()?));
    settings.insert("training".into(), json!(config));
    Ok((opened, settings))
}

/// Every entity over all its pairs.
fn vectors(
    opened: &ModelSources,
    mode: Mode,
    observe: &mut dyn Observer<Progress>,
) -> Result<EntityVectors> {
    Ok(EntityVectors::new(&entity_vectors(
        &opened.network,
        &opened.sources,
        mode,
        usize::MAX,
        observe,
    )?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_can_be_trained() {
        for config in [dual_settings(), albef_settings()] {
            config.validate().unwrap();
            assert_eq!(config.input_mode(), Mode::Both);
        }
        assert!(dual_settings().fusion_layers == 0 && albef_settings().fusion_layers > 0);
    }
}
