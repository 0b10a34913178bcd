//! ProbExpan (Li et al., SIGIR 2022), the ancestor that sees text only: masked entity prediction
//! and contrast on sentences alone, then the window search with its re-ranking. Trained by the same
//! code as MultiExpan, every picture left out.

use std::path::Path;

use serde_json::{Map, json};
use tch::Device;

use crate::baselines::{BaselineSources, FittedBaseline, train_if_missing};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::expand;
use crate::expand::ExpandConfig;
use crate::index::{Index, from_model};
use crate::model::ModelFolder;
use crate::progress::{Observer, Progress, Unobserved};
use crate::train::{Preset, Task, TaskSet, TrainConfig};
use crate::types::{CUTOFFS, Mode, Row};

/// Within the model's folder.
const INDEX: &str = "index";

/// The `mini` preset less what is MultiExpan's or ours: no picture, clustering or distillation, no
/// likeness in the target, and the head as it was trained. Half the epochs, since one with contrast
/// takes three times as long.
fn own_settings() -> TrainConfig {
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

/// Trains and indexes what is not there yet.
pub fn prepare(
    dataset: &Dataset,
    places: &BaselineSources,
    device: Device,
    observe: &mut dyn Observer<Progress>,
) -> Result<FittedBaseline> {
    let config = train_if_missing(own_settings(), dataset, places, device, observe)?;
    let index = indexed(dataset, places, device, observe)?;
    let entities = index.entities().iter().map(|entity| entity.id).collect();
    let left_out = index
        .meta
        .provenance
        .left_out
        .iter()
        .map(|l| (l.reason.clone(), l.count))
        .collect();
    let search = ExpandConfig {
        size: CUTOFFS[3].min(index.len()),
        ..ExpandConfig::default()
    };
    let mut settings = Map::new();
    settings.insert(
        "model".into(),
        json!(ModelFolder::open(&places.model)?.hash()?),
    );
    settings.insert("training".into(), json!(config));
    settings.insert("ranking".into(), json!("expanded"));
    let rank = move |_, seeds: &[Row]| {
        let found = expand::expand(
            &index.view(Mode::Text)?,
            seeds,
            &[],
            &search,
            &mut Unobserved,
        )?;
        Ok(found
            .reranked
            .iter()
            .map(|r| (found.picks[r.pick].row, r.score))
            .collect())
    };
    Ok(FittedBaseline {
        entities,
        rank: Box::new(rank),
        settings,
        left_out,
    })
}

/// The model's index, built where there is none of this very model and data set.
fn indexed(
    dataset: &Dataset,
    places: &BaselineSources,
    device: Device,
    observe: &mut dyn Observer<Progress>,
) -> Result<Index> {
    let out = places.model.join(INDEX);
    if let Some(index) = current(&out, dataset, &places.model, device)? {
        return Ok(index);
    }
    let from = from_model::IndexPaths {
        dataset: dataset.root.clone(),
        model: places.model.clone(),
        out: out.clone(),
        cache: places.cache.clone(),
        prototypes: from_model::model_prototypes(&places.model)?,
    };
    from_model::build_index(&from, device, observe)?;
    Index::open(&out, device)
}

fn current(path: &Path, dataset: &Dataset, model: &Path, device: Device) -> Result<Option<Index>> {
    let (dataset, model) = (dataset.hash()?, ModelFolder::open(model)?.hash()?);
    let of_them = |index: &Index| {
        index.check_dataset(&dataset).is_ok()
            && index
                .meta
                .provenance
                .model
                .as_ref()
                .is_some_and(|m| m.hash == model)
    };
    match Index::open(path, device) {
        Ok(index) => Ok(Some(index).filter(of_them)),
        // not there yet, or cut short: built anew
        Err(Error::Missing { .. } | Error::Format { .. } | Error::Io { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}
