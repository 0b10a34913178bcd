//! ALBEF, "align before fuse" (Li et al. 2021): image–text contrast with a momentum copy of the
//! network and its queue, image–text matching with hard negatives, and prediction of the masked
//! mention's tokens, with the targets softened by the copy.
//!
//! An entity is the mean of the fused states of its pairs, pooled as in our own network and centred
//! over the entities.

use tch::Device;

use crate::baselines::aligned_network::{AlignedNetwork, shared_config};
use crate::baselines::baseline_ranking::BaselineRanking;
use crate::baselines::baseline_sources::BaselineSources;
use crate::baselines::fitted_baseline::FittedBaseline;
use crate::data::Dataset;
use crate::error::Result;
use crate::model::network_config::AlignmentConfig;
use crate::progress::{Observer, Progress};
use crate::train::{Task, TaskSet, TrainConfig};
use crate::types::Mode;

/// Trains ALBEF unless its model exists.
pub fn fit(
    ranking: BaselineRanking,
    dataset: &Dataset,
    sources: &BaselineSources,
    device: Device,
    observer: &mut dyn Observer<Progress>,
) -> Result<FittedBaseline> {
    let network = AlignedNetwork::open(config(), dataset, sources, device, observer)?;
    let vectors = network.entity_vectors(Mode::Both, observer)?;
    let pairs = network.sources.sources.pairs;
    let rank = vectors.into_rank_fn(ranking, &pairs.entities, observer)?;
    Ok(FittedBaseline {
        entities: pairs.entities,
        rank,
        settings: network.settings,
        left_out: pairs.left_out,
    })
}

/// Returns the training settings of ALBEF. Momentum and the weight of distillation are those of the
/// paper; the queue is shorter, since there are thousands of pairs and not millions.
fn config() -> TrainConfig {
    TrainConfig {
        tasks: TaskSet::new([Task::Itc, Task::Itm, Task::Mlm, Task::Distillation]),
        alignment: AlignmentConfig {
            queue: 1024,
            ..AlignmentConfig::default()
        },
        momentum: 0.995,
        distillation_weight: 0.4,
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
        assert!(config().fusion_layers > 0);
    }
}
