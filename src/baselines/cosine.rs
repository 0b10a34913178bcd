//! Cosines of the frozen encoders: the least that a trained model must exceed.
//!
//! An entity is the mean of its sentences (each the mean of the last states of the text encoder,
//! with unit length) or of its images (each the mean of its patches), centred over the entities.
//!
//! A data set that names no image has sentences but no pairs. There, the text cosine ranks every
//! entity with a sentence, as an index without a model does.

use serde_json::{Map, json};
use tch::nn::VarStore;
use tch::{Device, Tensor};

use crate::baselines::baseline_ranking::BaselineRanking;
use crate::baselines::baseline_sources::BaselineSources;
use crate::baselines::entity_vectors::EntityVectors;
use crate::baselines::fitted_baseline::FittedBaseline;
use crate::baselines::score_fusion::ScoreFusion;
use crate::data::{Dataset, Diagnostics, kind};
use crate::error::Result;
use crate::features::entity_mean::{EntityMean, centred_unit_rows};
use crate::features::frozen_corpus::FrozenCorpus;
use crate::features::frozen_vectors::SentenceVectors;
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
    if mode == Mode::Text && is_text_only(dataset, observer)? {
        return fit_sentences(ranking, dataset, sources, device, observer);
    }
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
        Mode::Text | Mode::FrozenText | Mode::Words => {
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

/// Returns whether the data set has sentences and none of them names an image. Where images are
/// named and missing, the data set is incomplete, and not text-only.
fn is_text_only(dataset: &Dataset, observer: &mut dyn Observer<Progress>) -> Result<bool> {
    let (mut sentences, mut images) = (0, 0);
    let mut diagnostics = Diagnostics::default();
    dataset.pairs(&mut diagnostics, observer, &mut |pair| {
        sentences += 1;
        images += usize::from(pair.image.is_some());
        Ok(())
    })?;
    for unusable in [kind::MISSING_IMAGE, kind::BAD_IMAGE] {
        images += diagnostics.count(unusable.name);
    }
    Ok(sentences > 0 && images == 0)
}

/// Computes the vectors of all entities with a sentence, for a data set without images.
fn fit_sentences(
    ranking: BaselineRanking,
    dataset: &Dataset,
    sources: &BaselineSources,
    device: Device,
    observer: &mut dyn Observer<Progress>,
) -> Result<FittedBaseline> {
    let encoder = sources.open_text_encoder()?;
    let corpus = FrozenCorpus::read(dataset, &encoder.tokenizer, None, observer)?;
    let sentences = SentenceVectors::open(&corpus, &encoder, &sources.cache, device, observer)?;
    let labels = Tensor::from_slice(&sentences.rows).to_device(device);
    let mut mean = EntityMean::new(corpus.entities.len(), device);
    mean.add(&labels, &sentences.unmasked);
    let rank = vectors(&mean.finish()).into_rank_fn(ranking, &corpus.entities, observer)?;
    let mut settings = Map::new();
    settings.insert("text_encoder".into(), json!(encoder.source));
    Ok(FittedBaseline {
        entities: corpus.entities,
        rank,
        settings,
        left_out: [corpus.left_out, encoder.left_out].concat(),
    })
}

/// Centres the rows `[V, D]` over the entities.
fn vectors(rows: &Tensor) -> EntityVectors {
    EntityVectors::new(&centred_unit_rows(rows))
}
