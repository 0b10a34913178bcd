//! A dual encoder of the shape of CLIP (Radford et al. 2021), trained with image–text contrast
//! only, without a layer in which the modalities meet.
//!
//! An entity is the mean of its sentences and the mean of its images in the common space, both
//! centred over the entities. Their cosines are fused like those of the frozen encoders.

use tch::Device;

use crate::baselines::aligned_network::{AlignedNetwork, shared_config};
use crate::baselines::baseline_ranking::BaselineRanking;
use crate::baselines::baseline_sources::BaselineSources;
use crate::baselines::fitted_baseline::FittedBaseline;
use crate::baselines::score_fusion::ScoreFusion;
use crate::data::Dataset;
use crate::error::Result;
use crate::model::network_config::AlignmentConfig;
use crate::progress::{Observer, Progress};
use crate::train::{Task, TaskSet, TrainConfig};
use crate::types::Mode;

/// Trains the dual encoder unless its model exists, and fits the fusion of its cosines.
pub fn fit(
    ranking: BaselineRanking,
    dataset: &Dataset,
    sources: &BaselineSources,
    device: Device,
    observer: &mut dyn Observer<Progress>,
) -> Result<FittedBaseline> {
    let network = AlignedNetwork::open(config(), dataset, sources, device, observer)?;
    let vectors = [
        network.entity_vectors(Mode::Text, observer)?,
        network.entity_vectors(Mode::Image, observer)?,
    ];
    let AlignedNetwork {
        sources,
        mut settings,
    } = network;
    let pairs = sources.sources.pairs;
    let fusion = ScoreFusion::fit(ranking, dataset, &pairs.entities, vectors, observer)?;
    settings.extend(fusion.settings(dataset));
    Ok(FittedBaseline {
        entities: pairs.entities,
        rank: fusion.into_rank_fn(),
        settings,
        left_out: pairs.left_out,
    })
}

/// Returns the training settings of the dual encoder.
fn config() -> TrainConfig {
    TrainConfig {
        tasks: TaskSet::new([Task::Itc]),
        fusion_layers: 0,
        alignment: AlignmentConfig {
            queue: 0,
            ..AlignmentConfig::default()
        },
        ..shared_config()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_are_valid() {
        config().validate().unwrap();
        assert_eq!(config().input_mode(), Mode::Both);
        assert_eq!(config().fusion_layers, 0);
    }
}
