//! Cosines of the frozen encoders: the least that a trained model must exceed.
//!
//! An entity is the mean of its sentences (each the mean of the last states of the text encoder,
//! with unit length) or of its images (each the mean of its patches), centred over the entities.

use tch::nn::VarStore;
use tch::{Device, Tensor};

use crate::baselines::baseline_ranking::BaselineRanking;
use crate::baselines::baseline_sources::BaselineSources;
use crate::baselines::entity_vectors::EntityVectors;
use crate::baselines::fitted_baseline::FittedBaseline;
use crate::baselines::score_fusion::ScoreFusion;
use crate::data::Dataset;
use crate::error::Result;
use crate::features::entity_mean::centred_unit_rows;
use crate::features::load_pairs::load_pairs;
use crate::features::profiles::Profiles;
use crate::model::bert::Bert;
use crate::model::parameters::load_encoder;
use crate::progress::{Observer, Progress};
use crate::types::Mode;

/// Computes the vectors of all entities; `mode` selects sentences, images, or the fusion of both.
pub fn fit(
    mode: Mode,
    ranking: BaselineRanking,
    dataset: &Dataset,
    sources: &BaselineSources,
    device: Device,
    observer: &mut dyn Observer<Progress>,
) -> Result<FittedBaseline> {
    let encoders = sources.encoders(device)?;
    let (pairs, patches) = load_pairs(dataset, &encoders, None, &sources.cache, None, observer)?;
    let store = VarStore::new(device);
    let bert = Bert::new(store.root() / "bert", &encoders.text.sizes);
    load_encoder(&store, &encoders.text.weights)?;
    let profiles = Profiles::open(
        &sources.cache,
        &pairs,
        &patches,
        &bert,
        &encoders.text.source.hash,
        device,
        observer,
    )?;
    // both encoders in every mode, since both decide which pairs are used
    let mut settings = encoders.settings();
    let entities = &pairs.entities;
    let rank = match mode {
        Mode::Text | Mode::FrozenText => {
            vectors(&profiles.text).into_rank_fn(ranking, entities, observer)?
        }
        Mode::Image | Mode::FrozenImage | Mode::None => {
            vectors(&profiles.image).into_rank_fn(ranking, entities, observer)?
        }
        Mode::Both => {
            let both = [&profiles.text, &profiles.image].map(vectors);
            let fusion = ScoreFusion::fit(ranking, dataset, entities, both, observer)?;
            settings.extend(fusion.settings(dataset));
            fusion.into_rank_fn()
        }
    };
    Ok(FittedBaseline {
        entities: pairs.entities,
        rank,
        settings,
        left_out: pairs.left_out,
    })
}

/// Centres the rows `[V, D]` over the entities.
fn vectors(rows: &Tensor) -> EntityVectors {
    EntityVectors::new(&centred_unit_rows(rows))
}
