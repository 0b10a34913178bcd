//! ProbExpan (Li et al., SIGIR 2022), the predecessor of MultiExpan that sees sentences only:
//! masked entity prediction and contrast, then the window search with re-ranking. It is trained by
//! the code of MultiExpan with every image left out.

use std::path::Path;

use serde_json::{Map, Value, json};
use tch::Device;

use crate::baselines::baseline_ranking::{BaselineRanking, ScoredRows, feedback_ranking};
use crate::baselines::baseline_sources::BaselineSources;
use crate::baselines::fitted_baseline::{FittedBaseline, RankFn};
use crate::baselines::trained_model::train_if_missing;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::expand;
use crate::expand::{ExpandConfig, Similarity};
use crate::index::{Index, from_model};
use crate::model::ModelFolder;
use crate::progress::{Observer, Progress, Unobserved};
use crate::train::{Preset, Task, TaskSet, TrainConfig};
use crate::types::{CUTOFFS, Mode, Row};

/// The name of the index, within the folder of the model.
const INDEX_NAME: &str = "index";

/// Returns the mini preset without the additions of MultiExpan and our own: no images, clustering,
/// distillation or soft targets, and the head as it was trained. The number of epochs is halved,
/// since an epoch with contrast takes three times as long.
fn default_config() -> TrainConfig {
    TrainConfig {
        epochs: 4,
        drop_text: 0.0,
        drop_image: 1.0,
        tasks: TaskSet::new([Task::Mep, Task::Contrastive]),
        soft_targets: None,
        prototypes: None,
        ..TrainConfig::preset(Preset::Mini)
    }
}

/// Trains the model and builds the index, unless these exist.
pub fn fit(
    ranking: BaselineRanking,
    dataset: &Dataset,
    sources: &BaselineSources,
    device: Device,
    observer: &mut dyn Observer<Progress>,
) -> Result<FittedBaseline> {
    let config = train_if_missing(default_config(), dataset, sources, device, observer)?;
    let index = build_or_open_index(dataset, sources, device, observer)?;
    let provenance = &index.meta.provenance;
    let left_out = provenance
        .left_out
        .iter()
        .map(|item| (item.reason.clone(), item.count))
        .collect();
    let entities = index.entities().iter().map(|entity| entity.id).collect();
    let settings = settings(&sources.model, &config)?;
    Ok(FittedBaseline {
        entities,
        rank: rank_fn(ranking, index),
        settings,
        left_out,
    })
}

fn settings(model: &Path, config: &TrainConfig) -> Result<Map<String, Value>> {
    let mut settings = Map::new();
    let hash = ModelFolder::open(model)?.hash()?;
    settings.insert("model".into(), json!(hash));
    settings.insert("training".into(), json!(config));
    Ok(settings)
}

/// Ranks by the window search with re-ranking, or by feedback.
fn rank_fn(ranking: BaselineRanking, index: Index) -> RankFn {
    let search = ExpandConfig {
        size: CUTOFFS[3].min(index.len()),
        ..ExpandConfig::default()
    };
    match ranking {
        BaselineRanking::Own => Box::new(move |_, seeds| expand_and_rerank(&index, seeds, &search)),
        BaselineRanking::Feedback => Box::new(move |_, seeds| {
            feedback_ranking(&Similarity::of_mode(&index, Mode::Text)?, seeds)
        }),
    }
}

fn expand_and_rerank(index: &Index, seeds: &[Row], search: &ExpandConfig) -> Result<ScoredRows> {
    let view = index.view(Mode::Text)?;
    let expansion = expand::expand(&view, seeds, &[], search, &mut Unobserved)?;
    let mut ranking = Vec::with_capacity(expansion.reranked.len());
    for reranked in &expansion.reranked {
        ranking.push((expansion.picks[reranked.pick].row, reranked.score));
    }
    Ok(ranking)
}

/// Opens the index of the model, after building it if there is none of this model and data set.
fn build_or_open_index(
    dataset: &Dataset,
    sources: &BaselineSources,
    device: Device,
    observer: &mut dyn Observer<Progress>,
) -> Result<Index> {
    let out = sources.model.join(INDEX_NAME);
    if let Some(index) = open_current_index(&out, dataset, &sources.model, device)? {
        return Ok(index);
    }
    let paths = from_model::IndexPaths {
        dataset: dataset.root.clone(),
        model: sources.model.clone(),
        out: out.clone(),
        cache: sources.cache.clone(),
        prototypes: from_model::model_prototypes(&sources.model)?,
        with_frozen_modes: false,
    };
    from_model::build_index(&paths, device, observer)?;
    Index::open(&out, device)
}

/// Opens the index at `path`. Returns `None`, so that it is built again, if it is missing, damaged,
/// or was built from another model or data set.
fn open_current_index(
    path: &Path,
    dataset: &Dataset,
    model: &Path,
    device: Device,
) -> Result<Option<Index>> {
    let dataset_hash = dataset.hash()?;
    let model_hash = ModelFolder::open(model)?.hash()?;
    let index = match Index::open(path, device) {
        Ok(index) => index,
        Err(Error::Missing { .. } | Error::Format { .. } | Error::Io { .. }) => return Ok(None),
        Err(other) => return Err(other),
    };
    let own_model = index.meta.provenance.model.as_ref();
    let is_current = index.check_dataset(&dataset_hash).is_ok()
        && own_model.is_some_and(|own| own.hash == model_hash);
    Ok(is_current.then_some(index))
}
